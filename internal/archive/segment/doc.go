// Package segment turns records into sealed blocks and back. It owns the byte layout of a segment and of the Merkle log's entries; it
// does no input or output of its own, keeps no files, and refuses whatever does not have exactly the layout below.
//
// # Compatibility promise
//
// What is written in layout v1 stays readable by every later version, and the vectors in testdata stay valid. A change of the
// layout changes the first line of the file and the first byte of an entry. A reader of v1 refuses everything else. A kind of item may be added: the layout stays, archives without
// such items are read by versions that do not know the kind, those with them are refused by these. Receipts came that way, and are written only where an organisation records
// who has read what.
//
// # A segment's file
//
// Integers are big endian. The file is the line
//
//	conclave.chat/archive/segment/v1
//
// with its line feed, followed by blocks: one opening, groups, and at most one closing, numbered 0, 1, 2 …
//
//	 1  type: 1 opening, 2 group, 3 closing
//	 8  sequence: number of the block's first entry in the Merkle log
//	16  segment id (UUID)
//	 4  number of the block in its segment
//	 4  length of the body, at most 32 MiB
//	 …  body
//	32  SHA-256 of all bytes of the block before it: its digest
//
// The opening's body: time (8, Unix milliseconds), SHA-256 of the key file (32), length (1) and name of the retention class.
//
// The closing's body: time (8, Unix milliseconds), number of items (8), reason (1): 1 the segment was full or old, 2 the writer
// stopped, 3 it was found after a crash.
//
// A group's body: number of items (2), the items, a salt (16), the sealed lines. An item is public:
//
//	 1  kind: 1 record, 2 gap, 3 blob, 4 shred, 5 receipt
//	32  subject: what a verifier looks for without a key, see [Subject], or for a blob the SHA-256 of its file
//	32  commitment: SHA-256 of the item's line
//	 1  length of the note
//	 …  note: the reason of a gap, the key file's SHA-256 of a blob, the segment's id of a shred; empty for a record or a receipt
//
// The sealed lines are one JSON object a line for each item, in the same order, each ended by a line feed, then compressed with
// Zstandard (RFC 8878, padded with a skippable frame to a multiple of 256 bytes), then encrypted with AES-256-GCM. Each line holds a random
// salt, so its commitment tells nothing, and proves the line once that is shown.
//
// # Keys
//
// A segment has a random secret of 32 bytes. Its key file, beside the segment, is an age file that holds it, encrypted to the archive's hybrid
// recipients (X25519 with ML-KEM-768); age's own command opens it. With HKDF-SHA-256, info as quoted:
//
//	chain(1)   = HKDF(secret, salt: segment id, "conclave archive chain v1")
//	key(n)     = HKDF(chain(n), salt: the group's, "conclave archive group v1")
//	chain(n+1) = HKDF(chain(n), no salt,   "conclave archive next v1")
//
// Block n is encrypted with key(n), a nonce of zeroes, and as additional data everything in the block before the ciphertext. A key is used
// once, so the nonce need not vary; the salt makes that true even for a machine that was copied while it ran. The writer keeps only
// the newest chain key: a segment's earlier groups are closed to it, and with the closing all of them.
//
// # Entries of the Merkle log
//
// The opening and the closing give one entry each, a group one for each item, numbered from the block's sequence:
//
//	 1  version: 1
//	 1  kind: that of the item, or 16 for an opening, 17 for a closing
//	 8  sequence
//	16  segment id
//	 4  number of the block
//	 2  number of the item within its group, from 0
//	 8  offset of the block in the file
//	32  digest of the block
//	32  subject       (zero for an opening or a closing)
//	32  commitment    (zero for an opening or a closing)
//	 1  length of the note
//	 …  note          (an opening's is its retention class)
//
// All of it follows from the file without a key, so a verifier can derive every entry again.
//
// # What is seen without a key
//
// Times and sizes of groups, how many records and files they hold, retention classes, the reasons of gaps; and whoever knows a room and an event id can tell
// whether that event is archived, and with a user's id too whether a receipt is. Not seen: rooms, people, content, file names.
package segment
