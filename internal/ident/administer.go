package ident

import (
	"context"

	"conclave.chat/internal/fault"
	"conclave.chat/internal/mx"
	"conclave.chat/internal/store"
	"conclave.chat/internal/store/account"
)

// SetDisplayName gives an account another display name, on an administrator's word.
func (s *Service) SetDisplayName(ctx context.Context, by By, user mx.UserID, name string) error {
	value, err := CheckDisplay(name)
	if err != nil {
		return err
	}
	changed := false
	var was, avatar string
	err = s.change(ctx, user, func(tx *store.Tx, _ *Account) error {
		var err error
		if was, avatar, err = NameAndAvatar(ctx, tx, user); err != nil {
			return err
		}
		if err := s.guard(by, user); err != nil {
			return err
		}
		if changed, err = s.setField(ctx, tx, user, fieldName, value); err != nil || !changed {
			return err
		}
		return s.record(ctx, tx, by, "account.rename", user, was, name)
	})
	if err != nil || !changed || s.Rooms == nil {
		return err
	}
	return s.Rooms.ProfileChanged(context.WithoutCancel(ctx), user, was, avatar)
}

// SignOut ends one device of an account, or all where none is named. Their clients are told to erase what they keep.
func (s *Service) SignOut(ctx context.Context, by By, user mx.UserID, device mx.DeviceID) error {
	return s.change(ctx, user, func(tx *store.Tx, _ *Account) error {
		list, err := account.Devices(ctx, tx, user)
		if err != nil {
			return err
		}
		ended := []mx.DeviceID{}
		for i := range list {
			if device != "" && list[i].ID != device {
				continue
			}
			if err := s.dropDevice(ctx, tx, user, list[i].ID); err != nil {
				return err
			}
			ended = append(ended, list[i].ID)
		}
		if device != "" && len(ended) == 0 {
			return fault.Missing("There is no such device")
		}
		return s.record(ctx, tx, by, "account.sign_out", user, nil, map[string]any{"devices": ended})
	})
}
