package push

import (
	"context"
	"encoding/json"

	"conclave.chat/internal/mx"
	"conclave.chat/internal/pushrule"
	"conclave.chat/internal/store"
	"conclave.chat/internal/store/eventlog"
	"conclave.chat/internal/store/personal"
)

// PushRules is the content of a user's m.push_rules account data.
//
// Spec: cs#mpush_rules
func (s *Service) PushRules(ctx context.Context, user mx.UserID) ([]byte, error) {
	set, err := s.Ruleset(ctx, user)
	if err != nil {
		return nil, err
	}
	return encode(set)
}

func encode(set *pushrule.Ruleset) ([]byte, error) {
	return json.Marshal(map[string]any{"global": set})
}

// Ruleset is a user's rules.
func (s *Service) Ruleset(ctx context.Context, user mx.UserID) (*pushrule.Ruleset, error) {
	return s.load(ctx, s.db, user)
}

func (s *Service) load(ctx context.Context, r store.Reader, user mx.UserID) (*pushrule.Ruleset, error) {
	raw, err := stored(ctx, r, user)
	if err != nil {
		return nil, err
	}
	return s.server.Load(raw, user)
}

// stored is what a user has changed about the rules; nil if nothing.
func stored(ctx context.Context, r store.Reader, user mx.UserID) ([]byte, error) {
	raw, err := personal.FindAccountData(ctx, r, user, "", personal.TypePushRules)
	if err != nil || raw == nil {
		return nil, err
	}
	var content struct {
		Global json.RawMessage `json:"global"`
	}
	err = json.Unmarshal(raw, &content)
	return content.Global, err
}

// compiled is a user's rules, from memory if they are there.
func (s *Service) compiled(ctx context.Context, user mx.UserID) (*pushrule.Rules, error) {
	if r, ok := s.rules.Get(user); ok {
		return r, nil
	}
	gen := s.rulesGen.Load()
	raw, err := stored(ctx, s.db, user)
	if err != nil {
		return nil, err
	}
	r, err := s.server.Compile(raw, user)
	if err == nil && s.rulesGen.Load() == gen {
		s.rules.Add(user, r)
	}
	return r, err
}

// match is what a user's rules do with an event.
func (s *Service) match(ctx context.Context, user mx.UserID, e *eventlog.Event) (pushrule.Result, error) {
	rules, err := s.compiled(ctx, user)
	if err != nil {
		return pushrule.Result{}, err
	}
	sub, err := s.subject(ctx, e)
	if err != nil {
		return pushrule.Result{}, err
	}
	subscribed := false
	if e.Thread != "" && rules.AboutThreads() {
		found, err := personal.FindSubscription(ctx, s.db, user, e.RoomID, e.Thread)
		if err != nil {
			return pushrule.Result{}, err
		}
		subscribed = found != nil && found.Subscribed
	}
	return rules.Match(sub, subscribed), nil
}

// CopyRoomRules gives a room that replaces another the user's rules for the old one.
//
// Spec: cs#post_matrixclientv3roomsroomidupgrade
func (s *Service) CopyRoomRules(ctx context.Context, user mx.UserID, from, to mx.RoomID) error {
	set, err := s.Ruleset(ctx, user)
	if err != nil {
		return err
	}
	if _, err := set.Get(pushrule.Room, string(from)); err != nil { // the usual case costs no write
		return nil
	}
	return s.ChangeRules(user, func(set *pushrule.Ruleset) error {
		old, err := set.Get(pushrule.Room, string(from))
		if err != nil {
			return nil //nolint:nilerr // removed meanwhile
		}
		if _, err := set.Get(pushrule.Room, string(to)); err == nil {
			return nil // the user has made up their mind about the new room
		}
		copied := *old
		copied.ID = string(to)
		if err := set.Put(pushrule.Room, copied, "", ""); err != nil {
			return err
		}
		return set.Enable(pushrule.Room, copied.ID, old.Enabled)
	})
}

// ChangeRules lets edit change a user's rules and stores them; all the user's clients hear of it.
func (s *Service) ChangeRules(user mx.UserID, edit func(*pushrule.Ruleset) error) error {
	return s.db.Write(func(tx *store.Tx) error {
		set, err := s.load(context.Background(), tx, user)
		if err != nil {
			return err
		}
		if err := edit(set); err != nil {
			return err
		}
		content, err := encode(set)
		if err != nil {
			return err
		}
		return personal.PutAccountData(tx, user, "", personal.TypePushRules, content)
	})
}
