package retention_test

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tidwall/gjson"
	"pgregory.net/rapid"

	"conclave.chat/internal/fault"
	"conclave.chat/internal/history"
	"conclave.chat/internal/mx"
	"conclave.chat/internal/notify"
	"conclave.chat/internal/push"
	"conclave.chat/internal/retention"
	"conclave.chat/internal/room"
	"conclave.chat/internal/store"
	"conclave.chat/internal/store/eventlog"
	"conclave.chat/internal/store/mediameta"
	"conclave.chat/internal/store/storetest"
	"conclave.chat/internal/visibility"
)

const (
	server = mx.ServerName("example.org")
	alice  = mx.UserID("@alice:example.org")
	bob    = mx.UserID("@bob:example.org")
)

// world is retention over real rooms and their readers.
type world struct {
	*retention.Service
	t       testing.TB
	db      *store.DB
	bus     *notify.Bus
	rooms   *room.Engine
	history *history.Service
	push    *push.Service
	clock   time.Time
	bounds  retention.Bounds
	swept   int // how often bytes were to be deleted
	txn     int
}

// DeleteDoomed counts.
func (w *world) DeleteDoomed(context.Context) error { w.swept++; return nil }

func open(t testing.TB, engine string) *world {
	t.Helper()
	w := &world{t: t, clock: time.UnixMilli(1_700_000_000_000)}
	bus := notify.New()
	w.bus = bus
	make := storetest.SQLite
	if engine == "postgres" {
		make = storetest.Postgres
	}
	w.db = make(t, store.Options{Publish: bus.Publish})
	now := func() time.Time { return w.clock }
	cfg := room.DefaultConfig()
	cfg.Encrypt = false
	var err error
	w.rooms, err = room.New(room.Deps{
		DB: w.db, Config: cfg, Now: now, Signer: mx.Signer{Server: server, KeyID: "ed25519:1", Key: ed25519.NewKeyFromSeed(make32())},
		Policies: []room.Policy{retention.Policy{Bounds: func() retention.Bounds { return w.bounds }}},
		Keep:     retention.Keeper{Bounds: func() retention.Bounds { return w.bounds }}.Redact,
	})
	w.must(err)
	bus.ListenFirst(w.rooms.Listen)
	views := visibility.NewViews(w.db)
	bus.Listen(views.Changed)
	w.history = history.New(history.Deps{DB: w.db, Rooms: w.rooms, Views: views, Now: now})
	w.push, err = push.New(push.Deps{DB: w.db, Rooms: w.rooms, Position: bus.Last, Config: push.Config{}, Now: now})
	w.must(err)
	bus.Listen(w.push.Listen)
	w.Service = retention.New(retention.Deps{DB: w.db, Server: server, Bounds: func() retention.Bounds { return w.bounds }, Files: w, Now: now})
	return w
}

func make32() []byte { return []byte(strings.Repeat("k", 32)) }

func each(t *testing.T, run func(*testing.T, *world)) {
	t.Helper()
	for _, engine := range []string{"sqlite", "postgres"} {
		t.Run(engine, func(t *testing.T) { run(t, open(t, engine)) })
	}
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) room() mx.RoomID {
	w.t.Helper()
	id, err := w.rooms.CreateRoom(context.Background(), alice, room.Create{Preset: "public_chat"})
	w.must(err)
	w.must(w.rooms.Join(context.Background(), bob, id, []byte("{}")))
	return id
}

func (w *world) say(id mx.RoomID, by mx.UserID, typ, content string, files ...string) mx.EventID {
	w.t.Helper()
	w.txn++
	ids, err := w.rooms.Append(context.Background(), room.Draft{Room: id, Sender: by, Type: typ, Content: []byte(content), Files: files})
	w.must(err)
	return ids[0]
}

func (w *world) message(id mx.RoomID, by mx.UserID, body string) mx.EventID {
	w.t.Helper()
	return w.say(id, by, mx.TypeMessage, fmt.Sprintf(`{"msgtype":"m.text","body":%q}`, body))
}

// keep has a room say how long its messages are kept.
func (w *world) keep(id mx.RoomID, content string) error {
	_, err := w.rooms.SetState(context.Background(), alice, id, mx.TypeRetention, "", []byte(content))
	return err
}

func (w *world) sweep() {
	w.t.Helper()
	w.must(w.Sweep(context.Background()))
}

func (w *world) file(id string, by mx.UserID) {
	w.t.Helper()
	w.must(w.db.Write(func(tx *store.Tx) error {
		return mediameta.Put(tx, &mediameta.Media{ID: id, Owner: by, Created: 1, Uploaded: w.clock.UnixMilli(), Size: 3, Type: "image/png", Blob: "blob" + id})
	}))
}

func (w *world) hasFile(id string) bool {
	w.t.Helper()
	m, err := mediameta.Get(context.Background(), w.db, id)
	w.must(err)
	return m != nil
}

// served gives all bodies that the readers of rooms give for a room and its events.
func (w *world) served(id mx.RoomID, events []mx.EventID) map[string]bool {
	w.t.Helper()
	ctx, who := context.Background(), history.Who{User: alice, Device: "D"}
	var raw [][]byte
	take := func(list [][]byte, err error) {
		w.t.Helper()
		if err != nil && !fault.Is(err, "M_NOT_FOUND") {
			w.t.Fatal(err)
		}
		raw = append(raw, list...)
	}
	for _, dir := range []string{"b", "f"} {
		from := ""
		for {
			p, err := w.history.Messages(ctx, who, id, history.PageQuery{Dir: dir, From: from, Limit: 7})
			w.must(err)
			take(p.Chunk, nil)
			if from = p.End; from == "" {
				break
			}
		}
	}
	for _, e := range events {
		one, err := w.history.Event(ctx, who, id, e)
		take([][]byte{one}, err)
		if c, err := w.history.Around(ctx, who, id, e, 6, ""); err == nil {
			take(append(append(c.Before, c.After...), c.Event), nil)
		} else {
			take(nil, err)
		}
		if r, err := w.history.Relations(ctx, who, id, e, history.RelationsQuery{Limit: 10, Recurse: true}); err == nil {
			take(r.Chunk, nil)
		} else {
			take(nil, err)
		}
	}
	th, err := w.history.Threads(ctx, who, id, "", 50, false)
	w.must(err)
	take(th.Chunk, nil)
	found, err := w.history.Search(ctx, who, history.SearchQuery{Term: "word", Recent: true})
	w.must(err)
	for _, f := range found.Results {
		take([][]byte{f.Event}, nil)
	}
	list, _, err := w.push.Notifications(ctx, alice, 0, 500, false)
	w.must(err)
	for _, n := range list {
		take([][]byte{n.Event.Raw}, nil)
	}
	snap, err := w.rooms.Snapshot(ctx, id)
	w.must(err)
	recent, _ := w.rooms.Recent(id, 0, snap.Head())
	for _, e := range recent {
		take([][]byte{e.Raw}, nil)
	}
	for _, e := range events {
		if ev, err := w.rooms.Event(ctx, e); err == nil {
			take([][]byte{ev.Raw}, nil)
		}
	}
	bodies := map[string]bool{}
	for _, r := range raw {
		for _, at := range []string{"content.body", "unsigned.m\\.relations.m\\.thread.latest_event.content.body", "unsigned.m\\.relations.m\\.replace.content.body"} {
			if b := gjson.GetBytes(r, at).Str; b != "" {
				bodies[b] = true
			}
		}
	}
	return bodies
}

func (w *world) state(id mx.RoomID) map[string]string {
	w.t.Helper()
	list, err := eventlog.StateAt(context.Background(), w.db, id, 1<<62)
	w.must(err)
	m := map[string]string{}
	for _, e := range list {
		m[e.Type+"|"+*e.StateKey] = string(e.ID)
	}
	return m
}

// chain gives the positions of all that was ever in a room.
func (w *world) chain(id mx.RoomID) (n int, depths int64) {
	w.t.Helper()
	rows, err := w.db.Query(context.Background(), "SELECT json FROM event WHERE room_id = $1 UNION ALL SELECT json FROM pruned_event WHERE room_id = $2", string(id), string(id))
	w.must(err)
	defer rows.Close()
	for rows.Next() {
		var raw []byte
		w.must(rows.Scan(&raw))
		n++
		depths += gjson.GetBytes(raw, "depth").Int()
	}
	w.must(rows.Err())
	return n, depths
}

// What is older than its room keeps it is given by no reader, everything else by the timeline, and the state and the chain stay as they are.
func TestOnlyOldMessagesGo(t *testing.T) {
	for _, engine := range []string{"sqlite", "postgres"} {
		t.Run(engine, func(t *testing.T) {
			w := open(t, engine)
			rapid.Check(t, func(r *rapid.T) {
				w.bounds = retention.Bounds{}
				id := w.room()
				w.sweep() // knows of the room from here on
				type sent struct {
					id    mx.EventID
					body  string
					ts    int64
					old   bool // it may be gone
					gone  bool
					taken bool // redacted
				}
				var all []*sent
				maxAge := int64(0)
				for range rapid.IntRange(5, 25).Draw(r, "steps") {
					switch k := rapid.IntRange(0, 9).Draw(r, "step"); {
					case k < 5:
						s := &sent{body: fmt.Sprintf("word %d", w.txn), ts: w.clock.UnixMilli()}
						by := rapid.SampledFrom([]mx.UserID{alice, bob}).Draw(r, "by")
						content := fmt.Sprintf(`{"msgtype":"m.text","body":%q}`, s.body)
						if len(all) > 0 && rapid.Bool().Draw(r, "relates") {
							rel := rapid.SampledFrom([]string{"m.thread", "m.replace", "m.reference"}).Draw(r, "rel")
							content = fmt.Sprintf(`{"msgtype":"m.text","body":%q,"m.new_content":{},"m.relates_to":{"rel_type":%q,"event_id":%q}}`, s.body, rel, all[0].id)
						}
						w.txn++
						ids, err := w.rooms.Append(context.Background(), room.Draft{Room: id, Sender: by, Type: mx.TypeMessage, Content: []byte(content)})
						if err != nil { // a thread cannot begin everywhere
							if fault.Of(err) == nil {
								r.Fatal(err)
							}
							continue
						}
						s.id = ids[0]
						all = append(all, s)
					case k == 5:
						maxAge = rapid.Int64Range(0, 5000).Draw(r, "age")
						w.must(w.keep(id, fmt.Sprintf(`{"max_lifetime":%d}`, maxAge)))
					case k == 6 && len(all) > 0:
						s := rapid.SampledFrom(all).Draw(r, "redacted")
						_, err := w.rooms.Redact(context.Background(), room.Redaction{Room: id, By: alice, Event: s.id, Reason: "word"})
						if s.taken = err == nil; err != nil && (!s.old || !fault.Is(err, "M_NOT_FOUND")) {
							r.Fatal(err)
						}
					default:
						w.clock = w.clock.Add(time.Duration(rapid.IntRange(1, 3000).Draw(r, "wait")) * time.Millisecond)
					}
					if rapid.Bool().Draw(r, "sweep") {
						before := w.state(id)
						n, depths := w.chain(id)
						w.sweep()
						if !maps.Equal(before, w.state(id)) {
							r.Fatal("the state has changed")
						}
						if n2, d2 := w.chain(id); n2 != n || d2 != depths {
							r.Fatalf("%d events of depth %d were %d of depth %d", n2, d2, n, depths)
						}
						for _, s := range all {
							age := w.clock.UnixMilli() - s.ts
							s.old = s.old || maxAge > 0 && age >= maxAge
							s.gone = s.gone || maxAge > 0 && age >= maxAge+maxAge/100 // a room may be looked at so much late
						}
					}
				}
				ids := make([]mx.EventID, len(all))
				for i, s := range all {
					ids[i] = s.id
				}
				got := w.served(id, ids)
				for _, s := range all {
					if (s.gone || s.taken) && got[s.body] {
						r.Fatalf("%q is given, %d ms old, of %d", s.body, w.clock.UnixMilli()-s.ts, maxAge)
					}
					if !s.old && !s.taken && !got[s.body] {
						r.Fatalf("%q is not given, %d ms old, of %d", s.body, w.clock.UnixMilli()-s.ts, maxAge)
					}
				}
				w.message(id, bob, "the room goes on")
			})
		})
	}
}

func TestYoungMessagesStay(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		id := w.room()
		w.must(w.keep(id, `{"max_lifetime":10000}`))
		var old, young []mx.EventID
		for i := range 250 { // more than two batches
			old = append(old, w.message(id, bob, fmt.Sprint("old word ", i)))
		}
		w.clock = w.clock.Add(9 * time.Second)
		for i := range 20 {
			young = append(young, w.message(id, bob, fmt.Sprint("young word ", i)))
		}
		unread := func() int {
			n, err := w.push.Unread(context.Background(), alice, []mx.RoomID{id})
			w.must(err)
			return n[id].Main.Notifications
		}
		if n := unread(); n != 270 {
			t.Errorf("%d unread, want 270", n)
		}
		w.sweep()
		if n := len(w.served(id, append(old, young...))); n != 270 {
			t.Errorf("%d bodies before the time, want 270", n)
		}
		w.clock = w.clock.Add(time.Second)
		w.sweep()
		got := slices.Sorted(maps.Keys(w.served(id, append(old, young...))))
		if len(got) != 20 || !strings.HasPrefix(got[0], "young") {
			t.Errorf("got %d: %v", len(got), got)
		}
		if n := unread(); n != 20 {
			t.Errorf("%d unread after, want 20", n)
		}
		// Nothing is due now, so nothing is written.
		writes := w.db.Stats().Jobs.Load()
		w.sweep()
		if n := w.db.Stats().Jobs.Load() - writes; n != 0 {
			t.Errorf("%d writes while nothing is due", n)
		}
	})
}

func TestBounds(t *testing.T) {
	const d = int64(24 * time.Hour / time.Millisecond)
	for _, c := range []struct {
		bounds  retention.Bounds
		content string
		want    retention.Rule
	}{
		{retention.Bounds{}, "", retention.Rule{}},
		{retention.Bounds{Default: 30 * d}, "", retention.Rule{Max: 30 * d}},
		{retention.Bounds{Default: 30 * d}, `{"max_lifetime":5}`, retention.Rule{Max: 5}},
		{retention.Bounds{Default: 30 * d, Min: d}, `{"max_lifetime":5}`, retention.Rule{Max: d}},
		{retention.Bounds{Default: 30 * d, Max: 40 * d}, `{"max_lifetime":8640000000000}`, retention.Rule{Max: 40 * d}},
		{retention.Bounds{Max: 40 * d}, `{}`, retention.Rule{}},
		{retention.Bounds{Default: 30 * d}, `{"max_lifetime":"5","min_lifetime":-1}`, retention.Rule{Max: 30 * d}},
		{retention.Bounds{Default: d}, `{"min_lifetime":99999999999}`, retention.Rule{Min: d, Max: d}},
		{retention.Bounds{}, `{"min_lifetime":7}`, retention.Rule{Min: 7}},
	} {
		if got := c.bounds.For([]byte(c.content)); got != c.want {
			t.Errorf("%+v with %s: %+v, want %+v", c.bounds, c.content, got, c.want)
		}
	}
}

func TestRoomsSayWithinBounds(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		id := w.room()
		w.bounds = retention.Bounds{Min: retention.Days(1), Max: retention.Days(30)}
		for content, code := range map[string]string{
			`{"max_lifetime":86400000}`:   "",
			`{}`:                          "",
			`{"max_lifetime":null}`:       "",
			`{"max_lifetime":86399999}`:   "M_INVALID_PARAM",
			`{"max_lifetime":2592000001}`: "M_INVALID_PARAM",
			`{"max_lifetime":86400000,"min_lifetime":86400001}`: "M_INVALID_PARAM",
			`{"max_lifetime":"86400000"}`:                       "M_BAD_JSON",
			`{"max_lifetime":-1}`:                               "M_BAD_JSON",
		} {
			if err := w.keep(id, content); code == "" && err != nil || code != "" && !fault.Is(err, code) {
				t.Errorf("%s: %v, want %q", content, err, code)
			}
		}
		w.bounds = retention.Bounds{Default: retention.Days(30)}
		if err := w.keep(id, `{"min_lifetime":2592000001}`); !fault.Is(err, "M_INVALID_PARAM") {
			t.Errorf("a minimum over the organisation's age: %v", err)
		}
		w.must(w.keep(id, `{"min_lifetime":2592000000}`))
		// A room may bring along what the one before it said, and keeps to the bounds all the same.
		w.bounds = retention.Bounds{}
		w.must(w.keep(id, `{"max_lifetime":5}`))
		w.bounds = retention.Bounds{Min: retention.Days(1)}
		if _, err := w.rooms.Upgrade(context.Background(), alice, id, "12", nil); err != nil {
			t.Error(err)
		}
	})
}

func TestFilesGoWithTheirLastEvent(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx, id := context.Background(), w.room()
		for _, f := range []string{"plain", "thumb", "sealed", "twice", "face", "foreign", "sign", "forsaken"} {
			w.file(f, alice)
		}
		mxc := func(f string) string { return "mxc://example.org/" + f }
		w.say(id, alice, mx.TypeMessage, fmt.Sprintf(`{"msgtype":"m.image","body":"x","url":%q,"info":{"thumbnail_url":%q}}`, mxc("plain"), mxc("thumb")))
		w.say(id, alice, mx.TypeEncrypted, `{"ciphertext":"x"}`, "sealed", "none")
		w.say(id, alice, mx.TypeEncrypted, `{"ciphertext":"x"}`, "twice", "face")
		w.say(id, bob, mx.TypeEncrypted, `{"ciphertext":"x"}`, "foreign")
		_, err := w.rooms.SetState(ctx, alice, id, "m.room.avatar", "", fmt.Appendf(nil, `{"url":%q}`, mxc("sign")))
		w.must(err)
		w.must(w.db.Write(func(tx *store.Tx) error {
			_, err := tx.Exec("INSERT INTO profile (user_id, field, value) VALUES ($1, 'avatar_url', $2)", string(alice), []byte(`"`+mxc("face")+`"`))
			return err
		}))
		w.must(w.keep(id, `{"max_lifetime":1000}`))
		w.clock = w.clock.Add(900 * time.Millisecond)
		w.say(id, bob, mx.TypeEncrypted, `{"ciphertext":"x"}`, "twice")
		here := func() string {
			var list []string
			for _, f := range []string{"plain", "thumb", "sealed", "twice", "face", "foreign", "sign", "forsaken"} {
				if w.hasFile(f) {
					list = append(list, f)
				}
			}
			return strings.Join(list, " ")
		}
		expect := func(want string) {
			t.Helper()
			w.sweep()
			if got := here(); got != want {
				t.Errorf("left are %q, want %q", got, want)
			}
		}
		expect("plain thumb sealed twice face foreign sign forsaken")
		w.clock = w.clock.Add(100 * time.Millisecond)
		expect("twice face foreign sign forsaken") // bob's link did not make alice's file his to end
		w.clock = w.clock.Add(time.Second)
		expect("face foreign sign forsaken")
		if w.swept == 0 {
			t.Error("bytes were not deleted")
		}
		// With a default of the organisation go those that nothing is known to show, but no pictures.
		w.bounds.Default = retention.Days(1)
		w.clock = w.clock.Add(25 * time.Hour)
		expect("face sign")
	})
}

func TestRedactionTakesTheFile(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		id := w.room()
		w.file("a", alice)
		w.file("b", alice)
		show := func(f string) mx.EventID { return w.say(id, alice, mx.TypeEncrypted, `{"ciphertext":"x"}`, f) }
		redact := func(e mx.EventID) {
			_, err := w.rooms.Redact(context.Background(), room.Redaction{Room: id, By: alice, Event: e})
			w.must(err)
		}
		first, second := show("a"), show("a")
		redact(first)
		w.sweep()
		if !w.hasFile("a") {
			t.Error("the file is gone, but another event shows it")
		}
		redact(second)
		w.sweep()
		if w.hasFile("a") {
			t.Error("the file is there, but nothing shows it")
		}
		w.must(w.keep(id, `{"min_lifetime":5000}`))
		redact(show("b"))
		w.sweep()
		if !w.hasFile("b") {
			t.Error("the file is gone before its time")
		}
		w.clock = w.clock.Add(5 * time.Second)
		w.sweep()
		if w.hasFile("b") {
			t.Error("the file is there after its time")
		}
	})
}

// Nothing of a redacted message's age is left undone where the redaction is read after its target went.
func TestRedactionOfWhatIsGone(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		id := w.room()
		w.must(w.keep(id, `{"max_lifetime":1000}`))
		e := w.message(id, alice, "x")
		w.clock = w.clock.Add(time.Second)
		w.sweep()
		_, err := w.rooms.Redact(context.Background(), room.Redaction{Room: id, By: alice, Event: e})
		if !fault.Is(err, "M_NOT_FOUND") {
			t.Errorf("redacting what is gone: %v", err)
		}
		if _, err := w.rooms.SetState(context.Background(), alice, id, "m.room.topic", "", []byte(`{"topic":"a"}`)); err != nil {
			t.Error(err)
		}
	})
}

func TestEstimate(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		a, b := w.room(), w.room()
		w.must(w.keep(b, `{"max_lifetime":864000000}`)) // ten days
		for range 3 {
			w.message(a, alice, "x")
			w.message(b, alice, "x")
		}
		w.clock = w.clock.Add(5 * 24 * time.Hour)
		w.message(a, alice, "x")
		for _, c := range []struct{ now, next retention.Bounds }{
			{next: retention.Bounds{Default: retention.Days(2)}},
			{now: retention.Bounds{Default: retention.Days(3)}, next: retention.Bounds{Default: retention.Days(30)}},
			{next: retention.Bounds{Max: retention.Days(1)}},
			{next: retention.Bounds{Default: retention.Days(1), Max: retention.Days(1)}},
			{},
		} {
			w.bounds = c.now
			got, err := w.Estimate(context.Background(), c.next)
			w.must(err)
			want := retention.Estimate{}
			if c.next.Default > 0 && c.next.Default < retention.Days(5) {
				want.Rooms, want.Messages = want.Rooms+1, want.Messages+3
			}
			if c.next.Max > 0 {
				want.Rooms, want.Messages = want.Rooms+1, want.Messages+3
			}
			if got != want {
				t.Errorf("%+v to %+v: %+v, want %+v", c.now, c.next, got, want)
			}
		}
	})
}

// A write job that is given up leaves nothing done halfway.
func TestStepIsWhole(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		id := w.room()
		w.must(w.keep(id, `{"max_lifetime":1000}`))
		for range 150 {
			w.message(id, alice, "x")
		}
		n, depths := w.chain(id)
		w.clock = w.clock.Add(time.Second)
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		if err := w.Sweep(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
		if n2, d2 := w.chain(id); n != n2 || depths != d2 {
			t.Errorf("%d events are %d", n, n2)
		}
		w.sweep()
		if n2, d2 := w.chain(id); n != n2 || depths != d2 {
			t.Errorf("%d events are %d", n, n2)
		}
		if left := len(w.served(id, nil)); left != 0 {
			t.Errorf("%d bodies are left", left)
		}
	})
}
