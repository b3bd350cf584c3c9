package casefile

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"filippo.io/age"

	"conclave.chat/internal/archive/depot"
	"conclave.chat/internal/archive/unseal"
)

// flip changes the middle byte of a file.
func flip(t *testing.T, path string) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	data[len(data)/2] ^= 1
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// What is damaged in an archive is named, and keeps nobody from reading the rest.
func TestACaseOfADamagedArchive(t *testing.T) {
	f := newFirm(t)
	var names []string
	for _, said := range []string{"first", "second", "third", "fourth"} { // a segment each
		f.open()
		f.say("!desk", "@ann:x", text(said), f.attach("file of "+said, said+".txt", "text/plain"))
		f.close()
		for name, err := range f.depot().List(context.Background(), "segment/") {
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	key := func(name string) string {
		parts := strings.Split(name, "/")
		return filepath.Join(f.dir, depot.KeyPath(parts[1], parts[2]))
	}
	flip(t, filepath.Join(f.dir, names[1])) // the second segment
	flip(t, key(names[2]))                  // the third one's key
	for name, err := range f.depot().List(context.Background(), "blob/") {
		if err != nil {
			t.Fatal(err)
		}
		flip(t, filepath.Join(f.dir, name))
	}
	stray := filepath.Join(f.dir, filepath.Dir(names[0]), ".DS_Store")
	if err := os.WriteFile(stray, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}

	_, strays, err := unseal.Plan(context.Background(), f.depot(), unseal.Scope{})
	if err != nil || len(strays) != 1 || !strings.HasSuffix(strays[0], ".DS_Store") {
		t.Errorf("strays: %v %v", strays, err)
	}
	c := f.create(filepath.Join(t.TempDir(), "case"), unseal.Scope{})
	defer c.Close()
	r, err := c.Fill(context.Background(), f.source())
	if err != nil {
		t.Fatal(err)
	}
	for what, place := range map[string]string{"segment": names[1] + ": ", "key": strings.TrimPrefix(key(names[2]), f.dir+"/") + ": ", "attachment": "attachment "} {
		if !slices.ContainsFunc(r.Damaged, func(s string) bool { return strings.HasPrefix(s, place) }) {
			t.Errorf("the damaged %s is not named: %q", what, r.Damaged)
		}
	}
	var said []string
	for rec, err := range c.Records(context.Background(), Filter{}) {
		if err != nil {
			t.Fatal(err)
		}
		said = append(said, rec.Record.Attachments[0].Name)
		if _, err := c.OpenFile(rec.Record.Attachments[0].Blob); err == nil {
			t.Errorf("%s: a damaged attachment is in the case", rec.Record.EventID)
		}
	}
	if !slices.Equal(said, []string{"first.txt", "fourth.txt"}) || r.Files != 0 {
		t.Errorf("the case has %v and %d files", said, r.Files)
	}

	// Where nothing opens, it is the officers' identity.
	stranger, err := age.GenerateHybridIdentity()
	if err != nil {
		t.Fatal(err)
	}
	other := f.create(filepath.Join(t.TempDir(), "case"), unseal.Scope{})
	defer other.Close()
	if _, err := other.Fill(context.Background(), Source{Archive: f.depot(), Identity: stranger}); err == nil {
		t.Error("a case was filled with another archive's identity")
	}
}
