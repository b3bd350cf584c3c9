package ident

import (
	"context"
	"errors"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"conclave.chat/internal/mx"
	"conclave.chat/internal/store"
	"conclave.chat/internal/store/account"
	"conclave.chat/internal/store/retain"
)

// Deactivate ends an account for good. With erase everything but its events goes; those are hidden from who joins later. What a legal hold
// keeps of the account goes when that is released.
//
// Spec: cs#post_matrixclientv3accountdeactivate
func (s *Service) Deactivate(ctx context.Context, by By, user mx.UserID, erase bool) error {
	return s.deactivate(ctx, by, user, erase, false)
}

// Erase is Deactivate with erase, after which the user's messages and files are removed too. The account may have been deactivated before.
func (s *Service) Erase(ctx context.Context, by By, user mx.UserID) error {
	a, err := account.Find(ctx, s.DB, user)
	if err != nil || a == nil || !a.Deactivated {
		return errors.Join(err, s.deactivate(ctx, by, user, true, true))
	}
	return s.DB.Write(func(tx *store.Tx) error {
		a, err := account.Find(ctx, tx, user)
		if err != nil {
			return err
		}
		was := stateOf(a)
		if a.Erased = true; a.ErasedAt == 0 {
			a.ErasedAt = tx.Next()
		}
		if err := account.Update(tx, a); err != nil {
			return err
		}
		ended(tx, user, "")
		// What the account stored goes as it would have then.
		if err := retain.AddErasure(tx, &retain.Erasure{User: user, Requested: s.now(), Personal: true, Messages: true}); err != nil {
			return err
		}
		return s.record(ctx, tx, by, "account.erase", user, was, stateOf(a))
	})
}

func (s *Service) deactivate(ctx context.Context, by By, user mx.UserID, erase, messages bool) error {
	if err := notSelf(by, user); err != nil {
		return err
	}
	action := "account.deactivate"
	if messages {
		action = "account.erase"
	}
	err := s.act(ctx, by, action, user, func(tx *store.Tx, a *Account) error {
		may := true
		if s.MayErase != nil {
			var err error
			if may, err = s.MayErase(ctx, tx, user); err != nil {
				return err
			}
		}
		if err := s.toErase(ctx, tx, user, !may, messages); err != nil {
			return err
		}
		a.Password, a.Deactivated, a.Erased, a.Leaving, a.Admin = "", true, erase, true, false
		if err := s.dropDevices(ctx, tx, user, ""); err != nil {
			return err
		}
		if err := account.DeleteTickets(tx, user); err != nil {
			return err
		}
		if err := account.DeleteProfile(tx, user); err != nil {
			return err
		}
		if err := account.DeleteContacts(tx, user); err != nil {
			return err
		}
		pos := tx.Next()
		if erase {
			a.ErasedAt = pos
		}
		tx.Emit(store.Change{Pos: pos, Kind: store.KindProfile, User: user})
		if !may {
			return nil
		}
		return s.forget(tx, user, erase)
	})
	if err != nil || s.Rooms == nil {
		return err
	}
	return s.leave(context.WithoutCancel(ctx), user)
}

func (s *Service) forget(tx *store.Tx, user mx.UserID, erase bool) error {
	for _, e := range s.Erasers {
		if err := e.EraseAccount(tx, user, erase); err != nil {
			return err
		}
	}
	return nil
}

// Forget removes what a deactivated account stored, once nothing keeps it any more.
func (s *Service) Forget(tx *store.Tx, user mx.UserID) error {
	a, err := account.Find(context.Background(), tx, user)
	if err != nil || a == nil || !a.Deactivated {
		return err
	}
	return s.forget(tx, user, a.Erased)
}

// toErase notes what is to be removed later: messages, and what the account stored while that is held. Of what goes at once then, the
// profile and the addresses, it keeps a copy.
func (s *Service) toErase(ctx context.Context, tx *store.Tx, user mx.UserID, held, messages bool) error {
	if !held && !messages {
		return nil
	}
	e := retain.Erasure{User: user, Requested: s.now(), Personal: held, Messages: messages}
	if held {
		fields, err := account.Profile(ctx, tx, user)
		if err != nil {
			return err
		}
		var kept struct {
			Profile  jsontext.Value `json:"profile"`
			Contacts []string       `json:"emails"`
		}
		if kept.Profile, err = encodeProfile(fields); err != nil {
			return err
		}
		list, err := account.Contacts(ctx, tx, user)
		if err != nil {
			return err
		}
		for i := range list {
			kept.Contacts = append(kept.Contacts, list[i].Address)
		}
		if e.Kept, err = json.Marshal(&kept, json.Deterministic(true)); err != nil {
			return err
		}
	}
	return retain.AddErasure(tx, &e)
}
