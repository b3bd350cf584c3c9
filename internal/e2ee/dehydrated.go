package e2ee

import (
	"context"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"conclave.chat/internal/fault"
	"conclave.chat/internal/mx"
	"conclave.chat/internal/store"
	"conclave.chat/internal/store/keys"
)

// DehydratedUpload is a device that a user leaves with the server, with its keys.
//
// Spec: MSC3814
type DehydratedUpload struct {
	DeviceID *string        `json:"device_id"`
	Data     jsontext.Value `json:"device_data"`
	Name     string         `json:"initial_device_display_name"`
	KeyUpload
}

// PutDehydrated stores a user's dehydrated device in place of the one before, which goes with its keys and messages. The same device once
// more, as when the answer got lost, keeps what happened to it: a one-time key that was claimed does not come back.
func (s *Service) PutDehydrated(ctx context.Context, user mx.UserID, u DehydratedUpload) error {
	switch {
	case u.DeviceID == nil:
		return fault.MissingParam("device_id is missing")
	case *u.DeviceID == "" || len(*u.DeviceID) > mx.MaxIDBytes || *u.DeviceID == allDevices:
		return fault.InvalidParam("device_id cannot be used")
	case u.Data.Kind() == 0:
		return fault.MissingParam("device_data is missing")
	case u.Data.Kind() != '{':
		return fault.BadJSON("device_data must be an object")
	case len(u.Data) > maxDehydrated:
		return fault.Oversize("device_data is larger than %d bytes", maxDehydrated)
	case len(u.Name) > mx.MaxIDBytes:
		return fault.InvalidParam("The display name is longer than %d bytes", mx.MaxIDBytes)
	case u.DeviceKeys.Kind() != '{':
		return fault.MissingParam("device_keys are missing")
	}
	device := mx.DeviceID(*u.DeviceID)
	c, err := u.check(user, device)
	if err != nil {
		return err
	}
	if err := u.Data.Compact(); err != nil {
		return err
	}
	return s.DB.Write(func(tx *store.Tx) error {
		if err := s.checkDehydratedName(ctx, tx, user, device); err != nil {
			return err
		}
		again, err := isDehydrated(ctx, tx, user, device, c.device.base)
		if err != nil {
			return err
		}
		if !again {
			if err := keys.DeleteDehydrated(tx, user); err != nil {
				return err
			}
		}
		if err := keys.SetDehydrated(tx, keys.DehydratedDevice{User: user, ID: device, Name: u.Name, Data: u.Data}); err != nil {
			return err
		}
		_, err = c.store(ctx, tx, user, device)
		return err
	})
}

// isDehydrated reports whether a user's dehydrated device is this one, with these identity keys.
func isDehydrated(ctx context.Context, tx *store.Tx, user mx.UserID, device mx.DeviceID, base []byte) (bool, error) {
	d, err := keys.Dehydrated(ctx, tx, user)
	if err != nil || d == nil || d.ID != device {
		return false, err
	}
	old, err := keys.FindDeviceKey(ctx, tx, user, device)
	return string(old) == string(base), err
}

// maxDehydrated is how large the data of a dehydrated device may be: it holds private keys, some hundred at most.
const maxDehydrated = 256 << 10

// checkDehydratedName refuses the id of another device or of a cross-signing key.
func (s *Service) checkDehydratedName(ctx context.Context, tx *store.Tx, user mx.UserID, device mx.DeviceID) error {
	known, err := s.signedIn(ctx, tx, user)
	if err != nil {
		return err
	}
	taken, err := keys.IsCrossKey(ctx, tx, user, string(device))
	if err != nil {
		return err
	}
	if _, ok := known[device]; ok || taken {
		return fault.InvalidParam("device_id is in use")
	}
	return nil
}

// Dehydrated gives a user's dehydrated device.
//
// Spec: MSC3814
func (s *Service) Dehydrated(ctx context.Context, user mx.UserID) (*keys.DehydratedDevice, error) {
	d, err := keys.Dehydrated(ctx, s.DB, user)
	if err == nil && d == nil {
		err = errNoDehydrated
	}
	return d, err
}

var errNoDehydrated = fault.Missing("No dehydrated device available")

// DeleteDehydrated removes a user's dehydrated device and gives its id.
//
// Spec: MSC3814
func (s *Service) DeleteDehydrated(ctx context.Context, user mx.UserID) (id mx.DeviceID, err error) {
	err = s.DB.Write(func(tx *store.Tx) error {
		d, err := keys.Dehydrated(ctx, tx, user)
		if err != nil {
			return err
		}
		if d == nil {
			return errNoDehydrated
		}
		id = d.ID
		return keys.DeleteDehydrated(tx, user)
	})
	return id, err
}

const (
	// maxBatch is how many messages a page has.
	maxBatch = 100
	maxPos   = store.Pos(1<<63 - 1)
)

// DehydratedEvents reads a page of the messages that wait for a user's dehydrated device. They stay until the device is deleted.
//
// Spec: MSC3814
func (s *Service) DehydratedEvents(ctx context.Context, user mx.UserID, device mx.DeviceID, from string) (list []keys.Message, next string, err error) {
	var since int64
	if from != "" {
		since, err = strconv.ParseInt(strings.TrimPrefix(from, "d"), 10, 64)
		if err != nil || since < 0 || from[0] != 'd' {
			return nil, "", fault.InvalidParam("next_batch is not a token of this endpoint")
		}
	}
	d, err := keys.Dehydrated(ctx, s.DB, user)
	if err != nil {
		return nil, "", err
	}
	if d == nil || d.ID != device {
		return nil, "", fault.Denied("This is not your dehydrated device")
	}
	list, err = keys.ToDevice(ctx, s.DB, user, device, store.Pos(since), maxPos, maxBatch)
	if n := len(list); n > 0 {
		since = int64(list[n-1].Pos)
	}
	return list, "d" + strconv.FormatInt(since, 10), err
}
