package admin_test

import (
	"archive/zip"
	"bytes"
	"context"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/tidwall/gjson"

	"conclave.chat/internal/room"
	"conclave.chat/internal/store"
	"conclave.chat/internal/store/mediameta"
	"conclave.chat/internal/store/personal"
)

func TestHolds(t *testing.T) {
	each(t, func(t *testing.T, h *harness) {
		h.account("alice", false)
		id := h.room("alice", room.Create{Preset: "private_chat"})
		placed := h.ok("POST", "holds", M{"case": "C-7", "reason": "a court asks", "custodian": "@alice:hs1", "room": string(id), "since": 5})
		name := placed.Get("hold_id").Str
		if placed.Get("created_by").Str != "@boss:hs1" || placed.Get("released").Int() != 0 || placed.Get("since").Int() != 5 {
			t.Errorf("placed: %s", placed.Raw)
		}
		if got := h.ok("GET", "holds/"+name, nil); got.Raw != placed.Raw {
			t.Errorf("%s, want %s", got.Raw, placed.Raw)
		}
		for _, body := range []M{{"case": "C", "reason": "r"}, {"case": "C", "reason": "r", "room": "x"}, {"case": "C", "reason": "r", "custodian": "x"}, {"case": "", "reason": "r", "since": 1}} {
			h.fails("POST", "holds", body, http.StatusBadRequest, "M_INVALID_PARAM")
		}
		h.fails("POST", "holds", M{"case": "C", "reason": "r", "custodian": "@nobody:hs1"}, http.StatusNotFound, "M_NOT_FOUND")
		h.fails("GET", "holds/none", nil, http.StatusNotFound, "M_NOT_FOUND")
		h.fails("POST", "holds/"+name+"/release", M{"case": "C-8"}, http.StatusBadRequest, "M_INVALID_PARAM")
		for query, n := range map[string]int64{"": 1, "?state=in_force": 1, "?state=released": 0, "?case=C-7": 1, "?search=COURT": 1, "?custodian=@bob:hs1": 0} {
			if got := h.ok("GET", "holds"+query, nil).Get("total").Int(); got != n {
				t.Errorf("holds%s: %d, want %d", query, got, n)
			}
		}
		done := h.ok("POST", "holds/"+name+"/release", M{"case": "C-7"})
		if done.Get("hold.released").Int() == 0 || !done.Get("due.messages").Exists() {
			t.Errorf("released: %s", done.Raw)
		}
		h.fails("POST", "holds/"+name+"/release", M{"case": "C-7"}, http.StatusConflict, "CHAT.CONCLAVE.RELEASED")
		log := h.ok("GET", "audit?action=hold&order=seq", nil).Get("items")
		if log.Get("#").Int() != 2 || log.Get("0.action").Str != "hold.place" || log.Get("1.before.case").Str != "C-7" || !log.Get("1.after.due").Exists() {
			t.Errorf("audit log: %s", log.Raw)
		}
	})
}

// A copy holds what the person sent, uploaded and stored, and nothing of others.
func TestExportOfAPerson(t *testing.T) {
	each(t, func(t *testing.T, h *harness) {
		ctx := context.Background()
		h.account("alice", false)
		h.account("bob", false)
		alice, bob := h.id("alice"), h.id("bob")
		id := h.room("alice", room.Create{Preset: "public_chat", Name: "Desk"})
		h.must(h.rooms.Join(ctx, bob, id, []byte("{}")))
		for _, d := range []room.Draft{
			{Sender: alice, Type: "m.reaction", Content: []byte(`{"of":"alice"}`)},
			{Sender: bob, Type: "m.reaction", Content: []byte(`{"of":"bob"}`)},
			{Sender: alice, Type: "m.room.encrypted", Content: []byte(`{"algorithm":"m.megolm.v1.aes-sha2","ciphertext":"sealed"}`)},
		} {
			d.Room = id
			_, err := h.rooms.Append(ctx, d)
			h.must(err)
		}
		h.must(h.db.Write(func(tx *store.Tx) error {
			for _, m := range []mediameta.Media{{ID: "mine", Owner: alice, Name: "plan.txt", Blob: "b"}, {ID: "lost", Owner: alice, Blob: "c"}, {ID: "other", Owner: bob, Blob: "d"}} {
				m.Created, m.Uploaded, m.Size, m.Type = 1, 1, 7, "text/plain"
				if err := mediameta.Put(tx, &m); err != nil {
					return err
				}
			}
			return personal.PutAccountData(tx, alice, "", "x.colour", []byte(`{"is":"blue"}`))
		}))
		h.ok("POST", "groups", M{"group_id": "trading"})
		h.ok("POST", "groups/trading/members", M{"add": []string{"@alice:hs1"}})
		w := h.serve(h.request("GET", "/_conclave/admin/v1/people/@alice:hs1/export", h.boss, nil))
		if w.Code != http.StatusOK || w.Header().Get("Content-Type") != "application/zip" || !strings.Contains(w.Header().Get("Content-Disposition"), `"data-of-alice-`) {
			t.Fatalf("%d %v %s", w.Code, w.Header(), w.Body)
		}
		z, err := zip.NewReader(bytes.NewReader(w.Body.Bytes()), int64(w.Body.Len()))
		h.must(err)
		files := map[string]string{}
		for _, f := range z.File {
			r, err := f.Open()
			h.must(err)
			data, err := io.ReadAll(r)
			h.must(err)
			files[f.Name] = string(data)
		}
		if got := strings.Join(slices.Sorted(maps.Keys(files)), " "); got != "README.txt account.json account_data.json events.jsonl manifest.json media.json media/mine rooms.json security_history.jsonl" {
			t.Errorf("files: %s", got)
		}
		for name, want := range map[string]string{
			"README.txt": "@alice:hs1", "account.json": `"user_agent": "Test/1"`, "account_data.json": "blue", "rooms.json": "Desk",
			"security_history.jsonl": `"device.signed_in"`, "events.jsonl": `{"of":"alice"}`, "media/mine": "content of mine",
		} {
			if !strings.Contains(files[name], want) {
				t.Errorf("%s lacks %q: %s", name, want, files[name])
			}
		}
		if got := gjson.Get(files["account.json"], "groups.#.group_id").Raw; got != `["trading"]` {
			t.Errorf("groups: %s", got)
		}
		if !strings.Contains(files["events.jsonl"], `"ciphertext":"sealed"`) || strings.Contains(files["events.jsonl"], "bob") {
			t.Errorf("events: %s", files["events.jsonl"])
		}
		for path, want := range map[string]string{"#(media_id=mine).path": "media/mine", "#(media_id=lost).missing": "true", "#(media_id=mine).name": "plan.txt", "#": "2"} {
			if got := gjson.Get(files["media.json"], path).String(); got != want {
				t.Errorf("media %s: %q, want %q", path, got, want)
			}
		}
		manifest := gjson.Parse(files["manifest.json"])
		if n := int64(strings.Count(files["events.jsonl"], "\n")); manifest.Get("counts.events").Int() != n || manifest.Get("counts.encrypted_events").Int() != 1 || manifest.Get("version").Int() != 1 {
			t.Errorf("%s, with %d events", manifest.Raw, n)
		}
		if log := h.ok("GET", "audit?action=account.export", nil); log.Get("total").Int() != 1 || log.Get("items.0.target").Str != "@alice:hs1" {
			t.Errorf("audit log: %s", log.Raw)
		}
		h.fails("GET", "people/@nobody:hs1/export", nil, http.StatusNotFound, "M_NOT_FOUND")
	})
}

// An erasure removes what was sent, before and after an ordinary deactivation, and says what stays.
func TestErasureOfAPerson(t *testing.T) {
	each(t, func(t *testing.T, h *harness) {
		ctx := context.Background()
		for _, name := range []string{"alice", "bob", "carol"} {
			h.account(name, false)
		}
		id := h.room("alice", room.Create{Preset: "public_chat"})
		for _, name := range []string{"bob", "carol"} {
			h.must(h.rooms.Join(ctx, h.id(name), id, []byte("{}")))
			for range 3 {
				_, err := h.rooms.Append(ctx, room.Draft{Room: id, Sender: h.id(name), Type: "m.reaction", Content: []byte(`{"of":"` + name + `"}`)})
				h.must(err)
			}
		}
		left := func(name string) (n int) {
			t.Helper()
			h.must(h.db.QueryRow(ctx, "SELECT count(*) FROM event WHERE sender = $1 AND state_key IS NULL", string(h.id(name))).Scan(&n))
			return n
		}
		report := h.ok("POST", "people/@bob:hs1/erase", nil)
		if report.Get("messages").Int() != 3 || report.Get("stays.#").Int() != 1 || report.Get("stays.0.why").Str != "state" {
			t.Errorf("report: %s", report.Raw)
		}
		h.must(h.retention.Sweep(ctx))
		if left("bob") != 0 || left("carol") != 3 {
			t.Errorf("%d of bob and %d of carol are left", left("bob"), left("carol"))
		}
		if p := h.ok("GET", "people/@bob:hs1", nil); !p.Get("deactivated").Bool() || !p.Get("erased").Bool() {
			t.Errorf("%s", p.Raw)
		}

		h.ok("POST", "people/@carol:hs1/emails", M{"email": "carol@example.org"})
		hold := h.ok("POST", "holds", M{"case": "C", "reason": "r", "custodian": "@carol:hs1"}).Get("hold_id").Str
		h.ok("POST", "people/@carol:hs1/deactivate", M{"erase": false})
		report = h.ok("POST", "people/@carol:hs1/erase", nil)
		if s := report.Get("stays.#(why=hold)"); s.Get("events").Int() != 3 || !s.Get("account").Bool() || report.Get("messages").Int() != 0 {
			t.Errorf("report: %s", report.Raw)
		}
		kept := func() (n int) {
			t.Helper()
			h.must(h.db.QueryRow(ctx, "SELECT count(*) FROM erasure WHERE kept <> $1", []byte{}).Scan(&n))
			return n
		}
		h.must(h.retention.Sweep(ctx))
		if left("carol") != 3 || kept() != 1 {
			t.Errorf("%d messages and %d addresses are left, want both", left("carol"), kept())
		}
		due := h.ok("POST", "holds/"+hold+"/release", M{"case": "C"}).Get("due")
		if due.Get("messages").Int() != 3 || due.Get("accounts").Int() != 1 {
			t.Errorf("due: %s", due.Raw)
		}
		h.must(h.retention.Sweep(ctx))
		if left("carol") != 0 || kept() != 0 {
			t.Errorf("%d messages and %d addresses are left", left("carol"), kept())
		}
		h.fails("POST", "people/@boss:hs1/erase", nil, http.StatusForbidden, "M_FORBIDDEN")
	})
}
