package client

import (
	"crypto/ed25519"
	"encoding/base64"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"

	"conclave.chat/internal/mx"
)

type object = map[string]any

const keysPath = "/_matrix/client/v3/keys/"

// signingKey is an ed25519 key of a user, named by a device or by itself.
type signingKey struct {
	user, name string
	private    ed25519.PrivateKey
}

func newSigningKey(t *testing.T, user, device string) *signingKey {
	t.Helper()
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	if device == "" {
		device = base64.RawStdEncoding.EncodeToString(public)
	}
	return &signingKey{user, device, private}
}

func (k *signingKey) public() string {
	return base64.RawStdEncoding.EncodeToString(k.private[32:])
}

// sign adds the key's signature to an object.
func (k *signingKey) sign(t *testing.T, o object) object {
	t.Helper()
	data, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	data, err = mx.SignJSON(data, mx.Signer{Server: mx.ServerName(k.user), KeyID: "ed25519:" + k.name, Key: k.private})
	if err != nil {
		t.Fatal(err)
	}
	signed := object{}
	if err := json.Unmarshal(data, &signed); err != nil {
		t.Fatal(err)
	}
	return signed
}

// cross is the key as a cross-signing key.
func (k *signingKey) cross(usage string) object {
	return object{"user_id": k.user, "usage": []any{usage}, "keys": object{"ed25519:" + k.name: k.name}}
}

// device is the key as the identity keys of a device.
func (k *signingKey) device(t *testing.T) object {
	return k.sign(t, object{
		"user_id": k.user, "device_id": k.name,
		"algorithms": []any{"m.olm.v1.curve25519-aes-sha2", "m.megolm.v1.aes-sha2"},
		"keys":       object{"ed25519:" + k.name: k.public(), "curve25519:" + k.name: k.public()},
	})
}

func oneTimeKey(user, id string) object {
	return object{"key": "key of " + id, "signatures": object{user: object{"ed25519:D": "signature"}}}
}

// get follows members of an answer.
func (a *answer) get(path ...string) any {
	var v any = a.JSON
	for _, name := range path {
		o, _ := v.(map[string]any)
		v = o[name]
	}
	return v
}

func (a *answer) is(want any, path ...string) *answer {
	a.t.Helper()
	if got := a.get(path...); !reflect.DeepEqual(got, want) {
		a.t.Errorf("%s is %v, want %v", strings.Join(path, "."), got, want)
	}
	return a
}

// Spec: cs#post_matrixclientv3keysupload
// Spec: cs#post_matrixclientv3keysquery
func TestDeviceKeys(t *testing.T) {
	each(t, func(t *testing.T, h *harness) {
		alice, bob := h.register("alice"), h.register("bob")
		key := newSigningKey(t, alice.ID, alice.Device)
		device := key.device(t)
		h.ok("POST", keysPath+"upload", alice.Token, object{
			"device_keys": device, "one_time_keys": object{"signed_curve25519:AAAAHQ": oneTimeKey(alice.ID, "1")},
		}).is(1.0, "one_time_key_counts", "signed_curve25519")

		query := object{"device_keys": object{alice.ID: []string{}, bob.ID: []string{}, "@nobody:hs1": []string{}}, "timeout": 10000}
		a := h.ok("POST", keysPath+"query", bob.Token, query)
		a.is(object{}, "failures").is(object{}, "device_keys", bob.ID).is(nil, "device_keys", "@nobody:hs1")
		for _, member := range []string{"user_id", "device_id", "algorithms", "keys", "signatures"} {
			a.is(device[member], "device_keys", alice.ID, alice.Device, member)
		}
		a.is(object{}, "device_keys", alice.ID, alice.Device, "unsigned")

		phone := passwordLogin("alice", testPassword)
		phone["device_id"], phone["initial_device_display_name"] = "PHONE", "Alice's mobile phone"
		token := h.ok("POST", "/_matrix/client/v3/login", "", phone).str("access_token")
		h.ok("POST", keysPath+"upload", token, object{"device_keys": newSigningKey(t, alice.ID, "PHONE").device(t)})
		a = h.ok("POST", keysPath+"query", bob.Token, object{"device_keys": object{alice.ID: []string{"PHONE", "NONE"}}})
		a.is("Alice's mobile phone", "device_keys", alice.ID, "PHONE", "unsigned", "device_display_name")
		a.is(nil, "device_keys", alice.ID, alice.Device)

		h.ok("POST", "/_matrix/client/v3/logout", token, nil)
		h.ok("POST", keysPath+"query", bob.Token, query).is(nil, "device_keys", alice.ID, "PHONE")

		a = h.ok("POST", keysPath+"query", bob.Token, object{"device_keys": object{"@x:elsewhere": []string{}}})
		if a.get("failures", "elsewhere") == nil {
			t.Errorf("a server that cannot be asked is no failure: %s", a.Raw)
		}
	})
}

// Spec: cs#post_matrixclientv3keysupload
// Spec: cs#key-algorithms
func TestBadDeviceKeys(t *testing.T) {
	each(t, func(t *testing.T, h *harness) {
		alice := h.register("alice")
		good := newSigningKey(t, alice.ID, alice.Device).device(t)
		with := func(member string, value any) object {
			o := maps.Clone(good)
			if o[member] = value; value == nil {
				delete(o, member)
			}
			return object{"device_keys": o}
		}
		otk := func(name string, value any) object { return object{"one_time_keys": object{name: value}} }
		for _, c := range []struct {
			body any
			code string
		}{
			{with("algorithms", nil), "M_BAD_JSON"},
			{with("keys", nil), "M_BAD_JSON"},
			{with("signatures", nil), "M_BAD_JSON"},
			{with("user_id", nil), "M_BAD_JSON"},
			{with("user_id", "@bob:hs1"), "M_INVALID_PARAM"},
			{with("device_id", "OTHER"), "M_INVALID_PARAM"},
			{with("user_id", 7), "M_BAD_JSON"},
			{with("algorithms", "m.olm"), "M_BAD_JSON"},
			{with("keys", object{"ed25519:" + alice.Device: 1}), "M_BAD_JSON"},
			{with("keys", object{"ed25519": "x"}), "M_BAD_JSON"},
			{with("keys", object{"ed25519:OTHER": "x"}), "M_BAD_JSON"},
			{with("signatures", []any{}), "M_BAD_JSON"},
			{with("signatures", object{alice.ID: object{"ed25519:x": 1}}), "M_BAD_JSON"},
			{with("extra", 1.5), "M_BAD_JSON"},
			{object{"device_keys": "x"}, "M_BAD_JSON"},
			{object{"one_time_keys": "x"}, "M_BAD_JSON"},
			{otk("nocolon", "x"), "M_BAD_JSON"},
			{otk(":x", "x"), "M_BAD_JSON"},
			{otk("signed_curve25519:", "x"), "M_BAD_JSON"},
			{otk("signed_curve25519:1", "x"), "M_BAD_JSON"},
			{otk("signed_curve25519:1", object{"key": "x"}), "M_BAD_JSON"},
			{otk("curve25519:1", 7), "M_BAD_JSON"},
			{object{"fallback_keys": object{"a:1": "x", "a:2": "y"}}, "M_INVALID_PARAM"},
			{`{"one_time_keys":{"curve25519:1":"a","curve25519:1":"b"}}`, "M_BAD_JSON"},
			{`{"one_time_keys":{`, "M_NOT_JSON"},
			{`[]`, "M_BAD_JSON"},
			{"{\"one_time_keys\":{\"curve25519:a\\u0000\":\"b\"}}", "M_INVALID_PARAM"},
		} {
			h.fails("POST", keysPath+"upload", alice.Token, c.body, 400, c.code)
		}
		h.fails("POST", keysPath+"upload", alice.Token, with("extra", strings.Repeat("x", 70000)), 413, "M_TOO_LARGE")
		h.fails("POST", keysPath+"upload", "", object{}, 401, "M_MISSING_TOKEN")
		many := object{}
		for i := range 1001 {
			many[fmt.Sprintf("curve25519:%d", i)] = "x"
		}
		h.fails("POST", keysPath+"upload", alice.Token, object{"one_time_keys": many}, 400, "M_TOO_LARGE")
		h.ok("POST", keysPath+"upload", alice.Token, object{}).is(object{}, "one_time_key_counts")
		h.ok("POST", keysPath+"upload", alice.Token, object{"device_keys": nil, "one_time_keys": nil})
	})
}

// Spec: cs#post_matrixclientv3keysclaim
func TestClaimKeys(t *testing.T) {
	each(t, func(t *testing.T, h *harness) {
		alice, bob := h.register("alice"), h.register("bob")
		upload := func(names ...string) {
			list := object{}
			for _, n := range names {
				list["signed_curve25519:"+n] = oneTimeKey(alice.ID, n)
			}
			h.ok("POST", keysPath+"upload", alice.Token, object{"one_time_keys": list})
		}
		upload("Z")
		upload("B", "A")
		upload("B", "C") // again, and one more
		h.fails("POST", keysPath+"upload", alice.Token, object{
			"one_time_keys": object{"signed_curve25519:D": oneTimeKey(alice.ID, "D"), "signed_curve25519:A": oneTimeKey(alice.ID, "else")},
		}, 400, "M_UNKNOWN")
		fallback := oneTimeKey(alice.ID, "fallback")
		fallback["fallback"] = true
		h.ok("POST", keysPath+"upload", alice.Token, object{"fallback_keys": object{"signed_curve25519:F": fallback}}).
			is(4.0, "one_time_key_counts", "signed_curve25519")
		claim := object{"one_time_keys": object{alice.ID: object{alice.Device: "signed_curve25519", "NONE": "signed_curve25519"}, bob.ID: object{bob.Device: "signed_curve25519"}}}
		var got []string
		for range 6 {
			a := h.ok("POST", keysPath+"claim", bob.Token, claim)
			a.is(nil, "one_time_keys", bob.ID).is(nil, "one_time_keys", alice.ID, "NONE").is(object{}, "failures")
			byName, _ := a.get("one_time_keys", alice.ID, alice.Device).(object)
			for name, k := range byName {
				id := strings.TrimPrefix(name, "signed_curve25519:")
				got = append(got, id)
				want := oneTimeKey(alice.ID, id)
				if id == "F" {
					want = fallback
				}
				if !reflect.DeepEqual(k, want) {
					t.Errorf("%s came out as %v", id, k)
				}
			}
		}
		if want := []string{"Z", "A", "B", "C", "F", "F"}; !slices.Equal(got, want) {
			t.Errorf("claimed %v, want %v", got, want)
		}
		upload("Z") // an upload that is sent once more does not bring the key back
		h.ok("POST", keysPath+"upload", alice.Token, object{}).is(nil, "one_time_key_counts", "signed_curve25519")

		for body, code := range map[string]string{
			`{}`:                         "M_MISSING_PARAM",
			`{"one_time_keys":[]}`:       "M_BAD_JSON",
			`{"one_time_keys":{"x":{}}}`: "M_INVALID_PARAM",
			`{"one_time_keys":{"@alice:hs1":{"D":1}}}`: "M_BAD_JSON",
			`{"one_time_keys":{},"timeout":"soon"}`:    "M_BAD_JSON",
		} {
			h.fails("POST", keysPath+"claim", bob.Token, body, 400, code)
		}
	})
}

// Spec: cs#post_matrixclientv3keysquery
func TestBadKeyQuery(t *testing.T) {
	each(t, func(t *testing.T, h *harness) {
		alice := h.register("alice")
		for body, code := range map[string]string{
			`{}`:                                 "M_MISSING_PARAM",
			`{"device_keys":[]}`:                 "M_BAD_JSON",
			`{"device_keys":{"alice":[]}}`:       "M_INVALID_PARAM",
			`{"device_keys":{"@alice:hs1":{}}}`:  "M_BAD_JSON",
			`{"device_keys":{"@alice:hs1":[1]}}`: "M_BAD_JSON",
			`{"device_keys":{},"timeout":"x"}`:   "M_BAD_JSON",
			`x`:                                  "M_NOT_JSON",
		} {
			h.fails("POST", keysPath+"query", alice.Token, body, 400, code)
		}
	})
}

// crossKeys are the cross-signing keys of a user.
type crossKeys struct{ master, self, user *signingKey }

func newCrossKeys(t *testing.T, user string) crossKeys {
	return crossKeys{newSigningKey(t, user, ""), newSigningKey(t, user, ""), newSigningKey(t, user, "")}
}

func (c crossKeys) upload(t *testing.T) object {
	return object{
		"master_key":       c.master.cross("master"),
		"self_signing_key": c.master.sign(t, c.self.cross("self_signing")),
		"user_signing_key": c.master.sign(t, c.user.cross("user_signing")),
	}
}

// Spec: cs#post_matrixclientv3keysdevice_signingupload
// Spec: cs#cross-signing
func TestCrossSigningNeedsConfirmationOnceThereAreKeys(t *testing.T) {
	each(t, func(t *testing.T, h *harness) {
		alice, bob := h.register("alice"), h.register("bob")
		const path = keysPath + "device_signing/upload"
		first := newCrossKeys(t, alice.ID)
		h.fails("POST", path, alice.Token, object{"self_signing_key": first.master.sign(t, first.self.cross("self_signing"))}, 400, "M_MISSING_PARAM")
		h.ok("POST", path, alice.Token, object{})
		h.ok("POST", path, alice.Token, first.upload(t))
		h.ok("POST", path, alice.Token, first.upload(t))
		h.ok("POST", path, alice.Token, object{"self_signing_key": first.upload(t)["self_signing_key"]})

		second := newCrossKeys(t, alice.ID)
		body := second.upload(t)
		session := h.fails("POST", path, alice.Token, body, 401, "").str("session")
		auth := passwordLogin("alice", "wrong")
		auth["session"] = session
		body["auth"] = auth
		h.fails("POST", path, alice.Token, body, 401, "M_FORBIDDEN")
		auth["password"] = testPassword
		h.ok("POST", path, alice.Token, body)
		h.ok("POST", path, alice.Token, body) // the answer got lost

		query := object{"device_keys": object{alice.ID: []string{}}}
		a := h.ok("POST", keysPath+"query", alice.Token, query)
		a.is(body["master_key"], "master_keys", alice.ID).is(body["self_signing_key"], "self_signing_keys", alice.ID)
		a.is(body["user_signing_key"], "user_signing_keys", alice.ID)
		a = h.ok("POST", keysPath+"query", bob.Token, query)
		a.is(body["master_key"], "master_keys", alice.ID).is(nil, "user_signing_keys", alice.ID)

		// A new master key alone takes away what the old one signed.
		third := newSigningKey(t, alice.ID, "")
		body = object{"master_key": third.cross("master"), "auth": passwordLogin("alice", testPassword)}
		h.ok("POST", path, alice.Token, body)
		h.ok("POST", keysPath+"query", alice.Token, query).is(nil, "self_signing_keys", alice.ID).is(nil, "user_signing_keys", alice.ID)
	})
}

// Spec: cs#post_matrixclientv3keysdevice_signingupload
func TestBadCrossSigningKeys(t *testing.T) {
	each(t, func(t *testing.T, h *harness) {
		alice := h.register("alice")
		const path = keysPath + "device_signing/upload"
		c := newCrossKeys(t, alice.ID)
		good := c.upload(t)
		bad := func(name string, change func(o object)) object {
			body := maps.Clone(good)
			o := maps.Clone(body[name].(object))
			change(o)
			body[name] = o
			return body
		}
		h.fails("POST", path, alice.Token, bad("self_signing_key", func(o object) { o["signatures"] = object{} }), 400, "M_INVALID_SIGNATURE")
		h.fails("POST", path, alice.Token, bad("user_signing_key", func(o object) { o["more"] = 1 }), 400, "M_INVALID_SIGNATURE")
		h.fails("POST", path, alice.Token, bad("master_key", func(o object) { o["user_id"] = "@bob:hs1" }), 400, "M_INVALID_PARAM")
		h.fails("POST", path, alice.Token, bad("master_key", func(o object) { o["usage"] = []string{"self_signing"} }), 400, "M_INVALID_PARAM")
		h.fails("POST", path, alice.Token, bad("master_key", func(o object) { o["usage"] = "master" }), 400, "M_BAD_JSON")
		h.fails("POST", path, alice.Token, bad("master_key", func(o object) { o["keys"] = object{} }), 400, "M_INVALID_PARAM")
		h.fails("POST", path, alice.Token, bad("master_key", func(o object) { o["keys"] = object{"ed25519:x": "x"} }), 400, "M_INVALID_PARAM")
		h.fails("POST", path, alice.Token, bad("master_key", func(o object) {
			o["keys"] = object{"ed25519:" + c.master.name: c.master.name, "ed25519:" + c.self.name: c.self.name}
		}), 400, "M_INVALID_PARAM")
		h.fails("POST", path, alice.Token, object{"master_key": "x"}, 400, "M_BAD_JSON")
		h.fails("POST", path, alice.Token, `{"master_key":`, 400, "M_NOT_JSON")

		// A device may not be called like a key, nor a key like a device.
		device := passwordLogin("alice", testPassword)
		device["device_id"] = c.self.name
		h.ok("POST", "/_matrix/client/v3/login", "", device)
		h.fails("POST", path, alice.Token, good, 403, "M_FORBIDDEN")
		other := newCrossKeys(t, alice.ID)
		h.ok("POST", path, alice.Token, other.upload(t))
		device["device_id"] = other.master.name
		if a := h.do("POST", "/_matrix/client/v3/login", "", device); a.Status == 200 {
			t.Error("a device was made that is called like a cross-signing key")
		}
	})
}

// Spec: cs#post_matrixclientv3keyssignaturesupload
// Spec: cs#cross-signing
func TestSignatures(t *testing.T) {
	each(t, func(t *testing.T, h *harness) {
		alice, bob := h.register("alice"), h.register("bob")
		device := newSigningKey(t, alice.ID, alice.Device)
		h.ok("POST", keysPath+"upload", alice.Token, object{"device_keys": device.device(t)})
		mine, his := newCrossKeys(t, alice.ID), newCrossKeys(t, bob.ID)
		h.ok("POST", keysPath+"device_signing/upload", alice.Token, mine.upload(t))
		h.ok("POST", keysPath+"device_signing/upload", bob.Token, his.upload(t))

		wrong := newSigningKey(t, alice.ID, mine.self.name) // another key under the same name
		other := device.device(t)
		other["algorithms"] = []any{}
		a := h.ok("POST", keysPath+"signatures/upload", alice.Token, object{
			alice.ID: object{
				alice.Device:     mine.self.sign(t, device.device(t)),
				mine.master.name: device.sign(t, mine.master.cross("master")),
				mine.self.name:   mine.user.sign(t, mine.self.cross("self_signing")),
				"NONE":           mine.self.sign(t, device.device(t)),
			},
			bob.ID: object{his.master.name: mine.user.sign(t, his.master.cross("master")), bob.Device: object{}},
			"@c:x": object{"D": object{}},
		})
		a.is(nil, "failures", alice.ID, alice.Device).is(nil, "failures", alice.ID, mine.master.name).is(nil, "failures", bob.ID, his.master.name)
		a.is("M_INVALID_SIGNATURE", "failures", alice.ID, mine.self.name, "errcode").is("M_NOT_FOUND", "failures", alice.ID, "NONE", "errcode")
		a.is("M_NOT_FOUND", "failures", bob.ID, bob.Device, "errcode").is("M_NOT_FOUND", "failures", "@c:x", "D", "errcode")
		for code, o := range map[string]any{
			"M_INVALID_SIGNATURE": wrong.sign(t, device.device(t)), "M_INVALID_PARAM": mine.self.sign(t, other), "M_BAD_JSON": "x",
		} {
			a := h.ok("POST", keysPath+"signatures/upload", alice.Token, object{alice.ID: object{alice.Device: o}})
			a.is(code, "failures", alice.ID, alice.Device, "errcode")
		}
		h.fails("POST", keysPath+"signatures/upload", alice.Token, object{alice.ID: []any{}}, 400, "M_BAD_JSON")

		query := object{"device_keys": object{alice.ID: []string{}, bob.ID: []string{}}}
		signed := func(a *answer, path ...string) (by []string) {
			all, _ := a.get(append(path, "signatures")...).(object)
			for user, sigs := range all {
				for id := range sigs.(object) {
					by = append(by, user+" "+id)
				}
			}
			slices.Sort(by)
			return by
		}
		is := func(got []string, want ...string) {
			t.Helper()
			slices.Sort(want)
			if !slices.Equal(got, want) {
				t.Errorf("signed by %v, want %v", got, want)
			}
		}
		for _, viewer := range []person{alice, bob} {
			a := h.ok("POST", keysPath+"query", viewer.Token, query)
			is(signed(a, "device_keys", alice.ID, alice.Device), alice.ID+" ed25519:"+alice.Device, alice.ID+" ed25519:"+mine.self.name)
			is(signed(a, "master_keys", alice.ID), alice.ID+" ed25519:"+alice.Device)
			if viewer == alice {
				is(signed(a, "master_keys", bob.ID), alice.ID+" ed25519:"+mine.user.name)
			} else {
				is(signed(a, "master_keys", bob.ID)) // who verified bob is not for bob to know
			}
		}
	})
}
