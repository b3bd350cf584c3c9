package archive

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"conclave.chat/internal/archive/depot"
	"conclave.chat/internal/archive/merkle"
	"conclave.chat/internal/archive/record"
	"conclave.chat/internal/archive/segment"
)

// writer is the archive as its one goroutine sees it.
type writer struct {
	Config
	lock    *os.File
	log     *merkle.Log
	open    map[string]*current // by class
	recent  *recent
	pending []string // closed segments that no checkpoint covers yet
	fresh   []fresh  // blocks of the commit that is being written
	failed  error    // why nothing is taken; nil: all is well
	ended   []ended  // segments that the failure has ended
}

// fresh is a block that is written but not synced, and where.
type fresh struct {
	seq     uint64
	entries []segment.Entry
}

// current is a segment that is open.
type current struct {
	sealer *segment.Sealer
	id     segment.ID
	file   *os.File
	path   string // relative
	size   int64
	// durable is how much of it a commit that was answered has brought to the disk.
	durable int64
	until   time.Time
	dirty   bool

	sealed  Sealed
	parties map[*Parties]struct{}
}

func newWriter(c Config) (*writer, error) {
	w := &writer{Config: c, open: map[string]*current{}, recent: newRecent(c.Recent)}
	log, err := merkle.Open(c.Dir, c.Verifier)
	if errors.Is(err, merkle.ErrNoLog) {
		// Segments without a checkpoint: somebody has taken it away.
		if found, _ := filepath.Glob(filepath.Join(c.Dir, "segment", "*", "*")); len(found) > 0 {
			return nil, fmt.Errorf("%w: there are segments, but no checkpoint", ErrDamaged)
		}
		log, err = merkle.Create(c.Dir, c.Signer)
	}
	if err != nil {
		return nil, err
	}
	w.log = log
	if err := w.recover(); err != nil {
		return nil, err
	}
	return w, nil
}

func (w *writer) release() error {
	for _, s := range w.open {
		s.sealer.Wipe()
		_ = s.file.Close()
	}
	return w.lock.Close()
}

// place is where a draft's sequence has to be answered.
type place struct {
	r *request
	i int
}

// commit writes a batch and answers it.
func (w *writer) commit(batch []*request) {
	err := w.failed
	if err == nil {
		err = w.write(batch)
		w.fail(err)
	}
	for _, r := range batch {
		r.err = err
	}
}

func (w *writer) write(batch []*request) error {
	seq := uint64(w.log.Size())
	byClass := map[string][]place{}
	var twice []place
	seen := map[segment.Digest]bool{}
	for _, r := range batch {
		r.seqs = make([]uint64, len(r.drafts))
		for i := range r.drafts {
			d := &r.drafts[i]
			p := place{r, i}
			once := d.Kind == segment.Record || d.Kind == segment.Receipt
			if w.recent.has(d) || once && seen[d.Subject] {
				twice = append(twice, p)
				continue
			}
			seen[d.Subject] = once
			byClass[d.Class] = append(byClass[d.Class], p)
		}
	}
	w.fresh = w.fresh[:0]
	for _, class := range slices.Sorted(maps.Keys(byClass)) {
		var err error
		if seq, err = w.writeClass(class, seq, byClass[class]); err != nil {
			return err
		}
	}
	if err := w.sync(); err != nil {
		return err
	}
	if err := w.enter(); err != nil {
		return err
	}
	for _, p := range twice {
		p.r.seqs[p.i] = w.recent.seq(p.r.drafts[p.i].Subject)
	}
	return nil
}

// groupBytes is how much a group holds before compression, unless one record is larger.
const groupBytes = 8 << 20

// writeClass writes the drafts of one class as groups.
func (w *writer) writeClass(class string, seq uint64, places []place) (uint64, error) {
	var last *request
	for len(places) > 0 {
		s, next, err := w.current(class, seq, places[0].r == last)
		if err != nil {
			return 0, err
		}
		seq = next
		var items []segment.Item
		var lines [][]byte
		size := 0
		for len(places) > 0 && len(items) < segment.MaxItems {
			p := places[0]
			d := &p.r.drafts[p.i]
			if size += len(d.Line); size > groupBytes && len(items) > 0 {
				break
			}
			n := seq + uint64(len(items))
			line, err := record.Number(n, d.Line)
			if err != nil {
				return 0, err
			}
			p.r.seqs[p.i] = n
			items = append(items, segment.Item{Kind: d.Kind, Subject: d.Subject, Note: d.Note})
			lines = append(lines, line)
			s.note(d)
			last, places = p.r, places[1:]
		}
		block, err := s.sealer.Group(nil, seq, items, lines)
		for _, line := range lines {
			clear(line)
		}
		if err == nil {
			err = w.put(s, block)
		}
		if err != nil {
			return 0, err
		}
		seq += uint64(len(items))
	}
	return seq, nil
}

// note remembers whom a draft is about.
func (s *current) note(d *Draft) {
	for _, who := range d.Parties {
		s.parties[who] = struct{}{}
	}
	if d.Sent.IsZero() {
		return
	}
	if s.sealed.First.IsZero() || d.Sent.Before(s.sealed.First) {
		s.sealed.First = d.Sent
	}
	if d.Sent.After(s.sealed.Last) {
		s.sealed.Last = d.Sent
	}
}

// current gives the class's open segment; it closes one that is full or old, unless a request is to be continued in it, and starts one where there
// is none.
func (w *writer) current(class string, seq uint64, continued bool) (*current, uint64, error) {
	now := w.Now()
	if s := w.open[class]; s != nil {
		if continued || s.size < w.SegmentBytes && now.Before(s.until) {
			return s, seq, nil
		}
		if err := w.close(class, seq, segment.Full); err != nil {
			return nil, 0, err
		}
		seq++
	}
	s, err := w.start(class, seq, now)
	return s, seq + 1, err
}

// start makes a segment. The empty file comes first and the key file before the opening, so that a crash leaves nothing that recovery
// does not find.
func (w *writer) start(class string, seq uint64, now time.Time) (*current, error) {
	id, err := segment.NewID()
	if err != nil {
		return nil, fmt.Errorf("archive: %w", err)
	}
	sealer, key, head, err := segment.New(segment.Options{ID: id, Class: class, Time: now, Recipients: w.Recipients, Seq: seq})
	if err != nil {
		return nil, err
	}
	path := depot.SegmentPath(class, id.String()) + depot.OpenSuffix
	full := filepath.Join(w.Dir, filepath.FromSlash(path))
	if err := depot.MakeDir(filepath.Dir(full)); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(full, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600) //nolint:gosec // a checked class and an id
	if err != nil {
		return nil, fmt.Errorf("archive: %w", err)
	}
	if err := errors.Join(depot.SyncDir(filepath.Dir(full)), depot.Replace(w.Dir, depot.KeyPath(class, id.String()), key)); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	s := &current{sealer: sealer, id: id, file: f, path: path, until: now.Add(w.SegmentAge), sealed: Sealed{ID: id, Class: class}, parties: map[*Parties]struct{}{}}
	w.open[class] = s
	return s, w.put(s, head)
}

// put appends a block to a segment's file and notes its entries.
func (w *writer) put(s *current, block []byte) error {
	b, err := segment.Parse(block, uint64(s.size))
	if err != nil {
		return err
	}
	if _, err := s.file.Write(block); err != nil {
		return fmt.Errorf("archive: %w", err)
	}
	s.size += int64(len(block))
	s.dirty = true
	f := fresh{seq: b.Seq}
	for e := range b.Entries() {
		f.entries = append(f.entries, e)
	}
	w.fresh = append(w.fresh, f)
	return nil
}

// close ends a segment. Its file keeps its name until a checkpoint covers it.
func (w *writer) close(class string, seq uint64, reason uint8) error {
	s := w.open[class]
	if err := w.put(s, s.sealer.Close(nil, seq, w.Now(), reason)); err != nil {
		return err
	}
	if err := errors.Join(s.file.Sync(), s.file.Close()); err != nil {
		return fmt.Errorf("archive: %w", err)
	}
	w.pending = append(w.pending, s.path)
	delete(w.open, class)
	if w.Sealed != nil {
		w.Sealed(s.about())
	}
	return nil
}

// about is what the segment's end is told with.
func (s *current) about() Sealed {
	s.sealed.Parties = slices.Collect(maps.Keys(s.parties))
	return s.sealed
}

func (w *writer) closeAll(reason uint8) (err error) {
	if w.failed != nil {
		return w.failed
	}
	defer func() { w.fail(err) }()
	w.fresh = w.fresh[:0]
	seq := uint64(w.log.Size())
	for _, class := range slices.Sorted(maps.Keys(w.open)) {
		if err := w.close(class, seq, reason); err != nil {
			return err
		}
		seq++
	}
	return w.enter()
}

// sync makes the commit durable.
func (w *writer) sync() error {
	for _, s := range w.open {
		if !s.dirty {
			continue
		}
		if err := s.file.Sync(); err != nil {
			return fmt.Errorf("archive: %w", err)
		}
		s.dirty, s.durable = false, s.size
	}
	return nil
}

// enter puts the entries of what is durable now into the Merkle log.
func (w *writer) enter() error {
	var buf []byte
	for _, f := range w.fresh {
		for i := range f.entries {
			e := &f.entries[i]
			buf = e.Append(buf[:0])
			n, err := w.log.Add(buf)
			if err != nil {
				return err
			}
			if uint64(n) != e.Seq {
				return fmt.Errorf("%w: entry %d has become leaf %d", ErrDamaged, e.Seq, n)
			}
			w.recent.add(e)
		}
	}
	w.fresh = w.fresh[:0]
	return nil
}

// checkpoint publishes, and gives segments that are closed and covered their final name. Segments that are old close first, so that
// a quiet class does not keep its key.
func (w *writer) checkpoint() (merkle.Checkpoint, error) {
	if w.failed != nil {
		return merkle.Checkpoint{}, w.failed
	}
	if err := w.closeOld(); err != nil {
		w.fail(err)
		return merkle.Checkpoint{}, err
	}
	c, err := w.log.Publish(w.Signer, w.Cosign)
	if w.log.Published().N != w.log.Size() {
		w.fail(err)
		return c, err
	}
	return c, errors.Join(err, w.settle())
}

func (w *writer) closeOld() error {
	w.fresh = w.fresh[:0]
	seq := uint64(w.log.Size())
	for _, class := range slices.Sorted(maps.Keys(w.open)) {
		if w.Now().Before(w.open[class].until) {
			continue
		}
		if err := w.close(class, seq, segment.Full); err != nil {
			return err
		}
		seq++
	}
	return w.enter()
}

// settled is the final name of a segment's file.
func settled(path string) string { return strings.TrimSuffix(path, depot.OpenSuffix) }

func (w *writer) settle() error {
	for len(w.pending) > 0 {
		path := filepath.Join(w.Dir, filepath.FromSlash(w.pending[0]))
		if err := os.Rename(path, settled(path)); err != nil {
			return fmt.Errorf("archive: %w", err)
		}
		if err := depot.SyncDir(filepath.Dir(path)); err != nil {
			return err
		}
		w.pending = w.pending[1:]
	}
	return nil
}

// recent knows the newest events.
type recent struct {
	at    map[segment.Digest]uint64 // sequence, times two; odd for a gap
	order []segment.Digest
	next  int
}

func newRecent(n int) *recent {
	return &recent{at: make(map[segment.Digest]uint64), order: make([]segment.Digest, n)}
}

// has tells whether the draft need not be written: a record is there, or a gap comes after anything.
func (r *recent) has(d *Draft) bool {
	if d.Kind != segment.Record && d.Kind != segment.Gap && d.Kind != segment.Receipt {
		return false
	}
	v, ok := r.at[d.Subject]
	return ok && (v&1 == 0 || d.Kind == segment.Gap)
}

func (r *recent) seq(subject segment.Digest) uint64 { return r.at[subject] >> 1 }

func (r *recent) add(e *segment.Entry) {
	v := e.Seq << 1
	switch e.Kind {
	case segment.Record, segment.Receipt:
	case segment.Gap:
		v |= 1
	default:
		return
	}
	if _, ok := r.at[e.Subject]; !ok {
		delete(r.at, r.order[r.next])
		r.order[r.next] = e.Subject
		r.next = (r.next + 1) % len(r.order)
	}
	r.at[e.Subject] = v
}
