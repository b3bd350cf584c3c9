package audit_test

import (
	"context"
	"encoding/hex"
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"conclave.chat/internal/audit"
	"conclave.chat/internal/store"
	"conclave.chat/internal/store/auditlog"
	"conclave.chat/internal/store/listing"
	"conclave.chat/internal/store/storetest"
)

func record(t *testing.T, db *store.DB, n int) {
	t.Helper()
	for i := range n {
		err := db.Write(func(tx *store.Tx) error {
			by := auditlog.Actor{Name: fmt.Sprintf("@boss%d:hs1", i%2), Device: "DEV", Addr: "192.0.2.1"}
			return auditlog.Record(tx, int64(1000+i), by, auditlog.Act{Action: "account.lock", Target: fmt.Sprintf("@u%d:hs1", i), Was: false, Became: map[string]bool{"locked": true}})
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

func verify(t *testing.T, db *store.DB, anchor *audit.Anchor) *audit.Verdict {
	t.Helper()
	v, err := audit.New(db, nil).Verify(context.Background(), anchor)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func change(t *testing.T, db *store.DB, sql string, args ...any) {
	t.Helper()
	if err := db.Write(func(tx *store.Tx) error { _, err := tx.Exec(sql, args...); return err }); err != nil {
		t.Fatal(err)
	}
}

// A change of any column of any entry is found, and the entry named.
func TestTamperingIsFound(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		record(t, db, 5)
		if v := verify(t, db, nil); v.Bad != 0 || v.Entries != 5 || v.Head.Seq != 5 {
			t.Fatalf("%+v", v)
		}
		for column, value := range map[string]any{
			"ts": int64(7), "actor": "@else:hs1", "device": "OTHER", "addr": "192.0.2.9", "action": "account.unlock", "target": "@x:hs1",
			"was": []byte("true"), "became": []byte("{}"), "prev": make([]byte, 32), "hash": make([]byte, 32), "seq": int64(9),
		} {
			old, err := auditlog.Find(context.Background(), db, 3)
			if err != nil {
				t.Fatal(err)
			}
			before := map[string]any{
				"ts": old.Time, "actor": old.Actor, "device": old.Device, "addr": old.Addr, "action": old.Action, "target": old.Target,
				"was": old.Was, "became": old.Became, "prev": old.Prev, "hash": old.Hash, "seq": old.Seq,
			}
			change(t, db, "UPDATE audit SET "+column+" = $1 WHERE seq = 3", value)
			want := int64(3)
			if column == "seq" {
				want = 4 // the third is missing, so the fourth follows nothing
			}
			if v := verify(t, db, nil); v.Bad != want {
				t.Errorf("a changed %s: %+v", column, v)
			}
			key := 3
			if column == "seq" {
				key = 9
			}
			change(t, db, "UPDATE audit SET "+column+" = $1 WHERE seq = $2", before[column], key)
		}
		if v := verify(t, db, nil); v.Bad != 0 {
			t.Errorf("all is as it was: %+v", v)
		}
	})
}

// What was noted elsewhere tells of a chain that is right in itself, but not the one that was.
func TestAnchors(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		record(t, db, 4)
		head := verify(t, db, nil).Head
		anchor := &audit.Anchor{Seq: head.Seq, Hash: hex.EncodeToString(head.Hash)}
		if v := verify(t, db, anchor); v.Bad != 0 {
			t.Errorf("%+v", v)
		}
		change(t, db, "DELETE FROM audit WHERE seq = 4")
		if v := verify(t, db, nil); v.Bad != 0 {
			t.Errorf("a log without its end is a chain: %+v", v)
		}
		if v := verify(t, db, anchor); v.Bad != 4 {
			t.Errorf("%+v", v)
		}
		record(t, db, 1)
		if v := verify(t, db, anchor); v.Bad != 4 {
			t.Errorf("%+v", v)
		}
		if _, err := audit.New(db, nil).Verify(context.Background(), &audit.Anchor{Seq: 1, Hash: "x"}); err == nil {
			t.Error("an anchor that is none")
		}
	})
}

// A job that fails leaves no entry behind, and those after it go on without a gap.
func TestAnActThatFailsIsNotRecorded(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		record(t, db, 1)
		err := db.Write(func(tx *store.Tx) error {
			if err := auditlog.Record(tx, 1, auditlog.Actor{Name: "x"}, auditlog.Act{Action: "a.b"}); err != nil {
				return err
			}
			return fmt.Errorf("no")
		})
		if err == nil {
			t.Fatal("it did not fail")
		}
		record(t, db, 1)
		if v := verify(t, db, nil); v.Entries != 2 || v.Bad != 0 {
			t.Errorf("%+v", v)
		}
	})
}

func TestFiltersAndPages(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		record(t, db, 7)
		s := audit.New(db, nil)
		seqs := func(f audit.Filter, order string, limit int) (got []int64, total int64) {
			t.Helper()
			p := listing.Page{Order: order, Limit: limit}
			for {
				found, err := s.List(context.Background(), f, p)
				if err != nil {
					t.Fatal(err)
				}
				total = found.Total
				for i := range found.Items {
					got = append(got, found.Items[i].Seq)
				}
				if p.From = found.Next; p.From == "" {
					return got, total
				}
			}
		}
		for _, tt := range []struct {
			f     audit.Filter
			order string
			want  string
		}{
			{audit.Filter{}, "-seq", "[7 6 5 4 3 2 1]"},
			{audit.Filter{}, "seq", "[1 2 3 4 5 6 7]"},
			{audit.Filter{Actor: "@boss1:hs1"}, "seq", "[2 4 6]"},
			{audit.Filter{Action: "account"}, "seq", "[1 2 3 4 5 6 7]"},
			{audit.Filter{Action: "account.lock"}, "seq", "[1 2 3 4 5 6 7]"},
			{audit.Filter{Action: "acc"}, "seq", "[]"},
			{audit.Filter{Action: "a%"}, "seq", "[]"},
			{audit.Filter{Target: "@u3:hs1"}, "seq", "[4]"},
			{audit.Filter{Since: 1002, Until: 1004}, "seq", "[3 4]"},
		} {
			for _, limit := range []int{1, 2, 3, 7, 100} {
				got, total := seqs(tt.f, tt.order, limit)
				if text := fmt.Sprint(append([]int64{}, got...)); text != tt.want || total != int64(len(got)) {
					t.Errorf("%+v by %d: %s of %d, want %s", tt.f, limit, text, total, tt.want)
				}
			}
		}
		for _, p := range []listing.Page{{Order: "hash", Limit: 1}, {Order: "seq", From: "x", Limit: 1}, {Order: "seq", From: "WyItc2VxIiwiMSIsIjEiXQ", Limit: 1}} {
			if _, err := s.List(context.Background(), audit.Filter{}, p); err == nil {
				t.Errorf("%+v was taken", p)
			}
		}
	})
}

// Two different entries never hash alike because a field's end moved.
func TestDigestIsUnambiguous(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`[a-z.@]{0,4}`)
		entry := func(label string) auditlog.Entry {
			return auditlog.Entry{
				Seq: rapid.Int64Range(0, 30).Draw(t, label+" seq"), Time: rapid.Int64Range(0, 30).Draw(t, label+" ts"),
				Actor: text.Draw(t, label), Device: text.Draw(t, label), Addr: text.Draw(t, label), Action: text.Draw(t, label), Target: text.Draw(t, label),
				Was: []byte(text.Draw(t, label)), Became: []byte(text.Draw(t, label)), Prev: []byte(text.Draw(t, label)),
			}
		}
		a, b := entry("a"), entry("b")
		same := fmt.Sprintf("%d %d %q %q %q %q %q %q %q %q", a.Seq, a.Time, a.Actor, a.Device, a.Addr, a.Action, a.Target, a.Was, a.Became, a.Prev) ==
			fmt.Sprintf("%d %d %q %q %q %q %q %q %q %q", b.Seq, b.Time, b.Actor, b.Device, b.Addr, b.Action, b.Target, b.Was, b.Became, b.Prev)
		if alike := string(a.Digest()) == string(b.Digest()); alike != same {
			t.Fatalf("%+v and %+v: alike %v", a, b, alike)
		}
	})
}

// Any one change to a chain of any acts is found.
func TestAnyChangeIsFound(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var chain []auditlog.Entry
		prev := make([]byte, 32)
		for i := range rapid.IntRange(1, 6).Draw(t, "length") {
			e := auditlog.Entry{
				Seq: int64(i + 1), Time: rapid.Int64().Draw(t, "time"), Actor: rapid.String().Draw(t, "actor"), Action: rapid.String().Draw(t, "action"),
				Target: rapid.String().Draw(t, "target"), Was: []byte(rapid.String().Draw(t, "was")), Became: []byte(rapid.String().Draw(t, "became")), Prev: prev,
			}
			e.Hash = e.Digest()
			prev = e.Hash
			chain = append(chain, e)
		}
		whole := func() bool {
			var before *auditlog.Entry
			for i := range chain {
				e := &chain[i]
				if !e.Follows(before) || string(e.Digest()) != string(e.Hash) {
					return false
				}
				before = e
			}
			return true
		}
		if !whole() {
			t.Fatal("an honest chain was refused")
		}
		i := rapid.IntRange(0, len(chain)-1).Draw(t, "entry")
		e := &chain[i]
		switch rapid.IntRange(0, 4).Draw(t, "column") {
		case 0:
			e.Time++
		case 1:
			e.Actor += "x"
		case 2:
			e.Target, e.Action = e.Action+"x", e.Target
		case 3:
			e.Was = append(e.Was, '1')
		case 4:
			e.Became = append(e.Became, '1')
		}
		if rapid.Bool().Draw(t, "hash it anew") && i < len(chain)-1 {
			e.Hash = e.Digest()
		} else if i == len(chain)-1 && string(e.Hash) == string(e.Digest()) {
			t.Skip("nothing changed")
		}
		if whole() {
			t.Fatal("the change was not found")
		}
	})
}
