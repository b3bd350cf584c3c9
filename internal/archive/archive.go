// Package archive is the sealed log: it takes records, makes them durable in segments that nobody on this machine can read again, and
// proves with a Merkle log that none of them was altered, removed, reordered or added.
//
// Drafts go in through Append, by any number of goroutines; one goroutine writes what is waiting as one group for each retention class, syncs, and
// answers. What was answered survives a crash. The bytes are those of packages segment (sealed groups, entries), merkle (tiles, checkpoints) and
// depot (names of files); their comments hold the layout and the promise to keep it.
//
// Invariants: a leaf's number is its record's sequence. The segments' blocks together give each leaf exactly once. A checkpoint covers only blocks
// that are durable. After any failed write the log refuses everything until it is opened again, which recovers to the last whole group; a segment is never
// continued after that, for its key is gone.
package archive

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"filippo.io/age"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"conclave.chat/internal/archive/depot"
	"conclave.chat/internal/archive/merkle"
	"conclave.chat/internal/archive/segment"
)

// Config says where the archive is and who may read it.
type Config struct {
	Dir        string
	Signer     note.Signer   // of checkpoints
	Verifier   note.Verifier // the signer's
	Recipients []age.Recipient
	Cosign     merkle.Cosigner // nil: no witness

	// A segment closes when it has SegmentBytes (64 MiB) or SegmentAge (1 hour).
	SegmentBytes int64
	SegmentAge   time.Duration
	// Recent is how many of the newest events are known, so that none is archived twice (262,144).
	Recent int
	Now    func() time.Time
	// Sealed is told of each segment that was closed, by the goroutine that writes; nil: nobody. A segment that is found after a crash is not told of.
	Sealed func(Sealed)
	// Retry is how long after a failed write the log is first opened again (1 second).
	Retry time.Duration
	// Failed is told, by the goroutine that writes, why nothing is taken any more, and with each try that fails again; nil means that the log takes
	// records once more.
	Failed func(error)
}

// Parties are a room and people that drafts are about. It is known by its address: drafts of one room share it until its members change.
type Parties struct {
	Room  string
	Users []string
}

// Sealed is a segment that was closed, and whom its drafts were about: nobody can read that in it any more.
type Sealed struct {
	ID      segment.ID
	Class   string
	Parties []*Parties
	// When the oldest and the newest of what it holds were sent; zero where nothing in it was.
	First, Last time.Time
}

// Draft is what goes into the archive.
type Draft struct {
	Class   string // of retention
	Kind    segment.Kind
	Subject segment.Digest
	Note    string
	Line    []byte // a JSON object: a record's Encode
	Parties []*Parties
	Sent    time.Time // when what it is about was sent; zero: that is not known
}

// Errors.
var (
	// ErrClosed means that the log was closed.
	ErrClosed = errors.New("archive: closed")
	// ErrBroken means that a write failed: nothing is taken until the log was opened again, which it tries by itself. The error beside it is the cause.
	ErrBroken = errors.New("archive: a write failed, and nothing is taken until that is mended")
	// ErrDamaged means that what a checkpoint covers is not there, or not as it was.
	ErrDamaged = errors.New("archive: damaged")
	// ErrLocked means that another process writes this archive.
	ErrLocked = errors.New("archive: another process writes it")
)

// maxBatch is how many drafts a commit takes.
const maxBatch = 1024

// Log is an archive that is being written.
type Log struct {
	queue  chan *request
	closed chan struct{} // Close was called
	done   chan struct{} // the writer has ended
	once   sync.Once
	config Config

	// Those of the goroutine that writes.
	w       *writer
	stopped stopped
}

type request struct {
	drafts []Draft
	other  func(*writer) error // instead of drafts
	seqs   []uint64
	err    error
	ready  chan struct{}
}

// Open continues the archive in a folder, or starts it. It recovers from a crash first.
func Open(c Config) (*Log, error) {
	if c.SegmentBytes == 0 {
		c.SegmentBytes = 64 << 20
	}
	if c.SegmentAge == 0 {
		c.SegmentAge = time.Hour
	}
	if c.Recent == 0 {
		c.Recent = 1 << 18
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Retry == 0 {
		c.Retry = firstPause
	}
	if len(c.Recipients) == 0 {
		return nil, errors.New("archive: there is no recipient")
	}
	if err := depot.MakeDir(c.Dir); err != nil {
		return nil, err
	}
	lock, err := depot.Lock(filepath.Join(c.Dir, "lock"), ErrLocked)
	if err != nil {
		return nil, err
	}
	w, err := newWriter(c)
	if err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	w.lock = lock
	l := &Log{queue: make(chan *request), closed: make(chan struct{}), done: make(chan struct{}), config: c, w: w}
	go l.run()
	return l, nil
}

// run is the only goroutine that writes.
func (l *Log) run() {
	defer close(l.done)
	for {
		select {
		case first := <-l.queue:
			l.serve(first)
		case <-l.retry():
			l.reopen()
		case <-l.closed:
			return
		}
	}
}

// serve commits a request together with those that wait already.
func (l *Log) serve(r *request) {
	var batch []*request
	n := 0
	for r != nil && r.other == nil {
		batch = append(batch, r)
		n += len(r.drafts)
		r = nil
		if n < maxBatch {
			select {
			case r = <-l.queue:
			default:
			}
		}
	}
	if len(batch) > 0 {
		l.w.commit(batch)
		for _, b := range batch {
			close(b.ready)
		}
	}
	if r != nil {
		r.err = r.other(l.w)
		close(r.ready)
	}
}

func (l *Log) do(ctx context.Context, r *request) error {
	r.ready = make(chan struct{})
	select {
	case <-l.closed:
		return ErrClosed
	default:
	}
	select {
	case l.queue <- r:
	case <-l.closed:
		return ErrClosed
	case <-ctx.Done():
		return ctx.Err()
	}
	<-r.ready // it is being written: the answer comes, whatever it is
	return r.err
}

// Append makes drafts durable and gives their sequences. A record whose subject is there already, among the recent ones, is not
// written again: it has the sequence of the first. Drafts of one call may come to lie in different groups, those of one class always in one segment: so
// an attachment ends no sooner than the record that names it.
func (l *Log) Append(ctx context.Context, drafts ...Draft) ([]uint64, error) {
	for i := range drafts {
		if err := drafts[i].check(); err != nil {
			return nil, err
		}
	}
	r := &request{drafts: drafts}
	if err := l.do(ctx, r); err != nil {
		return nil, err
	}
	return r.seqs, nil
}

// maxLine is how long a draft's line may be.
const maxLine = 4 << 20

func (d *Draft) check() error {
	if err := segment.CheckClass(d.Class); err != nil {
		return err
	}
	if d.Kind < segment.Record || d.Kind > segment.Receipt || len(d.Note) > segment.MaxNote || len(d.Line) < 3 || len(d.Line) > maxLine || d.Line[0] != '{' {
		return errors.New("archive: not a draft")
	}
	return nil
}

// Checkpoint signs what is there. The caller does so each minute.
func (l *Log) Checkpoint(ctx context.Context) (c merkle.Checkpoint, err error) {
	err = l.do(ctx, &request{other: func(w *writer) error {
		c, err = w.checkpoint()
		return err
	}})
	return c, err
}

// Size is the number of leaves: all that was answered so far. While the log takes nothing, it is the error that says why.
func (l *Log) Size(ctx context.Context) (n uint64, err error) {
	err = l.do(ctx, &request{other: func(w *writer) error {
		n = uint64(w.log.Size())
		return w.failed
	}})
	return n, err
}

// Rotate closes the segments that are open, so that their keys are wiped and they can be shipped.
func (l *Log) Rotate(ctx context.Context) error {
	return l.do(ctx, &request{other: func(w *writer) error { return w.closeAll(segment.Full) }})
}

// End closes the segments and signs a last checkpoint, unless the newest one covers everything: whoever wants that signed by witnesses has
// it done then, before Close.
func (l *Log) End(ctx context.Context) error {
	return l.do(ctx, &request{other: func(w *writer) error {
		if err := w.closeAll(segment.Stopped); err != nil {
			return err
		}
		if w.log.Size() == w.log.Published().N && len(w.pending) == 0 {
			return nil
		}
		_, err := w.checkpoint()
		return err
	}})
}

// Close closes the segments, signs a last checkpoint and ends. A log that is broken ends as it is: who opens it next recovers it.
func (l *Log) Close() error {
	err := l.End(context.Background())
	if errors.Is(err, ErrClosed) {
		return nil
	}
	l.once.Do(func() {
		close(l.closed)
		<-l.done
		err = errors.Join(err, l.w.release())
	})
	return err
}

// Proof gives the newest checkpoint as it is published, and the proof that its log has grown from one of a size.
func (l *Log) Proof(ctx context.Context, from int64) (msg []byte, proof tlog.TreeProof, err error) {
	err = l.do(ctx, &request{other: func(w *writer) error {
		if msg, err = os.ReadFile(filepath.Join(w.Dir, "checkpoint")); err != nil {
			return fmt.Errorf("archive: %w", err)
		}
		if n := w.log.Published().N; from > 0 && from < n {
			proof, err = w.log.ProveGrowth(from)
		}
		return err
	}})
	return msg, proof, err
}

// Cosigned replaces the newest checkpoint by the same one with signatures of witnesses, unless there is a newer one by now. was has the log's alone.
func (l *Log) Cosigned(ctx context.Context, was, msg []byte) error {
	return l.do(ctx, &request{other: func(w *writer) error {
		path := filepath.Join(w.Dir, "checkpoint")
		is, err := os.ReadFile(path) //nolint:gosec // the archive's own file
		if err != nil || !bytes.HasPrefix(is, was) || !bytes.HasPrefix(msg, was) {
			return err
		}
		return depot.Replace(w.Dir, "checkpoint", msg)
	}})
}
