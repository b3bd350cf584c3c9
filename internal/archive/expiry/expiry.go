// Package expiry ends segments whose time is over: it destroys the keys that open them and their attachments, on disk and in the bucket, and has the archive's
// log certify that. Nothing that a hold covers is destroyed.
//
// The order makes it safe to be killed between any two steps, and keeps the archive verifiable after each of them:
//
//  1. a shred for each segment goes into the log, and a checkpoint covers it; the bucket gets both
//  2. the key files are removed, each segment's holds having been looked at once more, and then those of attachments that no other segment names
//  3. a certificate of what was removed is signed
//  4. what the keys opened, noise by now, is removed
//
// The next run goes on where the last one stopped. A shred says that a segment's time was over, the certificate that its keys are gone: where a hold has come
// between the two, there is the first without the second until the hold is released.
//
// Attachments that were sealed and that no entry of the log names, because their message was refused, go when their class's term is over since then, unless a hold covers
// that time; there is nothing to certify.
//
// A segment's time begins with its closing, so none of its records is younger. Shreds lie in a class of their own, which is kept.
package expiry

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"

	"conclave.chat/internal/archive"
	"conclave.chat/internal/archive/certificate"
	"conclave.chat/internal/archive/depot"
	"conclave.chat/internal/archive/merkle"
	"conclave.chat/internal/archive/segment"
	"conclave.chat/internal/precedence"
)

// Class is the retention class of shreds. It has no term.
const Class = "shreds"

// Segment is a closed segment.
type Segment struct {
	ID     segment.ID
	Class  string
	Term   Term
	Opened time.Time
	Closed time.Time
	Key    segment.Digest
	Due    time.Time // when its term is over

	from   time.Time // when that began
	closed uint64    // number of its closing in the log

	shred    *uint64 // number of its shred in the log, if there is one
	keyGone  bool    // from the disk
	complete bool    // no copy of its keys is left
	records  int64
	gaps     int64
}

// Name is the segment's file.
func (s *Segment) Name() string { return depot.SegmentPath(s.Class, s.ID.String()) }

// claim is what is to be said of a segment at a time.
func (s *Segment) claim(now time.Time, held bool) precedence.Claim {
	c := precedence.Claim{Age: now.UnixMilli() - s.Closed.UnixMilli(), Held: held}
	if !s.Term.Forever() {
		c.Rule.Max = s.Due.Add(time.Millisecond-1).UnixMilli() - s.Closed.UnixMilli() // no part of a millisecond too early
	}
	return c
}

// Job is what a run needs.
type Job struct {
	Dir      depot.Dir
	Bucket   *depot.Bucket // nil: there is none
	Verifier note.Verifier
	Terms    map[string]Term // by class; of others nothing ends
	// Held says why a segment must stay, or "". It is asked twice: before anything is decided and before a key is removed. Where it gives an error,
	// nothing more is destroyed.
	Held func(ctx context.Context, s *Segment) (string, error)
	Now  time.Time
	// Last says when the newest of what a segment holds was sent, by another clock than that of who closed it; zero where that is not known. Nil: of none it is.
	Last func(*Segment) (time.Time, error)

	// The rest is for runs that destroy.
	Log    *archive.Log
	Signer note.Signer
	Ship   func(context.Context) error // copies the archive to the bucket
	By     string                      // who or what decided

	step func(string) error // for tests: it stops the run
}

// Held is a segment that would be destroyed but for a hold.
type Held struct {
	Segment
	Why string
}

// Result says what is due and what became of it.
type Result struct {
	Due         []Segment // what is to be destroyed
	Destroyed   []Segment // what was
	More        bool      // there is more than one run takes
	Held        []Held
	Unknown     []string // classes in the archive that have no term in the configuration
	Attachments int      // destroyed with their segments
	Waiting     []string // files that the bucket keeps for now: the next run tries again
	Strays      []string // attachments that nothing names and whose time is over: what a run has removed, or would remove
	Certificate string   // its name, if something was destroyed
}

// run is one under way.
type run struct {
	*Job
	Result
	ctx       context.Context
	certified map[segment.ID]bool
	ended     map[string]bool // attachments that certificates name: class/name
	segments  []*Segment
	blobs     map[string]*attached // class/name, of those that due segments name
}

// attached is an attachment, and the segments that name it.
type attached struct {
	class, name, key string
	in               map[segment.ID]bool
	gone             bool
}

// Plan says what a run would do, and changes nothing.
func (j *Job) Plan(ctx context.Context) (*Result, error) {
	r, err := j.begin(ctx)
	if err != nil {
		return nil, err
	}
	due, err := r.due()
	if err != nil {
		return nil, err
	}
	for _, s := range due {
		r.Due = append(r.Due, *s)
	}
	list, err := r.strays()
	for _, s := range list {
		r.Strays = append(r.Strays, s.file())
	}
	return &r.Result, err
}

// Run destroys what is due. What it could not bring to an end, a later run does.
func (j *Job) Run(ctx context.Context) (*Result, error) {
	r, err := j.begin(ctx)
	if err != nil {
		return nil, err
	}
	if err := r.sweep(); err != nil {
		return nil, err
	}
	due, err := r.due()
	if err != nil {
		return nil, err
	}
	if len(due) > 0 {
		if err := r.end(due); err != nil {
			return nil, err
		}
	}
	return &r.Result, r.tidy()
}

// end brings segments to their end.
func (r *run) end(due []*Segment) error {
	for _, s := range due {
		r.Due = append(r.Due, *s)
	}
	checkpoint, err := r.shred(due)
	if err != nil {
		return err
	}
	if err := r.walk(due); err != nil {
		return err
	}
	destroyed := r.destroy(due)
	// What is gone is certified even where something has failed.
	if err := errors.Join(destroyed, r.certify(due, checkpoint)); err != nil {
		return err
	}
	if err := r.sweep(); err != nil || r.Certificate == "" {
		return err
	}
	return r.ship()
}

func (r *run) at(step string) error {
	if r.step != nil {
		return r.step(step)
	}
	return r.ctx.Err()
}

// begin reads certificates and the ends of closed segments.
func (j *Job) begin(ctx context.Context) (*run, error) {
	r := &run{Job: j, ctx: ctx, certified: map[segment.ID]bool{}, ended: map[string]bool{}, blobs: map[string]*attached{}}
	list, err := Certificates(ctx, j.Dir, j.Verifier)
	if err != nil {
		return nil, err
	}
	for _, c := range list {
		for _, s := range c.Segments {
			id, err := segment.ParseID(s.ID)
			if err != nil {
				return nil, fmt.Errorf("expiry: %w", err)
			}
			r.certified[id] = true
		}
		for _, a := range c.Attachments {
			r.ended[a.Class+"/"+a.Blob] = true
		}
	}
	return r, r.list()
}

func (r *run) list() error {
	for name, err := range r.Dir.List(r.ctx, "segment/") {
		if err != nil {
			return err
		}
		parts := strings.Split(name, "/")
		if len(parts) != 3 || parts[1] == Class || strings.HasSuffix(name, depot.OpenSuffix) {
			continue
		}
		id, err := segment.ParseID(parts[2])
		if err != nil || r.certified[id] {
			continue
		}
		term, known := r.Terms[parts[1]]
		if !known {
			if !slices.Contains(r.Unknown, parts[1]) {
				r.Unknown = append(r.Unknown, parts[1])
			}
			continue
		}
		s := &Segment{ID: id, Class: parts[1], Term: term}
		if err := r.ends(s); err != nil {
			return err
		}
		r.segments = append(r.segments, s)
	}
	return r.terms()
}

// terms says when each segment's term is over. It begins when the segment was closed, and never before what was sent until then: a clock that was wrong when the
// segment was closed must not end it early. The log says which segments were closed before it.
func (r *run) terms() error {
	slices.SortStableFunc(r.segments, func(a, b *Segment) int { return cmp.Compare(a.closed, b.closed) })
	var sent time.Time
	for _, s := range r.segments {
		if r.Last != nil {
			last, err := r.Last(s)
			if err != nil {
				return err
			}
			if last.After(sent) {
				sent = last
			}
		}
		if s.from = s.Closed; sent.After(s.from) {
			s.from = sent
		}
		s.Due = s.Term.Over(s.from)
	}
	slices.SortStableFunc(r.segments, func(a, b *Segment) int { return strings.Compare(a.Name(), b.Name()) })
	return nil
}

// ends reads when a segment was written, and whether its key is there.
func (r *run) ends(s *Segment) error {
	f, size, err := depot.OpenParts(r.ctx, r.Dir, s.Name())
	if err != nil {
		return err
	}
	defer f.Close()
	opening, closing, err := segment.Ends(f, size)
	if err != nil || closing == nil || opening.Segment != s.ID || opening.Opening.Class != s.Class {
		return fmt.Errorf("expiry: %s is damaged: conclave archive verify says where: %w", s.Name(), errors.Join(err, archive.ErrDamaged))
	}
	s.Opened, s.Closed, s.Key = opening.Opening.Time, closing.Closing.Time, opening.Opening.Key
	s.closed = closing.Seq
	s.keyGone, err = r.missing(depot.KeyPath(s.Class, s.ID.String()))
	return err
}

func (r *run) missing(name string) (bool, error) {
	f, err := r.Dir.Open(r.ctx, name)
	if errors.Is(err, depot.ErrNotFound) {
		return true, nil
	}
	if err != nil {
		return false, err
	}
	return false, f.Close()
}

// maxDue is how many segments a run takes, so that no certificate grows without bound.
const maxDue = 1000

// due decides about each segment.
func (r *run) due() ([]*Segment, error) {
	if slices.ContainsFunc(r.segments, func(s *Segment) bool { return s.keyGone }) {
		if _, err := r.shreds(r.segments); err != nil {
			return nil, err
		}
	}
	var due []*Segment
	for _, s := range r.segments {
		if len(due) == maxDue {
			r.More = true
			break
		}
		// What is gone already cannot be held any more: a run that was stopped is brought to its end. A key that has gone without a shred is damage,
		// which verify reports, and no reason to certify anything.
		if r.gone(s) {
			due = append(due, s)
			continue
		}
		if !precedence.Decide(s.claim(r.Now, false)).Remove {
			continue
		}
		held, err := r.held(s)
		if err != nil {
			return nil, err
		}
		if !held {
			due = append(due, s)
		}
	}
	return due, nil
}

// gone tells whether nothing is left of a segment's key that its shred has announced.
func (r *run) gone(s *Segment) bool { return s.keyGone && s.shred != nil && r.Bucket == nil }

// shreds looks for the segments' shreds in the log, and gives its checkpoint.
func (r *run) shreds(list []*Segment) (merkle.Checkpoint, error) {
	byID := map[segment.ID]*Segment{}
	for _, s := range list {
		byID[s.ID] = s
	}
	return r.entries(func(e *segment.Entry) {
		if e.Kind != segment.Shred {
			return
		}
		id, err := segment.ParseID(e.Note)
		if s := byID[id]; err == nil && s != nil && s.shred == nil {
			s.shred = &e.Seq
		}
	})
}

// held asks whether something stops a segment's destruction.
func (r *run) held(s *Segment) (bool, error) {
	why, err := r.Job.Held(r.ctx, s)
	if err != nil {
		return true, fmt.Errorf("expiry: nothing is destroyed, for it is not known what is held: %w", err)
	}
	if precedence.Decide(s.claim(r.Now, why != "")).Ground != precedence.Hold {
		return false, nil
	}
	r.Result.Held = append(r.Result.Held, Held{*s, why})
	return true, nil
}

// Certificates gives an archive's certificates in the order of their time, after verifying each.
func Certificates(ctx context.Context, d depot.Reader, key note.Verifier) ([]*certificate.Certificate, error) {
	var list []*certificate.Certificate
	for name, err := range d.List(ctx, "certificate/") {
		if err != nil {
			return nil, err
		}
		if depot.Unfinished(name) {
			continue
		}
		data, err := depot.ReadFile(ctx, d, name, maxFile)
		if err != nil {
			return nil, err
		}
		c, err := certificate.Read(data, key)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		list = append(list, c)
	}
	slices.SortStableFunc(list, func(a, b *certificate.Certificate) int { return a.Time.Compare(b.Time) })
	return list, nil
}

// maxFile bounds what is read of a certificate, which names up to maxDue segments and their attachments.
const maxFile = 256 << 20

// entries gives the log's entries in order, and the checkpoint that covers them. The log may be written on meanwhile.
func (r *run) entries(f func(*segment.Entry)) (c merkle.Checkpoint, err error) {
	d, err := depot.Freeze(r.ctx, r.Dir, merkle.Partial)
	if err != nil {
		return c, err
	}
	msg, err := depot.ReadFile(r.ctx, d, depot.Checkpoint, maxFile)
	if err != nil {
		return c, err
	}
	if c, err = (merkle.Policy{Log: r.Verifier}).Open(msg); err != nil {
		return c, fmt.Errorf("expiry: checkpoint: %w", err)
	}
	for raw, err := range merkle.Walk(r.ctx, d, c.N) {
		if err != nil {
			return c, fmt.Errorf("expiry: %w", err)
		}
		e, err := segment.ParseEntry(raw)
		if err != nil {
			return c, fmt.Errorf("expiry: %w", err)
		}
		f(&e)
	}
	return c, nil
}
