package e2ee

import (
	"encoding/base64"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"conclave.chat/internal/fault"
	"conclave.chat/internal/mx"
	"conclave.chat/internal/store/keys"
)

const (
	// maxKey is how large one uploaded object may be, in bytes.
	maxKey = 65536
	// maxOneTimeKey is how large a one-time or fallback key may be: of these a device has many.
	maxOneTimeKey = 16384
)

// signatures are by signing user and key id.
type signatures map[string]map[string]string

// signedObject is a key object taken apart: what the signatures cover, in canonical form, and the signatures.
type signedObject struct {
	base       []byte
	signatures signatures
	has        map[string]bool // members that were there
}

// parseSigned reads a key object into v and takes it apart.
func parseSigned(what string, raw jsontext.Value, v any) (*signedObject, error) {
	if raw.Kind() != '{' {
		return nil, fault.BadJSON("%s must be an object", what)
	}
	if len(raw) > maxKey {
		return nil, fault.Oversize("%s is larger than %d bytes", what, maxKey)
	}
	if err := json.Unmarshal(raw, v); err != nil {
		return nil, fault.BadJSON("%s has the wrong shape", what).Because(err)
	}
	members := map[string]jsontext.Value{}
	if err := json.Unmarshal(raw, &members); err != nil {
		return nil, fault.BadJSON("%s cannot be read", what).Because(err)
	}
	o := &signedObject{has: map[string]bool{}}
	for name := range members {
		o.has[name] = true
	}
	if s := members["signatures"]; s != nil {
		if err := json.Unmarshal(s, &o.signatures); err != nil {
			return nil, fault.BadJSON("The signatures of %s have the wrong shape", what).Because(err)
		}
	}
	delete(members, "signatures")
	delete(members, "unsigned")
	rest, err := json.Marshal(members)
	if err != nil {
		return nil, err
	}
	if o.base, err = mx.Canonical(rest); err != nil {
		return nil, fault.BadJSON("%s cannot be signed", what).Because(err)
	}
	return o, nil
}

// by lists the signatures of one user on one of that user's own keys.
func (o *signedObject) by(user mx.UserID, target string) []keys.Signature {
	var list []keys.Signature
	for id, sig := range o.signatures[string(user)] {
		list = append(list, keys.Signature{User: user, Target: target, Signer: user, SignerKey: id, Signature: sig})
	}
	return list
}

// signedBy reports whether a user's ed25519 key, given as unpadded base64, made the signature.
func (o *signedObject) signedBy(user mx.UserID, keyID, public string) bool {
	sig, ok := o.signatures[string(user)][keyID]
	if !ok {
		return false
	}
	key, err := base64.RawStdEncoding.DecodeString(public)
	if err != nil || len(key) != 32 {
		return false
	}
	signed := append([]byte(nil), o.base[:len(o.base)-1]...)
	if len(signed) > 1 {
		signed = append(signed, ',')
	}
	signed = append(signed, `"signatures":{`...)
	signed = append(mx.AppendString(signed, string(user)), ':', '{')
	signed = append(mx.AppendString(signed, keyID), ':')
	signed = append(mx.AppendString(signed, sig), "}}}"...)
	return mx.VerifyJSON(signed, mx.ServerName(user), keyID, key) == nil
}

// deviceKeys is the shape of a device's identity keys.
//
// Spec: cs#post_matrixclientv3keysupload
type deviceKeys struct {
	UserID     string            `json:"user_id"`
	DeviceID   string            `json:"device_id"`
	Algorithms []string          `json:"algorithms"`
	Keys       map[string]string `json:"keys"`
}

// parseDeviceKeys checks the identity keys of a user's device.
func parseDeviceKeys(raw jsontext.Value, user mx.UserID, device mx.DeviceID) (*signedObject, error) {
	var k deviceKeys
	o, err := parseSigned("device_keys", raw, &k)
	if err != nil {
		return nil, err
	}
	for _, name := range []string{"user_id", "device_id", "algorithms", "keys", "signatures"} {
		if !o.has[name] {
			return nil, fault.BadJSON("device_keys lack %s", name)
		}
	}
	if k.UserID != string(user) || k.DeviceID != string(device) {
		return nil, fault.InvalidParam("device_keys are for another user or device than the one that uploads them")
	}
	for name := range k.Keys {
		algorithm, id, ok := strings.Cut(name, ":")
		if !ok || algorithm == "" || id != string(device) {
			return nil, fault.BadJSON("The names in keys must have the form algorithm:device_id")
		}
	}
	return o, nil
}

// ed25519Of finds a device's signing key in its identity keys; "" if there is none.
func ed25519Of(base []byte, device string) string {
	var k deviceKeys
	if json.Unmarshal(base, &k) != nil {
		return ""
	}
	return k.Keys["ed25519:"+device]
}

// keyObject is the shape of signed one-time and fallback keys.
//
// Spec: cs#key-algorithms
type keyObject struct {
	Key        *string    `json:"key"`
	Signatures signatures `json:"signatures"`
	Fallback   bool       `json:"fallback"`
}

// parseKeys checks one-time or fallback keys by name.
func parseKeys(what string, byName map[string]jsontext.Value) ([]keys.Key, error) {
	list := make([]keys.Key, 0, len(byName))
	for _, name := range sorted(byName) {
		raw := byName[name]
		algorithm, id, ok := strings.Cut(name, ":")
		if !ok || algorithm == "" || id == "" || len(name) > mx.MaxIDBytes {
			return nil, fault.BadJSON("The names in %s must have the form algorithm:key_id", what)
		}
		if len(raw) > maxOneTimeKey {
			return nil, fault.Oversize("A key in %s is larger than %d bytes", what, maxOneTimeKey)
		}
		switch kind := raw.Kind(); {
		case kind == '"' && !strings.HasPrefix(algorithm, "signed_"):
		case kind == '{':
			var k keyObject
			if err := json.Unmarshal(raw, &k); err != nil || k.Key == nil || k.Signatures == nil {
				return nil, fault.BadJSON("A key object in %s needs key and signatures", what)
			}
		default:
			return nil, fault.BadJSON("A key in %s has the wrong type", what)
		}
		if err := raw.Compact(); err != nil {
			return nil, err
		}
		list = append(list, keys.Key{Algorithm: algorithm, ID: id, JSON: raw})
	}
	return list, nil
}

// same reports whether two JSON values mean the same.
func same(a, b []byte) bool {
	if string(a) == string(b) {
		return true
	}
	x, y := jsontext.Value(a).Clone(), jsontext.Value(b).Clone()
	return x.Canonicalize() == nil && y.Canonicalize() == nil && string(x) == string(y)
}
