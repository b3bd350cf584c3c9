package client

import (
	"maps"
	"strings"
	"testing"
)

const (
	backupVersion = "/_matrix/client/v3/room_keys/version"
	backupKeys    = "/_matrix/client/v3/room_keys/keys"
)

func roomKey(verified bool, first, forwarded int, data string) object {
	return object{
		"first_message_index": first, "forwarded_count": forwarded, "is_verified": verified, "session_data": object{"ciphertext": data},
	}
}

func (h *harness) newBackup(token string) string {
	h.t.Helper()
	return h.ok("POST", backupVersion, token, object{
		"algorithm": "m.megolm_backup.v1.curve25519-aes-sha2", "auth_data": object{"public_key": "abcdefg"},
	}).str("version")
}

// Spec: cs#post_matrixclientv3room_keysversion
// Spec: cs#get_matrixclientv3room_keysversion
// Spec: cs#get_matrixclientv3room_keysversionversion
// Spec: cs#put_matrixclientv3room_keysversionversion
// Spec: cs#delete_matrixclientv3room_keysversionversion
func TestBackupVersions(t *testing.T) {
	each(t, func(t *testing.T, h *harness) {
		alice, bob := h.register("alice"), h.register("bob")
		h.fails("GET", backupVersion, alice.Token, nil, 404, "M_NOT_FOUND")
		v1 := h.newBackup(alice.Token)
		a := h.ok("GET", backupVersion, alice.Token, nil)
		a.is("m.megolm_backup.v1.curve25519-aes-sha2", "algorithm").is(object{"public_key": "abcdefg"}, "auth_data")
		a.is(0.0, "count").is(v1, "version")
		if a.str("etag") == "" {
			t.Errorf("no etag: %s", a.Raw)
		}
		h.fails("GET", backupVersion, bob.Token, nil, 404, "M_NOT_FOUND")
		h.fails("GET", backupVersion+"/"+v1, bob.Token, nil, 404, "M_NOT_FOUND")
		h.fails("GET", backupVersion+"/x", alice.Token, nil, 404, "M_NOT_FOUND")

		update := object{"algorithm": "m.megolm_backup.v1.curve25519-aes-sha2", "auth_data": object{"public_key": "new"}, "version": v1}
		h.ok("PUT", backupVersion+"/"+v1, alice.Token, update)
		h.ok("GET", backupVersion+"/"+v1, alice.Token, nil).is(object{"public_key": "new"}, "auth_data")
		for code, change := range map[string]object{
			"M_INVALID_PARAM": {"version": "99"}, "M_BAD_JSON": {"auth_data": "x"}, "M_MISSING_PARAM": {"algorithm": nil},
		} {
			body := maps.Clone(update)
			maps.Copy(body, change)
			h.fails("PUT", backupVersion+"/"+v1, alice.Token, body, 400, code)
		}
		update["algorithm"] = "other"
		h.fails("PUT", backupVersion+"/"+v1, alice.Token, update, 400, "M_INVALID_PARAM")
		delete(update, "version")
		h.fails("PUT", backupVersion+"/99", alice.Token, update, 404, "M_NOT_FOUND")

		v2 := h.newBackup(alice.Token)
		h.ok("GET", backupVersion, alice.Token, nil).is(v2, "version")
		h.ok("DELETE", backupVersion+"/"+v2, alice.Token, nil)
		h.ok("DELETE", backupVersion+"/"+v2, alice.Token, nil)
		h.fails("GET", backupVersion+"/"+v2, alice.Token, nil, 404, "M_NOT_FOUND")
		h.ok("GET", backupVersion, alice.Token, nil).is(v1, "version")
		h.fails("DELETE", backupVersion+"/99", alice.Token, nil, 404, "M_NOT_FOUND")
		h.fails("DELETE", backupVersion+"/-1", alice.Token, nil, 404, "M_NOT_FOUND")

		for body, code := range map[string]string{
			`{}`:                                     "M_MISSING_PARAM",
			`{"algorithm":"a"}`:                      "M_MISSING_PARAM",
			`{"algorithm":"","auth_data":{}}`:        "M_INVALID_PARAM",
			`{"algorithm":7,"auth_data":{}}`:         "M_BAD_JSON",
			`{"algorithm":"a","auth_data":[]}`:       "M_BAD_JSON",
			`{"algorithm":"a","auth_data":{},}`:      "M_NOT_JSON",
			`{"algorithm":"a","algorithm":"b"}`:      "M_BAD_JSON",
			`{"algorithm":"a\u0000","auth_data":{}}`: "M_INVALID_PARAM",
		} {
			h.fails("POST", backupVersion, alice.Token, body, 400, code)
		}
		h.fails("POST", backupVersion, alice.Token, object{"algorithm": "a", "auth_data": object{"x": strings.Repeat("x", 70000)}}, 413, "M_TOO_LARGE")
	})
}

// Spec: cs#put_matrixclientv3room_keyskeys
// Spec: cs#get_matrixclientv3room_keyskeys
// Spec: cs#delete_matrixclientv3room_keyskeys
// Spec: cs#put_matrixclientv3room_keyskeysroomid
// Spec: cs#get_matrixclientv3room_keyskeysroomid
// Spec: cs#delete_matrixclientv3room_keyskeysroomid
// Spec: cs#put_matrixclientv3room_keyskeysroomidsessionid
// Spec: cs#get_matrixclientv3room_keyskeysroomidsessionid
// Spec: cs#delete_matrixclientv3room_keyskeysroomidsessionid
func TestBackupKeys(t *testing.T) {
	each(t, func(t *testing.T, h *harness) {
		alice := h.register("alice")
		h.fails("PUT", backupKeys+"?version=1", alice.Token, object{"rooms": object{}}, 404, "M_NOT_FOUND")
		h.fails("GET", backupKeys+"?version=1", alice.Token, nil, 404, "M_NOT_FOUND")
		old := h.newBackup(alice.Token)
		v := h.newBackup(alice.Token)
		in := func(path string) string { return backupKeys + path + "?version=" + v }

		h.ok("GET", in(""), alice.Token, nil).is(object{}, "rooms")
		h.ok("GET", in("/!a:hs1"), alice.Token, nil).is(object{}, "sessions")
		h.fails("GET", in("/!a:hs1/s1"), alice.Token, nil, 404, "M_NOT_FOUND")

		one := h.ok("PUT", in("/!a:hs1/s%2F1"), alice.Token, roomKey(false, 10, 5, "x")).is(1.0, "count").str("etag")
		again := h.ok("PUT", in("/!a:hs1/s%2F1"), alice.Token, roomKey(false, 10, 5, "y")).is(1.0, "count")
		again.is(one, "etag") // not better, so nothing changed
		h.ok("GET", in("/!a:hs1/s%2F1"), alice.Token, nil).is(object{"ciphertext": "x"}, "session_data").is(10.0, "first_message_index").
			is(5.0, "forwarded_count").is(false, "is_verified")
		better := h.ok("PUT", in("/!a:hs1"), alice.Token, object{"sessions": object{"s/1": roomKey(true, 20, 9, "z"), "s2": roomKey(false, 0, 0, "w")}})
		if better.is(2.0, "count").str("etag") == one {
			t.Error("the etag did not change")
		}
		h.ok("PUT", in(""), alice.Token, object{"rooms": object{"!b:hs1": object{"sessions": object{"s3": roomKey(true, 0, 0, "v")}}}}).is(3.0, "count")

		want := object{
			"!a:hs1": object{"sessions": object{"s/1": roomKey(true, 20, 9, "z"), "s2": roomKey(false, 0, 0, "w")}},
			"!b:hs1": object{"sessions": object{"s3": roomKey(true, 0, 0, "v")}},
		}
		all := h.ok("GET", in(""), alice.Token, nil)
		for room := range want {
			for session, key := range want[room].(object)["sessions"].(object) {
				for member, value := range key.(object) {
					if n, ok := value.(int); ok {
						value = float64(n)
					}
					all.is(value, "rooms", room, "sessions", session, member)
				}
			}
		}
		h.ok("GET", backupVersion, alice.Token, nil).is(3.0, "count")

		// Only the newest version takes keys; the answer names it.
		for _, wrong := range []string{old, "99", "x"} {
			a := h.fails("PUT", backupKeys+"/!a:hs1/s1?version="+wrong, alice.Token, roomKey(true, 0, 0, "x"), 403, "M_WRONG_ROOM_KEYS_VERSION")
			a.is(v, "current_version")
		}
		h.fails("PUT", backupKeys, alice.Token, object{"rooms": object{}}, 400, "M_MISSING_PARAM")
		h.fails("GET", backupKeys+"?version=99", alice.Token, nil, 404, "M_NOT_FOUND")
		h.fails("DELETE", backupKeys+"?version=99", alice.Token, nil, 404, "M_NOT_FOUND")

		for body, code := range map[string]string{
			`{}`:                    "M_BAD_JSON",
			`{"rooms":[]}`:          "M_BAD_JSON",
			`{"rooms":{"!a:x":{}}}`: "M_BAD_JSON",
			`{"rooms":{"a":{"sessions":{"s":{"first_message_index":0,"forwarded_count":0,"is_verified":true,"session_data":{}}}}}}`: "M_INVALID_PARAM",
			`{"rooms":{"!a:x":{"sessions":{"s":{}}}}}`: "M_BAD_JSON",
			`{"rooms":{"!a:x":{"sessions":{"s":{"first_message_index":"0","forwarded_count":0,"is_verified":true,"session_data":{}}}}}}`:  "M_BAD_JSON",
			`{"rooms":{"!a:x":{"sessions":{"s":{"first_message_index":0.5,"forwarded_count":0,"is_verified":true,"session_data":{}}}}}}`:  "M_BAD_JSON",
			`{"rooms":{"!a:x":{"sessions":{"s":{"first_message_index":-1,"forwarded_count":0,"is_verified":true,"session_data":{}}}}}}`:   "M_BAD_JSON",
			`{"rooms":{"!a:x":{"sessions":{"s":{"first_message_index":0,"forwarded_count":1e30,"is_verified":true,"session_data":{}}}}}}`: "M_BAD_JSON",
			`{"rooms":{"!a:x":{"sessions":{"s":{"first_message_index":0,"forwarded_count":0,"is_verified":"yes","session_data":{}}}}}}`:   "M_BAD_JSON",
			`{"rooms":{"!a:x":{"sessions":{"s":{"first_message_index":0,"forwarded_count":0,"is_verified":true,"session_data":"x"}}}}}`:   "M_BAD_JSON",
		} {
			h.fails("PUT", in(""), alice.Token, body, 400, code)
		}

		h.ok("DELETE", in("/!a:hs1/s2"), alice.Token, nil).is(2.0, "count")
		gone := h.ok("DELETE", in("/!a:hs1/s2"), alice.Token, nil).is(2.0, "count").str("etag")
		h.ok("GET", backupVersion, alice.Token, nil).is(gone, "etag")
		h.ok("DELETE", in("/!a:hs1"), alice.Token, nil).is(1.0, "count")
		h.ok("DELETE", in(""), alice.Token, nil).is(0.0, "count")
		h.ok("GET", in(""), alice.Token, nil).is(object{}, "rooms")
	})
}
