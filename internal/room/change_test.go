package room_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"conclave.chat/internal/mx"
	"conclave.chat/internal/room"
	"conclave.chat/internal/room/ledger"
	"conclave.chat/internal/store/eventlog"
)

// Spec: cs#redactions
func TestRedaction(t *testing.T) {
	for _, version := range []string{"6", "10", "11", "12"} {
		t.Run(version, func(t *testing.T) {
			each(t, func(t *testing.T, n *node) {
				ctx := context.Background()
				r := n.create(t, alice, room.Create{Version: version, Preset: "public_chat", Topic: "T"})
				must(t, n.Join(ctx, bob, r, nil))
				mine, hers := n.send(t, message(r, bob, "mine")), n.send(t, message(r, alice, "hers"))
				redact := func(by mx.UserID, event mx.EventID, reason string) (mx.EventID, error) {
					return n.Redact(ctx, room.Redaction{Room: r, By: by, Event: event, Reason: reason})
				}
				_, err := redact(bob, hers, "")
				refused(t, "redaction of another's", err, "M_FORBIDDEN")
				_, err = redact(bob, "$nothing", "")
				refused(t, "redaction of nothing", err, "M_NOT_FOUND")
				other := n.send(t, message(n.create(t, bob, room.Create{}), bob, "elsewhere"))
				_, err = redact(bob, other, "")
				refused(t, "redaction in another room", err, "M_NOT_FOUND")
				_, err = redact(alice, n.snapshot(t, r).State(mx.TypeCreate, "").ID, "")
				refused(t, "redaction of the creation", err, "M_FORBIDDEN")

				by, err := redact(bob, mine, "typo")
				must(t, err)
				n.redacted(t, r, mine, by, "{}")
				again, err := redact(alice, mine, "")
				must(t, err)
				n.redacted(t, r, mine, by, "{}")
				if again == by {
					t.Error("the second redaction is the first")
				}
				// State: the topic has no text any more, but is still the topic; power levels keep what matters.
				topic := n.snapshot(t, r).State(mx.TypeTopic, "")
				by, err = redact(alice, topic.ID, "")
				must(t, err)
				n.redacted(t, r, topic.ID, by, "{}")
				if s := n.snapshot(t, r).State(mx.TypeTopic, ""); s.ID != topic.ID || string(s.Content) != "{}" {
					t.Errorf("topic is %s", s.Content)
				}
				// The redaction itself, by the general endpoint: its reason goes.
				ids, err := n.Append(ctx, room.Draft{Room: r, Sender: alice, Type: mx.TypeRedaction, Content: fmt.Appendf(nil, `{"redacts":%q,"reason":"x"}`, again)})
				must(t, err)
				want := "{}"
				if version == "11" || version == "12" {
					want = fmt.Sprintf(`{"redacts":%q}`, mine)
				}
				n.redacted(t, r, again, ids[0], want)
				ev, err := n.Event(ctx, ids[0])
				must(t, err)
				if inContent := ev.Has("redacts"); inContent != (version == "11" || version == "12") || ev.Redacts != again {
					t.Errorf("redaction is %s", ev.Raw)
				}
				n.checkLog(t, r)
			})
		})
	}
}

// redacted checks that an event is shown redacted wherever it is read.
func (n *node) redacted(t *testing.T, r mx.RoomID, id, by mx.EventID, content string) {
	t.Helper()
	cached, err := n.Event(context.Background(), id)
	must(t, err)
	stored, err := eventlog.ByID(context.Background(), n.db, id)
	must(t, err)
	fresh, err := wire(t, n.db, n.bus).Snapshot(context.Background(), r)
	must(t, err)
	for where, ev := range map[string]*eventlog.Event{"cache": cached, "log": stored} {
		if ev.RedactedBy != by || string(ev.Content) != content {
			t.Errorf("%s: redacted by %q, content %s; want %q, %s", where, ev.RedactedBy, ev.Content, by, content)
		}
	}
	if stored.IsState() {
		if ev := fresh.State(stored.Type, *stored.StateKey); ev.ID == id && string(ev.Content) != content {
			t.Errorf("state read anew: %s", ev.Content)
		}
	}
	list, ok := n.Recent(r, 0, n.bus.Last())
	for _, ev := range list {
		if ok && ev.ID == id && string(ev.Content) != content {
			t.Errorf("recent: %s", ev.Content)
		}
	}
}

// Spec: cs#post_matrixclientv3roomsroomidupgrade
func TestUpgrade(t *testing.T) {
	for _, step := range []string{"6 10", "9 12", "11 12", "12 12", "12 11", "11 11"} {
		t.Run(strings.ReplaceAll(step, " ", " to "), func(t *testing.T) {
			n := open(t, "sqlite")
			ctx := context.Background()
			from, to, _ := strings.Cut(step, " ")
			old := n.create(t, alice, room.Create{
				Version: from, Preset: "public_chat", Visibility: "public", AliasName: "it", Name: "It", Content: []byte(`{"type":"m.space"}`),
				Power: powers(from, `"events":{"x":90},"state_default":40`),
				State: []room.InitialState{
					{Type: mx.TypeSpaceChild, Key: "!c:test.example", Content: []byte(`{"via":["test.example"]}`)}, {Type: "org.example.x", Content: []byte(`{}`)},
				},
			})
			must(t, n.Join(ctx, bob, old, nil))
			must(t, n.Ban(ctx, alice, old, carol, "spam"))
			_, err := n.Upgrade(ctx, bob, old, to, nil)
			refused(t, "upgrade without power", err, "M_FORBIDDEN")
			_, err = n.Upgrade(ctx, alice, old, "99", nil)
			refused(t, "upgrade to nowhere", err, "M_UNSUPPORTED_ROOM_VERSION")
			_, err = n.Upgrade(ctx, alice, old, "12", []string{"nobody"})
			refused(t, "creators that are none", err, "M_INVALID_PARAM")

			next, err := n.Upgrade(ctx, alice, old, to, []string{string(bob)})
			must(t, err)
			n.checkLog(t, old)
			n.checkLog(t, next)
			tombstone := n.content(t, old, mx.TypeTombstone, "")
			same(t, "replacement", tombstone["replacement_room"], fmt.Sprintf("%q", next))
			create := n.content(t, next, mx.TypeCreate, "")
			predecessor := fmt.Sprintf(`{"event_id":%q,"room_id":%q}`, n.snapshot(t, old).State(mx.TypeTombstone, "").ID, old)
			if to == "12" {
				predecessor = fmt.Sprintf(`{"room_id":%q}`, old)
				same(t, "creators", create["additional_creators"], `["@bob:test.example"]`)
			} else {
				same(t, "creators", create["additional_creators"], `null`)
			}
			same(t, "predecessor", create["predecessor"], predecessor)
			same(t, "type", create["type"], `"m.space"`)
			same(t, "name", n.content(t, next, mx.TypeName, ""), `{"name":"It"}`)
			same(t, "join rule", n.content(t, next, mx.TypeJoinRules, ""), `{"join_rule":"public"}`)
			same(t, "child", n.content(t, next, mx.TypeSpaceChild, "!c:test.example"), `{"via":["test.example"]}`)
			same(t, "ban", n.content(t, next, mx.TypeMember, string(carol)), `{"membership":"ban","reason":"spam"}`)
			if n.snapshot(t, next).State("org.example.x", "") != nil {
				t.Error("state of others was taken along")
			}
			power := n.content(t, next, mx.TypePowerLevels, "")
			events := map[bool]string{true: `{"m.room.tombstone":150,"x":90}`, false: `{"x":90}`}[from == "12" || to == "12"]
			same(t, "events", power["events"], events)
			switch {
			case to == "12":
				same(t, "users", power["users"], `{}`)
			case from == "12":
				same(t, "users", power["users"], `{"@alice:test.example":150}`)
			default:
				same(t, "users", power["users"], `{"@alice:test.example":100}`)
			}
			closed := n.content(t, old, mx.TypePowerLevels, "")
			same(t, "closed room", []any{closed["events_default"], closed["invite"]}, `[50,50]`)
			if id, err := n.Resolve(ctx, "#it:test.example"); err != nil || id != next {
				t.Error("alias is of", id, err)
			}
			for id, want := range map[mx.RoomID]bool{old: false, next: true} {
				if row, err := eventlog.RoomByID(ctx, n.db, id); err != nil || row.Published != want {
					t.Errorf("%s published: %v %v", id, row.Published, err)
				}
			}
			_, err = n.Append(ctx, message(old, bob, "still here?"))
			refused(t, "a message in the old room", err, "M_FORBIDDEN")
		})
	}
}

// A user with less than all power upgrades a room of old: the power that setting up needed is taken back.
func TestUpgradeByWhoHasLittlePower(t *testing.T) {
	n := open(t, "sqlite")
	ctx := context.Background()
	old := n.create(t, alice, room.Create{Version: "9", Preset: "public_chat", Power: []byte(
		`{"users":{"@alice:test.example":"100","@bob:test.example":60},"events":{"m.room.tombstone":60,"m.room.power_levels":100},"ban":" 70 "}`)})
	must(t, n.Join(ctx, bob, old, nil))
	next, err := n.Upgrade(ctx, bob, old, "10", nil)
	must(t, err)
	power := n.content(t, next, mx.TypePowerLevels, "")
	same(t, "users", power["users"], `{"@alice:test.example":100,"@bob:test.example":60}`)
	same(t, "ban", power["ban"], `70`)
	if n.snapshot(t, old).State(mx.TypeTombstone, "") == nil {
		t.Error("no tombstone")
	}
}

// Spec: cs#put_matrixclientv3directoryroomroomalias
// Spec: cs#mroomcanonical_alias
func TestAliases(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		ctx := context.Background()
		r := n.create(t, alice, room.Create{Preset: "public_chat"})
		other := n.create(t, alice, room.Create{})
		must(t, n.Join(ctx, bob, r, nil))
		const main, alt = mx.RoomAlias("#main:test.example"), mx.RoomAlias("#alt:test.example")
		must(t, n.AddAlias(ctx, bob, main, r))
		must(t, n.AddAlias(ctx, alice, alt, r))
		refused(t, "a taken alias", n.AddAlias(ctx, alice, main, other), "M_UNKNOWN")
		refused(t, "an alias of another server", n.AddAlias(ctx, alice, "#x:other.example", r), "M_INVALID_PARAM")
		refused(t, "an alias by a stranger", n.AddAlias(ctx, carol, "#x:test.example", r), "M_FORBIDDEN")
		set := func(content string) error {
			_, err := n.SetState(ctx, alice, r, mx.TypeCanonicalAlias, "", []byte(content))
			return err
		}
		refused(t, "canonical alias that is none", set(`{"alias":"%x"}`), "M_INVALID_PARAM")
		refused(t, "canonical alias of the wrong type", set(`{"alias":7}`), "M_BAD_JSON")
		refused(t, "canonical alias that does not exist", set(`{"alias":"#none:test.example"}`), "M_BAD_ALIAS")
		refused(t, "alternative that does not exist", set(`{"alt_aliases":["#none:test.example"]}`), "M_BAD_ALIAS")
		must(t, n.AddAlias(ctx, alice, "#other:test.example", other))
		refused(t, "canonical alias of another room", set(`{"alias":"#other:test.example"}`), "M_BAD_ALIAS")
		must(t, set(`{"alias":"#main:test.example","alt_aliases":["#main:test.example","#alt:test.example"],"x":1}`))

		refused(t, "removal by another", n.RemoveAlias(ctx, bob, false, alt), "M_FORBIDDEN")
		refused(t, "removal of nothing", n.RemoveAlias(ctx, bob, false, "#none:test.example"), "M_NOT_FOUND")
		must(t, n.RemoveAlias(ctx, bob, false, main)) // bob made it, but may not change the state
		same(t, "canonical alias", n.content(t, r, mx.TypeCanonicalAlias, "")["alias"], `"#main:test.example"`)
		must(t, set(`{"alias":"#main:test.example","alt_aliases":["#alt:test.example"]}`)) // what was there before is not checked
		must(t, n.RemoveAlias(ctx, alice, false, alt))
		same(t, "canonical alias", n.content(t, r, mx.TypeCanonicalAlias, ""), `{"alias":"#main:test.example"}`)
		if list, err := n.Aliases(ctx, bob, r); err != nil || len(list) != 0 {
			t.Error(list, err)
		}
		must(t, n.AddAlias(ctx, bob, main, r))
		if list, err := n.Aliases(ctx, bob, r); err != nil || len(list) != 1 || list[0] != main {
			t.Error(list, err)
		}
		_, err := n.Aliases(ctx, carol, r)
		refused(t, "aliases for a stranger", err, "M_FORBIDDEN")
		_, err = n.SetState(ctx, alice, r, mx.TypeHistoryVisibility, "", []byte(`{"history_visibility":"world_readable"}`))
		must(t, err)
		_, err = n.Aliases(ctx, carol, r)
		must(t, err)
		must(t, n.RemoveAlias(ctx, carol, true, main)) // an administrator
		refused(t, "publication without power", n.Publish(ctx, bob, false, r, true), "M_FORBIDDEN")
		must(t, n.Publish(ctx, alice, false, r, true))
	})
}

// Spec: MSC4140
func TestDelayedEvents(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		ctx, stop := context.WithCancel(context.Background())
		r := n.create(t, alice, room.Create{Preset: "public_chat"})
		draft := func(body, txn string) room.Draft {
			d := message(r, alice, body)
			d.Txn = eventlog.Txn{User: alice, Device: "D", Request: "send", ID: txn}
			return d
		}
		delay := func(d room.Draft, ms int) string {
			t.Helper()
			id, err := n.Delay(ctx, d, time.Duration(ms)*time.Millisecond)
			must(t, err)
			return id
		}
		a := delay(draft("a", "1"), 30)
		if again := delay(room.Draft{Room: r, Sender: alice, Txn: draft("", "1").Txn}, 30); again != a {
			t.Error("the same request schedules another event")
		}
		b, c := delay(draft("b", "2"), 3_600_000), delay(draft("c", "3"), 3_600_000)
		d := delay(room.Draft{Room: r, Sender: alice, Type: mx.TypeName, StateKey: ledger.Key(""), Content: []byte(`{"name":"d"}`)}, 3_600_000)
		forbidden := delay(room.Draft{Room: r, Sender: bob, Type: mx.TypeMessage, Content: []byte(`{}`)}, 0)
		if list, err := n.DelayedOf(ctx, alice); err != nil || len(list) != 4 || list[0].ID != a {
			t.Error(list, err)
		}
		_, err := n.DelayedByID(ctx, bob, a)
		refused(t, "another user's", err, "M_NOT_FOUND")
		_, err = n.Delay(ctx, draft("x", "9"), 25*time.Hour)
		refused(t, "too long", err, "M_UNKNOWN")
		_, err = n.Delay(ctx, room.Draft{Room: r, Sender: alice, Type: "x", Content: []byte(`[]`)}, time.Second)
		refused(t, "no object", err, "M_BAD_JSON")
		_, err = n.Delay(ctx, room.Draft{Room: r, Sender: alice, Type: "x", Content: []byte(`{"a":1.5}`)}, time.Second)
		refused(t, "a float", err, "M_BAD_JSON")
		must(t, n.CancelDelayed(ctx, b))
		must(t, n.CancelDelayed(ctx, b))
		refused(t, "sending what was cancelled", n.SendDelayed(ctx, b), "M_UNKNOWN")
		refused(t, "restarting what was cancelled", n.RestartDelayed(ctx, b), "M_UNKNOWN")
		must(t, n.SendDelayed(ctx, d))
		must(t, n.SendDelayed(ctx, d))
		refused(t, "cancelling what was sent", n.CancelDelayed(ctx, d), "M_UNKNOWN")
		same(t, "name", n.content(t, r, mx.TypeName, ""), `{"name":"d"}`)
		refused(t, "sending what may not be sent", n.SendDelayed(ctx, forbidden), "M_FORBIDDEN")
		for _, do := range []func(context.Context, string) error{n.SendDelayed, n.CancelDelayed, n.RestartDelayed} {
			refused(t, "unknown", do(ctx, "nothing"), "M_NOT_FOUND")
		}
		// Two nodes look for what is due: each is sent once.
		done := make(chan struct{}, 2)
		for _, e := range []*room.Engine{n.Engine, wire(t, n.db, n.bus).Engine} {
			go func() { e.RunDelayed(ctx); done <- struct{}{} }()
		}
		for {
			x, err := n.DelayedByID(ctx, alice, a)
			must(t, err)
			y, err := n.DelayedByID(ctx, bob, forbidden)
			must(t, err)
			if x.EventID != "" && y.Finalised != 0 {
				if y.ErrorCode != "M_FORBIDDEN" || y.EventID != "" {
					t.Errorf("what may not be sent ended as %+v", y)
				}
				break
			}
			time.Sleep(10 * time.Millisecond)
		}
		must(t, n.RestartDelayed(ctx, c))
		stop()
		<-done
		<-done
		if list, err := n.DelayedOf(context.Background(), alice); err != nil || len(list) != 1 || list[0].ID != c {
			t.Error(list, err)
		}
		bodies := ""
		for _, ev := range n.checkLog(t, r) {
			bodies += ev.Str("body")
		}
		if bodies != "a" {
			t.Errorf("sent %q", bodies)
		}
		must(t, n.Collect(context.Background(), time.Now().Add(8*24*time.Hour)))
		_, err = n.DelayedByID(context.Background(), alice, a)
		refused(t, "what ended long ago", err, "M_NOT_FOUND")
		if _, err := n.DelayedByID(context.Background(), alice, c); err != nil {
			t.Error("what is still scheduled was forgotten")
		}
	})
}

func TestDelayedEventsHaveALimit(t *testing.T) {
	n := open(t, "sqlite")
	r := n.create(t, alice, room.Create{})
	for range 100 {
		_, err := n.Delay(context.Background(), message(r, alice, "x"), time.Hour)
		must(t, err)
	}
	_, err := n.Delay(context.Background(), message(r, alice, "x"), time.Hour)
	refused(t, "one too many", err, "M_LIMIT_EXCEEDED")
}

func TestOldRequestsAreForgotten(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		r := n.create(t, alice, room.Create{})
		d := message(r, alice, "x")
		d.Txn = eventlog.Txn{User: alice, Device: "D", Request: "send", ID: "1"}
		n.send(t, d)
		for _, step := range []struct {
			after time.Duration
			want  bool
		}{{time.Hour, true}, {100 * time.Hour, false}} {
			must(t, n.Collect(context.Background(), time.Now().Add(step.after)))
			id, err := eventlog.TxnEvent(context.Background(), n.db, d.Txn)
			if err != nil || (id != "") != step.want {
				t.Errorf("after %s: %q %v", step.after, id, err)
			}
		}
	})
}
