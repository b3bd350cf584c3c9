package e2ee

import (
	"context"
	"encoding/base64"
	"errors"
	"slices"

	"github.com/go-json-experiment/json/jsontext"

	"conclave.chat/internal/fault"
	"conclave.chat/internal/mx"
	"conclave.chat/internal/store"
	"conclave.chat/internal/store/keys"
	"conclave.chat/internal/store/securitylog"
)

// CrossSigningUpload are the cross-signing keys that a user publishes.
type CrossSigningUpload struct {
	Master      jsontext.Value `json:"master_key"`
	SelfSigning jsontext.Value `json:"self_signing_key"`
	UserSigning jsontext.Value `json:"user_signing_key"`
}

// crossKey is the shape of a cross-signing key.
type crossKey struct {
	UserID string            `json:"user_id"`
	Usage  []string          `json:"usage"`
	Keys   map[string]string `json:"keys"`
}

// newKey is a cross-signing key that is to be stored.
type newKey struct {
	keys.CrossKey
	object *signedObject
}

// parseCrossKey checks one cross-signing key.
func parseCrossKey(raw jsontext.Value, user mx.UserID, purpose string) (*newKey, error) {
	var k crossKey
	o, err := parseSigned(purpose+"_key", raw, &k)
	if err != nil {
		return nil, err
	}
	if k.UserID != string(user) {
		return nil, fault.InvalidParam("The %s key belongs to another user", purpose)
	}
	if !slices.Contains(k.Usage, purpose) {
		return nil, fault.InvalidParam("The %s key is not for that usage", purpose)
	}
	if len(k.Keys) != 1 {
		return nil, fault.InvalidParam("The %s key must hold exactly one public key", purpose)
	}
	for id, public := range k.Keys {
		b, err := base64.RawStdEncoding.DecodeString(public)
		if id != "ed25519:"+public || err != nil || len(b) != 32 {
			return nil, fault.InvalidParam("The %s key must be an ed25519 key that is named by its unpadded base64", purpose)
		}
		return &newKey{keys.CrossKey{User: user, Purpose: purpose, Public: public, JSON: o.base}, o}, nil
	}
	return nil, nil //nolint:nilnil // not reached: there is one key
}

func (u CrossSigningUpload) check(user mx.UserID) (map[string]*newKey, error) {
	list := map[string]*newKey{}
	for purpose, raw := range map[string]jsontext.Value{keys.Master: u.Master, keys.SelfSigning: u.SelfSigning, keys.UserSigning: u.UserSigning} {
		if kind := raw.Kind(); kind == 0 || kind == 'n' {
			continue
		}
		k, err := parseCrossKey(raw, user, purpose)
		if err != nil {
			return nil, err
		}
		for _, other := range list {
			if other.Public == k.Public {
				return nil, errKeyInUse
			}
		}
		list[purpose] = k
	}
	return list, nil
}

var (
	errKeyInUse = fault.Denied("Key ID in use")
	errConfirm  = errors.New("e2ee: the user must confirm")
)

// UploadCrossSigning publishes cross-signing keys. Once a user has a master key, anything new must be confirmed: confirm asks the user,
// its error goes to the caller.
//
// Spec: cs#post_matrixclientv3keysdevice_signingupload
func (s *Service) UploadCrossSigning(ctx context.Context, user mx.UserID, u CrossSigningUpload, confirm func() error) error {
	list, err := u.check(user)
	if err != nil {
		return err
	}
	for confirmed := false; ; confirmed = true {
		err := s.DB.Write(func(tx *store.Tx) error { return s.storeCrossSigning(ctx, tx, user, list, confirmed) })
		if !errors.Is(err, errConfirm) {
			return err
		}
		if err := confirm(); err != nil {
			return err
		}
	}
}

func (s *Service) storeCrossSigning(ctx context.Context, tx *store.Tx, user mx.UserID, list map[string]*newKey, confirmed bool) error {
	old, err := keys.UserCrossKeys(ctx, tx, user)
	if err != nil {
		return err
	}
	fresh := newOnes(list, old)
	master, had := old[keys.Master]
	if k := fresh[keys.Master]; k != nil {
		master = k.CrossKey
	} else if !had && len(fresh) > 0 {
		return fault.MissingParam("There is no master key to sign these keys")
	}
	for _, purpose := range []string{keys.SelfSigning, keys.UserSigning} {
		if k := fresh[purpose]; k != nil && !k.object.signedBy(user, "ed25519:"+master.Public, master.Public) {
			return fault.New(fault.BadRequest, "M_INVALID_SIGNATURE", "The %s key is not signed by the master key", purpose)
		}
	}
	switch {
	case len(fresh) == 0:
		return nil
	case had && !confirmed:
		return errConfirm
	}
	if fresh[keys.Master] != nil { // what the old master key signed is worth nothing now
		clear(old)
		for _, purpose := range []string{keys.SelfSigning, keys.UserSigning} {
			if err := keys.DeleteCrossKey(tx, user, purpose); err != nil {
				return err
			}
		}
	}
	if err := s.checkKeyNames(ctx, tx, user, fresh, old); err != nil {
		return err
	}
	for _, purpose := range sorted(fresh) {
		k := fresh[purpose]
		if err := keys.SetCrossKey(tx, k.CrossKey); err != nil {
			return err
		}
		if _, err := keys.PutSignatures(tx, k.object.by(user, k.Public)); err != nil {
			return err
		}
	}
	action := securitylog.IdentityChanged
	switch {
	case fresh[keys.Master] != nil && had:
		action = securitylog.IdentityReset
	case fresh[keys.Master] != nil:
		action = securitylog.IdentityCreated
	}
	if err := s.record(ctx, tx, user, action, ""); err != nil {
		return err
	}
	return keys.TouchList(tx, user)
}

// newOnes are the keys that are not there yet. Under a new master key all of them are new: it must have signed them.
func newOnes(list map[string]*newKey, old map[string]keys.CrossKey) map[string]*newKey {
	fresh := map[string]*newKey{}
	for purpose, k := range list {
		if was, ok := old[purpose]; !ok || was.Public != k.Public || string(was.JSON) != string(k.JSON) {
			fresh[purpose] = k
		}
	}
	if fresh[keys.Master] != nil {
		return list
	}
	return fresh
}

// checkKeyNames refuses keys that are called like a device of the user or another key that stays: all share one namespace.
func (s *Service) checkKeyNames(ctx context.Context, tx *store.Tx, user mx.UserID, fresh map[string]*newKey, old map[string]keys.CrossKey) error {
	if _, err := s.signedIn(ctx, tx, user); err != nil {
		return err
	}
	known, err := s.devices(ctx, tx, []mx.UserID{user})
	if err != nil {
		return err
	}
	for _, k := range fresh {
		if _, ok := known[user][mx.DeviceID(k.Public)]; ok {
			return errKeyInUse
		}
		for purpose, other := range old {
			if purpose != k.Purpose && fresh[purpose] == nil && other.Public == k.Public {
				return errKeyInUse
			}
		}
	}
	return nil
}
