package history_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/tidwall/gjson"

	"conclave.chat/internal/fault"
	"conclave.chat/internal/filter"
	"conclave.chat/internal/history"
	"conclave.chat/internal/mx"
	"conclave.chat/internal/store/eventlog"
)

func finds(f *history.Found) string {
	var list []string
	for _, r := range f.Results {
		e := gjson.ParseBytes(r.Event)
		list = append(list, e.Get("content.body").Str+e.Get("content.name").Str+e.Get("content.topic").Str)
	}
	return strings.Join(list, " | ")
}

func limit(n int) filter.RoomEvents {
	return filter.RoomEvents{Events: filter.Events{Limit: &n}}
}

// Spec: cs#post_matrixclientv3search
// Spec: cs#groups
// Spec: cs#room_events
func TestSearch(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		room := b.Room(alice, "")
		b.Set(room, alice, mx.TypeName, "", `{"name":"Naïve Room"}`)
		b.Set(room, alice, mx.TypeTopic, "", `{"topic":"unused","m.topic":{"m.text":[{"mimetype":"text/html","body":"<b>"},{"body":"plain words"}]}}`)
		b.Say(room, alice, "Hello, World")
		b.Say(room, alice, "hello hello hello")
		b.Say(room, alice, "world of hello: a long text with many other things in it")
		b.Say(room, alice, "今日は良い天気です")
		gone := b.Say(room, alice, "hello world to be redacted")
		secret := b.Room(alice, "")
		b.Set(secret, alice, mx.TypeEncryption, "", `{"algorithm":"m.megolm.v1.aes-sha2"}`)
		b.Say(secret, alice, "hello from the encrypted room")
		find := func(q history.SearchQuery) *history.Found {
			t.Helper()
			return must(b.Search(ctx(), who(alice), q))(t)
		}
		if f := find(history.SearchQuery{Term: "HELLO world", Recent: true}); f.Count != 3 {
			t.Errorf("%d: %s", f.Count, finds(f))
		}
		b.Redact(room, alice, gone.ID)
		f := find(history.SearchQuery{Term: "HELLO world", Recent: true})
		if finds(f) != "world of hello: a long text with many other things in it | Hello, World" || f.Count != 2 || !slices.Equal(f.Words, []string{"hello", "world"}) {
			t.Errorf("%d %v: %s", f.Count, f.Words, finds(f))
		}
		if f := find(history.SearchQuery{Term: "hello"}); finds(f) !=
			"hello hello hello | Hello, World | world of hello: a long text with many other things in it" {
			t.Errorf("ranked: %s", finds(f))
		}
		for term, want := range map[string]string{
			"nai\u0308ve": "Naïve Room", "plain": "unused", "unused": "unused", "天気": "今日は良い天気です", "良": "", "hell": "", "!?": "", "": "",
			"html": "",
		} {
			if f := find(history.SearchQuery{Term: term}); finds(f) != want {
				t.Errorf("%q: %s, want %s", term, finds(f), want)
			}
		}
		if f := find(history.SearchQuery{Term: "room", Kinds: eventlog.KindBody}); len(f.Results) != 0 {
			t.Errorf("a name among messages: %s", finds(f))
		}
		if f := find(history.SearchQuery{Term: "hello", Filter: filter.RoomEvents{NotRooms: []string{string(room)}}}); len(f.Results) != 0 {
			t.Errorf("in another room: %s", finds(f))
		}
		if f := must(b.Search(ctx(), who(bob), history.SearchQuery{Term: "hello"}))(t); len(f.Results) != 0 || f.Count != 0 {
			t.Errorf("a stranger found %s", finds(f))
		}
		_, err := b.Search(ctx(), who(alice), history.SearchQuery{Term: "x", Next: "no token"})
		refused(t, err, fault.BadRequest, "M_INVALID_PARAM")
		_, err = b.Search(ctx(), who(alice), history.SearchQuery{Term: strings.Repeat("x", 5000)})
		refused(t, err, fault.BadRequest, "M_INVALID_PARAM")
	})
}

func TestSearchPages(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		room, other := b.Room(alice, ""), b.Room(alice, "")
		b.Member(room, bob, bob, mx.Join)
		for i := range 25 {
			where, by := room, alice
			if i%5 == 0 {
				where = other
			} else if i%3 == 0 {
				by = bob
			}
			b.Say(where, by, fmt.Sprintf("message number %d", i))
		}
		for _, recent := range []bool{true, false} {
			all := map[mx.EventID]bool{}
			var pages []int
			for next, going := "", true; going; {
				f := must(b.Search(ctx(), who(alice), history.SearchQuery{Term: "message", Recent: recent, Filter: limit(10), Next: next}))(t)
				for _, r := range f.Results {
					all[r.ID] = true
				}
				if f.Count != 25 {
					t.Errorf("count %d", f.Count)
				}
				pages = append(pages, len(f.Results))
				next, going = f.Next, f.Next != ""
			}
			if len(all) != 25 || !slices.Equal(pages, []int{10, 10, 5}) {
				t.Errorf("recent %v: %d finds on pages %v", recent, len(all), pages)
			}
			f := must(b.Search(ctx(), who(alice), history.SearchQuery{Term: "message", Recent: recent, Filter: limit(10)}))(t)
			for by, key := range map[string]string{history.GroupRoom: string(room), history.GroupSender: string(bob)} {
				g := f.Groups(by)[key]
				got := len(g.Results)
				for next := g.Next; next != ""; {
					f := must(b.Search(ctx(), who(alice), history.SearchQuery{Term: "message", Recent: recent, Filter: limit(3), Next: next}))(t)
					more := f.Groups(by)
					if len(more) > 1 {
						t.Errorf("other groups: %v", more)
					}
					got += len(more[key].Results)
					next = more[key].Next
				}
				if want := map[string]int{string(room): 20, string(bob): 7}[key]; got != want {
					t.Errorf("recent %v: group %s has %d, want %d", recent, key, got, want)
				}
			}
		}
	})
}

func TestSearchContext(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		room := b.Room(alice, "")
		b.Set(room, alice, mx.TypeMember, string(alice), `{"membership":"join","displayname":"Alice"}`)
		for i := range 7 {
			b.Say(room, alice, fmt.Sprintf("message number %d", i+1))
		}
		f := must(b.Search(ctx(), who(alice), history.SearchQuery{
			Term: "message 4", State: true, Context: &history.SearchContext{Before: 2, After: 2, Profiles: true},
		}))(t)
		if len(f.Results) != 1 {
			t.Fatal(finds(f))
		}
		c := f.Results[0].Context
		if bodies(c.Before) != "message number 3, message number 2" || bodies(c.After) != "message number 5, message number 6" {
			t.Errorf("%s | %s", bodies(c.Before), bodies(c.After))
		}
		if *c.Profiles[alice].DisplayName != "Alice" || len(f.State[room]) != 2 || c.Start == "" || c.End == "" {
			t.Errorf("%+v, state %s", c, bodies(f.State[room]))
		}
	})
}

// Who left finds what was there until then.
func TestSearchDeparted(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		room := b.Room(alice, "")
		b.Member(room, bob, bob, mx.Join)
		b.Say(room, alice, "word one")
		b.Member(room, bob, bob, mx.Leave)
		b.Say(room, alice, "word two")
		if f := must(b.Search(ctx(), who(bob), history.SearchQuery{Term: "word"}))(t); finds(f) != "word one" || f.Count != 1 {
			t.Errorf("%d: %s", f.Count, finds(f))
		}
		b.Forget(room, bob)
		if f := must(b.Search(ctx(), who(bob), history.SearchQuery{Term: "word"}))(t); f.Count != 0 {
			t.Errorf("in a forgotten room: %s", finds(f))
		}
	})
}

// The index can be built in steps and in many writes.
func TestIndexBatches(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		room := b.Room(alice, "")
		for i := range 150 {
			b.Say(room, alice, fmt.Sprintf("needle %d in the hay", i))
			if i == 70 {
				if err := b.Collect(ctx(), b.Now()); err != nil {
					t.Fatal(err)
				}
			}
		}
		f := must(b.Search(ctx(), who(alice), history.SearchQuery{Term: "needle", Recent: true, Filter: limit(1)}))(t)
		if f.Count != 150 || finds(f) != "needle 149 in the hay" {
			t.Errorf("%d: %s", f.Count, finds(f))
		}
	})
}
