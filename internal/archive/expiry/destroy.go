package expiry

import (
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"conclave.chat/internal/archive"
	"conclave.chat/internal/archive/certificate"
	"conclave.chat/internal/archive/depot"
	"conclave.chat/internal/archive/merkle"
	"conclave.chat/internal/archive/record"
	"conclave.chat/internal/archive/segment"
)

// shred says in the log that the segments' time is over, unless it says so already, and has a checkpoint cover that, here and in the bucket.
func (r *run) shred(due []*Segment) (merkle.Checkpoint, error) {
	if c, err := r.Log.Checkpoint(r.ctx); err != nil {
		return c, err
	}
	c, err := r.shreds(due) // by a run that was stopped
	if err != nil {
		return c, err
	}
	var drafts []archive.Draft
	var fresh []*Segment
	for _, s := range due {
		if s.shred != nil {
			continue
		}
		line, err := (&record.Record{Time: r.Now, Reason: fmt.Sprintf("the time of segment %s is over: class %s, %s, closed %s; decided by %s",
			s.ID, s.Class, s.Term, s.Closed.Format(time.RFC3339), r.By)}).Encode()
		if err != nil {
			return c, err
		}
		fresh = append(fresh, s)
		drafts = append(drafts, archive.Draft{Class: Class, Kind: segment.Shred, Subject: s.Key, Note: s.ID.String(), Line: line})
	}
	if len(drafts) > 0 {
		seqs, err := r.Log.Append(r.ctx, drafts...)
		if err != nil {
			return c, err
		}
		for i, s := range fresh {
			s.shred = &seqs[i]
		}
		if err := r.at("shred"); err != nil {
			return c, err
		}
	}
	if c, err = r.Log.Checkpoint(r.ctx); err != nil {
		return c, err
	}
	if err := r.at("checkpoint"); err != nil {
		return c, err
	}
	return c, r.ship()
}

func (r *run) ship() error {
	if r.Ship == nil {
		return nil
	}
	if err := r.Ship(r.ctx); err != nil {
		return err
	}
	return r.at("ship")
}

// walk finds out what due segments hold, and which other segments name their attachments.
func (r *run) walk(due []*Segment) error {
	byID := map[segment.ID]*Segment{}
	for _, s := range due {
		s.records, s.gaps = 0, 0
		byID[s.ID] = s
	}
	class := map[segment.ID]string{}
	_, err := r.entries(func(e *segment.Entry) {
		s := byID[e.Segment]
		if s == nil {
			return
		}
		switch e.Kind {
		case segment.Record:
			s.records++
		case segment.Gap:
			s.gaps++
		case segment.Blob:
			b := &attached{class: s.Class, name: e.Subject.String(), key: e.Note, in: map[segment.ID]bool{}}
			r.blobs[b.class+"/"+b.name] = b
		default:
		}
	})
	if err != nil || len(r.blobs) == 0 {
		return err
	}
	_, err = r.entries(func(e *segment.Entry) {
		switch e.Kind {
		case segment.Opened:
			class[e.Segment] = e.Note
		case segment.Closed:
			delete(class, e.Segment)
		case segment.Blob:
			if b := r.blobs[class[e.Segment]+"/"+e.Subject.String()]; b != nil {
				b.in[e.Segment] = true
			}
		default:
		}
	})
	return err
}

// destroy removes keys. What stands in the way of one does not keep the others, but for holds that are not known.
func (r *run) destroy(due []*Segment) error {
	gone := maps.Clone(r.certified)
	for _, s := range due {
		if r.gone(s) {
			s.complete = true
		} else {
			held, err := r.held(s)
			if err != nil {
				return err
			}
			if held {
				continue
			}
			if s.complete, err = r.remove(depot.KeyPath(s.Class, s.ID.String())); err != nil {
				return err
			}
		}
		// A key that the bucket alone still has is as good as gone for those that name an attachment: the segment's shred stands.
		gone[s.ID] = true
		if err := r.at("key"); err != nil {
			return err
		}
	}
	for _, path := range slices.Sorted(maps.Keys(r.blobs)) {
		b := r.blobs[path]
		if !all(b.in, gone) {
			continue
		}
		done, err := r.remove(depot.KeyPath(b.class, b.name))
		if err != nil {
			return err
		}
		b.gone = done
		for _, s := range due {
			s.complete = s.complete && (done || !b.in[s.ID])
		}
		if err := r.at("attachment"); err != nil {
			return err
		}
	}
	return nil
}

func all(in, gone map[segment.ID]bool) bool {
	for id := range in {
		if !gone[id] {
			return false
		}
	}
	return true
}

// remove removes a file from the disk and from the bucket, in this order: what is not on the disk is not copied again. It tells whether none is left.
func (r *run) remove(name string) (bool, error) {
	if err := r.Dir.Remove(r.ctx, name); err != nil {
		return false, err
	}
	if r.Bucket == nil {
		return true, nil
	}
	if err := r.at("disk"); err != nil {
		return false, err
	}
	switch err := r.Bucket.Remove(r.ctx, name); {
	case errors.Is(err, depot.ErrLocked):
		r.Waiting = append(r.Waiting, name)
		return false, nil
	case err != nil:
		return false, err
	}
	return true, nil
}

// certify signs what was destroyed.
func (r *run) certify(due []*Segment, c merkle.Checkpoint) error {
	cert := certificate.Certificate{Checkpoint: c, Time: r.Now, By: r.By}
	done := maps.Clone(r.certified)
	for _, s := range due {
		if !s.complete {
			continue
		}
		done[s.ID] = true
		r.Destroyed = append(r.Destroyed, *s)
		cert.Segments = append(cert.Segments, certificate.Segment{
			ID: s.ID.String(), Class: s.Class, Term: s.Term.String(), Entry: *s.shred, Records: s.records, Gaps: s.gaps, Opened: s.Opened, Closed: s.Closed, Key: s.Key.String(),
		})
	}
	if len(cert.Segments) == 0 {
		return nil
	}
	for _, path := range slices.Sorted(maps.Keys(r.blobs)) {
		if b := r.blobs[path]; b.gone && all(b.in, done) {
			cert.Attachments = append(cert.Attachments, certificate.Attachment{Blob: b.name, Class: b.class, Key: b.key})
		}
	}
	if err := r.at("certificate"); err != nil {
		return err
	}
	text, err := certificate.Sign(r.Signer, cert)
	if err != nil {
		return err
	}
	id, err := uuid.NewV7()
	if err != nil {
		return fmt.Errorf("expiry: %w", err)
	}
	if err := r.Dir.Replace(depot.CertificatePath(id.String()), text); err != nil {
		return err
	}
	r.Certificate, r.certified, r.Attachments = depot.CertificatePath(id.String()), done, len(cert.Attachments)
	for _, a := range cert.Attachments {
		r.ended[a.Class+"/"+a.Blob] = true
	}
	return r.at("certified")
}

// sweep removes what certified keys opened, and copies of such keys that have come back, as from a backup.
func (r *run) sweep() error {
	if len(r.certified) == 0 {
		return nil
	}
	for _, kind := range []string{"key/", "segment/", "blob/"} {
		names, err := r.over(kind)
		if err != nil {
			return err
		}
		for _, name := range names {
			if _, err := r.remove(name); err != nil {
				return err
			}
			if err := r.at("sweep"); err != nil {
				return err
			}
		}
	}
	return nil
}

// over gives the files below a folder that belong to what was certified, on the disk and in the bucket.
func (r *run) over(folder string) ([]string, error) {
	lists := []iter.Seq2[string, error]{r.Dir.List(r.ctx, folder)}
	if r.Bucket != nil {
		lists = append(lists, r.Bucket.Versions(r.ctx, folder))
	}
	var names []string
	for _, list := range lists {
		for name, err := range list {
			if err != nil {
				return nil, err
			}
			rest := strings.TrimPrefix(name, folder)
			_, id, _ := strings.Cut(rest, "/")
			if sid, err := segment.ParseID(id); err == nil && r.certified[sid] || r.ended[rest] {
				names = append(names, name)
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}
