// Package room is the engine of rooms and, with its ledger, the only writer of events.
//
// It owns what can be done to rooms: making and upgrading them, membership, aliases, publication, redaction, events that are sent
// later, the server's notices, and what becomes of a user's rooms when the user changes or leaves. All of it comes down to drafts that
// the ledger (package room/ledger) turns into events: Append for one, Change for several in one write.
//
// It refuses what the specification says clients may not do, beyond what the authorization rules refuse. To who has nothing to do with a
// room it gives the same answers whether the room exists or not.
package room
