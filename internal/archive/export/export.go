// Package export is how what a case is about leaves the archive: a folder of files in a format that other tools read, with what proves it. It
// owns the folder's layout, writes it, and verifies it anywhere with public keys alone. What the files of a format look like is the business of the packages
// below it.
//
//	manifest.json     what the export is: case, scope, format, time zone, the archive's checkpoint, each other file with size and SHA-256
//	manifest.signed   a signed note (C2SP signed-note) by the case's key over the manifest's SHA-256
//	voucher.json      the access log's entry that names the case and its key, the proof that it is in that log, and that log's checkpoint
//	proofs.jsonl      for each record: its sequence, room, event, leaf of the archive's log, and proof that the checkpoint covers it
//	records.jsonl     for each of these lines, in the same order, the record as it was sealed
//	attachments/…     files that the records name, unless the format holds them itself
//	…                 the format's own files
//
// The chain of trust begins with two public keys, those of the archive's log and of its access log. The quorum of officers signs the access log, whose
// entry names the case's key; that key signs the manifest; the manifest has the hash of every file. Independently of the case's key, each record is proved by
// the archive's log: the SHA-256 of its line is in its leaf (see package segment), the leaf's place under the checkpoint is in the proof, and the checkpoint is
// signed by the recorder. So who makes an export can leave records out, but cannot change one or add one.
//
// An export under way is in a folder beside the one that is asked for. What is durable of it is noted in a journal, line by line, signed with the case's key: after an interruption
// the same request goes on behind the last line, and comes to the same bytes as if there had been none.
//
// The layout is kept: a later version that cannot be read as this one has another [Version].
package export

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/tlog"
)

// Version of the layout.
const Version = 1

// Names of an export's files.
const (
	ManifestFile = "manifest.json"
	SignedFile   = "manifest.signed"
	VoucherFile  = "voucher.json"
	ProofsFile   = "proofs.jsonl"
	RecordsFile  = "records.jsonl"
	Attachments  = "attachments/"
)

// Manifest says what an export is.
type Manifest struct {
	Version int       `json:"version"`
	Tool    string    `json:"tool"`
	Made    time.Time `json:"made"`
	Case    string    `json:"case"`
	Format  string    `json:"format"`
	Zone    string    `json:"zone"`
	Scope   Scope     `json:"scope"`
	Counts  Counts    `json:"counts"`
	// Archive is the name of the archive's log, Checkpoint its signed checkpoint that the proofs lead to.
	Archive    string `json:"archive"`
	Checkpoint string `json:"checkpoint"`
	// Records tells whether the records themselves are in the export. Without them, the proofs say only that events are archived.
	Records bool `json:"records"`
	// Missing are attachments that records in the export name and that could not be opened.
	Missing []Missing `json:"missing,omitempty"`
	Files   []File    `json:"files"`
}

// Scope is what was chosen out of the case. Empty fields do not narrow it.
type Scope struct {
	Rooms  []string   `json:"rooms,omitempty"`
	People []string   `json:"people,omitempty"`
	Since  *time.Time `json:"since,omitempty"`
	Until  *time.Time `json:"until,omitempty"`
}

// Counts are what is in the export.
type Counts struct {
	Rooms       int `json:"rooms"`
	Records     int `json:"records"`
	Gaps        int `json:"gaps"`
	Attachments int `json:"attachments"`
	// Newer are records of the scope that the checkpoint does not cover. They are not in the export.
	Newer int `json:"newer,omitempty"`
}

// File is one of the export's files.
type File struct {
	Name   string `json:"name"`
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
}

// Missing is an attachment that could not be opened, and why.
type Missing struct {
	Name   string `json:"name,omitempty"`
	SHA256 string `json:"sha256"`
	Reason string `json:"reason"`
}

// Proof is what proves one record.
type Proof struct {
	Seq     uint64 `json:"seq"`
	Room    string `json:"room"`
	EventID string `json:"event_id"`
	// Leaf is the entry of the archive's log (see package segment).
	Leaf  []byte      `json:"leaf"`
	Proof []tlog.Hash `json:"proof"`
}

const signedPrefix = "conclave.chat/archive/export/v1\n"

// signedText is what the case's key signs.
func signedText(manifest []byte) string {
	sum := sha256.Sum256(manifest)
	return signedPrefix + "manifest.json " + hex.EncodeToString(sum[:]) + "\n"
}

var errName = errors.New("export: not a name for a file")

// checkName refuses names that would lead out of the folder, or that another system would read differently.
func checkName(name string) error {
	if name == "" || len(name) > 512 || strings.ContainsAny(name, "\\:\x00\n\r") {
		return fmt.Errorf("%w: %q", errName, name)
	}
	for part := range strings.SplitSeq(name, "/") {
		if part == "" || part == "." || part == ".." {
			return fmt.Errorf("%w: %q", errName, name)
		}
	}
	return nil
}
