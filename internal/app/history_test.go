package app

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// Whoever changes what an account's safety rests on leaves a line that its owner reads.
func TestSecurityHistory(t *testing.T) {
	s := newSite(t)
	boss, alice, bob := s.admin(), s.register("alice"), s.register("bob")
	v3 := "/_matrix/client/v3/"
	data := func(typ, content string) {
		s.must("PUT", v3+"user/"+url.PathEscape(alice.id)+"/account_data/"+typ, alice.token, content)
	}
	data("m.secret_storage.key.one", `{"algorithm":"m.secret_storage.v1.aes-hmac-sha2"}`) // not in use yet: no line
	data("m.secret_storage.default_key", `{"key":"one"}`)
	data("m.secret_storage.default_key", `{"key":"one"}`)      // the same again: no line
	data("m.cross_signing.master", `{"encrypted":{"one":{}}}`) // part of what the device did just now: no line
	data("m.fully_unrelated", `{"key":"one"}`)                 // no line
	data("m.secret_storage.default_key", `{"key":"two"}`)
	data("m.secret_storage.key.two", `{"algorithm":"x"}`) // not there before: it belongs to the change
	data("m.secret_storage.key.two", `{"algorithm":"y"}`) // another key under the same name
	data("m.secret_storage.default_key", `{}`)
	backup := func(key string) string {
		return fmt.Sprintf(`{"algorithm":"m.megolm_backup.v1.curve25519-aes-sha2","auth_data":{"public_key":%q,"signatures":{}}}`, key)
	}
	s.must("POST", v3+"room_keys/version", alice.token, backup("a"))
	s.must("PUT", v3+"room_keys/version/1", alice.token, backup("a")) // other signatures at most: no line
	s.must("PUT", v3+"room_keys/version/1", alice.token, backup("b"))
	s.must("DELETE", v3+"room_keys/version/1", alice.token, "")
	s.must("DELETE", v3+"room_keys/version/1", alice.token, "") // it is gone already: no line
	public := strings.Repeat("A", 43)
	s.must("POST", v3+"keys/device_signing/upload", alice.token,
		fmt.Sprintf(`{"master_key":{"user_id":%q,"usage":["master"],"keys":{"ed25519:%s":%q}}}`, alice.id, public, public))
	r := s.must("POST", v3+"login", "", `{"type":"m.login.password","identifier":{"type":"m.id.user","user":"alice"},"password":"a good long password","device_id":"PHONE","initial_device_display_name":"Phone"}`)
	phone, _ := r.JSON["access_token"].(string)
	s.must("POST", v3+"logout", phone, "{}")
	s.must("POST", "/_conclave/admin/v1/people/"+url.PathEscape(alice.id)+"/suspend", boss.token, "{}")

	read := func(m member) (lines []string) {
		list, _ := s.must("GET", "/_conclave/client/v1/security_history", m.token, "").JSON["items"].([]any)
		for _, i := range list {
			e, _ := i.(map[string]any)
			line := ""
			for _, name := range []string{"action", "actor", "subject", "subject_name"} {
				if v, _ := e[name].(string); v != "" {
					line += " " + v
				}
			}
			if e["actor"] == nil && e["address"] == nil || e["actor"] != nil && e["address"] != nil {
				t.Errorf("address of %v", e)
			}
			lines = append(lines, strings.TrimSpace(line))
		}
		slices.Reverse(lines)
		return lines
	}
	want := []string{
		"device.signed_in " + alice.device, "recovery_key.created one", "recovery_key.changed two", "recovery_key.changed two",
		"recovery_key.removed two", "key_storage.created 1", "key_storage.changed 1", "key_storage.deleted 1", "identity.created",
		"device.signed_in PHONE Phone", "device.removed PHONE Phone", "account.suspend " + boss.id,
	}
	if got := read(alice); !slices.Equal(got, want) {
		t.Errorf("alice reads\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if got := read(bob); !slices.Equal(got, []string{"device.signed_in " + bob.device}) {
		t.Errorf("bob reads %q", got)
	}
}
