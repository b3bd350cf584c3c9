package e2ee

import (
	"context"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"conclave.chat/internal/fault"
	"conclave.chat/internal/mx"
	"conclave.chat/internal/store"
	"conclave.chat/internal/store/keys"
	"conclave.chat/internal/store/securitylog"
)

// SignatureUpload are signed key objects by user and key: a device id, or the public key of a cross-signing key.
type SignatureUpload map[string]map[string]jsontext.Value

// SignatureFailures say why signatures were not stored, by user and key.
type SignatureFailures map[string]map[string]*fault.Error

// UploadSignatures stores signatures that a user's keys made on devices of the user, on the user's master key, and on master keys of
// others. Each is checked; what fails is reported and does not keep the rest from being stored.
//
// Spec: cs#post_matrixclientv3keyssignaturesupload
func (s *Service) UploadSignatures(ctx context.Context, signer mx.UserID, u SignatureUpload) (SignatureFailures, error) {
	failures := SignatureFailures{}
	users := []mx.UserID{signer}
	for id := range u {
		if user, err := mx.ParseUserID(id); err == nil && user != signer {
			users = append(users, user)
		}
	}
	ring, err := readRing(ctx, s.DB, users)
	if err != nil {
		return nil, err
	}
	var good []keys.Signature
	for _, user := range sorted(u) {
		for _, target := range sorted(u[user]) {
			sigs, err := ring.check(signer, keyName{mx.UserID(user), target}, u[user][target])
			if err == nil {
				good = append(good, sigs...)
				continue
			}
			f := fault.Of(err)
			if f == nil {
				return nil, err
			}
			if failures[user] == nil {
				failures[user] = map[string]*fault.Error{}
			}
			failures[user][target] = f
		}
	}
	if len(good) == 0 {
		return failures, nil
	}
	return failures, s.DB.Write(func(tx *store.Tx) error {
		now, err := readRing(ctx, tx, users)
		if err != nil {
			return err
		}
		var still []keys.Signature
		for _, g := range good { // a key that was replaced while its signature was checked goes without
			made := keyName{g.Signer, strings.TrimPrefix(g.SignerKey, "ed25519:")}
			target := keyName{g.User, g.Target}
			if string(now[target].base) == string(ring[target].base) && string(now[made].base) == string(ring[made].base) {
				still = append(still, g)
			}
		}
		changed, err := keys.AddSignatures(tx, still)
		if err != nil {
			return err
		}
		return s.confirmed(ctx, tx, signer, ring, changed)
	})
}

// confirmed records the devices that new signatures of their owner's vouch for.
func (s *Service) confirmed(ctx context.Context, tx *store.Tx, owner mx.UserID, known ring, made []keys.Signature) error {
	for _, g := range made {
		if g.User != owner || known[keyName{g.User, g.Target}].purpose != "" {
			continue
		}
		if err := s.record(ctx, tx, owner, securitylog.DeviceConfirmed, g.Target); err != nil {
			return err
		}
	}
	return nil
}

// ring holds the keys of some users by name.
type ring map[keyName]ringKey

// ringKey is a device's identity keys (purpose "") or a cross-signing key.
type ringKey struct {
	purpose string
	public  string // ed25519
	base    []byte
}

func readRing(ctx context.Context, r store.Reader, users []mx.UserID) (ring, error) {
	m := ring{}
	devices, err := keys.DeviceKeys(ctx, r, users)
	if err != nil {
		return nil, err
	}
	for _, k := range devices {
		m[keyName{k.User, string(k.Device)}] = ringKey{"", ed25519Of(k.JSON, string(k.Device)), k.JSON}
	}
	cross, err := keys.CrossKeys(ctx, r, users)
	if err != nil {
		return nil, err
	}
	for _, k := range cross {
		m[keyName{k.User, k.Public}] = ringKey{k.Purpose, k.Public, k.JSON}
	}
	return m, nil
}

var errBadSignature = fault.New(fault.BadRequest, "M_INVALID_SIGNATURE", "Invalid signature")

// check finds the signatures of one uploaded object that are to be stored. It must be the key that is known here, and bear a valid
// signature by a key that may sign it: the self-signing key signs the user's devices, devices sign the user's master key, the
// user-signing key signs the master keys of others.
func (m ring) check(signer mx.UserID, name keyName, raw jsontext.Value) ([]keys.Signature, error) {
	target, ok := m[name]
	if !ok || (name.user != signer && target.purpose != keys.Master) {
		return nil, fault.Missing("There is no such key")
	}
	var shape struct{}
	o, err := parseSigned("The signed key", raw, &shape)
	if err != nil {
		return nil, err
	}
	if string(o.base) != string(target.base) {
		return nil, fault.InvalidParam("The signed key is not the one that is known here")
	}
	var list []keys.Signature
	for id, sig := range o.signatures[string(signer)] {
		by, ed25519 := strings.CutPrefix(id, "ed25519:")
		if name.user == signer && by == name.target { // a key's signature of itself came with the key
			continue
		}
		k, known := m[keyName{signer, by}]
		if !ed25519 || !known || k.purpose != target.signedByPurpose(name.user == signer) || !o.signedBy(signer, id, k.public) {
			return nil, errBadSignature
		}
		list = append(list, keys.Signature{User: name.user, Target: name.target, Signer: signer, SignerKey: id, Signature: sig})
	}
	if len(list) == 0 {
		return nil, errBadSignature
	}
	return list, nil
}

// signedByPurpose is the purpose of the keys that may sign a key, "" for devices.
//
// Spec: cs#cross-signing
func (k ringKey) signedByPurpose(own bool) string {
	switch {
	case !own:
		return keys.UserSigning
	case k.purpose == "":
		return keys.SelfSigning
	case k.purpose == keys.Master:
		return ""
	default:
		return keys.Master
	}
}
