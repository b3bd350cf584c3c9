package push_test

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"conclave.chat/internal/fault"
	"conclave.chat/internal/mx"
	"conclave.chat/internal/notify"
	"conclave.chat/internal/push"
	"conclave.chat/internal/pushrule"
	"conclave.chat/internal/room"
	"conclave.chat/internal/store"
	"conclave.chat/internal/store/personal"
	"conclave.chat/internal/store/pushdata"
	"conclave.chat/internal/store/storetest"
)

const (
	alice = mx.UserID("@alice:example.org")
	bob   = mx.UserID("@bob:example.org")
	carol = mx.UserID("@carol:example.org")
)

// world is push over a real room engine and a real database.
type world struct {
	*push.Service
	t     *testing.T
	db    *store.DB
	bus   *notify.Bus
	rooms *room.Engine
	room  mx.RoomID
	now   func() time.Time // nil is the clock
}

func each(t *testing.T, run func(*testing.T, *world)) {
	t.Helper()
	for name, open := range map[string]func(testing.TB, store.Options) *store.DB{"sqlite": storetest.SQLite, "postgres": storetest.Postgres} {
		t.Run(name, func(t *testing.T) {
			w := &world{t: t, bus: notify.New()}
			w.db = open(t, store.Options{Publish: w.bus.Publish})
			cfg := room.DefaultConfig()
			cfg.Encrypt = false
			var err error
			w.rooms, err = room.New(room.Deps{
				DB: w.db, Config: cfg, Signer: mx.Signer{Server: "example.org", KeyID: "ed25519:1", Key: ed25519.NewKeyFromSeed(make([]byte, 32))},
			})
			w.must(err)
			w.bus.Listen(w.rooms.Listen)
			w.Service = w.service()
			w.room, err = w.rooms.CreateRoom(t.Context(), alice, room.Create{Preset: "public_chat"})
			w.must(err)
			for _, u := range []mx.UserID{bob, carol} {
				w.must(w.rooms.Join(t.Context(), u, w.room, nil))
			}
			run(t, w)
		})
	}
}

// service is a new service on the same database, as after a restart.
func (w *world) service() *push.Service {
	key, err := push.NewWebPushKey([]byte("a private key for tests: 32 byte"), "postmaster@example.org")
	w.must(err)
	s, err := push.New(push.Deps{
		Now: w.now, WebPush: key,
		DB: w.db, Rooms: w.rooms, Position: w.bus.Last, Log: slog.New(slog.DiscardHandler),
		Config: push.Config{AllowHTTP: true, AllowPrivate: []string{"127.0.0.1"}},
	})
	w.must(err)
	w.bus.Listen(s.Listen)
	return s
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) send(by mx.UserID, typ, content string) mx.EventID {
	w.t.Helper()
	ids, err := w.rooms.Append(w.t.Context(), room.Draft{Room: w.room, Sender: by, Type: typ, Content: []byte(content)})
	w.must(err)
	return ids[0]
}

func (w *world) say(by mx.UserID) mx.EventID {
	return w.send(by, "m.room.message", `{"body":"x","msgtype":"m.text"}`)
}

func (w *world) inThread(by mx.UserID, root mx.EventID) mx.EventID {
	return w.send(by, "m.room.message", fmt.Sprintf(`{"body":"x","m.relates_to":{"rel_type":"m.thread","event_id":%q},"msgtype":"m.text"}`, root))
}

func (w *world) read(by mx.UserID, thread string, event mx.EventID) {
	w.t.Helper()
	e, err := w.rooms.Event(w.t.Context(), event)
	w.must(err)
	w.must(w.db.Write(func(tx *store.Tx) error {
		_, err := personal.PutReceipt(tx, personal.Receipt{Room: w.room, User: by, Type: personal.Read, Thread: thread, Event: event, EventPos: e.Pos, TS: 1})
		return err
	}))
}

// expect compares the counts, from memory and as counted anew.
func (w *world) expect(user mx.UserID, main push.Count, threads map[mx.EventID]push.Count) {
	w.t.Helper()
	for name, s := range map[string]*push.Service{"kept": w.Service, "counted anew": w.service()} {
		got, err := s.Unread(w.t.Context(), user, []mx.RoomID{w.room})
		w.must(err)
		u := got[w.room]
		if u.Main != main || len(u.Threads) != len(threads) {
			w.t.Errorf("%s: %+v, want %+v and %+v", name, u, main, threads)
		}
		for id, want := range threads {
			if u.Threads[id] != want {
				w.t.Errorf("%s: thread %s has %+v, want %+v", name, id, u.Threads[id], want)
			}
		}
	}
}

// Spec: cs#receiving-notifications
func TestUnreadCounts(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		first := w.say(alice)
		w.say(alice)
		w.expect(bob, push.Count{Notifications: 2}, nil)
		w.expect(alice, push.Count{}, nil)
		w.send(alice, "m.room.message", `{"body":"x","m.mentions":{"user_ids":["@bob:example.org"]},"msgtype":"m.text"}`)
		w.send(alice, "m.reaction", `{}`)
		w.expect(bob, push.Count{Notifications: 3, Highlights: 1}, nil)
		w.expect(carol, push.Count{Notifications: 3}, nil)
		w.read(bob, "", first)
		w.expect(bob, push.Count{Notifications: 2, Highlights: 1}, nil)

		w.inThread(alice, first)
		last := w.inThread(alice, first)
		w.expect(bob, push.Count{Notifications: 2, Highlights: 1}, map[mx.EventID]push.Count{first: {Notifications: 2}})
		w.read(bob, "main", last)
		w.expect(bob, push.Count{}, map[mx.EventID]push.Count{first: {Notifications: 2}})
		w.read(bob, string(first), last)
		w.expect(bob, push.Count{}, nil)

		w.say(alice)
		w.inThread(alice, first)
		w.inThread(bob, first) // who answers in a thread has read it
		w.expect(bob, push.Count{Notifications: 1}, nil)
	})
}

// What was redacted is nothing to read any more, in the main timeline and in threads.
//
// Spec: cs#receiving-notifications
func TestRedactedEventsAreNotCounted(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		redact := func(id mx.EventID) {
			_, err := w.rooms.Redact(t.Context(), room.Redaction{Room: w.room, By: alice, Event: id})
			w.must(err)
		}
		first := w.say(alice)
		mention := w.send(alice, "m.room.message", `{"body":"x","m.mentions":{"user_ids":["@bob:example.org"]},"msgtype":"m.text"}`)
		reply, last := w.inThread(alice, first), w.inThread(alice, first)
		w.expect(bob, push.Count{Notifications: 2, Highlights: 1}, map[mx.EventID]push.Count{first: {Notifications: 2}})
		redact(mention)
		redact(reply)
		w.expect(bob, push.Count{Notifications: 1}, map[mx.EventID]push.Count{first: {Notifications: 1}})
		redact(reply) // once more changes nothing
		redact(last)
		w.expect(bob, push.Count{Notifications: 1}, nil)
		redact(first)
		w.expect(bob, push.Count{}, nil)
		w.say(alice)
		w.expect(bob, push.Count{Notifications: 1}, nil)
	})
}

func TestCountsBeginAnewWithEachJoin(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.say(alice)
		w.expect(bob, push.Count{Notifications: 1}, nil)
		w.must(w.rooms.Leave(t.Context(), bob, w.room, ""))
		w.say(alice)
		w.must(w.rooms.Join(t.Context(), bob, w.room, nil))
		w.expect(bob, push.Count{}, nil)
		w.say(alice)
		w.expect(bob, push.Count{Notifications: 1}, nil)
	})
}

// Counting thousands of events leaves a copy in the database, and a restarted service goes on from it.
func TestKeptCountsSurviveARestart(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		const messages = 2500
		root := w.say(alice)
		drafts := make([]room.Draft, messages/10)
		for i := range drafts {
			drafts[i] = room.Draft{Room: w.room, Sender: alice, Type: "m.room.message", Content: []byte(`{"body":"x","msgtype":"m.text"}`)}
		}
		for range 10 {
			_, err := w.rooms.Append(t.Context(), drafts...)
			w.must(err)
		}
		w.inThread(alice, root)
		w.expect(bob, push.Count{Notifications: messages + 1}, map[mx.EventID]push.Count{root: {Notifications: 1}})
		w.must(w.db.Write(func(*store.Tx) error { return nil })) // the copy is written before this returns
		found, err := pushdata.FindUnread(t.Context(), w.db, bob, []mx.RoomID{w.room})
		w.must(err)
		if kept := found[w.room]; kept == nil || kept.Pos < messages {
			t.Fatalf("kept %+v", kept)
		}
		w.say(alice)
		w.expect(bob, push.Count{Notifications: messages + 2}, map[mx.EventID]push.Count{root: {Notifications: 1}})
		w.must(w.rooms.Leave(t.Context(), bob, w.room, ""))
		w.must(w.Collect(t.Context(), time.Now()))
		if found, err := pushdata.FindUnread(t.Context(), w.db, bob, []mx.RoomID{w.room}); err != nil || len(found) != 0 {
			t.Errorf("after leaving: %+v, %v", found, err)
		}
	})
}

// Spec: cs#put_matrixclientv3pushrulesglobalkindruleid
func TestChangedRulesCountAtOnce(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		mute := func(actions ...json.RawMessage) {
			w.must(w.ChangeRules(bob, func(set *pushrule.Ruleset) error {
				return set.Put(pushrule.Room, pushrule.Rule{ID: string(w.room), Actions: append([]json.RawMessage{}, actions...)}, "", "")
			}))
		}
		mute()
		w.say(alice)
		w.expect(bob, push.Count{}, nil)
		mute(json.RawMessage(`"notify"`), json.RawMessage(`{"set_tweak":"highlight"}`))
		w.say(alice)
		got, err := w.Unread(t.Context(), bob, []mx.RoomID{w.room})
		w.must(err)
		if got[w.room].Main != (push.Count{Notifications: 1, Highlights: 1}) {
			t.Errorf("%+v", got)
		}
	})
}

// Spec: cs#get_matrixclientv3notifications
func TestNotificationsArePaged(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		var want []mx.EventID
		for range 7 {
			want = append(want, w.say(alice))
			w.say(bob)
			w.send(alice, "m.reaction", `{}`)
		}
		slices.Reverse(want)
		w.read(bob, "", want[3])
		var got []mx.EventID
		next := store.Pos(1 << 60)
		for next > 0 {
			list, after, err := w.Notifications(t.Context(), bob, next, 3, false)
			w.must(err)
			for _, n := range list {
				got = append(got, n.Event.ID)
				if read := slices.Index(want, n.Event.ID) >= 1; n.Read != read { // bob wrote after all but the newest
					if n.Event.ID != want[0] {
						t.Errorf("%s read: %v", n.Event.ID, n.Read)
					}
				}
			}
			next = after
		}
		if !slices.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
	})
}

// A user is notified of what came after they joined, so messages of users who were erased before that are never among it.
//
// Spec: cs#get_matrixclientv3notifications
// Spec: cs#redactions
func TestNotificationsOfRedactedEvents(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		id := w.say(alice)
		_, err := w.rooms.Redact(t.Context(), room.Redaction{Room: w.room, By: alice, Event: id, Reason: "typo"})
		w.must(err)
		list, _, err := w.Notifications(t.Context(), bob, 1<<60, 10, false)
		w.must(err)
		found := slices.IndexFunc(list, func(n push.Notification) bool { return n.Event.ID == id })
		if found < 0 || string(list[found].Event.Content) != "{}" || list[found].Because == nil || list[found].Because.Sender != alice {
			t.Errorf("%+v", list)
		}
		dave := mx.UserID("@dave:example.org")
		w.must(w.rooms.Join(t.Context(), dave, w.room, nil))
		if list, _, err = w.Notifications(t.Context(), dave, 1<<60, 10, false); err != nil || len(list) != 0 {
			t.Errorf("a newcomer: %+v %v", list, err)
		}
	})
}

// Spec: MSC4306
func TestThreadsThatNobodySubscribedTo(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		for _, id := range []string{".io.element.msc4306.rule.subscribed_thread", ".io.element.msc4306.rule.unsubscribed_thread"} {
			w.must(w.ChangeRules(bob, func(set *pushrule.Ruleset) error { return set.Enable(pushrule.PostContent, id, true) }))
		}
		subscribe := func(s personal.Subscription) {
			w.must(w.db.Write(func(tx *store.Tx) error { return personal.PutSubscription(tx, bob, s) }))
		}
		counts := func(root mx.EventID, bobs, carols int) {
			t.Helper()
			for user, want := range map[mx.UserID]int{bob: bobs, carol: carols} {
				got, err := w.Unread(t.Context(), user, []mx.RoomID{w.room})
				w.must(err)
				if n := got[w.room].Threads[root].Notifications; n != want {
					t.Errorf("%s: %d in the thread, want %d", user, n, want)
				}
			}
		}
		root := w.say(alice)
		w.inThread(alice, root)
		counts(root, 0, 1)
		subscribe(personal.Subscription{Room: w.room, Root: root, Subscribed: true})
		w.inThread(alice, root)
		counts(root, 1, 2)
		subscribe(personal.Subscription{Room: w.room, Root: root})
		w.inThread(alice, root)
		counts(root, 1, 3)
		w.send(alice, "m.room.message", fmt.Sprintf(`{"body":"x","m.mentions":{"user_ids":[%q]},"m.relates_to":{"rel_type":"m.thread","event_id":%q}}`, bob, root))
		counts(root, 2, 4)
	})
}

// gateway is a push gateway that remembers what it was told.
type gateway struct {
	*httptest.Server
	mu     sync.Mutex
	got    []map[string]any
	fail   int    // so many answers with 503 first
	reject string // pushkey to reject
}

func newGateway(t *testing.T) *gateway {
	g := &gateway{}
	g.Server = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		g.mu.Lock()
		defer g.mu.Unlock()
		if g.fail > 0 {
			g.fail--
			rw.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		var body struct {
			Notification map[string]any `json:"notification"`
		}
		_ = json.NewDecoder(r.Body).Decode(&body)
		g.got = append(g.got, body.Notification)
		_ = json.NewEncoder(rw).Encode(map[string][]string{"rejected": {g.reject}})
	}))
	t.Cleanup(g.Close)
	return g
}

// patience is how long to wait for what has to come: only a failing test waits so long.
const patience = 2 * time.Minute

// wait returns once n notifications have come.
func (g *gateway) wait(t *testing.T, n int) []map[string]any {
	t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		g.mu.Lock()
		got := slices.Clone(g.got)
		g.mu.Unlock()
		if len(got) >= n {
			return got
		}
	}
	t.Fatalf("the gateway got %d notifications, want %d", len(g.got), n)
	return nil
}

func (w *world) setPusher(p pushdata.Pusher) {
	w.t.Helper()
	if active, err := w.SetPusher(p, false); err != nil || !active {
		w.t.Fatalf("active %v, %v", active, err)
	}
}

func (w *world) pusher(g *gateway, key, data string) {
	w.t.Helper()
	w.setPusher(pushdata.Pusher{
		User: bob, Device: "D", AppID: "app", Key: key, Kind: "http", Lang: "en", URL: g.URL + "/_matrix/push/v1/notify", Data: []byte(data),
	})
}

// Spec: cs#post_matrixclientv3pushersset
// Spec: push-gateway-api#post_matrixpushv1notify
func TestGatewayIsToldAndToldAgainUntilItAnswers(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		g := newGateway(t)
		g.fail = 1
		w.pusher(g, "key", `{"brand":"x"}`)
		ctx, cancel := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() { w.Run(ctx) })
		defer running.Wait()
		defer cancel()
		id := w.say(alice)
		n := g.wait(t, 1)[0]
		device := n["devices"].([]any)[0].(map[string]any) //nolint:forcetypeassert // a panic fails the test
		if n["event_id"] != string(id) || n["room_id"] != string(w.room) || n["sender"] != string(alice) || n["type"] != "m.room.message" ||
			n["counts"].(map[string]any)["unread"] != 1.0 || device["pushkey"] != "key" || device["data"].(map[string]any)["brand"] != "x" { //nolint:forcetypeassert // as above
			t.Errorf("%v", n)
		}
		w.say(bob)                                                                                       // who writes has read what stands above: the badge goes
		if n := g.wait(t, 2)[1]; n["event_id"] != nil || n["counts"].(map[string]any)["unread"] != 0.0 { //nolint:forcetypeassert // as above
			t.Errorf("%v", n)
		}
	})
}

// Spec: push-gateway-api#post_matrixpushv1notify
func TestEventIDOnlyTellsNoMoreThanThat(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		g := newGateway(t)
		g.reject = "key"
		w.pusher(g, "key", `{"format":"event_id_only"}`)
		ctx, cancel := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() { w.Run(ctx) })
		defer running.Wait()
		defer cancel()
		w.say(alice)
		n := g.wait(t, 1)[0]
		for _, secret := range []string{"sender", "content", "type", "room_name", "sender_display_name"} {
			if n[secret] != nil {
				t.Errorf("%s was told: %v", secret, n)
			}
		}
		// The gateway rejected the key: the pusher ends.
		for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
			list, err := w.Pushers(t.Context(), bob)
			w.must(err)
			if len(list) == 0 {
				return
			}
		}
		t.Error("a rejected pusher is still there")
	})
}

func TestBadPushersAreRefused(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		good := pushdata.Pusher{User: bob, AppID: "a", Key: "k", Kind: "http", URL: "https://push.example.org/_matrix/push/v1/notify", Data: []byte("{}")}
		w.setPusher(good)
		for name, change := range map[string]func(*pushdata.Pusher){
			"kind": func(p *pushdata.Pusher) { p.Kind = "email" }, "path": func(p *pushdata.Pusher) { p.URL = "https://push.example.org/x" },
			"scheme": func(p *pushdata.Pusher) { p.URL = "ftp://push.example.org/_matrix/push/v1/notify" },
			"key":    func(p *pushdata.Pusher) { p.Key = string(make([]byte, 513)) }, "no url": func(p *pushdata.Pusher) { p.URL = "" },
			"password": func(p *pushdata.Pusher) { p.URL = "https://a:b@push.example.org/_matrix/push/v1/notify" },
		} {
			p := good
			change(&p)
			if _, err := w.SetPusher(p, false); !fault.Is(err, "M_INVALID_PARAM") {
				t.Errorf("%s: %v", name, err)
			}
		}
		taken := good
		taken.User = carol
		w.setPusher(taken) // the phone has a new owner
		if list, err := w.Pushers(t.Context(), bob); err != nil || len(list) != 0 {
			t.Errorf("bob still has %v, %v", list, err)
		}
	})
}
