// Package certificate is what an archive says, signed by its log, of keys that were destroyed because the time of what they opened was over. It owns the
// text's layout; package expiry writes certificates once the keys are gone, verifiers read them.
//
// A certificate is a signed note (C2SP signed-note, by the log's key) followed by the lines that the note speaks of:
//
//	conclave certificate of destruction v1
//	<the log's name>
//	<size of a checkpoint that covers the shreds>
//	<its root, base64>
//	<number of lines>
//	<SHA-256 of the lines, base64>
//
//	— <key's name> <signature>
//
//	{"time": …, "by": …}
//	{"segment": …, "class": …, "term": …, "entry": …, "records": …, "gaps": …, "opened": …, "closed": …, "key": …}
//	{"blob": …, "class": …, "key": …}
//
// The first line says when and who or what decided. Then comes a line for each segment: its id, retention class and term, the number of its shred in the log,
// what it held, the times between which it was written, and the SHA-256 of its key file. Then one for each attachment that went with them: its
// name in the archive, and the SHA-256 of its key file. Lines are JSON objects (RFC 8259) and end with a line feed. New fields may come; those above keep
// name and meaning. Another layout gets another first line.
package certificate

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"conclave.chat/internal/archive/merkle"
)

const title = "conclave certificate of destruction v1"

// Certificate says which keys were destroyed.
type Certificate struct {
	Checkpoint  merkle.Checkpoint
	Time        time.Time
	By          string
	Segments    []Segment
	Attachments []Attachment
}

// Segment is one whose key was destroyed.
type Segment struct {
	ID      string    `json:"segment"`
	Class   string    `json:"class"`
	Term    string    `json:"term"`
	Entry   uint64    `json:"entry"`
	Records int64     `json:"records"`
	Gaps    int64     `json:"gaps"`
	Opened  time.Time `json:"opened"`
	Closed  time.Time `json:"closed"`
	Key     string    `json:"key"` // hexadecimal
}

// Attachment is one whose key was destroyed with the last segment that named it.
type Attachment struct {
	Blob  string `json:"blob"`
	Class string `json:"class"`
	Key   string `json:"key"` // hexadecimal
}

type decision struct {
	Time time.Time `json:"time"`
	By   string    `json:"by"`
}

// ErrForm means that a certificate does not have the layout, or does not hold what was signed.
var ErrForm = errors.New("it is not a signed certificate of destruction")

// Sign makes a certificate's text.
func Sign(signer note.Signer, c Certificate) ([]byte, error) {
	var list bytes.Buffer
	n := 0
	add := func(v any) error {
		raw, err := json.Marshal(v, json.Deterministic(true))
		list.Write(append(raw, '\n'))
		n++
		return err
	}
	if err := add(decision{c.Time.UTC(), c.By}); err != nil {
		return nil, fmt.Errorf("certificate: %w", err)
	}
	for _, s := range c.Segments {
		s.Opened, s.Closed = s.Opened.UTC(), s.Closed.UTC()
		if err := add(s); err != nil {
			return nil, fmt.Errorf("certificate: %w", err)
		}
	}
	for _, a := range c.Attachments {
		if err := add(a); err != nil {
			return nil, fmt.Errorf("certificate: %w", err)
		}
	}
	sum := sha256.Sum256(list.Bytes())
	text := fmt.Sprintf("%s\n%s%d\n%s\n", title, c.Checkpoint.Text(), n, base64.StdEncoding.EncodeToString(sum[:]))
	signed, err := note.Sign(&note.Note{Text: text}, signer)
	if err != nil {
		return nil, fmt.Errorf("certificate: %w", err)
	}
	return append(append(signed, '\n'), list.Bytes()...), nil
}

// Read checks a certificate's signature and gives what it says.
func Read(data []byte, key note.Verifier) (*Certificate, error) {
	// The note ends with the empty line behind its signatures: the second one.
	text, rest, ok := bytes.Cut(data, []byte("\n\n"))
	sigs, list, ok2 := bytes.Cut(rest, []byte("\n\n"))
	if !ok || !ok2 {
		return nil, ErrForm
	}
	n, err := note.Open(data[:len(text)+2+len(sigs)+1], note.VerifierList(key))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrForm, err)
	}
	lines := strings.Split(n.Text, "\n")
	if len(lines) != 7 || lines[0] != title || lines[1] != key.Name() {
		return nil, ErrForm
	}
	size, err1 := strconv.ParseInt(lines[2], 10, 63)
	root, err2 := base64.StdEncoding.Strict().DecodeString(lines[3])
	count, err3 := strconv.Atoi(lines[4])
	sum := sha256.Sum256(list)
	if errors.Join(err1, err2, err3) != nil || size < 0 || len(root) != tlog.HashSize || lines[5] != base64.StdEncoding.EncodeToString(sum[:]) {
		return nil, ErrForm
	}
	c := &Certificate{Checkpoint: merkle.Checkpoint{Origin: lines[1], Tree: tlog.Tree{N: size, Hash: tlog.Hash(root)}}}
	return c, c.parse(list, count)
}

func (c *Certificate) parse(list []byte, count int) error {
	for line := range bytes.Lines(list) {
		if count--; count < 0 {
			return ErrForm
		}
		var l struct {
			decision
			Segment
			Blob string `json:"blob"`
		}
		if err := json.Unmarshal(line, &l); err != nil {
			return fmt.Errorf("%w: %w", ErrForm, err)
		}
		switch {
		case c.Time.IsZero():
			if l.Time.IsZero() {
				return ErrForm
			}
			c.Time, c.By = l.Time, l.By
		case l.ID != "":
			c.Segments = append(c.Segments, l.Segment)
		case l.Blob != "":
			c.Attachments = append(c.Attachments, Attachment{Blob: l.Blob, Class: l.Class, Key: l.Key})
		default:
			return ErrForm
		}
	}
	if count != 0 {
		return ErrForm
	}
	return nil
}
