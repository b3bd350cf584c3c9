package e2ee

import (
	"context"

	"conclave.chat/internal/mx"
	"conclave.chat/internal/store"
	"conclave.chat/internal/store/keys"
)

// KeyQuery are the devices to ask for: lists by user, an empty one for all of the user's devices.
type KeyQuery map[string][]string

// Query gives the identity keys of devices and the cross-signing keys of their users, as a viewer may see them, as JSON.
//
// Spec: cs#post_matrixclientv3keysquery
func (s *Service) Query(ctx context.Context, viewer mx.UserID, q KeyQuery) ([]byte, error) {
	here, away, err := local(s, q)
	if err != nil {
		return nil, err
	}
	names, err := s.devices(ctx, s.DB, here)
	if err != nil {
		return nil, err
	}
	devices, err := keys.DeviceKeys(ctx, s.DB, here)
	if err != nil {
		return nil, err
	}
	cross, err := keys.CrossKeys(ctx, s.DB, here)
	if err != nil {
		return nil, err
	}
	sigs, err := readSignatures(ctx, s.DB, viewer, here)
	if err != nil {
		return nil, err
	}
	dst := appendFailures([]byte{'{'}, away)
	dst = append(dst, `,"device_keys":{`...)
	dst = appendDevices(dst, q, devices, names, sigs)
	for _, purpose := range []string{keys.Master, keys.SelfSigning, keys.UserSigning} {
		dst = append(append(append(dst, `},"`...), purpose...), `_keys":{`...)
		first := true
		for _, k := range cross {
			if k.Purpose != purpose || (purpose == keys.UserSigning && k.User != viewer) {
				continue
			}
			dst = appendName(dst, &first, string(k.User))
			dst = append(sigs.append(dst, k.JSON, keyName{k.User, k.Public}, false), '}')
		}
	}
	return append(dst, "}}"...), nil
}

// appendDevices writes the members of device_keys. A user without keys is there with an empty object, unless the user has no devices,
// as one who does not exist.
func appendDevices(dst []byte, q KeyQuery, list []keys.DeviceKey, names map[mx.UserID]map[mx.DeviceID]string, sigs keySignatures) []byte {
	byUser := map[mx.UserID][]keys.DeviceKey{}
	for _, k := range list {
		byUser[k.User] = append(byUser[k.User], k)
	}
	firstUser := true
	for _, user := range sorted(names) {
		dst = appendName(dst, &firstUser, string(user))
		dst = append(dst, '{')
		first := true
		wanted := map[mx.DeviceID]bool{}
		for _, d := range q[string(user)] {
			wanted[mx.DeviceID(d)] = true
		}
		for _, k := range byUser[user] {
			name, known := names[user][k.Device]
			if !known || (len(wanted) > 0 && !wanted[k.Device]) {
				continue
			}
			dst = appendName(dst, &first, string(k.Device))
			dst = sigs.append(dst, k.JSON, keyName{user, string(k.Device)}, true)
			dst = append(dst, `,"unsigned":{`...)
			if name != "" {
				dst = mx.AppendString(append(dst, `"device_display_name":`...), name)
			}
			dst = append(dst, "}}"...)
		}
		dst = append(dst, '}')
	}
	return dst
}

// appendName begins the next member of an object.
func appendName(dst []byte, first *bool, name string) []byte {
	if !*first {
		dst = append(dst, ',')
	}
	*first = false
	return append(mx.AppendString(dst, name), ':')
}

// keyName names a key that is signed: a device id or the public key of a cross-signing key.
type keyName struct {
	user   mx.UserID
	target string
}

// keySignatures are the signatures to show on each key.
type keySignatures map[keyName]signatures

func readSignatures(ctx context.Context, r store.Reader, viewer mx.UserID, users []mx.UserID) (keySignatures, error) {
	list, err := keys.Signatures(ctx, r, viewer, users)
	m := keySignatures{}
	for _, g := range list {
		name := keyName{g.User, g.Target}
		if m[name] == nil {
			m[name] = signatures{}
		}
		if m[name][string(g.Signer)] == nil {
			m[name][string(g.Signer)] = map[string]string{}
		}
		m[name][string(g.Signer)][g.SignerKey] = g.Signature
	}
	return m, err
}

// append writes a key object with its signatures, without the brace that ends it.
func (m keySignatures) append(dst, base []byte, name keyName, always bool) []byte {
	dst = append(dst, base[:len(base)-1]...)
	byUser := m[name]
	if len(byUser) == 0 && !always {
		return dst
	}
	dst = append(dst, `,"signatures":{`...)
	firstUser := true
	for _, user := range sorted(byUser) {
		dst = append(appendName(dst, &firstUser, user), '{')
		first := true
		for _, id := range sorted(byUser[user]) {
			dst = mx.AppendString(appendName(dst, &first, id), byUser[user][id])
		}
		dst = append(dst, '}')
	}
	return append(dst, '}')
}

// KeyClaim are the one-time keys to hand out: algorithms by user and device.
type KeyClaim map[string]map[string]string

// Claim hands out one-time keys, each once, or fallback keys, as JSON.
//
// Spec: cs#post_matrixclientv3keysclaim
func (s *Service) Claim(_ context.Context, c KeyClaim) ([]byte, error) {
	here, away, err := local(s, c)
	if err != nil {
		return nil, err
	}
	claimed := map[mx.UserID]map[mx.DeviceID]*keys.Key{}
	if len(here) > 0 {
		err = s.DB.Write(func(tx *store.Tx) error {
			clear(claimed)
			for _, user := range here {
				got := map[mx.DeviceID]*keys.Key{}
				for device, algorithm := range c[string(user)] {
					k, err := keys.Claim(tx, user, mx.DeviceID(device), algorithm)
					if err != nil {
						return err
					}
					if k != nil {
						got[mx.DeviceID(device)] = k
					}
				}
				if len(got) > 0 {
					claimed[user] = got
				}
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	dst := appendFailures([]byte{'{'}, away)
	dst = append(dst, `,"one_time_keys":{`...)
	firstUser := true
	for _, user := range sorted(claimed) {
		dst = append(appendName(dst, &firstUser, string(user)), '{')
		first := true
		for _, device := range sorted(claimed[user]) {
			k := claimed[user][device]
			dst = append(appendName(dst, &first, string(device)), '{')
			dst = append(mx.AppendString(dst, k.Name()), ':')
			dst = append(append(dst, k.JSON...), '}')
		}
		dst = append(dst, '}')
	}
	return append(dst, "}}"...), nil
}
