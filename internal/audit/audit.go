// Package audit owns reading and verifying the audit log: who did what to whom, when and from where, with what was before and after.
//
// Services write to it through store/auditlog, in the transaction of the act: an act that is not recorded did not happen. It refuses
// to change entries. It also reads the histories in which people see what happened to their own accounts, which any service that touches
// their safety writes in the same way, and forgets what is old there. What leaves is pages, whole exports and the verdict on the chain.
package audit

import (
	"bytes"
	"context"
	"encoding/hex"
	"time"

	"conclave.chat/internal/fault"
	"conclave.chat/internal/store"
	"conclave.chat/internal/store/auditlog"
	"conclave.chat/internal/store/listing"
)

// Entry is one act.
type Entry = auditlog.Entry

// Filter says which entries are wanted.
type Filter = auditlog.Filter

// Service reads the log.
type Service struct {
	db  *store.DB
	now func() time.Time
}

// New makes a Service with a clock; nil is the machine's.
func New(db *store.DB, now func() time.Time) *Service {
	if now == nil {
		now = time.Now
	}
	return &Service{db, now}
}

// List is one page of the log.
func (s *Service) List(ctx context.Context, f Filter, p listing.Page) (listing.Found[Entry], error) {
	return auditlog.List(ctx, s.db, f, p)
}

// readBatch is how many entries are read at a time.
const readBatch = 500

// Each calls f for every entry, oldest first.
func (s *Service) Each(ctx context.Context, f func(*Entry) error) error {
	for after := int64(0); ; {
		list, err := auditlog.After(ctx, s.db, after, readBatch)
		if err != nil {
			return err
		}
		for i := range list {
			if err := f(&list[i]); err != nil {
				return err
			}
			after = list[i].Seq
		}
		if len(list) < readBatch {
			return nil
		}
	}
}

// Anchor is an entry as somebody noted it elsewhere: its number and hash.
type Anchor struct {
	Seq  int64
	Hash string // hexadecimal
}

// Verdict is what verifying the chain found.
type Verdict struct {
	Entries int64  // that were looked at
	Head    *Entry // the last one; nil in an empty log
	Bad     int64  // number of the first entry that is not right; 0 if all are
	Reason  string // why it is not
}

// Verify walks the whole chain. With an anchor, the log must also still have the entry that the anchor names: that tells whether
// the chain was written anew, or lost its end.
func (s *Service) Verify(ctx context.Context, anchor *Anchor) (*Verdict, error) {
	var want []byte
	if anchor != nil {
		var err error
		if want, err = hex.DecodeString(anchor.Hash); err != nil || anchor.Seq < 1 {
			return nil, fault.InvalidParam("An anchor is the number of an entry and its hash, 64 hexadecimal digits")
		}
	}
	v := &Verdict{}
	err := s.Each(ctx, func(e *Entry) error {
		v.Entries++
		switch {
		case v.Bad != 0:
		case !e.Follows(v.Head):
			v.Bad, v.Reason = e.Seq, "It does not follow the entry before it: one was removed, inserted or changed"
		case !bytes.Equal(e.Hash, e.Digest()):
			v.Bad, v.Reason = e.Seq, "It was changed after it was written"
		case anchor != nil && e.Seq == anchor.Seq && !bytes.Equal(e.Hash, want):
			v.Bad, v.Reason = e.Seq, "It is not the entry that the anchor names: the log was written anew"
		}
		v.Head = e
		return nil
	})
	if err == nil && v.Bad == 0 && anchor != nil && (v.Head == nil || v.Head.Seq < anchor.Seq) {
		v.Bad, v.Reason = anchor.Seq, "The entry that the anchor names is missing: the end of the log was cut off"
	}
	return v, err
}
