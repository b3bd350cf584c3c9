package retention_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"conclave.chat/internal/e2ee"
	"conclave.chat/internal/mx"
	"conclave.chat/internal/personal"
	"conclave.chat/internal/retention"
	"conclave.chat/internal/store"
	"conclave.chat/internal/store/account"
	"conclave.chat/internal/store/mediameta"
)

// kept gives what a hold keeps of what people removed, a line of JSON for each.
func (w *world) kept(hold string) (list []string) {
	w.t.Helper()
	w.must(w.Withheld(context.Background(), by(), hold, func(k *retention.Kept) error {
		k.Removed = 0
		line, err := json.Marshal(k)
		list = append(list, string(line))
		return err
	}))
	return list
}

// What somebody has a hold on deletes or replaces of their key backup and recovery key is gone for their clients, and kept until the release.
func TestHoldKeepsTheKeyBackup(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := context.Background()
		w.people(alice, bob)
		w.must(w.db.Write(func(tx *store.Tx) error { return account.InsertDevice(tx, account.Device{User: bob, ID: "D"}) }))
		now := func() time.Time { return w.clock }
		may := retention.Keeper{}.MayErase
		keys := e2ee.New(e2ee.Deps{DB: w.db, Server: server, Devices: account.DeviceNames, Now: now, MayErase: may})
		data := personal.New(personal.Deps{DB: w.db, MayErase: may, Now: now})
		algorithm := "m.megolm_backup.v1.curve25519-aes-sha2"
		begin := func(public string) string {
			v, err := keys.CreateBackup(ctx, bob, e2ee.BackupRequest{Algorithm: &algorithm, AuthData: jsontext.Value(`{"public_key":"` + public + `"}`)})
			w.must(err)
			return v
		}
		put := func(version, session string, index int64, data string) {
			t.Helper()
			_, err := keys.PutKeys(ctx, bob, version, e2ee.AllRoomKeys{Rooms: map[string]e2ee.RoomKeys{"!r:example.org": {Sessions: map[string]e2ee.RoomKey{
				session: {FirstMessageIndex: &index, ForwardedCount: new(int64(0)), IsVerified: new(false), SessionData: jsontext.Value(`{"c":"` + data + `"}`)},
			}}}})
			w.must(err)
		}
		secret := func(typ, content string) {
			t.Helper()
			w.must(data.PutAccountData(ctx, bob, personal.Place{User: bob, Type: typ}, []byte(content)))
		}
		first := begin("one")
		put(first, "a", 5, "free")
		put(first, "a", 4, "better") // nothing keeps the worse one
		hold, other := w.hold(retention.Hold{Custodian: bob}), w.hold(retention.Hold{Custodian: bob})
		aside := w.hold(retention.Hold{Custodian: alice})
		secret("m.megolm_backup.v1", `{"encrypted":{"k":"old"}}`)
		secret("m.tag", `{"tags":{}}`)

		put(first, "a", 3, "best")
		put(first, "a", 9, "worst") // changes nothing
		put(first, "b", 1, "deleted")
		_, err := keys.DeleteKeys(ctx, bob, first, "!r:example.org", "b")
		w.must(err)
		w.must(keys.UpdateBackup(ctx, bob, first, e2ee.BackupRequest{Algorithm: &algorithm, AuthData: jsontext.Value(`{"public_key":"two"}`)}))
		secret("m.megolm_backup.v1", `{"encrypted":{"k":"new"}}`)
		w.must(data.DeleteAccountData(ctx, bob, personal.Place{User: bob, Type: "m.megolm_backup.v1"}))
		secret("m.tag", `{"tags":{"x":{}}}`)
		w.must(keys.DeleteBackup(ctx, bob, first))
		w.must(keys.DeleteBackup(ctx, bob, first)) // once more
		if _, err := keys.Backup(ctx, bob, ""); err == nil {
			t.Error("clients see a backup that was deleted")
		}
		key := func(session, index, data string) string {
			return `{"room_key":{"version":"` + first + `","room_id":"!r:example.org","session_id":"` + session + `","is_verified":false,"first_message_index":` + index +
				`,"forwarded_count":0,"session_data":{"c":"` + data + `"}}}`
		}
		backup := func(public string) string {
			return `{"key_backup":{"version":"` + first + `","algorithm":"` + algorithm + `","auth_data":{"public_key":"` + public + `"}}}`
		}
		want := []string{
			backup("one"), backup("two"), key("a", "4", "better"), key("a", "3", "best"), key("b", "1", "deleted"),
			`{"account_data":{"type":"m.megolm_backup.v1","content":{"encrypted":{"k":"old"}}}}`, `{"account_data":{"type":"m.megolm_backup.v1","content":{"encrypted":{"k":"new"}}}}`,
		}
		slices.Sort(want)
		check := func(what string, want []string) {
			t.Helper()
			got := w.kept(hold)
			slices.Sort(got)
			w.expect(what, strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
		check("kept", want)
		w.expect("kept of the other's", len(w.kept(aside)), 0)
		w.sweep()
		w.expect("due beside another hold", w.release(other), retention.Due{})
		w.sweep()
		check("kept by the hold that is left", want)
		w.expect("due", w.release(hold), retention.Due{Keys: 7})
		w.sweep()
		again := w.hold(retention.Hold{Custodian: bob})
		w.expect("after the release", len(w.kept(again)), 0)
	})
}

// A file of whom a hold names stays though what showed it was not said in the hold's period.
func TestHoldKeepsThePersonsFiles(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.people(alice, bob)
		id := w.room()
		since := w.clock.UnixMilli()
		w.file("bobs", bob)
		w.file("alices", alice)
		w.clock = w.clock.Add(time.Hour)
		hold := w.hold(retention.Hold{Custodian: bob, Since: since, Until: since + 1})
		shows := func(file string) string {
			return `{"msgtype":"m.file","body":"x","url":"mxc://example.org/` + file + `"}`
		}
		w.redact(id, w.say(id, bob, mx.TypeMessage, shows("bobs")))
		w.redact(id, w.say(id, alice, mx.TypeMessage, shows("alices")))
		w.sweep()
		w.expect("files", []bool{w.hasFile("bobs"), w.hasFile("alices")}, []bool{true, false})
		w.release(hold)
		w.sweep()
		w.expect("released", w.hasFile("bobs"), false)
	})
}

// What holds keep is not counted as going.
func TestEstimateUnderHolds(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.people(alice, bob)
		a, b := w.room(), w.room()
		w.must(w.keep(b, `{"max_lifetime":864000000}`)) // ten days
		begin := w.clock.UnixMilli()
		for range 2 {
			w.message(a, alice, "x")
			w.message(b, alice, "x")
			w.clock = w.clock.Add(time.Hour)
		}
		w.clock = w.clock.Add(5 * 24 * time.Hour)
		estimate := func(what string, want retention.Estimate) {
			t.Helper()
			got, err := w.Estimate(context.Background(), retention.Bounds{Default: retention.Days(1), Max: retention.Days(1)})
			w.must(err)
			w.expect(what, got, want)
		}
		estimate("without holds", retention.Estimate{Rooms: 2, Messages: 4})
		for _, c := range []struct {
			what string
			hold retention.Hold
			want retention.Estimate
		}{
			{"a room", retention.Hold{Room: a}, retention.Estimate{Rooms: 1, Messages: 2}},
			{"part of a room", retention.Hold{Room: a, Until: begin + 1}, retention.Estimate{Rooms: 2, Messages: 3}},
			{"a room that says itself how long", retention.Hold{Room: b}, retention.Estimate{Rooms: 1, Messages: 2}},
			{"a period", retention.Hold{Until: begin + 1}, retention.Estimate{Rooms: 2, Messages: 2}},
			{"a person", retention.Hold{Custodian: bob}, retention.Estimate{}},
			{"a person in a room", retention.Hold{Custodian: bob, Room: b, Since: begin + 1}, retention.Estimate{Rooms: 2, Messages: 3}},
		} {
			id := w.hold(c.hold)
			estimate(c.what, c.want)
			w.release(id)
		}
	})
}

// Who looks for a person's files does not read everybody's.
func TestFilesOfAPersonAreFoundByIndex(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := context.Background()
		sqlite := strings.HasSuffix(t.Name(), "sqlite")
		w.must(w.db.Write(func(tx *store.Tx) error {
			_, err := tx.Exec(`INSERT INTO media (id, owner, created, uploaded, expires, size, type, name, blob)
				WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)
				SELECT 'f' || CAST(i AS TEXT), '@u' || CAST(i / 10 AS TEXT) || ':example.org', 1, i, 0, 1, 'x', '', 'b' || CAST(i AS TEXT) FROM n`)
			return err
		}))
		if list, err := mediameta.OwnedBy(ctx, w.db, "@u7:example.org", mediameta.Place{}, 100); err != nil || len(list) != 10 {
			t.Fatalf("%d files, %v", len(list), err)
		}
		explain := "EXPLAIN "
		if sqlite {
			explain = "EXPLAIN QUERY PLAN "
		} else {
			w.must(w.db.Write(func(tx *store.Tx) error { _, err := tx.Exec("ANALYZE media"); return err }))
		}
		for _, where := range []string{"uploaded > 0", "uploaded > 0 AND NOT EXISTS (SELECT 1 FROM media_link l WHERE l.media = media.id)"} {
			rows, err := w.db.Query(ctx, explain+"SELECT uploaded, id FROM media WHERE owner = '@u7:example.org' AND "+where+" ORDER BY uploaded, id LIMIT 100")
			w.must(err)
			plan := ""
			for rows.Next() {
				var line string
				if sqlite {
					var a, b, c int
					w.must(rows.Scan(&a, &b, &c, &line))
				} else {
					w.must(rows.Scan(&line))
				}
				plan += line + "\n"
			}
			w.must(rows.Err())
			w.must(rows.Close())
			if !strings.Contains(plan, "media_owner") || strings.Contains(plan, "TEMP B-TREE") {
				t.Errorf("%s: %s", where, plan)
			}
		}
	})
}
