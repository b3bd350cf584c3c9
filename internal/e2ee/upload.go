package e2ee

import (
	"context"

	"github.com/go-json-experiment/json/jsontext"

	"conclave.chat/internal/fault"
	"conclave.chat/internal/mx"
	"conclave.chat/internal/store"
	"conclave.chat/internal/store/keys"
)

// maxOneTime is how many unclaimed one-time keys a device may have: ten times what clients keep.
const maxOneTime = 1000

// KeyUpload are keys that a device publishes.
type KeyUpload struct {
	DeviceKeys   jsontext.Value            `json:"device_keys"`
	OneTimeKeys  map[string]jsontext.Value `json:"one_time_keys"`
	FallbackKeys map[string]jsontext.Value `json:"fallback_keys"`
}

// checkedUpload is a KeyUpload whose shape is right.
type checkedUpload struct {
	device            *signedObject // nil if there are no identity keys
	oneTime, fallback []keys.Key
}

func (u KeyUpload) check(user mx.UserID, device mx.DeviceID) (c checkedUpload, err error) {
	if kind := u.DeviceKeys.Kind(); kind != 0 && kind != 'n' {
		if c.device, err = parseDeviceKeys(u.DeviceKeys, user, device); err != nil {
			return c, err
		}
	}
	if c.oneTime, err = parseKeys("one_time_keys", u.OneTimeKeys); err != nil {
		return c, err
	}
	if c.fallback, err = parseKeys("fallback_keys", u.FallbackKeys); err != nil {
		return c, err
	}
	for i := 1; i < len(c.fallback); i++ { // sorted by name
		if c.fallback[i].Algorithm == c.fallback[i-1].Algorithm {
			return c, fault.InvalidParam("There can be one fallback key for each algorithm")
		}
	}
	return c, nil
}

// Upload publishes keys of a device and tells how many one-time keys it then has.
//
// Spec: cs#post_matrixclientv3keysupload
func (s *Service) Upload(ctx context.Context, user mx.UserID, device mx.DeviceID, u KeyUpload) (map[string]int, error) {
	c, err := u.check(user, device)
	if err != nil {
		return nil, err
	}
	if c.device == nil && len(c.oneTime) == 0 && len(c.fallback) == 0 {
		n, err := keys.CountKeys(ctx, s.DB, user, device)
		return n.OneTime, err
	}
	var counts keys.Counts
	err = s.DB.Write(func(tx *store.Tx) error {
		known, err := s.signedIn(ctx, tx, user)
		if err != nil {
			return err
		}
		if _, ok := known[device]; !ok { // nobody would ever remove the keys
			return errLoggedOut
		}
		counts, err = c.store(ctx, tx, user, device)
		return err
	})
	return counts.OneTime, err
}

func (c checkedUpload) store(ctx context.Context, tx *store.Tx, user mx.UserID, device mx.DeviceID) (keys.Counts, error) {
	if c.device != nil {
		if err := storeDeviceKeys(ctx, tx, user, device, c.device); err != nil {
			return keys.Counts{}, err
		}
	}
	if len(c.oneTime) > 0 {
		conflicts, err := keys.AddOneTime(tx, user, device, c.oneTime, same)
		if err != nil {
			return keys.Counts{}, err
		}
		if len(conflicts) > 0 {
			return keys.Counts{}, fault.New(fault.BadRequest, "M_UNKNOWN", "One-time key %s exists with other content", conflicts[0])
		}
	}
	for _, k := range c.fallback {
		if err := keys.SetFallback(tx, user, device, k, same); err != nil {
			return keys.Counts{}, err
		}
	}
	counts, err := keys.CountKeys(ctx, tx, user, device)
	total := 0
	for _, n := range counts.OneTime {
		total += n
	}
	if err == nil && len(c.oneTime) > 0 && total > maxOneTime {
		err = fault.New(fault.BadRequest, "M_TOO_LARGE", "A device has %d one-time keys at most", maxOneTime)
	}
	return counts, err
}

// storeDeviceKeys stores identity keys if they are new. The same keys again may bring new signatures.
func storeDeviceKeys(ctx context.Context, tx *store.Tx, user mx.UserID, device mx.DeviceID, o *signedObject) error {
	old, err := keys.FindDeviceKey(ctx, tx, user, device)
	if err != nil {
		return err
	}
	sigs := o.by(user, string(device))
	if string(old) == string(o.base) {
		_, err := keys.AddSignatures(tx, sigs)
		return err
	}
	if err := keys.SetDeviceKey(tx, user, device, o.base); err != nil {
		return err
	}
	_, err = keys.PutSignatures(tx, sigs)
	return err
}
