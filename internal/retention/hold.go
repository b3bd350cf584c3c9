package retention

import (
	"context"
	"crypto/rand"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"conclave.chat/internal/fault"
	"conclave.chat/internal/mx"
	"conclave.chat/internal/store"
	"conclave.chat/internal/store/account"
	"conclave.chat/internal/store/auditlog"
	"conclave.chat/internal/store/eventlog"
	"conclave.chat/internal/store/holds"
	"conclave.chat/internal/store/listing"
	"conclave.chat/internal/store/retain"
)

// Hold is a legal hold.
type Hold = holds.Hold

// HoldFilter says which holds are wanted.
type HoldFilter = holds.Filter

// HoldStates are the states of holds that can be asked for, HoldOrders what they can be sorted by; the first is the default.
func HoldStates() []string { return holds.States() }

// HoldOrders are what Holds can be sorted by; the first is the default.
func HoldOrders() []string { return holds.Orders() }

const (
	maxCase   = 100
	maxReason = 1000
)

// Due is what a hold was the last to keep: it goes with the next steps of retention.
type Due struct {
	Rooms     int64 `json:"rooms" doc:"Rooms with such messages."`
	Messages  int64 `json:"messages" doc:"Messages that are older than their rooms keep them, or whose senders are to be erased."`
	Redacted  int64 `json:"redacted" doc:"Messages that were redacted, and whose content was kept."`
	Files     int64 `json:"files" doc:"Files that nothing shows any more."`
	Deletions int64 `json:"room_deletions" doc:"Rooms whose deletion waited."`
	Accounts  int64 `json:"accounts" doc:"Accounts whose erasure waited."`
	Keys      int64 `json:"keys" doc:"Keys of a key backup, and what belongs to it, that were deleted or replaced and whose copy was kept."`
}

// noted is a hold as the audit log has it.
type noted struct {
	Case       string    `json:"case"`
	Reason     string    `json:"reason"`
	Custodian  mx.UserID `json:"custodian,omitempty"`
	Room       mx.RoomID `json:"room,omitempty"`
	Since      int64     `json:"since,omitempty"`
	Until      int64     `json:"until,omitempty"`
	Released   int64     `json:"released,omitempty"`
	ReleasedBy string    `json:"released_by,omitempty"`
	Due        *Due      `json:"due,omitempty"`
}

func note(h *Hold) noted {
	return noted{h.Case, h.Reason, h.Custodian, h.Room, h.Since, h.Until, h.Released, h.ReleasedBy, nil}
}

// authorize lets in who may see and change holds.
func (s *Service) authorize(by auditlog.Actor) error {
	if s.Compliance == nil {
		return nil
	}
	return s.Compliance(by)
}

func checkHold(h *Hold) error {
	h.Case, h.Reason = strings.TrimSpace(h.Case), strings.TrimSpace(h.Reason)
	switch {
	case h.Case == "" || len(h.Case) > maxCase:
		return fault.InvalidParam("A hold has a case number of 1 to %d bytes", maxCase)
	case h.Reason == "" || len(h.Reason) > maxReason:
		return fault.InvalidParam("A hold has a reason of 1 to %d bytes", maxReason)
	case h.Custodian == "" && h.Room == "" && h.Since == 0 && h.Until == 0:
		return fault.InvalidParam("A hold names a custodian, a room or a period")
	case h.Since < 0 || h.Until < 0 || h.Until > 0 && h.Until <= h.Since:
		return fault.InvalidParam("The period of a hold begins before it ends")
	}
	return nil
}

// PlaceHold puts a hold in force. Whatever is destroyed from then on, on any node, is destroyed in spite of no hold: who destroys looks for holds in
// the same transaction, and transactions come one after the other.
func (s *Service) PlaceHold(ctx context.Context, by auditlog.Actor, h Hold) (*Hold, error) {
	if err := s.authorize(by); err != nil {
		return nil, err
	}
	if err := checkHold(&h); err != nil {
		return nil, err
	}
	h.ID, h.Created, h.CreatedBy, h.Released, h.ReleasedBy = "h-"+rand.Text(), s.now(), by.Name, 0, ""
	err := s.DB.Write(func(tx *store.Tx) error {
		if h.Custodian != "" {
			a, err := account.Find(ctx, tx, h.Custodian)
			if err != nil {
				return err
			}
			if a == nil {
				return fault.Missing("There is no such person: %s", h.Custodian)
			}
		}
		if h.Room != "" {
			if _, err := eventlog.RoomByID(ctx, tx, h.Room); err != nil {
				return err
			}
		}
		if err := holds.Add(tx, &h); err != nil {
			return err
		}
		return auditlog.Record(tx, h.Created, by, auditlog.Act{Action: "hold.place", Target: h.ID, Became: note(&h)})
	})
	if err != nil {
		return nil, err
	}
	s.Log.Info("legal hold placed", "hold", h.ID, "case", h.Case)
	return &h, nil
}

// Hold is one hold.
func (s *Service) Hold(ctx context.Context, by auditlog.Actor, id string) (*Hold, error) {
	if err := s.authorize(by); err != nil {
		return nil, err
	}
	h, err := holds.Find(ctx, s.DB, id)
	if err == nil && h == nil {
		err = errNoHold
	}
	return h, err
}

var errNoHold = fault.Missing("There is no such hold")

// Holds is a page of the holds.
func (s *Service) Holds(ctx context.Context, by auditlog.Actor, f HoldFilter, p listing.Page) (listing.Found[Hold], error) {
	if err := s.authorize(by); err != nil {
		return listing.Found[Hold]{Items: []Hold{}}, err
	}
	return holds.List(ctx, s.DB, f, p)
}

// HoldsInForce are all holds that are in force, and the time at which they were. Who may know them is the caller's to say.
func (s *Service) HoldsInForce(ctx context.Context) ([]Hold, int64, error) {
	now := s.now()
	list, err := holds.InForce(ctx, s.DB)
	return list, now, err
}

// ReleaseHold ends a hold, for who can say its case number, and tells what it was the last to keep. That goes with the next steps of retention.
func (s *Service) ReleaseHold(ctx context.Context, by auditlog.Actor, id, number string) (*Hold, *Due, error) {
	h, err := s.Hold(ctx, by, id)
	if err != nil {
		return nil, nil, err
	}
	switch {
	case h.Released > 0:
		return nil, nil, errReleased
	case strings.TrimSpace(number) != h.Case:
		return nil, nil, fault.InvalidParam("This is not the case number of the hold")
	}
	due, err := s.dueAfter(ctx, h)
	if err != nil {
		return nil, nil, err
	}
	err = s.DB.Write(func(tx *store.Tx) error {
		h.Released, h.ReleasedBy = max(s.now(), 1), by.Name
		ok, err := holds.Release(tx, h.ID, h.Released, by.Name)
		if err == nil && !ok {
			err = errReleased
		}
		if err != nil {
			return err
		}
		if err := retain.Released(tx, h.Room, h.Released); err != nil {
			return err
		}
		was, became := *h, note(h)
		was.Released, was.ReleasedBy, became.Due = 0, "", due
		return auditlog.Record(tx, h.Released, by, auditlog.Act{Action: "hold.release", Target: h.ID, Was: note(&was), Became: became})
	})
	if err != nil {
		return nil, nil, err
	}
	s.Log.Info("legal hold released: what was due goes now", "hold", h.ID, "case", h.Case, "rooms", due.Rooms, "messages", due.Messages,
		"redacted", due.Redacted, "files", due.Files, "room_deletions", due.Deletions, "accounts", due.Accounts, "keys", due.Keys)
	return h, due, nil
}

var errReleased = fault.New(fault.Conflict, "CHAT.CONCLAVE.RELEASED", "This hold was released before")

// Kept is one thing that was removed or replaced and that a hold keeps, out of sight: a message as it was before it was redacted, something of a person's key
// backup, or the profile and the addresses of an account that has ended.
type Kept struct {
	ID      mx.EventID      `json:"event_id,omitempty"`
	Event   jsontext.Value  `json:"event,omitempty"`
	Backup  *retain.Backup  `json:"key_backup,omitempty"`
	Key     *retain.RoomKey `json:"room_key,omitempty"`
	Secret  *retain.Secret  `json:"account_data,omitempty"`
	Account jsontext.Value  `json:"account,omitempty"`
	Removed int64           `json:"removed,omitzero"`
}

// Withheld gives what was removed or replaced and what a hold in force keeps of that: messages that were redacted, and what its custodian had stored. The act is
// in the audit log.
func (s *Service) Withheld(ctx context.Context, by auditlog.Actor, id string, each func(*Kept) error) error {
	h, err := s.Hold(ctx, by, id)
	if err != nil {
		return err
	}
	if h.Released > 0 {
		return errReleased
	}
	if err := s.DB.Write(func(tx *store.Tx) error {
		return auditlog.Record(tx, s.now(), by, auditlog.Act{Action: "hold.read", Target: h.ID})
	}); err != nil {
		return err
	}
	if h.Custodian != "" {
		if err := s.eachTaken(ctx, h.Custodian, each); err != nil {
			return err
		}
	}
	return s.eachRoom(ctx, h, func(ctx context.Context, room mx.RoomID) error {
		cover, err := holds.Covering(ctx, s.DB, []Hold{*h}, room)
		for _, span := range cover {
			for after := store.Pos(0); err == nil; {
				var list []retain.Said
				list, err = retain.WithheldIn(ctx, s.DB, room, span.From, span.To, after, batch)
				for i := range list {
					if after = list[i].Pos; err == nil {
						err = each(&Kept{ID: list[i].Event, Event: list[i].Raw})
					}
				}
				if len(list) < batch {
					break
				}
			}
		}
		return err
	})
}

// eachTaken gives what a person removed or replaced of what they stored.
func (s *Service) eachTaken(ctx context.Context, user mx.UserID, each func(*Kept) error) error {
	e, err := retain.FindErasure(ctx, s.DB, user)
	if err != nil {
		return err
	}
	if e != nil && len(e.Kept) > 0 {
		if err := each(&Kept{Account: e.Kept, Removed: e.Requested}); err != nil {
			return err
		}
	}
	return retain.EachTaken(ctx, s.DB, user, func(t *retain.Taken) error {
		return each(&Kept{Backup: t.Backup, Key: t.Key, Secret: t.Secret, Removed: t.Removed})
	})
}
