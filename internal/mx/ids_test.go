package mx

import (
	"strings"
	"testing"
	"unicode/utf8"

	"conclave.chat/internal/fault"
)

// Spec: appendices#server-name
func TestServerNames(t *testing.T) {
	for _, s := range []string{
		"matrix.org", "matrix.org:8888", "1.2.3.4", "1.2.3.4:1234", "[1234:5678::abcd]", "[1234:5678::abcd]:5678", // the specification's own
		"localhost", "a", "A.B-c.9", "1.2.3", "1.2.3.4.5", "256", "999.example", "1.2.3.x", "[::]", "[::ffff:1.2.3.4]:1", "x:0", strings.Repeat("a", 255),
		"1..2.3", "255.255.255.255",
	} {
		if got, err := ParseServerName(s); err != nil || string(got) != s {
			t.Errorf("%q: %v", s, err)
		}
	}
	for _, s := range []string{
		"", ":", ":80", "a:", "a:b", "a:123456", "a:1:2", "a:-1", "a b", "a_b", "ä.example", "a/b", "@a", "256.1.1.1", "1.2.3.1000", "[", "[]", "[::", "::1", "[1.2.3.4]",
		"[::1%eth0]", "[::1]80", "[::1]:", "[g::]", "[::1]]", "a\x00", strings.Repeat("a", 256),
	} {
		if _, err := ParseServerName(s); !fault.Is(err, "M_INVALID_PARAM") {
			t.Errorf("%q: %v", s, err)
		}
	}
}

// Spec: appendices#user-identifiers
// Spec: appendices#historical-user-ids
func TestUserIDs(t *testing.T) {
	for s, parts := range map[string][2]string{
		"@alice:example.org":                  {"alice", "example.org"},
		"@a._=-/+0:example.org:8448":          {"a._=-/+0", "example.org:8448"},
		"@a:[::1]:8448":                       {"a", "[::1]:8448"},
		"@Alice:EXAMPLE.org":                  {"Alice", "EXAMPLE.org"},
		"@:example.org":                       {"", "example.org"},
		"@É \n\U0001F600:example.org":         {"É \n\U0001F600", "example.org"},
		"@@@!#$:x":                            {"@@!#$", "x"},
		"@" + strings.Repeat("a", 252) + ":x": {strings.Repeat("a", 252), "x"},
	} {
		u, err := ParseUserID(s)
		if err != nil || u.Localpart() != parts[0] || string(u.Server()) != parts[1] {
			t.Errorf("%q: %q %q %v", s, u.Localpart(), u.Server(), err)
		}
		if err == nil && NewUserID(u.Localpart(), u.Server()) != u {
			t.Errorf("%q does not come together again", s)
		}
	}
	for _, s := range []string{
		"", "@", "@alice", "alice:example.org", "!alice:example.org", "@alice:", "@alice:a b", "@al:ice:example.org", "@a\x00:x", "@a\xff:x", "@\xed\xa0\x80:x",
		"@" + strings.Repeat("a", 253) + ":x", ":x",
	} {
		if _, err := ParseUserID(s); !fault.Is(err, "M_INVALID_PARAM") {
			t.Errorf("%q: %v", s, err)
		}
	}
	for s, historical := range map[string]bool{"@a:x": false, "@A!~:x": false, "@:x": true, "@ :x": true, "@é:x": true, "@\x7f:x": true} {
		if UserID(s).Historical() != historical {
			t.Errorf("%q: historical is not %v", s, historical)
		}
	}
	for s, valid := range map[string]bool{"alice": true, "a-z.0_9=/+": true, "": false, "Alice": false, "al ice": false, "é": false, "a:b": false, "a\x00": false, "*": false} {
		if ValidLocalpart(s) != valid {
			t.Errorf("%q: valid is not %v", s, valid)
		}
	}
}

// Spec: appendices#room-ids
func TestRoomIDs(t *testing.T) {
	for s, server := range map[string]string{
		"!abc:example.org": "example.org",
		"!a b\n:x:1":       "x:1",
		"!Nhcu5BS-UMnFX7hBVfVSoXiD7OgH6iRT-xyIuqDnpYQ":  "",
		"!Nhcu5BS-UMnFX7hBVfVSoXiD7OgH6iRT-xyIuqDn:pYQ": "pYQ",
	} {
		r, err := ParseRoomID(s)
		if err != nil || string(r.Server()) != server || (r.CreateEvent() != "") != (server == "") {
			t.Errorf("%q: %v, server %q, create event %q", s, err, r.Server(), r.CreateEvent())
		}
	}
	for _, s := range []string{
		"", "!", "!a", "!:x", "#a:x", "!a:", "!a\x00:x", "!Nhcu5BS-UMnFX7hBVfVSoXiD7OgH6iRT-xyIuqDnpY", "!Nhcu5BS+UMnFX7hBVfVSoXiD7OgH6iRT-xyIuqDnpYQ",
		"!" + strings.Repeat("a", 253) + ":x", "$Nhcu5BS-UMnFX7hBVfVSoXiD7OgH6iRT-xyIuqDnpYQ",
	} {
		if _, err := ParseRoomID(s); !fault.Is(err, "M_INVALID_PARAM") {
			t.Errorf("%q: %v", s, err)
		}
	}
	if got := RoomID("!Nhcu5BS-UMnFX7hBVfVSoXiD7OgH6iRT-xyIuqDnpYQ").CreateEvent(); got != "$Nhcu5BS-UMnFX7hBVfVSoXiD7OgH6iRT-xyIuqDnpYQ" {
		t.Error(got)
	}
	made := NewRoomID("example.org", []byte("fifteen bytes!!"))
	if got, err := ParseRoomID(string(made)); err != nil || got.Server() != "example.org" || !alphanumeric(got.Localpart()) {
		t.Errorf("%s: %v", made, err)
	}
}

func alphanumeric(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') }) < 0
}

// Spec: appendices#room-aliases
// Spec: appendices#event-ids
func TestRoomAliasesAndEventIDs(t *testing.T) {
	for _, s := range []string{"#a:x", "#É #!:example.org:1"} {
		if a, err := ParseRoomAlias(s); err != nil || NewRoomAlias(a.Localpart(), a.Server()) != a {
			t.Errorf("%q: %v", s, err)
		}
	}
	for _, s := range []string{"", "#", "#:x", "#a", "!a:x", "#a\x00:x", "#" + strings.Repeat("é", 127) + ":x"} {
		if _, err := ParseRoomAlias(s); !fault.Is(err, "M_INVALID_PARAM") {
			t.Errorf("%q: %v", s, err)
		}
	}
	for _, s := range []string{"$a", "$a:x", "$Rqnc-F-dvnEYJTyHq_iKxU2bZ1CI92-kuZq3a5lr5Zg"} {
		if _, err := ParseEventID(s); err != nil {
			t.Errorf("%q: %v", s, err)
		}
	}
	for _, s := range []string{"", "$", "a", "!a:x", "$\x00", "$\xff", "$" + strings.Repeat("a", 255)} {
		if _, err := ParseEventID(s); !fault.Is(err, "M_INVALID_PARAM") {
			t.Errorf("%q: %v", s, err)
		}
	}
}

// What any parser lets pass has a sigil, two parts that come together again, and no more than 255 bytes of UTF-8 without NUL.
func FuzzIDs(f *testing.F) {
	for _, s := range []string{"@a:x", "!a:x", "#a:x", "$a", "a.b:1", "[::1]:80", "!Nhcu5BS-UMnFX7hBVfVSoXiD7OgH6iRT-xyIuqDnpYQ", "@:1.2.3.4", "@a\x00:x", "@\xff:x"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		sound := func(sigil byte, local string, name ServerName) {
			if len(s) > 255 || !utf8.ValidString(s) || strings.IndexByte(s, 0) >= 0 || s[0] != sigil {
				t.Errorf("%q is not sound", s)
			}
			if name == "" && isHashID(s) {
				return
			}
			if s[1:] != local+":"+string(name) || strings.Contains(local, ":") {
				t.Errorf("%q is cut into %q and %q", s, local, name)
			}
			if _, err := ParseServerName(string(name)); err != nil {
				t.Errorf("%q: %v", s, err)
			}
		}
		if u, err := ParseUserID(s); err == nil {
			sound('@', u.Localpart(), u.Server())
		}
		if r, err := ParseRoomID(s); err == nil {
			sound('!', r.Localpart(), r.Server())
		}
		if a, err := ParseRoomAlias(s); err == nil {
			sound('#', a.Localpart(), a.Server())
		}
		if ValidLocalpart(s) {
			if u, err := ParseUserID("@" + s + ":x"); len(s) < 250 && (err != nil || u.Historical()) {
				t.Errorf("%q: %v", s, err)
			}
		}
		_ = UserID(s).Localpart() + string(RoomID(s).Server()) + RoomAlias(s).Localpart()
	})
}
