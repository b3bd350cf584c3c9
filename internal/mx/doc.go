// Package mx is the Matrix vocabulary: identifiers, canonical JSON, room versions 6 to 12, events, hashes, signatures, redaction,
// power levels and authorization rules.
//
// It is pure: no I/O, no clock, no logging, no randomness. Bytes come in, values or *fault.Error go out. It refuses whatever the
// specification says is malformed, with the errcode that the specification names, so that what is past it needs no second check.
//
// Two ways lead to an Event. Build makes one, from a Proto: canonical JSON, content hash, signature, id. ParseEvent reads one that
// comes from anywhere and checks all of its format. LoadEvent is for what either has made and a database has kept; it checks next
// to nothing and is fast. An Event and its bytes never change.
//
// Authorize is the whole of a room version's rules, as one reads them in the specification; AuthKeys says which state it will look
// at.
package mx
