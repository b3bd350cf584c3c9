package ident

import (
	"context"
	"regexp"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"conclave.chat/internal/fault"
	"conclave.chat/internal/mx"
	"conclave.chat/internal/store"
	"conclave.chat/internal/store/account"
)

// Limits of profiles, bytes; the first is the specification's.
const (
	maxProfile     = 64 << 10
	maxFieldName   = 255
	maxDisplayName = 1024
	maxAvatar      = 1024
)

// The profile fields that events carry.
const (
	fieldName   = "displayname"
	fieldAvatar = "avatar_url"
	fieldZone   = "m.tz"
)

// fieldGrammar is that of namespaced identifiers, plus the two names that are older than it.
//
// Spec: appendices#common-namespaced-identifier-grammar
var fieldGrammar = regexp.MustCompile(`^(avatar_url|displayname|[a-z][a-z0-9_-]*(\.[a-z0-9_-]+)+)$`)

var (
	errNoProfile     = fault.Missing("There is no such profile")
	errHiddenProfile = fault.Denied("You may not see this profile")
)

// mayRead applies the profile policy. viewer is empty for somebody without an account.
//
// Spec: cs#profiles
func (s *Service) mayRead(ctx context.Context, viewer, user mx.UserID) error {
	if s.Config.Profiles == "public" {
		return nil
	}
	if viewer == "" {
		return errHiddenProfile
	}
	if s.Config.Profiles == "organisation" || viewer == user || s.Rooms == nil {
		return nil
	}
	ok, err := s.Rooms.Visible(ctx, viewer, user)
	if err == nil && !ok {
		err = errHiddenProfile
	}
	return err
}

// Profile gives a user's profile as a JSON object.
//
// Spec: cs#get_matrixclientv3profileuserid
func (s *Service) Profile(ctx context.Context, viewer, user mx.UserID) ([]byte, error) {
	if err := s.mayRead(ctx, viewer, user); err != nil {
		return nil, err
	}
	if err := s.exists(ctx, user); err != nil {
		return nil, err
	}
	list, err := account.Profile(ctx, s.DB, user)
	if err != nil {
		return nil, err
	}
	return encodeProfile(list)
}

// ProfileField gives one field of a profile as a JSON object with that one member.
//
// Spec: cs#get_matrixclientv3profileuseridkeyname
func (s *Service) ProfileField(ctx context.Context, viewer, user mx.UserID, name string) ([]byte, error) {
	if err := s.mayRead(ctx, viewer, user); err != nil {
		return nil, err
	}
	if err := s.exists(ctx, user); err != nil {
		return nil, err
	}
	value, err := account.ProfileField(ctx, s.DB, user, name)
	if err != nil {
		return nil, err
	}
	if value == nil {
		return nil, errNoProfile
	}
	return encodeProfile([]account.Field{{Name: name, Value: value}})
}

// exists checks that a user has an account here that is not deactivated.
func (s *Service) exists(ctx context.Context, user mx.UserID) error {
	a, err := account.Find(ctx, s.DB, user)
	if err == nil && (a == nil || a.Deactivated) {
		err = errNoProfile
	}
	return err
}

// NameAndAvatar gives what membership events say of a user; empty strings where there is nothing to say.
func NameAndAvatar(ctx context.Context, r store.Reader, user mx.UserID) (name, avatar string, err error) {
	list, err := account.ProfileFields(ctx, r, user, fieldName, fieldAvatar)
	if err != nil {
		return "", "", err
	}
	for _, f := range list {
		dest := &name
		if f.Name == fieldAvatar {
			dest = &avatar
		}
		if err := json.Unmarshal(f.Value, dest); err != nil {
			return "", "", err
		}
	}
	return name, avatar, nil
}

func encodeProfile(list []account.Field) ([]byte, error) {
	out := []byte{'{'}
	for i, f := range list {
		if i > 0 {
			out = append(out, ',')
		}
		var err error
		if out, err = jsontext.AppendQuote(out, f.Name); err != nil {
			return nil, err
		}
		out = append(append(out, ':'), f.Value...)
	}
	return append(out, '}'), nil
}

// checkField checks the name of a field that somebody wants to change.
func checkField(name string) error {
	switch {
	case len(name) > maxFieldName:
		return fault.New(fault.BadRequest, "M_KEY_TOO_LARGE", "The field's name is longer than %d bytes", maxFieldName)
	case !fieldGrammar.MatchString(name):
		return fault.InvalidParam("This is no name for a profile field")
	}
	return nil
}

// checkValue checks a field's value and gives it in its shortest form; nil where the value says that there is none.
func checkValue(name string, value jsontext.Value) ([]byte, error) {
	var text string
	switch name {
	case fieldName, fieldAvatar, fieldZone:
		if value.Kind() != '"' {
			return nil, fault.BadJSON("%s must be a string", name)
		}
		if err := json.Unmarshal(value, &text); err != nil {
			return nil, fault.BadJSON("%s must be a string", name).Because(err)
		}
	}
	switch {
	case name == fieldName && len(text) > maxDisplayName:
		return nil, fault.InvalidParam("The display name is longer than %d bytes", maxDisplayName)
	case name == fieldAvatar && len(text) > maxAvatar:
		return nil, fault.InvalidParam("avatar_url is longer than %d bytes", maxAvatar)
	case (name == fieldName || name == fieldAvatar) && text == "":
		return nil, nil
	}
	if err := value.Compact(); err != nil {
		return nil, fault.BadJSON("The value cannot be read").Because(err)
	}
	return value, nil
}

// SetProfileField changes one field of the caller's own profile. value nil removes it. Name and avatar go into the rooms too.
//
// Spec: cs#put_matrixclientv3profileuseridkeyname
func (s *Service) SetProfileField(ctx context.Context, user mx.UserID, name string, value jsontext.Value) error {
	if !s.Config.ProfileEdits {
		return fault.Denied("Profiles are kept by the organisation")
	}
	if err := checkField(name); err != nil {
		return err
	}
	var stored []byte
	if value != nil {
		var err error
		if stored, err = checkValue(name, value); err != nil {
			return err
		}
	}
	changed := false
	var formerName, formerAvatar string
	err := s.DB.Write(func(tx *store.Tx) error {
		var err error
		if formerName, formerAvatar, err = NameAndAvatar(ctx, tx, user); err != nil {
			return err
		}
		changed, err = s.setField(ctx, tx, user, name, stored)
		return err
	})
	if err != nil || !changed || s.Rooms == nil || (name != fieldName && name != fieldAvatar) {
		return err
	}
	return s.Rooms.ProfileChanged(context.WithoutCancel(ctx), user, formerName, formerAvatar)
}

// setField writes a field and reports whether it changed anything.
func (s *Service) setField(ctx context.Context, tx *store.Tx, user mx.UserID, name string, value []byte) (bool, error) {
	list, err := account.Profile(ctx, tx, user)
	if err != nil {
		return false, err
	}
	size := len("{}")
	for _, f := range list {
		if f.Name != name {
			size += len(f.Name) + len(f.Value) + len(`"":,`)
		} else if string(f.Value) == string(value) {
			return false, nil
		}
	}
	if value == nil {
		err = account.DeleteProfileField(tx, user, name)
	} else if size+len(name)+len(value)+len(`"":`) >= maxProfile {
		err = fault.New(fault.BadRequest, "M_PROFILE_TOO_LARGE", "The profile would be larger than %d bytes", maxProfile)
	} else {
		err = account.SetProfileField(tx, user, account.Field{Name: name, Value: value})
	}
	if err == nil && name == fieldName {
		err = s.index(ctx, tx, user)
	}
	tx.Emit(store.Change{Pos: tx.Next(), Kind: store.KindProfile, User: user})
	return true, err
}
