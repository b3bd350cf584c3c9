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

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
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
	// Records gives those of a room, or all, in the order of their sequence, from one on.
	Records(ctx context.Context, room string, from uint64) iter.Seq2[Sealed, error]
	// Prove gives a record's leaf in the archive's log, and the proof that the case's checkpoint covers it.
	Prove(ctx context.Context, s Sealed) (Proof, error)
	// Open opens an attachment.
	Open(ctx context.Context, a record.Attachment) (io.ReadCloser, error)
}

// ErrNewer means that a record is newer than the case's checkpoint, so that nothing proves it yet. It stays out of the export, and is counted.
var ErrNewer = errors.New("the record is newer than the archive's checkpoint")

// Format writes conversations in its own form: the same bytes for the same conversations, whether it was interrupted or not.
type Format interface {
	// Conversation writes one, and has all of it in its files when it returns. An interrupted one goes on from the step that [Job.Reached] was told of; otherwise that is 0.
	Conversation(ctx context.Context, c *transcript.Conversation, from int) error
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
	return (len(s.Rooms) == 0 || slices.Contains(s.Rooms, r.Room)) && r.Within(s.Since, s.Until) &&
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

	every    time.Duration
	marked   time.Time
	now      step // whole lists
	progress func(int)
}

// Create makes a file of the format, or gives the one that an interrupted export goes on with.
func (j *Job) Create(name string) (Output, error) { return j.w.Create(name) }

// Keep keeps something for the format: where an interrupted export goes on, [Job.Kept] has it.
func (j *Job) Keep(v any) error {
	raw, err := json.Marshal(v, json.Deterministic(true))
	if err != nil {
		return fmt.Errorf("export: %w", err)
	}
	j.now.Kept = append(j.now.Kept, raw)
	return nil
}

// Kept is what an interrupted export kept, in order.
func (j *Job) Kept() []jsontext.Value { return j.now.Kept }

// Reached says that the conversation is written up to a step. From time to time that is noted, so that an interrupted export goes on there; then flush is called
// before, if there is one: it puts into the files, and keeps, what belongs to the steps so far.
func (j *Job) Reached(step int, flush func() error) error {
	if !j.due() {
		return nil
	}
	if flush != nil {
		if err := flush(); err != nil {
			return err
		}
	}
	j.now.At.Step = step
	return j.mark()
}

// due tells whether an interruption would cost too much by now.
func (j *Job) due() bool { return time.Since(j.marked) >= j.every }

func (j *Job) mark() error {
	err := j.w.mark(j.now)
	j.marked = time.Now()
	return err
}

// read counts records for the progress.
func (j *Job) read(n int) {
	j.now.At.Read += n
	j.progress(n)
}

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
		j.w.Missing(Missing{Name: strings.ToValidUTF8(a.Name, "\ufffd"), SHA256: a.SHA256, Reason: err.Error()})
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
	Anew      bool   // what an interrupted export has left is removed, instead of going on with it
	Manifest  Manifest
	Selection Selection
	Zone      *time.Location
	// Format makes the format for the job; nil writes records and attachments alone.
	Format func(*Job) Format
	// Variant is what else the format was asked for: an export goes on only with the same.
	Variant string
	// Every is how much time an interruption may cost; 0 is a little.
	Every time.Duration
	// Attachments puts the attachments into the export's folder.
	Attachments bool
	// Progress is told of records that were read: each once, and again for the format.
	Progress func(records int)
}

// every is how much time of its work an export loses at most when it is interrupted, besides the file that it is at.
const every = 2 * time.Second

// Run makes an export, or goes on with one. If it fails or is interrupted, what it has written stays in a folder beside the one that is asked for (see [Unfinished]), and the
// next run with the same options goes on there, to the same bytes. If another one was begun there, the error is [ErrUnfinished].
func Run(ctx context.Context, c Case, o Options, v *access.Voucher, signer note.Signer) (*Manifest, error) {
	o.Manifest.Scope, o.Manifest.Zone = o.Selection.scope(), o.Zone.String()
	w, err := begin(o.Dir, request{Manifest: o.Manifest, Variant: o.Variant, Attachments: o.Attachments}, signer, o.Anew)
	if err != nil {
		return nil, err
	}
	defer w.Abort()
	j := &Job{
		Case: o.Manifest.Case, Archive: o.Manifest.Archive, Tool: o.Manifest.Tool, Checkpoint: checkpointLine(o.Manifest.Checkpoint), Made: w.manifest.Made, Zone: o.Zone,
		ctx: ctx, w: w, source: c, missing: map[string]string{}, newer: map[uint64]bool{}, every: o.Every, progress: o.Progress,
	}
	if j.every == 0 {
		j.every = every
	}
	j.resume()
	if !j.now.At.Proved {
		if err := j.prove(o); err != nil {
			return nil, err
		}
	}
	if o.Format != nil && !j.now.At.Told {
		if err := j.tell(o); err != nil {
			return nil, err
		}
	}
	return w.Finish(ctx, v, signer)
}

// resume takes over what an interrupted run has noted.
func (j *Job) resume() {
	j.now, j.marked = j.w.past, time.Now()
	for _, m := range j.now.Missing {
		j.missing[m.SHA256] = m.Reason
	}
	for _, seq := range j.now.Newer {
		j.newer[seq] = true
	}
	j.now = step{At: j.now.At, Newer: j.now.Newer, Rooms: j.now.Rooms, Kept: j.now.Kept}
	j.progress(j.now.At.Read)
}

// checkpointLine is what a person compares: how many entries the log has, and its root.
func checkpointLine(signed string) string {
	lines := strings.SplitN(signed, "\n", 4)
	if len(lines) < 3 {
		return ""
	}
	return lines[1] + " entries, root " + lines[2]
}

// prove writes records and proofs, and lists the rooms in the order of their first records.
func (j *Job) prove(o Options) error {
	out, err := j.w.records()
	if err != nil {
		return err
	}
	known := map[string]bool{}
	for _, room := range j.now.Rooms {
		known[room] = true
	}
	for s, err := range j.source.Records(j.ctx, "", j.now.At.Next) {
		if err != nil {
			return err
		}
		j.read(1)
		if o.Selection.Holds(s.Record) {
			if err := j.record(o, out, s, known); err != nil {
				return err
			}
		}
		j.now.At.Next = s.Seq + 1
		if j.due() {
			if err := j.mark(); err != nil {
				return err
			}
		}
	}
	j.now.At.Proved = true
	return errors.Join(out.close(), j.mark())
}

// record proves a record.
func (j *Job) record(o Options, out records, s Sealed, known map[string]bool) error {
	n := j.w.Count()
	p, err := j.source.Prove(j.ctx, s)
	if errors.Is(err, ErrNewer) {
		j.newer[s.Seq] = true
		j.now.Newer = append(j.now.Newer, s.Seq)
		n.Newer++
		return nil
	}
	if err != nil {
		return err
	}
	p.Seq, p.Room, p.EventID = s.Seq, s.Record.Room, s.Record.EventID
	if err := out.add(p, s.Line); err != nil {
		return err
	}
	e, err := segment.ParseEntry(p.Leaf)
	if err != nil {
		return fmt.Errorf("record %d: %w", s.Seq, err)
	}
	if e.Kind == segment.Gap {
		n.Gaps++
	} else {
		n.Records++
	}
	if !known[p.Room] {
		known[p.Room] = true
		j.now.Rooms = append(j.now.Rooms, p.Room)
		n.Rooms++
	}
	if !o.Attachments {
		return nil
	}
	for _, a := range s.Record.Attachments {
		var missing *MissingError
		if _, err := j.Attachment(a); err != nil && !errors.As(err, &missing) {
			return err
		}
	}
	return nil
}

// tell has the format write each room's conversation.
func (j *Job) tell(o Options) error {
	f := o.Format(j)
	at := &j.now.At
	for at.Room < len(j.now.Rooms) {
		room := j.now.Rooms[at.Room]
		b := transcript.New(room)
		read := 0
		for s, err := range j.source.Records(j.ctx, room, 0) {
			if err != nil {
				return err
			}
			read++
			j.progress(1)
			if s.Record.Room == room && o.Selection.Holds(s.Record) && !j.newer[s.Seq] {
				b.Add(s.Seq, s.Record)
			}
		}
		if err := f.Conversation(j.ctx, b.Conversation(), at.Step); err != nil {
			return err
		}
		at.Room, at.Step = at.Room+1, 0
		at.Read += read // not before: an interrupted conversation is read again
		if j.due() {
			if err := j.mark(); err != nil {
				return err
			}
		}
	}
	if err := f.Close(); err != nil {
		return err
	}
	at.Told = true
	return j.mark()
}
