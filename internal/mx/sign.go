package mx

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"strings"

	"conclave.chat/internal/fault"
)

// Signer signs in a server's name.
type Signer struct {
	Server ServerName
	KeyID  string // ed25519:name
	Key    ed25519.PrivateKey
}

// EncodeBase64 is unpadded base64.
//
// Spec: appendices#unpadded-base64
func EncodeBase64(b []byte) string { return base64.RawStdEncoding.EncodeToString(b) }

// DecodeBase64 takes base64 of either alphabet, with or without padding.
func DecodeBase64(s string) ([]byte, error) {
	s = strings.TrimRight(s, "=")
	enc := base64.RawStdEncoding
	if strings.ContainsAny(s, "-_") {
		enc = base64.RawURLEncoding
	}
	b, err := enc.DecodeString(s)
	if err != nil {
		return nil, fault.InvalidParam("invalid base64").Because(err)
	}
	return b, nil
}

// SignJSON adds the signer's signature to a JSON object. Signatures of others and unsigned data stay.
//
// Spec: appendices#signing-details
// Spec: appendices#json-signing
func SignJSON(raw []byte, s Signer) ([]byte, error) {
	obj, err := Canonical(raw)
	if err != nil {
		return nil, err
	}
	if !isObject(obj) {
		return nil, fault.BadJSON("only objects can be signed")
	}
	sig := ed25519.Sign(s.Key, without(obj, "signatures", "unsigned"))
	return addSignature(obj, s.Server, s.KeyID, sig)
}

// VerifyJSON checks one signature of a JSON object.
//
// Spec: appendices#checking-for-a-signature
func VerifyJSON(raw []byte, server ServerName, keyID string, key ed25519.PublicKey) error {
	obj, err := Canonical(raw)
	if err != nil {
		return err
	}
	return verify(without(obj, "signatures", "unsigned"), field(obj, "signatures"), server, keyID, key)
}

// VerifyEvent checks one signature of an event; it covers the redacted form.
//
// Spec: ss#validating-hashes-and-signatures-on-received-events
func VerifyEvent(v *RoomVersion, e *Event, server ServerName, keyID string, key ed25519.PublicKey) error {
	msg := appendRedacted(nil, v, e.Raw, false)
	return verify(msg, field(e.Raw, "signatures"), server, keyID, key)
}

// SignEvent adds one more signature to an event, as a server does to the join that it vouches for.
//
// Spec: appendices#event-signing
func SignEvent(v *RoomVersion, e *Event, s Signer) (*Event, error) {
	sig := ed25519.Sign(s.Key, appendRedacted(nil, v, e.Raw, false))
	return AddSignature(v, e, s.Server, s.KeyID, sig)
}

// AddSignature puts a signature that another server gave into an event. Signatures are no part of what the id covers.
func AddSignature(v *RoomVersion, e *Event, server ServerName, keyID string, sig []byte) (*Event, error) {
	raw, err := addSignature(e.Raw, server, keyID, sig)
	if err != nil {
		return nil, err
	}
	if len(raw) > MaxEventBytes {
		return nil, fault.Oversize("event larger than %d bytes", MaxEventBytes)
	}
	return LoadEvent(v, e.ID, raw)
}

// SigningServers names the servers whose signatures the rules of the room version demand of an event: that of the sender, unless a
// third party's invite lets another server send it, and that of the user who lets a restricted join pass.
//
// Spec: ss#validating-hashes-and-signatures-on-received-events
func SigningServers(v *RoomVersion, e *Event) []ServerName {
	var servers []ServerName
	if e.Membership() != Invite || !e.Has("third_party_invite") {
		servers = append(servers, e.Sender.Server())
	}
	if via := joinAuthority(v, e); via != "" && (len(servers) == 0 || via.Server() != servers[0]) {
		servers = append(servers, via.Server())
	}
	return servers
}

// Signed reports whether the event carries any ed25519 signature of a server. It does not verify it.
func (e *Event) Signed(server ServerName) bool {
	for k, v := range fields(field(e.Raw, "signatures")) {
		if keyText(k) != string(server) {
			continue
		}
		for id := range fields(v) {
			if strings.HasPrefix(string(id), "ed25519:") {
				return true
			}
		}
	}
	return false
}

// HashValid reports whether the content hash of a PDU in canonical form is right. When it is wrong, what came in is a redacted
// copy, and the receiver goes on with Redact's result.
//
// Spec: ss#calculating-the-content-hash-for-an-event
func (e *Event) HashValid() bool {
	sum := sha256.Sum256(without(e.Raw, "hashes", "signatures", "unsigned"))
	claimed, _ := strField(field(e.Raw, "hashes"), "sha256")
	got, err := DecodeBase64(claimed)
	return err == nil && string(got) == string(sum[:])
}

func verify(msg, signatures []byte, server ServerName, keyID string, key ed25519.PublicKey) error {
	if len(key) != ed25519.PublicKeySize || !strings.HasPrefix(keyID, "ed25519:") {
		return fault.Denied("signature algorithm unknown")
	}
	var of []byte
	for k, v := range fields(signatures) {
		if keyText(k) == string(server) {
			of = v
		}
	}
	for k, v := range fields(of) {
		if keyText(k) != keyID {
			continue
		}
		text, _ := str(v)
		sig, err := DecodeBase64(text)
		if err != nil || !ed25519.Verify(key, msg, sig) {
			return fault.Denied("signature of %s is wrong", server)
		}
		return nil
	}
	return fault.Denied("no signature of %s by that key", server)
}

// without copies a canonical object except for some keys.
func without(obj []byte, keys ...string) []byte {
	dst := append(make([]byte, 0, len(obj)), '{')
outer:
	for k, v := range fields(obj) {
		for _, drop := range keys {
			if string(k) == drop {
				continue outer
			}
		}
		dst = appendMember(dst, k, v)
	}
	return append(dst, '}')
}

// appendMember appends one member to an object that is being written.
func appendMember(dst, key, value []byte) []byte {
	if dst[len(dst)-1] != '{' {
		dst = append(dst, ',')
	}
	dst = append(dst, '"')
	dst = append(dst, key...)
	dst = append(dst, '"', ':')
	return append(dst, value...)
}

// with sets a key of a canonical object, keeping the order.
func with(obj []byte, key string, value []byte) []byte {
	k := AppendString(nil, key)
	k = k[1 : len(k)-1]
	dst, done := append(make([]byte, 0, len(obj)+len(k)+len(value)+4), '{'), false
	for f, v := range fields(obj) {
		order := compareKeys(f, k)
		if order >= 0 && !done {
			dst, done = appendMember(dst, k, value), true
		}
		if order != 0 {
			dst = appendMember(dst, f, v)
		}
	}
	if !done {
		dst = appendMember(dst, k, value)
	}
	return append(dst, '}')
}

func addSignature(obj []byte, server ServerName, keyID string, sig []byte) ([]byte, error) {
	all := field(obj, "signatures")
	if all == nil {
		all = []byte("{}")
	}
	if !isObject(all) {
		return nil, fault.BadJSON("signatures must be an object")
	}
	mine := []byte("{}")
	for k, v := range fields(all) {
		if keyText(k) == string(server) && isObject(v) {
			mine = v
		}
	}
	mine = with(mine, keyID, AppendString(nil, EncodeBase64(sig)))
	return with(obj, "signatures", with(all, string(server), mine)), nil
}

// SignedBy reports whether the event carries a signature by one key of a server. It does not verify it.
func (e *Event) SignedBy(server ServerName, keyID string) bool {
	for k, v := range fields(field(e.Raw, "signatures")) {
		if keyText(k) != string(server) {
			continue
		}
		for id := range fields(v) {
			if keyText(id) == keyID {
				return true
			}
		}
	}
	return false
}
