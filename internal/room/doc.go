// Package room is the engine of rooms and the only writer of events.
//
// It owns the life of an event from a draft to its place in the log. Append is the one way in; everything else that this package
// offers (making rooms, membership, aliases, upgrades …) comes down to drafts that go the same way:
//
//	draft ── prepare ──▶ build ──▶ authorize ──▶ judge ──▶ enqueue ──▶ durable ──▶ caches ──▶ answer
//	         (draft.go)  (build.go)              (policy.go) (commit.go)            (promote.go)
//
// A room is linear: each event names the one before it, and the room's head is compared and swapped in the write that appends.
// Within a node a room is locked only while an event is built and handed to the committer; the next one is built on top of it before
// it is durable. If a write loses against another node, all that was built on top of it is thrown away and done again; after two
// losses the event is built inside the write itself, where nobody can come in between.
//
// What readers see (Snapshot, Rooms, Event, Recent) is committed, and is brought up to date before anybody hears of a commit. Caches
// are bounded, and changes by other nodes, told by the bus or found missing in its sequence, invalidate them.
//
// It refuses what the authorization rules of the room version forbid, what a Policy forbids, and what is malformed. To who is not in
// a room it does not tell whether the room exists.
package room
