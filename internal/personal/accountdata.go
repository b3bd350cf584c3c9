package personal

import (
	"context"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"conclave.chat/internal/fault"
	"conclave.chat/internal/mx"
	"conclave.chat/internal/store"
	"conclave.chat/internal/store/personal"
	"conclave.chat/internal/store/retain"
	"conclave.chat/internal/store/securitylog"
)

// MaxAccountData is how large one piece of account data may be, in bytes: lists of rooms and drafts grow.
const MaxAccountData = 512 << 10

// Place names account data: whose it is, of which room ("" for none), of which type.
type Place struct {
	User mx.UserID
	Room string
	Type string
}

// check refuses places that are not the caller's and those that do not exist.
func (p Place) check(caller mx.UserID, write bool) (mx.RoomID, error) {
	if err := self(caller, p.User); err != nil {
		return "", err
	}
	if len(p.Type) > mx.MaxIDBytes {
		return "", fault.InvalidParam("The type is longer than %d bytes", mx.MaxIDBytes)
	}
	if write && (p.Type == personal.TypeFullyRead || p.Type == personal.TypePushRules) {
		return "", fault.New(fault.NotAllowed, "M_BAD_JSON", "Cannot set %s through this API", p.Type)
	}
	if p.Room == "" {
		return "", nil
	}
	return mx.ParseRoomID(p.Room)
}

// AccountData reads account data of the caller.
//
// Spec: cs#get_matrixclientv3useruseridaccount_datatype
func (s *Service) AccountData(ctx context.Context, caller mx.UserID, p Place) ([]byte, error) {
	room, err := p.check(caller, false)
	if err != nil {
		return nil, err
	}
	if room == "" && p.Type == personal.TypePushRules && s.PushRules != nil { // what is stored may lack newer rules of the server's
		return s.PushRules.PushRules(ctx, p.User)
	}
	content, err := personal.FindAccountData(ctx, s.DB, p.User, room, p.Type)
	if err == nil && content == nil {
		err = fault.Missing("Account data not found")
	}
	return content, err
}

// PutAccountData stores account data of the caller, a JSON object. An empty one deletes what is there.
//
// Spec: cs#put_matrixclientv3useruseridaccount_datatype
// Spec: MSC3391
func (s *Service) PutAccountData(ctx context.Context, caller mx.UserID, p Place, content []byte) error {
	room, err := p.check(caller, true)
	if err != nil {
		return err
	}
	v := jsontext.Value(content)
	if err := v.Compact(); err != nil {
		return err
	}
	if len(v) > MaxAccountData {
		return fault.Oversize("Account data is larger than %d bytes", MaxAccountData)
	}
	return s.DB.Write(func(tx *store.Tx) error {
		if err := s.remember(ctx, tx, p.User, room, p.Type, v); err != nil {
			return err
		}
		if string(v) == "{}" {
			return personal.EmptyAccountData(tx, p.User, room, p.Type, store.Millis(s.Now()))
		}
		return personal.PutAccountData(tx, p.User, room, p.Type, v)
	})
}

// DeleteAccountData removes account data of the caller. Clients that know it hear of it once, with empty content.
//
// Spec: MSC3391
func (s *Service) DeleteAccountData(ctx context.Context, caller mx.UserID, p Place) error {
	room, err := p.check(caller, true)
	if err != nil {
		return err
	}
	return s.DB.Write(func(tx *store.Tx) error {
		if err := s.remember(ctx, tx, p.User, room, p.Type, []byte("{}")); err != nil {
			return err
		}
		_, err := personal.DeleteAccountData(tx, p.User, room, p.Type, store.Millis(s.Now()))
		return err
	})
}

// remember puts a change of the recovery store into the user's history, and keeps what was there where that has to stay.
func (s *Service) remember(ctx context.Context, tx *store.Tx, user mx.UserID, room mx.RoomID, typ string, becomes []byte) error {
	if room != "" || !securitylog.Concerns(typ) {
		return nil
	}
	was, err := personal.FindAccountData(ctx, tx, user, "", typ)
	if err != nil {
		return err
	}
	if s.MayErase != nil && was != nil && string(was) != string(becomes) {
		may, err := s.MayErase(ctx, tx, user)
		if err != nil {
			return err
		}
		if !may {
			if err := retain.WithholdSecret(tx, user, typ, store.Millis(s.Now())); err != nil {
				return err
			}
		}
	}
	current, err := personal.FindAccountData(ctx, tx, user, "", securitylog.DefaultKey)
	if err != nil {
		return err
	}
	return securitylog.AccountData(ctx, tx, store.Millis(s.Now()), user, typ, was, becomes, current)
}

// deletedLife is how long clients can learn of deleted account data.
const deletedLife = 30 * 24 * time.Hour

// Collect removes what was deleted long ago.
func (s *Service) Collect(_ context.Context, now time.Time) error {
	return s.DB.Write(func(tx *store.Tx) error {
		_, err := personal.CollectAccountData(tx, store.Millis(now.Add(-deletedLife)))
		return err
	})
}

// InviteAllowed gives M_INVITE_BLOCKED if a user takes no invitations.
//
// Spec: cs#invite-permission
func (s *Service) InviteAllowed(ctx context.Context, _, invitee mx.UserID) error {
	content, err := personal.FindAccountData(ctx, s.DB, invitee, "", personal.TypeInviteConfig)
	if err != nil || content == nil {
		return err
	}
	if personal.InvitesBlocked(content) {
		return fault.New(fault.Forbidden, "M_INVITE_BLOCKED", "This user takes no invitations")
	}
	return nil
}

// tags is the content of m.tag.
type tags struct {
	Tags map[string]jsontext.Value `json:"tags"`
}

// readTags reads a room's tags. Content of another shape, which clients can write as account data, has none.
func readTags(ctx context.Context, r store.Reader, user mx.UserID, room mx.RoomID) (tags, error) {
	t := tags{}
	content, err := personal.FindAccountData(ctx, r, user, room, personal.TypeTag)
	if err != nil {
		return t, err
	}
	if content == nil || json.Unmarshal(content, &t) != nil || t.Tags == nil {
		t.Tags = map[string]jsontext.Value{}
	}
	return t, nil
}

// Tags reads the tags that the caller gave a room, as the content of m.tag.
//
// Spec: cs#get_matrixclientv3useruseridroomsroomidtags
func (s *Service) Tags(ctx context.Context, caller mx.UserID, p Place) (any, error) {
	p.Type = personal.TypeTag
	room, err := p.check(caller, false)
	if err != nil {
		return nil, err
	}
	return readTags(ctx, s.DB, p.User, room)
}

// maxTags is how many tags a room may have.
const maxTags = 100

// PutTag gives a room a tag, with what the client says of it.
//
// Spec: cs#put_matrixclientv3useruseridroomsroomidtagstag
func (s *Service) PutTag(ctx context.Context, caller mx.UserID, p Place, tag string, content []byte) error {
	if err := checkTag(tag, content); err != nil {
		return err
	}
	return s.changeTags(ctx, caller, p, func(t tags) (bool, error) {
		if t.Tags[tag] = content; len(t.Tags) > maxTags {
			return false, fault.InvalidParam("A room has %d tags at most", maxTags)
		}
		return true, nil
	})
}

func checkTag(tag string, content []byte) error {
	if len(tag) > mx.MaxIDBytes || !utf8.ValidString(tag) {
		return fault.InvalidParam("A tag is text of %d bytes at most", mx.MaxIDBytes)
	}
	if len(content) > maxTag {
		return fault.Oversize("A tag is larger than %d bytes", maxTag)
	}
	var t struct {
		Order jsontext.Value `json:"order"`
	}
	if err := json.Unmarshal(content, &t); err != nil {
		return fault.BadJSON("The tag has the wrong shape").Because(err)
	}
	if t.Order == nil {
		return nil
	}
	var order float64
	if t.Order.Kind() != '0' || json.Unmarshal(t.Order, &order) != nil {
		return fault.BadJSON("order must be a number")
	}
	if order < 0 || order > 1 {
		return fault.InvalidParam("order must be between 0 and 1")
	}
	return nil
}

// maxTag is how large what is said of a tag may be, in bytes.
const maxTag = 4096

// DeleteTag takes a tag from a room. A tag that is not there is no error.
//
// Spec: cs#delete_matrixclientv3useruseridroomsroomidtagstag
func (s *Service) DeleteTag(ctx context.Context, caller mx.UserID, p Place, tag string) error {
	return s.changeTags(ctx, caller, p, func(t tags) (bool, error) {
		_, had := t.Tags[tag]
		delete(t.Tags, tag)
		return had, nil
	})
}

func (s *Service) changeTags(ctx context.Context, caller mx.UserID, p Place, change func(tags) (bool, error)) error {
	p.Type = personal.TypeTag
	room, err := p.check(caller, true)
	if err != nil {
		return err
	}
	return s.DB.Write(func(tx *store.Tx) error {
		t, err := readTags(ctx, tx, p.User, room)
		if err != nil {
			return err
		}
		changed, err := change(t)
		if err != nil || !changed {
			return err
		}
		content, err := json.Marshal(t, json.Deterministic(true))
		if err != nil {
			return err
		}
		return personal.PutAccountData(tx, p.User, room, personal.TypeTag, content)
	})
}
