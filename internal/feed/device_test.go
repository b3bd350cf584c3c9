package feed_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/tidwall/gjson"

	"conclave.chat/internal/feed"
	"conclave.chat/internal/feed/feedtest"
	"conclave.chat/internal/mx"
	"conclave.chat/internal/store"
	"conclave.chat/internal/store/keys"
)

func toDevice(g *feedtest.Rig, user mx.UserID, n int) {
	g.Write(func(tx *store.Tx) error {
		return keys.Send(tx, g.TS, []keys.Recipient{{User: user, Device: "DEVICE", Event: fmt.Appendf(nil, `{"content":{"n":%d},"sender":"@x:x","type":"m.x"}`, n)}})
	})
}

func numbers(a gjson.Result) (list []int64) {
	for _, e := range a.Get("to_device.events").Array() {
		list = append(list, e.Get("content.n").Int())
	}
	return list
}

// Spec: cs#send-to-device-messaging
func TestMessagesForADeviceComeOnceUntilConfirmed(t *testing.T) {
	feedtest.Each(t, func(t *testing.T, g *feedtest.Rig) {
		first := g.Since(g.Sync(feed.Request{User: "@a:x"}))
		for i := range 230 {
			toDevice(g, "@a:x", i)
		}
		toDevice(g, "@b:x", 1000)
		var got []int64
		since := first
		for round := range 4 {
			a := g.Sync(feed.Request{User: "@a:x", Since: since})
			if again := g.Sync(feed.Request{User: "@a:x", Since: since}); !slices.Equal(numbers(a), numbers(again)) {
				t.Fatalf("round %d: asked again with the same token, other messages come: %v, %v", round, numbers(a), numbers(again))
			}
			got = append(got, numbers(a)...)
			since = g.Since(a)
		}
		if len(got) != 230 || !slices.IsSorted(got) || got[229] != 229 {
			t.Fatalf("of 230 messages %d came: %v", len(got), got)
		}
		has, err := keys.HasToDevice(context.Background(), g.DB, "@a:x", "DEVICE", 1<<40)
		for end := time.Now().Add(2 * time.Minute); has && time.Now().Before(end); { // they are taken away behind the answer
			time.Sleep(10 * time.Millisecond)
			has, err = keys.HasToDevice(context.Background(), g.DB, "@a:x", "DEVICE", 1<<40)
		}
		if has || err != nil {
			t.Error("confirmed messages are still there")
		}
		if a := g.Sync(feed.Request{User: "@a:x", Since: since}); len(numbers(a)) != 0 {
			t.Errorf("confirmed messages come again: %v", numbers(a))
		}
		g.Restart()
		toDevice(g, "@a:x", 500)
		a := g.Sync(feed.Request{User: "@a:x", Since: since})
		if !slices.Equal(numbers(a), []int64{500}) {
			t.Errorf("after a restart %v comes", numbers(a))
		}
		if a := g.Sync(feed.Request{User: "@a:x"}); !slices.Equal(numbers(a), []int64{500}) {
			t.Errorf("from the beginning %v comes", numbers(a))
		}
	})
}

// Spec: cs#e2e-extensions-to-sync
func TestDeviceListsOfThoseWhoShareARoom(t *testing.T) {
	feedtest.Each(t, func(t *testing.T, g *feedtest.Rig) {
		touch := func(u mx.UserID) { g.Write(func(tx *store.Tx) error { return keys.TouchList(tx, u) }) }
		for _, fromDatabase := range []bool{false, true} {
			since := g.Since(g.Sync(feed.Request{User: "@a:x"}))
			expect := func(what string, changed, left []string) {
				t.Helper()
				if fromDatabase {
					g.Restart()
				}
				a := g.Sync(feed.Request{User: "@a:x", Since: since})
				since = g.Since(a)
				var c, l []string
				for _, u := range a.Get("device_lists.changed").Array() {
					c = append(c, u.Str)
				}
				for _, u := range a.Get("device_lists.left").Array() {
					l = append(l, u.Str)
				}
				slices.Sort(c)
				slices.Sort(l)
				if !slices.Equal(c, changed) || !slices.Equal(l, left) {
					t.Errorf("%s (from the database: %v): changed %v, left %v; want %v, %v", what, fromDatabase, c, l, changed, left)
				}
			}
			room := g.Create("@a:x", "")
			expect("a new room", nil, nil)
			touch("@b:x")
			expect("a stranger's change", nil, nil)
			g.Member(room, "@b:x", "@b:x", mx.Join)
			expect("somebody joins", []string{"@b:x"}, nil)
			touch("@b:x")
			expect("a member's change", []string{"@b:x"}, nil)
			touch("@a:x")
			expect("an own change", []string{"@a:x"}, nil)
			g.State(room, "@b:x", mx.TypeMember, "@b:x", `{"displayname":"B","membership":"join"}`)
			expect("a new name", nil, nil)
			g.Member(room, "@b:x", "@b:x", mx.Leave)
			touch("@b:x")
			g.Member(room, "@b:x", "@b:x", mx.Join)
			expect("a member who was away", []string{"@b:x"}, nil)
			other := g.Create("@c:x", "")
			g.Member(other, "@b:x", "@b:x", mx.Join)
			g.Member(other, "@a:x", "@a:x", mx.Join)
			expect("joining others", []string{"@b:x", "@c:x"}, nil)
			g.Member(other, "@b:x", "@b:x", mx.Leave)
			expect("one leaves one of two rooms", nil, nil)
			g.Member(room, "@b:x", "@b:x", mx.Leave)
			expect("one leaves the last room", nil, []string{"@b:x"})
			touch("@b:x")
			expect("a change of one who left", nil, nil)
			g.Member(other, "@a:x", "@a:x", mx.Leave)
			expect("leaving a room", nil, []string{"@c:x"})
		}
	})
}

func TestKeyCountsAreAlwaysThere(t *testing.T) {
	feedtest.Each(t, func(t *testing.T, g *feedtest.Rig) {
		since := g.Since(g.Sync(feed.Request{User: "@a:x"}))
		count := func(a gjson.Result) string {
			return a.Get("device_one_time_keys_count").Raw + a.Get("device_unused_fallback_key_types").Raw
		}
		if got := count(g.Sync(feed.Request{User: "@a:x", Since: since})); got != `{}[]` {
			t.Errorf("of no keys: %s", got)
		}
		same := func([]byte, []byte) bool { return false }
		g.Write(func(tx *store.Tx) error {
			list := []keys.Key{{Algorithm: "signed_curve25519", ID: "A", JSON: []byte(`{}`)}, {Algorithm: "signed_curve25519", ID: "B", JSON: []byte(`{}`)}}
			if _, err := keys.AddOneTime(tx, "@a:x", "DEVICE", list, same); err != nil {
				return err
			}
			return keys.SetFallback(tx, "@a:x", "DEVICE", keys.Key{Algorithm: "signed_curve25519", ID: "F", JSON: []byte(`{}`)}, same)
		})
		// A change of the counts ends the wait.
		if got := count(g.Sync(feed.Request{User: "@a:x", Since: since, Timeout: time.Minute})); got != `{"signed_curve25519":2}["signed_curve25519"]` {
			t.Errorf("of two keys: %s", got)
		}
		for _, want := range []string{`{"signed_curve25519":1}["signed_curve25519"]`, `{}["signed_curve25519"]`, `{}[]`} {
			g.Write(func(tx *store.Tx) error {
				_, err := keys.Claim(tx, "@a:x", "DEVICE", "signed_curve25519")
				return err
			})
			if got := count(g.Sync(feed.Request{User: "@a:x"})); got != want {
				t.Errorf("after a claim: %s, want %s", got, want)
			}
		}
	})
}
