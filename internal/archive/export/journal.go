package export

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"golang.org/x/mod/sumdb/note"

	"conclave.chat/internal/archive/depot"
)

// ErrUnfinished means that there is an unfinished export which this one cannot go on with.
var ErrUnfinished = errors.New("there is an unfinished export")

// request is what an export was asked for. Only the same request goes on with it.
type request struct {
	Manifest    Manifest `json:"manifest"`
	Variant     string   `json:"variant,omitempty"`
	Attachments bool     `json:"attachments,omitempty"`
}

// refuse says why a request does not go on with what was begun for another one.
func (r request) refuse(begun request) string {
	r.Manifest.Made = begun.Manifest.Made
	if r.same(begun) {
		return ""
	}
	tool := begun.Manifest.Tool
	if begun.Manifest.Tool = r.Manifest.Tool; r.same(begun) {
		return "was begun by another version, " + tool
	}
	return "was begun for another case, selection, form or checkpoint"
}

func (r request) same(other request) bool {
	a, err := json.Marshal(&r, json.Deterministic(true))
	b, err2 := json.Marshal(&other, json.Deterministic(true))
	return err == nil && err2 == nil && bytes.Equal(a, b)
}

// position is how far an export has come.
type position struct {
	Read   int    `json:"read"`             // records that progress was told of
	Next   uint64 `json:"next"`             // sequence of the first record that is not proved
	Proved bool   `json:"proved,omitempty"` // all are
	Room   int    `json:"room,omitempty"`   // that the format is at
	Step   int    `json:"step,omitempty"`   // within it
	Told   bool   `json:"told,omitempty"`   // the format is complete
}

// under is a file under way.
type under struct {
	Name string `json:"name"`
	Size int64  `json:"size"`
	Hash []byte `json:"hash"` // state of its SHA-256
}

// step is a line of the journal: what became durable since the line before, and where things stand.
type step struct {
	Request *request         `json:"request,omitempty"` // in the first line
	At      position         `json:"at"`
	Counts  Counts           `json:"counts"`
	Open    []under          `json:"open,omitempty"`
	Files   []File           `json:"files,omitempty"`
	Missing []Missing        `json:"missing,omitempty"`
	Newer   []uint64         `json:"newer,omitempty"`
	Rooms   []string         `json:"rooms,omitempty"`
	Kept    []jsontext.Value `json:"kept,omitempty"` // of the format
}

// add makes of the lines so far what they say together.
func (s *step) add(n step) {
	if s.Request == nil {
		s.Request = n.Request
	}
	s.At, s.Counts, s.Open = n.At, n.Counts, n.Open
	s.Files, s.Missing, s.Newer = append(s.Files, n.Files...), append(s.Missing, n.Missing...), append(s.Newer, n.Newer...)
	s.Rooms, s.Kept = append(s.Rooms, n.Rooms...), append(s.Kept, n.Kept...)
}

// journal is the file that says how far an export has come. Each line is signed with the case's key, together with the one before it: what is in it will be signed
// as part of the export, and an unfinished export may lie about for days.
type journal struct {
	file   *os.File
	signer note.Signer
	before []byte // hash of the line before
}

const journalPrefix = "conclave.chat/archive/export/journal/v1\n"

func (j *journal) sign(text []byte) (string, error) {
	sig, err := j.signer.Sign(append(append([]byte(journalPrefix), j.before...), text...))
	return base64.StdEncoding.EncodeToString(sig), err
}

func (j *journal) follow(line []byte) {
	sum := sha256.Sum256(line)
	j.before = sum[:]
}

// openJournal reads the journal, up to a line that was not written to the end, and goes on behind it.
func openJournal(path string, signer note.Signer) (j *journal, all step, err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600) //nolint:gosec // in the folder of the export under way
	if err != nil {
		return nil, all, fmt.Errorf("export: %w", err)
	}
	j = &journal{file: f, signer: signer}
	raw, err := io.ReadAll(f)
	whole := int64(0)
	for line := range bytes.Lines(raw) {
		sig, text, found := bytes.Cut(bytes.TrimSuffix(line, []byte("\n")), []byte(" "))
		want, err := j.sign(text)
		var s step
		// Ed25519 signs the same text always the same way.
		if err != nil || !found || line[len(line)-1] != '\n' || string(sig) != want || json.Unmarshal(text, &s) != nil {
			break
		}
		all.add(s)
		j.follow(line)
		whole += int64(len(line))
	}
	if err == nil {
		err = f.Truncate(whole)
	}
	if err == nil {
		_, err = f.Seek(whole, io.SeekStart)
	}
	if err != nil {
		return nil, all, errors.Join(fmt.Errorf("export: %w", err), f.Close())
	}
	return j, all, nil
}

// write adds a line, durably.
func (j *journal) write(s step) error {
	text, err := json.Marshal(&s, json.Deterministic(true))
	if err != nil {
		return fmt.Errorf("export: %w", err)
	}
	sig, err := j.sign(text)
	if err != nil {
		return fmt.Errorf("export: %w", err)
	}
	line := append([]byte(sig+" "), append(text, '\n')...)
	if _, err = j.file.Write(line); err == nil {
		err = j.file.Sync()
	}
	if err != nil {
		return fmt.Errorf("export: %w", err)
	}
	j.follow(line)
	return nil
}

// PartSuffix is what the folder of an export under way has behind the name of the one that it will be.
const PartSuffix = ".part"

// Names in the folder of an export under way.
const (
	journalFile = "journal"
	lockFile    = "lock"
	filesFolder = "files"
)

var errBusy = errors.New("another process makes this export")

// Unfinished tells whether there is an unfinished export for a folder, and where.
func Unfinished(dir string) (part string, is bool) {
	part = dir + PartSuffix
	_, err := os.Lstat(filepath.Join(part, journalFile))
	return part, err == nil
}

// discard empties the folder of an export under way.
func discard(part string) error {
	left, err := os.ReadDir(part)
	if err != nil {
		return fmt.Errorf("export: %w", err)
	}
	for _, e := range left {
		if e.Name() == lockFile {
			continue
		}
		if err := os.RemoveAll(filepath.Join(part, e.Name())); err != nil {
			return fmt.Errorf("export: %w", err)
		}
	}
	return depot.SyncDir(part)
}
