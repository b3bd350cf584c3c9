package ident

import (
	"context"

	"conclave.chat/internal/fault"
	"conclave.chat/internal/mx"
	"conclave.chat/internal/store"
	"conclave.chat/internal/store/account"
)

// Device is one of a user's clients.
type Device = account.Device

// Devices lists a user's devices.
//
// Spec: cs#get_matrixclientv3devices
func (s *Service) Devices(ctx context.Context, user mx.UserID) ([]Device, error) {
	list, err := account.Devices(ctx, s.DB, user)
	return s.freshen(list), err
}

var errNoDevice = fault.Missing("You have no such device")

// Device gives one of a user's devices.
//
// Spec: cs#get_matrixclientv3devicesdeviceid
func (s *Service) Device(ctx context.Context, user mx.UserID, id mx.DeviceID) (*Device, error) {
	d, err := account.FindDevice(ctx, s.DB, user, id)
	if err != nil {
		return nil, err
	}
	if d == nil {
		return nil, errNoDevice
	}
	return &s.freshen([]Device{*d})[0], nil
}

// RenameDevice gives a device another display name. Others see it, so it is a change of the device list.
//
// Spec: cs#put_matrixclientv3devicesdeviceid
func (s *Service) RenameDevice(ctx context.Context, user mx.UserID, id mx.DeviceID, name *string) error {
	if name == nil {
		_, err := s.Device(ctx, user, id)
		return err
	}
	if len(*name) > maxDeviceName {
		return fault.New(fault.BadRequest, "M_TOO_LARGE", "The device name is longer than %d bytes", maxDeviceName)
	}
	return s.DB.Write(func(tx *store.Tx) error {
		ok, err := account.RenameDevice(tx, user, id, *name)
		if err == nil && !ok {
			err = errNoDevice
		}
		if err != nil {
			return err
		}
		return s.DeviceRenamed(tx, user)
	})
}

// DeleteDevices ends devices of a user. Unknown ones are gone already.
//
// Spec: cs#post_matrixclientv3delete_devices
func (s *Service) DeleteDevices(ctx context.Context, user mx.UserID, ids []mx.DeviceID) error {
	return s.DB.Write(func(tx *store.Tx) error {
		for _, id := range ids {
			if err := s.dropDevice(ctx, tx, user, id); err != nil {
				return err
			}
		}
		return nil
	})
}
