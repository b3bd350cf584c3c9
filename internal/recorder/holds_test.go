package recorder

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"conclave.chat/internal/archive"
	"conclave.chat/internal/archive/expiry"
	"conclave.chat/internal/archive/segment"
	"conclave.chat/internal/archive/tag"
)

func vault(t testing.TB) (*Config, *secrets) {
	return &Config{DataDir: t.TempDir()}, &secrets{Database: bytes.Repeat([]byte{7}, 32)}
}

func TestHoldsAreKeptSealed(t *testing.T) {
	c, s := vault(t)
	h, err := newHolds(c, s)
	if err != nil {
		t.Fatal(err)
	}
	for _, bad := range []Hold{
		{}, {Case: " "}, {Case: "1", Room: "desk"}, {Case: "1", Custodian: "ann"}, {Case: "1", Since: time.Unix(2, 0), Until: time.Unix(2, 0)},
	} {
		if _, err := h.Add(bad); err == nil {
			t.Errorf("%+v was taken", bad)
		}
	}
	// Two processes add at the same time.
	var wg sync.WaitGroup
	for i := range 10 {
		wg.Go(func() {
			other, err := newHolds(c, s)
			if err != nil {
				t.Error(err)
				return
			}
			if _, err := other.Add(Hold{Case: fmt.Sprint("case ", i), Custodian: "@ann:x", By: "me"}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	list, err := h.InForce()
	if err != nil || len(list) != 10 {
		t.Fatalf("%+v, %v", list, err)
	}
	if _, err := h.Release("nothing", "case 1", "me"); err == nil {
		t.Error("what is not there was released")
	}
	if _, err := h.Release(list[3].ID, "another", "me"); err == nil {
		t.Error("a hold of another case was released")
	}
	if r, err := h.Release(list[3].ID, list[3].Case, "you"); err != nil || r.Case != list[3].Case || r.ReleasedBy != "you" {
		t.Errorf("%+v, %v", r, err)
	}
	if _, err := h.Release(list[3].ID, list[3].Case, "you"); err == nil {
		t.Error("it was released twice")
	}
	now, err := h.InForce()
	all, err2 := h.List()
	if err != nil || err2 != nil || len(now) != 9 || len(all) != 10 {
		t.Errorf("%d in force of %d: %v, %v", len(now), len(all), err, err2)
	}
	path := filepath.Join(c.DataDir, holdsFile)
	text, err := os.ReadFile(path)
	if err != nil || bytes.Contains(text, []byte("ann")) {
		t.Errorf("the file is open to read: %v", err)
	}
	text[len(text)/2] ^= 1
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	if list, err := h.InForce(); err == nil {
		t.Errorf("a damaged file gives %v", list)
	}
}

// A hold finds every segment in which something that it is about occurs, and leaves those alone of which that is known not to be so.
func TestAHoldFindsItsSegments(t *testing.T) {
	c, s := vault(t)
	tg, err := newTags(c, s)
	if err != nil {
		t.Fatal(err)
	}
	day := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	rapid.Check(t, func(t *rapid.T) {
		type said struct {
			room string
			sees []string
			at   time.Time
		}
		rooms, users := []string{"!a:x", "!b:x", "!c:x"}, []string{"@ann:x", "@bob:x", "@cyd:x", "@dan:x"}
		id, err := segment.NewID()
		if err != nil {
			t.Fatal(err)
		}
		sealed := archive.Sealed{ID: id, Class: "standard"}
		var list []said
		for range rapid.IntRange(0, 6).Draw(t, "records") {
			x := said{
				room: rapid.SampledFrom(rooms).Draw(t, "room"), at: day.Add(time.Duration(rapid.IntRange(0, 240).Draw(t, "hour")) * time.Hour),
				sees: rapid.SliceOfDistinct(rapid.SampledFrom(users), rapid.ID[string]).Draw(t, "members"),
			}
			list = append(list, x)
			sealed.Parties = append(sealed.Parties, &archive.Parties{Room: x.room, Users: x.sees})
			if sealed.First.IsZero() || x.at.Before(sealed.First) {
				sealed.First = x.at
			}
			if x.at.After(sealed.Last) {
				sealed.Last = x.at
			}
		}
		known := rapid.Bool().Draw(t, "tagged")
		if known {
			if err := tg.Put(sealed); err != nil {
				t.Fatal(err)
			}
		}
		h := Hold{Room: rapid.SampledFrom(append(rooms, "", "!never:x")).Draw(t, "held room"), Custodian: rapid.SampledFrom(append(users, "", "@eve:x")).Draw(t, "custodian")}
		if rapid.Bool().Draw(t, "since") {
			h.Since = day.Add(time.Duration(rapid.IntRange(0, 240).Draw(t, "from")) * time.Hour)
		}
		if rapid.Bool().Draw(t, "until") {
			h.Until = day.Add(time.Duration(rapid.IntRange(0, 300).Draw(t, "to")) * time.Hour)
		}
		got, err := tg.Get(id)
		if err != nil || (got != nil) != known {
			t.Fatal(got, err)
		}
		covers := h.covers(&expiry.Segment{ID: id, Closed: day.Add(241 * time.Hour)}, tg, got)
		room, user := h.Room == "", h.Custodian == ""
		for _, x := range list {
			in := (h.Since.IsZero() || !x.at.Before(h.Since)) && (h.Until.IsZero() || x.at.Before(h.Until))
			sees := h.Custodian == ""
			for _, u := range x.sees {
				sees = sees || u == h.Custodian
			}
			if in && sees && (h.Room == "" || h.Room == x.room) && !covers {
				t.Fatalf("%+v does not find %+v", h, x)
			}
			room, user = room || x.room == h.Room, user || sees
		}
		if known && covers && (!room || !user) {
			t.Fatalf("%+v finds a segment in which neither occurs: %+v", h, list)
		}
	})
}

func TestTagsTellNothing(t *testing.T) {
	c, s := vault(t)
	tg, err := newTags(c, s)
	if err != nil {
		t.Fatal(err)
	}
	id, _ := segment.NewID()
	if err := tg.Put(archive.Sealed{ID: id, Parties: []*archive.Parties{{Room: "!a:x", Users: []string{tag.Everybody}}}}); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(c.DataDir, tagsFolder, id.String())
	text, err := os.ReadFile(path)
	if err != nil || strings.Contains(string(text), "!a") {
		t.Fatalf("%q, %v", text, err)
	}
	got, err := tg.Get(id)
	h := Hold{Custodian: "@ann:x"}
	seg := &expiry.Segment{ID: id, Closed: time.Unix(1000, 0)}
	if err != nil || !h.covers(seg, tg, got) {
		t.Error("members who were not learned are not held")
	}
	other, _ := newTags(c, &secrets{Database: bytes.Repeat([]byte{8}, 32)})
	if got.Has(other.Room("!a:x")) || !got.Has(tg.Room("!a:x")) {
		t.Error("tags do not depend on the key")
	}
	if err := os.WriteFile(path, text[:len(text)-3], 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := tg.Get(id); got != nil || err != nil {
		t.Errorf("a damaged file tells %+v, %v", got, err)
	}
	if err := tg.Drop(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err == nil {
		t.Error("it is not forgotten")
	}
}
