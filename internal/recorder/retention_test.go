package recorder

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const minimal = `homeserver: http://127.0.0.1:1
listen: 127.0.0.1:0
data_dir: /tmp/x
archive: /tmp/y
recipients: [age1]
log_key_file: /tmp/z
`

func loaded(t *testing.T, text string) (*Config, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "recorder.yaml")
	if err := os.WriteFile(path, []byte(minimal+text), 0o600); err != nil {
		t.Fatal(err)
	}
	return Load(path)
}

func TestRetentionThatCannotWorkIsRefused(t *testing.T) {
	for text, say := range map[string]string{
		"retention: {classes: {a: 0d, standard: 1y}}":      "not a term",
		"retention: {classes: {a: 6}, rooms: {}}":          "not a term",
		"retention: {classes: {a: 6y}}":                    "no class standard",
		"retention: {classes: {Standard: 6y}}":             "not a retention class",
		"retention: {classes: {standard: 6y, shreds: 1y}}": "archive's own",
		"class: a b": "not a retention class",
		"retention: {rooms: {\"!a:x\": standard}}":                                               "no classes",
		"retention: {classes: {standard: 6y}, rooms: {\"!a:x\": other}}":                         "no class other",
		"retention: {classes: {standard: 6y}, rooms: {\"#a:x\": standard}}":                      "not the id of a room",
		"retention: {classes: {standard: 6y, b: 90d}}\nretain_days: 91":                          "ends after 90d",
		"retention: {classes: {standard: 1y}}\nretain_days: 400":                                 "ends after 1y",
		"retention: {classes: {standard: 6y}, lock: true}":                                       "needs a bucket",
		"retention: {classes: {standard: 6y}, lock: true}\nretain_days: 10\nbucket: {bucket: b}": "either lock or retain_days",
		"retention: {lock: true}":                                                                "no classes",
		"retention: {terms: {standard: 6y}}":                                                     "unknown field",
	} {
		if _, err := loaded(t, text); err == nil || !strings.Contains(err.Error(), say) {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestClassesOfRooms(t *testing.T) {
	c, err := loaded(t, `class: standard
bucket: {bucket: b}
retention:
  classes: {standard: 3y, broker-dealer: 6y, hospital: 10y, chat: 90d}
  rooms: {"!desk:x": broker-dealer}
  lock: true
`)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		room, named, want string
		known             bool
	}{
		{"!a:x", "", "standard", true},
		{"!a:x", "chat", "chat", true},
		{"!desk:x", "", "broker-dealer", true},
		{"!desk:x", "chat", "broker-dealer", true}, // the homeserver cannot make it shorter
		{"!a:x", "ministry", "hospital", false},
	} {
		if got, known := c.class(tt.room, nil, tt.named); got != tt.want || known != tt.known {
			t.Errorf("%+v: %s, %v", tt, got, known)
		}
	}
	if class, known := c.class("!new:x", []string{"!between:x", "!desk:x"}, "chat"); class != "broker-dealer" || !known {
		t.Errorf("a room that has taken the place of one with a rule: %s, %v", class, known)
	}
	from := time.Date(2024, 2, 29, 0, 0, 0, 0, time.UTC)
	for class, want := range map[string]string{"chat": "2024-05-29", "broker-dealer": "2030-03-01", "": "2034-03-01", "shreds": "2034-03-01", "former": "2034-03-01"} {
		if got := c.locked(class, from).Format(time.DateOnly); got != want {
			t.Errorf("%q is locked until %s, not until %s", class, got, want)
		}
	}
	c, err = loaded(t, "class: old\nretain_days: 10")
	if err != nil {
		t.Fatal(err)
	}
	if class, known := c.class("!a:x", nil, "chat"); class != "old" || !known {
		t.Errorf("without classes: %s, %v", class, known)
	}
	if got := c.locked("old", from); !got.Equal(from.AddDate(0, 0, 10)) {
		t.Errorf("locked until %v", got)
	}
	if c, err = loaded(t, ""); err != nil || !c.locked("standard", from).IsZero() {
		t.Errorf("%v", err)
	}
}
