package keys

import (
	"context"
	"errors"

	"conclave.chat/internal/mx"
	"conclave.chat/internal/store"
)

// DeviceKey is a device's identity keys: canonical JSON without signatures and unsigned.
type DeviceKey struct {
	User   mx.UserID
	Device mx.DeviceID
	JSON   []byte
}

// DeviceKeys reads the identity keys of all devices of some users.
func DeviceKeys(ctx context.Context, r store.Reader, list []mx.UserID) ([]DeviceKey, error) {
	var out []DeviceKey
	seen := map[DeviceName]bool{}
	err := chunks(list, func(args []any) error {
		rows, err := r.Query(ctx, "SELECT user_id, device_id, json FROM device_key WHERE user_id IN ("+store.In(len(args), 1)+
			") ORDER BY user_id, device_id", args...)
		var k DeviceKey
		return store.Each(rows, err, func() error {
			if n := (DeviceName{k.User, k.Device}); !seen[n] {
				seen[n] = true
				out = append(out, k)
			}
			return nil
		}, &k.User, &k.Device, &k.JSON)
	})
	return out, err
}

// DeviceName is a device's full name.
type DeviceName struct {
	User   mx.UserID
	Device mx.DeviceID
}

// FindDeviceKey reads the identity keys of one device; nil if it has none.
func FindDeviceKey(ctx context.Context, r store.Reader, user mx.UserID, device mx.DeviceID) ([]byte, error) {
	var json []byte
	err := r.QueryRow(ctx, "SELECT json FROM device_key WHERE user_id = $1 AND device_id = $2", user, device).Scan(&json)
	if errors.Is(err, store.ErrNoRows) {
		return nil, nil
	}
	return json, err
}

// SetDeviceKey stores a device's identity keys and records the change. Signatures on the keys before no longer hold.
func SetDeviceKey(tx *store.Tx, user mx.UserID, device mx.DeviceID, json []byte) error {
	if _, err := tx.Exec(`INSERT INTO device_key (user_id, device_id, json) VALUES ($1, $2, $3)
		ON CONFLICT (user_id, device_id) DO UPDATE SET json = excluded.json`, user, device, json); err != nil {
		return err
	}
	if _, err := tx.Exec("DELETE FROM key_signature WHERE user_id = $1 AND target = $2", user, device); err != nil {
		return err
	}
	return TouchList(tx, user)
}

// Purposes of cross-signing keys, as the API spells them.
const (
	Master      = "master"
	SelfSigning = "self_signing"
	UserSigning = "user_signing"
)

// CrossKey is a cross-signing key. Public is its unpadded base64, which is also its name; JSON is canonical, without signatures.
type CrossKey struct {
	User    mx.UserID
	Purpose string
	Public  string
	JSON    []byte
}

// CrossKeys reads the cross-signing keys of some users.
func CrossKeys(ctx context.Context, r store.Reader, list []mx.UserID) ([]CrossKey, error) {
	var out []CrossKey
	seen := map[[2]string]bool{}
	err := chunks(list, func(args []any) error {
		rows, err := r.Query(ctx, "SELECT user_id, purpose, public_key, json FROM cross_signing_key WHERE user_id IN ("+
			store.In(len(args), 1)+") ORDER BY user_id, purpose", args...)
		var k CrossKey
		return store.Each(rows, err, func() error {
			if n := [2]string{string(k.User), k.Purpose}; !seen[n] {
				seen[n] = true
				out = append(out, k)
			}
			return nil
		}, &k.User, &k.Purpose, &k.Public, &k.JSON)
	})
	return out, err
}

// UserCrossKeys reads one user's cross-signing keys by purpose.
func UserCrossKeys(ctx context.Context, r store.Reader, user mx.UserID) (map[string]CrossKey, error) {
	list, err := CrossKeys(ctx, r, []mx.UserID{user})
	m := make(map[string]CrossKey, len(list))
	for _, k := range list {
		m[k.Purpose] = k
	}
	return m, err
}

// IsCrossKey reports whether a user has a cross-signing key with this public key: no device may then have it as its id.
func IsCrossKey(ctx context.Context, r store.Reader, user mx.UserID, public string) (bool, error) {
	var n int
	err := r.QueryRow(ctx, "SELECT count(*) FROM cross_signing_key WHERE user_id = $1 AND public_key = $2", user, public).Scan(&n)
	return n > 0, err
}

// SetCrossKey stores a cross-signing key in place of the one of the same purpose, whose signatures, made and received, go with it.
func SetCrossKey(tx *store.Tx, k CrossKey) error {
	if err := DeleteCrossKey(tx, k.User, k.Purpose); err != nil {
		return err
	}
	_, err := tx.Exec("INSERT INTO cross_signing_key (user_id, purpose, public_key, json) VALUES ($1, $2, $3, $4)",
		k.User, k.Purpose, k.Public, k.JSON)
	return err
}

// DeleteCrossKey removes a cross-signing key with all signatures made by it or on it.
func DeleteCrossKey(tx *store.Tx, user mx.UserID, purpose string) error {
	var public string
	err := tx.QueryRow(context.Background(), "DELETE FROM cross_signing_key WHERE user_id = $1 AND purpose = $2 RETURNING public_key",
		user, purpose).Scan(&public)
	if errors.Is(err, store.ErrNoRows) {
		return nil
	}
	if err != nil {
		return err
	}
	if _, err := tx.Exec("DELETE FROM key_signature WHERE user_id = $1 AND target = $2", user, public); err != nil {
		return err
	}
	_, err = tx.Exec("DELETE FROM key_signature WHERE signer = $1 AND signer_key = $2", user, "ed25519:"+public)
	return err
}

// Signature is a signature on a key. Target is a device id or the public key of a cross-signing key of User.
type Signature struct {
	User      mx.UserID
	Target    string
	Signer    mx.UserID
	SignerKey string // ed25519:…
	Signature string
}

// Signatures reads the signatures on the keys of some users that a viewer may see: those that the keys' owners made and the viewer's.
//
// Spec: cs#key-and-signature-security
func Signatures(ctx context.Context, r store.Reader, viewer mx.UserID, list []mx.UserID) ([]Signature, error) {
	var out []Signature
	err := chunks(list, func(args []any) error {
		n := len(args)
		rows, err := r.Query(ctx, "SELECT user_id, target, signer, signer_key, signature FROM key_signature WHERE user_id IN ("+
			store.In(n, 1)+") AND (signer = user_id OR signer = "+store.In(1, n+1)+")", append(args, viewer)...)
		var s Signature
		return store.Each(rows, err, func() error { out = append(out, s); return nil }, &s.User, &s.Target, &s.Signer, &s.SignerKey, &s.Signature)
	})
	return out, err
}

// PutSignatures stores signatures and reports for which of them that changed anything.
func PutSignatures(tx *store.Tx, list []Signature) (changed []Signature, err error) {
	for _, s := range list {
		n, err := tx.Exec(`INSERT INTO key_signature (user_id, target, signer, signer_key, signature) VALUES ($1, $2, $3, $4, $5)
			ON CONFLICT (user_id, target, signer, signer_key) DO UPDATE SET signature = excluded.signature
			WHERE key_signature.signature <> excluded.signature`, s.User, s.Target, s.Signer, s.SignerKey, s.Signature)
		if err != nil {
			return nil, err
		}
		if n > 0 {
			changed = append(changed, s)
		}
	}
	return changed, nil
}

// AddSignatures is PutSignatures that tells clients of the change: for all to see where the signer owns the keys, else for the signer alone.
func AddSignatures(tx *store.Tx, list []Signature) (changed []Signature, err error) {
	changed, err = PutSignatures(tx, list)
	if err != nil {
		return nil, err
	}
	touched := map[[2]mx.UserID]bool{}
	for _, s := range changed {
		who := [2]mx.UserID{s.Signer, s.User}
		if touched[who] {
			continue
		}
		touched[who] = true
		if s.Signer == s.User {
			err = TouchList(tx, s.User)
		} else {
			err = touchPrivate(tx, s.Signer, s.User)
		}
		if err != nil {
			return nil, err
		}
	}
	return changed, nil
}
