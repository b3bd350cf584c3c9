package mediameta_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"testing"

	"pgregory.net/rapid"

	"conclave.chat/internal/fault"
	"conclave.chat/internal/mx"
	"conclave.chat/internal/store"
	"conclave.chat/internal/store/mediameta"
	"conclave.chat/internal/store/storetest"
)

func write(t *testing.T, db *store.DB, f func(*store.Tx) error) {
	t.Helper()
	if err := db.Write(f); err != nil {
		t.Fatal(err)
	}
}

func TestAnnouncedFiles(t *testing.T) {
	ctx := context.Background()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		write(t, db, func(tx *store.Tx) error {
			return errors.Join(mediameta.Announce(tx, "a", "@u:x", 100, 300), mediameta.Announce(tx, "b", "@u:x", 100, 200),
				mediameta.Announce(tx, "c", "@v:x", 100, 300))
		})
		for now, want := range map[int64][2]int64{150: {2, 200}, 200: {1, 300}, 300: {0, 0}} {
			n, first, err := mediameta.Pending(ctx, db, "@u:x", now)
			if err != nil || int64(n) != want[0] || first != want[1] {
				t.Errorf("at %d: %d pending, first until %d, want %v: %v", now, n, first, want, err)
			}
		}
		write(t, db, func(tx *store.Tx) error {
			return mediameta.Put(tx, &mediameta.Media{ID: "a", Owner: "@u:x", Created: 7, Uploaded: 150, Size: 10, Type: "text/plain", Name: "n", Blob: "blob"})
		})
		m, err := mediameta.Get(ctx, db, "a")
		want := mediameta.Media{ID: "a", Owner: "@u:x", Created: 100, Uploaded: 150, Size: 10, Type: "text/plain", Name: "n", Blob: "blob"}
		if err != nil || *m != want {
			t.Errorf("got %+v, want %+v: %v", m, want, err)
		}
		if n, _, _ := mediameta.Pending(ctx, db, "@u:x", 150); n != 1 {
			t.Errorf("%d pending after one came, want 1", n)
		}
		list, err := mediameta.Expired(ctx, db, 1000, 10)
		if err != nil || fmt.Sprint(list) != "[b c]" {
			t.Errorf("expired: %v %v", list, err)
		}
		if m, err := mediameta.Get(ctx, db, "none"); m != nil || err != nil {
			t.Errorf("got %+v %v", m, err)
		}
		if _, err := mediameta.Get(ctx, db, "a\x00"); !fault.Is(err, "M_INVALID_PARAM") {
			t.Errorf("NUL in an id: %v", err)
		}
	})
}

func TestPreviewsExpire(t *testing.T) {
	ctx := context.Background()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		key := []byte("hash")
		for i, body := range []string{"one", "two"} {
			write(t, db, func(tx *store.Tx) error {
				return mediameta.PutPreview(tx, &mediameta.Preview{Page: key, Fetched: int64(i), Expires: 100, Body: []byte(body)})
			})
			p, err := mediameta.GetPreview(ctx, db, key, 99)
			if err != nil || p == nil || string(p.Body) != body {
				t.Errorf("got %+v %v", p, err)
			}
		}
		if p, err := mediameta.GetPreview(ctx, db, key, 100); p != nil || err != nil {
			t.Errorf("an expired preview came back: %+v %v", p, err)
		}
		write(t, db, func(tx *store.Tx) error { return mediameta.DropPreviews(tx, 100) })
		if p, _ := mediameta.GetPreview(ctx, db, key, 1); p != nil {
			t.Error("the preview was not dropped")
		}
	})
}

// model is what the tables should hold.
type model struct {
	db    *store.DB
	media map[string]mediameta.Media
	thumb map[string]mediameta.Thumbnail
	open  map[string]bool // blobs being written
	dead  map[string]bool // blobs to delete
	next  int
}

func (m *model) name(prefix string) string {
	m.next++
	return fmt.Sprintf("%s%d", prefix, m.next)
}

func (m *model) step(t *rapid.T) {
	ctx := context.Background()
	must := func(f func(*store.Tx) error) {
		if err := m.db.Write(f); err != nil {
			t.Fatal(err)
		}
	}
	pick := func(label string, from map[string]bool) string {
		return rapid.SampledFrom(sorted(from)).Draw(t, label)
	}
	ids := map[string]bool{}
	for id := range m.media {
		ids[id] = true
	}
	switch op := rapid.IntRange(0, 6).Draw(t, "op"); {
	case op == 0:
		blob := m.name("blob")
		must(func(tx *store.Tx) error { return mediameta.Begin(tx, blob, int64(m.next)) })
		m.open[blob] = true
	case op == 1 && len(m.open) > 0: // a file
		f := mediameta.Media{
			ID: m.name("id"), Owner: mx.UserID(rapid.SampledFrom([]string{"@a:x", "@b:x", ""}).Draw(t, "owner")),
			Uploaded: 1, Size: rapid.Int64Range(0, 1000).Draw(t, "size"), Blob: pick("blob", m.open),
		}
		must(func(tx *store.Tx) error {
			if ok, err := mediameta.Adopt(tx, f.Blob); !ok || err != nil {
				return fmt.Errorf("adopt: %v %w", ok, err)
			}
			return mediameta.Put(tx, &f)
		})
		delete(m.open, f.Blob)
		m.media[f.ID] = f
	case op == 2 && len(m.open) > 0 && len(ids) > 0: // a thumbnail
		th := mediameta.Thumbnail{Media: pick("media", ids), Kind: "k", Created: int64(m.next), Blob: pick("blob", m.open)}
		_, there := m.thumb[th.Media]
		must(func(tx *store.Tx) error {
			ok, err := mediameta.PutThumbnail(ctx, tx, &th)
			if err != nil || ok == there {
				return fmt.Errorf("thumbnail: %v %w", ok, err)
			}
			if ok {
				_, err = mediameta.Adopt(tx, th.Blob)
			}
			return err
		})
		if !there {
			delete(m.open, th.Blob)
			m.thumb[th.Media] = th
		}
	case op == 3 && len(ids) > 0:
		id := pick("media", ids)
		must(func(tx *store.Tx) error { _, err := mediameta.Delete(ctx, tx, id); return err })
		m.dead[m.media[id].Blob] = true
		if th, ok := m.thumb[id]; ok {
			m.dead[th.Blob] = true
		}
		delete(m.media, id)
		delete(m.thumb, id)
	case op == 4: // give up all that is written for long
		before := int64(rapid.IntRange(0, m.next+1).Draw(t, "before"))
		must(func(tx *store.Tx) error { return mediameta.Abandon(tx, before) })
		for b := range m.open {
			var since int64
			if _, err := fmt.Sscanf(b, "blob%d", &since); err == nil && since < before {
				delete(m.open, b)
				m.dead[b] = true
			}
		}
	case op == 5:
		before := int64(rapid.IntRange(0, m.next+1).Draw(t, "before"))
		must(func(tx *store.Tx) error {
			list, err := mediameta.OldThumbnails(ctx, tx, before, 1000)
			for i := range list {
				err = errors.Join(err, mediameta.DropThumbnail(tx, &list[i]))
			}
			return err
		})
		for id, th := range m.thumb {
			if th.Created < before {
				m.dead[th.Blob] = true
				delete(m.thumb, id)
			}
		}
	case op == 6 && len(m.dead) > 0:
		blob := pick("dead", m.dead)
		must(func(tx *store.Tx) error {
			if ok, err := mediameta.Adopt(tx, blob); ok || err != nil {
				return fmt.Errorf("a doomed blob was adopted: %w", err)
			}
			return mediameta.Forget(tx, blob)
		})
		delete(m.dead, blob)
	}
}

func (m *model) check(t *rapid.T) {
	ctx := context.Background()
	dead, err := mediameta.Doomed(ctx, m.db, 1000)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]bool{}
	for _, b := range dead {
		got[b] = true
	}
	if !maps.Equal(got, m.dead) {
		t.Fatalf("doomed blobs %v, want %v", got, m.dead)
	}
	for _, owner := range []mx.UserID{"@a:x", "@b:x"} {
		var wantFiles, wantBytes int64
		for _, f := range m.media {
			if f.Owner == owner {
				wantFiles, wantBytes = wantFiles+1, wantBytes+f.Size
			}
		}
		f, b, err := mediameta.Usage(ctx, m.db, owner)
		if err != nil || f != wantFiles || b != wantBytes {
			t.Fatalf("%s has %d files of %d bytes, want %d of %d: %v", owner, f, b, wantFiles, wantBytes, err)
		}
	}
	for id, th := range m.thumb {
		if got, err := mediameta.GetThumbnail(ctx, m.db, id, "k"); err != nil || got == nil || *got != th {
			t.Fatalf("thumbnail %+v, want %+v: %v", got, th, err)
		}
	}
}

func sorted(m map[string]bool) []string {
	var list []string
	for k := range m {
		list = append(list, k)
	}
	for i := range list { // rapid wants the same order in each run
		for j := i; j > 0 && list[j] < list[j-1]; j-- {
			list[j], list[j-1] = list[j-1], list[j]
		}
	}
	return list
}

// Whatever happens in whatever order, no blob is lost from sight and usage is the sum of what is there.
func TestEveryBlobIsAccountedFor(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		rapid.Check(t, func(t *rapid.T) {
			if err := db.Write(func(tx *store.Tx) error {
				for _, table := range []string{"media", "media_usage", "media_thumbnail", "media_stray"} {
					if _, err := tx.Exec("DELETE FROM " + table); err != nil {
						return err
					}
				}
				return nil
			}); err != nil {
				t.Fatal(err)
			}
			m := &model{db: db, media: map[string]mediameta.Media{}, thumb: map[string]mediameta.Thumbnail{}, open: map[string]bool{}, dead: map[string]bool{}}
			for range rapid.IntRange(1, 20).Draw(t, "steps") {
				m.step(t)
				m.check(t)
			}
		})
	})
}
