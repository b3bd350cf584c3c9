// Package mx is the Matrix vocabulary: identifiers, canonical JSON, room versions, events, hashes, signatures, redaction and
// authorization rules. It is pure: no I/O, no clock, no logging; bytes come in, values or *fault.Error go out.
package mx
