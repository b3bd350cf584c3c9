package export

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"iter"
	"slices"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"

	"conclave.chat/internal/archive/access"
	"conclave.chat/internal/archive/record"
	"conclave.chat/internal/archive/segment"
	"conclave.chat/internal/archive/transcript"
)

// Sealed is a record of the case.
type Sealed struct {
	Seq    uint64
	Line   []byte // as it was sealed, without line feed
	Leaf   []byte // its entry in the archive's log
	Record *record.Record
}

// Case is what an export is made of.
type Case interface {
	// Records gives those of a room, or all, in the order of their sequence.
	Records(ctx context.Context, room string) iter.Seq2[Sealed, error]
	// Prove gives a record's leaf in the archive's log, and the proof that the case's checkpoint covers it.
	Prove(ctx context.Context, s Sealed) (Proof, error)
	// Open opens an attachment.
	Open(ctx context.Context, a record.Attachment) (io.ReadCloser, error)
}

// ErrNewer means that a record is newer than the case's checkpoint, so that nothing proves it yet. It stays out of the export, and is counted.
var ErrNewer = errors.New("the record is newer than the archive's checkpoint")

// Format writes conversations in its own form.
type Format interface {
	Conversation(ctx context.Context, c *transcript.Conversation) error
	// Close completes the format's files.
	Close() error
}

// Selection says which records of a case are exported.
type Selection struct {
	Rooms  []string
	People []string // what they wrote, and what they could read
	Since  time.Time
	Until  time.Time // itself outside
}

// Holds tells whether a record is among them.
func (s Selection) Holds(r *record.Record) bool {
	return (len(s.Rooms) == 0 || slices.Contains(s.Rooms, r.Room)) && (s.Since.IsZero() || !r.Time.Before(s.Since)) && (s.Until.IsZero() || r.Time.Before(s.Until)) &&
		(len(s.People) == 0 || slices.ContainsFunc(s.People, func(p string) bool { return p == r.Sender || slices.Contains(r.Members, p) }))
}

func (s Selection) scope() Scope {
	out := Scope{Rooms: s.Rooms, People: s.People}
	if !s.Since.IsZero() {
		at := s.Since.UTC()
		out.Since = &at
	}
	if !s.Until.IsZero() {
		at := s.Until.UTC()
		out.Until = &at
	}
	return out
}

// Job is an export under way, as a format sees it.
type Job struct {
	Case, Archive, Tool string
	Checkpoint          string // size and root
	Made                time.Time
	Zone                *time.Location

	ctx     context.Context //nolint:containedctx // the job ends with it
	w       *Writer
	source  Case
	missing map[string]string // reasons, by SHA-256
	newer   map[uint64]bool
}

// Create makes a file of the format. It is part of the export once it was closed.
func (j *Job) Create(name string) (io.WriteCloser, error) { return j.w.Create(name) }

// MissingError is about an attachment that cannot be opened. The export goes on, and says so.
type MissingError struct{ Reason string }

func (e *MissingError) Error() string { return e.Reason }

// Open opens an attachment for a format that holds attachments itself. What is read is compared with what the record says. The error may be a [MissingError].
func (j *Job) Open(a record.Attachment) (io.ReadCloser, error) {
	if why, known := j.missing[a.SHA256]; known {
		return nil, &MissingError{why}
	}
	in, err := j.open(a)
	if err != nil {
		if j.ctx.Err() != nil {
			return nil, j.ctx.Err()
		}
		j.missing[a.SHA256] = err.Error()
		j.w.Missing(Missing{Name: a.Name, SHA256: a.SHA256, Reason: err.Error()})
		return nil, &MissingError{err.Error()}
	}
	return &checked{in: in, sum: sha256.New(), want: a.SHA256, ctx: j.ctx}, nil
}

func (j *Job) open(a record.Attachment) (io.ReadCloser, error) {
	if sum, err := hex.DecodeString(a.SHA256); err != nil || len(sum) != sha256.Size {
		return nil, errors.New("its record does not say its SHA-256")
	}
	return j.source.Open(j.ctx, a)
}

// Attachment puts an attachment into the export's folder of attachments, once, and gives its name there.
func (j *Job) Attachment(a record.Attachment) (string, error) {
	return j.w.Attachment(a.Name, a.SHA256, func() (io.ReadCloser, error) { return j.Open(a) })
}

// checked gives an error in place of the end of a file that is another than it should be.
type checked struct {
	in   io.ReadCloser
	sum  hash.Hash
	want string
	ctx  context.Context //nolint:containedctx // it is the job's
}

func (c *checked) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := c.in.Read(p)
	c.sum.Write(p[:n])
	if errors.Is(err, io.EOF) && hex.EncodeToString(c.sum.Sum(nil)) != c.want {
		return n, fmt.Errorf("export: an attachment is not the one that its record names (SHA-256 %s)", c.want)
	}
	return n, err
}

func (c *checked) Close() error { return c.in.Close() }

// Options say what is exported, and how.
type Options struct {
	Dir       string // it must not exist
	Manifest  Manifest
	Selection Selection
	Zone      *time.Location
	// Format makes the format for the job; nil writes records and attachments alone.
	Format func(*Job) Format
	// Attachments puts the attachments into the export's folder.
	Attachments bool
	// Progress is told of records that were read: each once, and again for the format.
	Progress func(records int)
}

// Run makes an export. If it fails or is interrupted, nothing is left of it.
func Run(ctx context.Context, c Case, o Options, v *access.Voucher, signer note.Signer) (*Manifest, error) {
	o.Manifest.Scope, o.Manifest.Zone = o.Selection.scope(), o.Zone.String()
	w, err := Create(o.Dir, o.Manifest)
	if err != nil {
		return nil, err
	}
	defer w.Abort()
	j := &Job{
		Case: o.Manifest.Case, Archive: o.Manifest.Archive, Tool: o.Manifest.Tool, Checkpoint: checkpointLine(o.Manifest.Checkpoint), Made: o.Manifest.Made, Zone: o.Zone,
		ctx: ctx, w: w, source: c, missing: map[string]string{}, newer: map[uint64]bool{},
	}
	rooms, err := j.prove(o)
	if err != nil {
		return nil, err
	}
	if err := j.tell(o, rooms); err != nil {
		return nil, err
	}
	return w.Finish(ctx, v, signer)
}

// checkpointLine is what a person compares: how many entries the log has, and its root.
func checkpointLine(signed string) string {
	lines := strings.SplitN(signed, "\n", 4)
	if len(lines) < 3 {
		return ""
	}
	return lines[1] + " entries, root " + lines[2]
}

// prove writes records and proofs, and gives the rooms in the order of their first records.
func (j *Job) prove(o Options) (rooms []string, err error) {
	known := map[string]bool{}
	for s, err := range j.source.Records(j.ctx, "") {
		if err != nil {
			return nil, err
		}
		o.Progress(1)
		if !o.Selection.Holds(s.Record) {
			continue
		}
		p, err := j.source.Prove(j.ctx, s)
		if errors.Is(err, ErrNewer) {
			j.newer[s.Seq] = true
			j.w.Count().Newer++
			continue
		}
		if err != nil {
			return nil, err
		}
		p.Seq, p.Room, p.EventID = s.Seq, s.Record.Room, s.Record.EventID
		if err := j.w.Record(p, s.Line); err != nil {
			return nil, err
		}
		e, err := segment.ParseEntry(p.Leaf)
		if err != nil {
			return nil, fmt.Errorf("record %d: %w", s.Seq, err)
		}
		n := j.w.Count()
		if e.Kind == segment.Gap {
			n.Gaps++
		} else {
			n.Records++
		}
		if !known[p.Room] {
			known[p.Room] = true
			rooms = append(rooms, p.Room)
			n.Rooms++
		}
		if o.Attachments {
			for _, a := range s.Record.Attachments {
				var missing *MissingError
				if _, err := j.Attachment(a); err != nil && !errors.As(err, &missing) {
					return nil, err
				}
			}
		}
	}
	return rooms, nil
}

// tell has the format write each room's conversation.
func (j *Job) tell(o Options, rooms []string) error {
	if o.Format == nil {
		return nil
	}
	f := o.Format(j)
	for _, room := range rooms {
		b := transcript.New(room)
		for s, err := range j.source.Records(j.ctx, room) {
			if err != nil {
				return err
			}
			o.Progress(1)
			if s.Record.Room == room && o.Selection.Holds(s.Record) && !j.newer[s.Seq] {
				b.Add(s.Seq, s.Record)
			}
		}
		if err := f.Conversation(j.ctx, b.Conversation()); err != nil {
			return err
		}
	}
	return f.Close()
}
