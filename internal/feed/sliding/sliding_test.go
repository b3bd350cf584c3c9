package sliding_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tidwall/gjson"

	"conclave.chat/internal/fault"
	"conclave.chat/internal/feed/feedtest"
	"conclave.chat/internal/feed/sliding"
	"conclave.chat/internal/mx"
	"conclave.chat/internal/store"
	"conclave.chat/internal/store/personal"
)

// client is a client of one connection.
type client struct {
	*testing.T
	g      *feedtest.Rig
	s      *sliding.Service
	user   mx.UserID
	device mx.DeviceID
	stable bool
	pos    string
}

func newClient(t *testing.T, g *feedtest.Rig, s *sliding.Service, user mx.UserID) *client {
	return &client{T: t, g: g, s: s, user: user, device: "DEVICE"}
}

func (c *client) try(body, pos string) (gjson.Result, error) {
	c.Helper()
	r, err := sliding.Parse([]byte(body), sliding.Query{Pos: pos}, c.user, c.device, c.stable)
	if err != nil {
		return gjson.Result{}, err
	}
	raw, pending, err := c.s.Sync(context.Background(), r)
	if pending != nil {
		raw, err = pending.Wait(context.Background())
	}
	if err == nil && !gjson.ValidBytes(raw) {
		c.Fatalf("not JSON: %s", raw)
	}
	return gjson.ParseBytes(raw), err
}

// ask sends a request with the token of the last answer, and takes that of the new one.
func (c *client) ask(body string) gjson.Result {
	c.Helper()
	a, err := c.try(body, c.pos)
	if err != nil {
		c.Fatal(err)
	}
	c.pos = a.Get("pos").Str
	return a
}

func room(a gjson.Result, id mx.RoomID) gjson.Result {
	return a.Get("rooms." + gjson.Escape(string(id)))
}

func roomsOf(a gjson.Result) []string {
	var ids []string
	a.Get("rooms").ForEach(func(k, _ gjson.Result) bool {
		ids = append(ids, k.Str)
		return true
	})
	slices.Sort(ids)
	return ids
}

func bodies(list gjson.Result) []string {
	var out []string
	for _, e := range list.Array() {
		out = append(out, e.Get("content.body").Str)
	}
	return out
}

func expect(t *testing.T, what string, got, want any) {
	t.Helper()
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

const all = `{"lists":{"all":{"ranges":[[0,99]],"timeline_limit":2,"required_state":[["m.room.name",""],["m.room.member","$ME"]]}}}`

// Spec: MSC4186
func TestRoomsComeWholeFirstAndThenWhatIsNew(t *testing.T) {
	feedtest.Each(t, func(t *testing.T, g *feedtest.Rig) {
		s := sliding.New(g.Feed, nil)
		r := g.Create("@a:x", "shared")
		g.State(r, "@a:x", mx.TypeName, "", `{"name":"Tea"}`)
		g.Member(r, "@b:x", "@b:x", mx.Join)
		g.Message(r, "@b:x", "one")
		g.Message(r, "@b:x", "two")
		c := newClient(t, g, s, "@a:x")
		a := c.ask(all)
		got := room(a, r)
		expect(t, "count", a.Get("lists.all.count").Int(), 1)
		expect(t, "initial", got.Get("initial").Bool(), true)
		expect(t, "name", got.Get("name").Str, "Tea")
		expect(t, "joined", got.Get("joined_count").Int(), 2)
		expect(t, "timeline", bodies(got.Get("timeline")), []string{"one", "two"})
		expect(t, "limited", got.Get("limited").Bool(), true)
		expect(t, "live", got.Get("num_live").Int(), 0)
		expect(t, "state", len(got.Get("required_state").Array()), 2)
		if got.Get("prev_batch").Str == "" || !got.Get("bump_stamp").Exists() {
			t.Errorf("no prev_batch or bump_stamp: %s", got.Raw)
		}
		expect(t, "nothing new", roomsOf(c.ask(all)), []string(nil))
		g.Message(r, "@b:x", "three")
		got = room(c.ask(all), r)
		expect(t, "initial", got.Get("initial").Bool(), false)
		expect(t, "timeline", bodies(got.Get("timeline")), []string{"three"})
		expect(t, "limited", got.Get("limited").Bool(), false)
		expect(t, "live", got.Get("num_live").Int(), 1)
		expect(t, "state", got.Get("required_state").Raw, "[]")
		expect(t, "name again", got.Get("name").Exists(), false)
		for i := range 3 {
			g.Message(r, "@b:x", fmt.Sprint("m", i))
		}
		g.State(r, "@a:x", mx.TypeName, "", `{"name":"Coffee"}`)
		got = room(c.ask(all), r)
		expect(t, "limited", got.Get("limited").Bool(), true)
		expect(t, "new name", got.Get("name").Str, "Coffee")
		expect(t, "state", got.Get("required_state.0.content.name").Str, "Coffee")
		g.State(r, "@a:x", mx.TypeName, "", `{}`)
		got = room(c.ask(all), r)
		expect(t, "name removed", got.Get("name").Raw, "null")
		expect(t, "heroes", got.Get("heroes.0.user_id").Str, "@b:x")
	})
}

// Spec: MSC4186
func TestAnAnswerThatGotLostIsGivenAgain(t *testing.T) {
	feedtest.Each(t, func(t *testing.T, g *feedtest.Rig) {
		s := sliding.New(g.Feed, nil)
		r := g.Create("@a:x", "shared")
		c := newClient(t, g, s, "@a:x")
		c.ask(all)
		pos := c.pos
		g.Message(r, "@a:x", "one")
		first := c.ask(all)
		c.pos = pos
		second := c.ask(all)
		expect(t, "the second time", room(second, r).Get("timeline.#.event_id").Raw, room(first, r).Get("timeline.#.event_id").Raw)
		g.Message(r, "@a:x", "two")
		expect(t, "and then", bodies(room(c.ask(all), r).Get("timeline")), []string{"two"})
		for what, pos := range map[string]string{"an older token": pos, "the token of a lost answer": first.Get("pos").Str, "none of ours": "p1_2_3"} {
			if _, err := c.try(all, pos); !fault.Is(err, "M_UNKNOWN_POS") {
				t.Errorf("%s: %v", what, err)
			}
		}
		other := newClient(t, g, s, "@b:x")
		if _, err := other.try(all, c.pos); !fault.Is(err, "M_UNKNOWN_POS") {
			t.Errorf("another user's token: %v", err)
		}
		again := newClient(t, g, s, "@a:x") // of the same device: takes the connection over
		again.ask(all)
		if _, err := c.try(all, c.pos); !fault.Is(err, "M_UNKNOWN_POS") {
			t.Errorf("a connection that began anew: %v", err)
		}
		named := strings.Replace(all, `{"lists"`, `{"conn_id":"other","lists"`, 1)
		third := newClient(t, g, s, "@a:x")
		third.ask(named)
		expect(t, "beside another connection", roomsOf(again.ask(all)), []string(nil))
	})
}

// Spec: MSC4186
func TestListsAreWindowsByActivity(t *testing.T) {
	feedtest.Each(t, func(t *testing.T, g *feedtest.Rig) {
		s := sliding.New(g.Feed, nil)
		var rooms []mx.RoomID
		for range 5 {
			rooms = append(rooms, g.Create("@a:x", "shared"))
		}
		window := func(high int) string {
			return fmt.Sprintf(`{"lists":{"l":{"ranges":[[0,%d]],"timeline_limit":1,"required_state":[]}}}`, high)
		}
		names := func(list ...int) (out []string) {
			for _, i := range list {
				out = append(out, string(rooms[i]))
			}
			slices.Sort(out)
			return out
		}
		c := newClient(t, g, s, "@a:x")
		a := c.ask(window(1))
		expect(t, "the newest two", roomsOf(a), names(3, 4))
		expect(t, "count", a.Get("lists.l.count").Int(), 5)
		expect(t, "a larger window", roomsOf(c.ask(window(2))), names(2))
		g.Message(rooms[0], "@a:x", "hello")
		got := c.ask(window(2))
		expect(t, "a room comes up", roomsOf(got), names(0))
		expect(t, "what is new in it is live", room(got, rooms[0]).Get("num_live").Int(), 1)
		g.Message(rooms[2], "@a:x", "hello") // now 2, 0, 4
		g.Message(rooms[1], "@a:x", "hello") // now 1, 2, 0
		g.Message(rooms[4], "@a:x", "hello") // now 4, 1, 2
		expect(t, "those in the window", roomsOf(c.ask(window(2))), names(1, 2, 4))
		expect(t, "all of them", roomsOf(c.ask(window(9))), names()) // 0 and 3 were told of before and have nothing new
	})
}

// Spec: MSC4186
func TestFiltersSelectRooms(t *testing.T) {
	feedtest.Each(t, func(t *testing.T, g *feedtest.Rig) {
		s := sliding.New(g.Feed, nil)
		plain := g.Create("@a:x", "")
		secret := g.Create("@a:x", "")
		g.State(secret, "@a:x", mx.TypeEncryption, "", `{"algorithm":"m.megolm.v1.aes-sha2"}`)
		invited := g.Create("@b:x", "")
		g.Member(invited, "@b:x", "@a:x", mx.Invite)
		space := g.CreateTyped("@a:x", "m.space")
		g.State(space, "@a:x", mx.TypeSpaceChild, string(plain), `{"via":["x"]}`)
		g.State(space, "@a:x", mx.TypeSpaceChild, string(secret), `{}`)
		g.Write(func(tx *store.Tx) error {
			return personal.PutAccountData(tx, "@a:x", "", "m.direct", []byte(`{"@b:x":["`+string(secret)+`"]}`))
		})
		g.Write(func(tx *store.Tx) error {
			return personal.PutAccountData(tx, "@a:x", plain, "m.tag", []byte(`{"tags":{"m.favourite":{}}}`))
		})
		for filter, want := range map[string][]mx.RoomID{
			`{}`:                             {plain, secret, invited, space},
			`{"is_dm":true}`:                 {secret},
			`{"is_dm":false}`:                {plain, invited, space},
			`{"is_encrypted":true}`:          {secret},
			`{"is_encrypted":false}`:         {plain, invited, space},
			`{"is_invite":true}`:             {invited},
			`{"is_invited":true}`:            {invited},
			`{"is_invite":false}`:            {plain, secret, space},
			`{"room_types":["m.space"]}`:     {space},
			`{"room_types":[null]}`:          {plain, secret, invited},
			`{"not_room_types":["m.space"]}`: {plain, secret, invited},
			`{"room_types":["m.space"],"not_room_types":["m.space"]}`: {},
			`{"spaces":["` + string(space) + `"]}`:                    {plain},
			`{"spaces":["!unknown:x"]}`:                               {},
			`{"tags":["m.favourite"]}`:                                {plain},
			`{"not_tags":["m.favourite"]}`:                            {secret, invited, space},
			`{"tags":["m.favourite"],"not_tags":["m.favourite"]}`:     {},
		} {
			c := newClient(t, g, s, "@a:x")
			a := c.ask(`{"lists":{"l":{"timeline_limit":0,"required_state":[],"filters":` + filter + `}}}`)
			var ids []string
			for _, r := range want {
				ids = append(ids, string(r))
			}
			slices.Sort(ids)
			expect(t, filter, roomsOf(a), ids)
			expect(t, filter+" count", a.Get("lists.l.count").Int(), len(want))
		}
	})
}

// Spec: MSC4186
func TestChangedWishesAreMet(t *testing.T) {
	feedtest.Each(t, func(t *testing.T, g *feedtest.Rig) {
		s := sliding.New(g.Feed, nil)
		r := g.Create("@a:x", "shared")
		g.State(r, "@a:x", "m.thing", "k", `{"n":1}`)
		for i := range 5 {
			g.Message(r, "@a:x", fmt.Sprint(i))
		}
		list := func(limit int, state string) string {
			return fmt.Sprintf(`{"lists":{"l":{"timeline_limit":%d,"required_state":%s}}}`, limit, state)
		}
		c := newClient(t, g, s, "@a:x")
		expect(t, "at first", bodies(room(c.ask(list(1, "[]")), r).Get("timeline")), []string{"4"})
		got := room(c.ask(list(3, "[]")), r)
		expect(t, "a longer timeline", bodies(got.Get("timeline")), []string{"2", "3", "4"})
		expect(t, "expanded", got.Get("unstable_expanded_timeline").Bool(), true)
		expect(t, "initial", got.Get("initial").Bool(), false)
		expect(t, "live", got.Get("num_live").Int(), 0)
		expect(t, "asked again", roomsOf(c.ask(list(3, "[]"))), []string(nil))
		g.Message(r, "@a:x", "5")
		expect(t, "a shorter one", bodies(room(c.ask(list(1, "[]")), r).Get("timeline")), []string{"5"})
		expect(t, "as long as what is there", roomsOf(c.ask(list(4, "[]"))), []string(nil))
		got = room(c.ask(list(4, `[["m.thing","*"]]`)), r)
		expect(t, "more state", got.Get("required_state.0.content.n").Int(), 1)
		expect(t, "no timeline with it", bodies(got.Get("timeline")), []string(nil))
		got = room(c.ask(`{"room_subscriptions":{"`+string(r)+`":{"timeline_limit":50,"required_state":[["*","*"]]}}}`), r)
		expect(t, "all state", len(got.Get("required_state").Array()), 3)
		expect(t, "all events", len(got.Get("timeline").Array()), len(g.Log(r)))
		expect(t, "not limited", got.Get("limited").Bool(), false)
		expect(t, "nothing more to expand", roomsOf(c.ask(list(90, "[]"))), []string(nil))
	})
}

// Spec: MSC4186
func TestLazyMembers(t *testing.T) {
	feedtest.Each(t, func(t *testing.T, g *feedtest.Rig) {
		s := sliding.New(g.Feed, nil)
		r := g.Create("@a:x", "shared")
		for _, u := range []mx.UserID{"@b:x", "@c:x", "@d:x"} {
			g.Member(r, u, u, mx.Join)
		}
		g.Message(r, "@b:x", "hello")
		members := func(a gjson.Result) (out []string) {
			for _, e := range room(a, r).Get("required_state").Array() {
				if e.Get("type").Str == mx.TypeMember {
					out = append(out, e.Get("state_key").Str)
				}
			}
			slices.Sort(out)
			return out
		}
		for _, state := range []string{
			`[["*","*"],["m.room.member","$LAZY"],["m.room.member","$ME"]]`,
			`{"include":[{},{"type":"m.room.member","state_key":"@a:x"}],"lazy_members":true}`,
		} {
			body := `{"lists":{"l":{"timeline_limit":1,"required_state":` + state + `}}}`
			c := newClient(t, g, s, "@a:x")
			expect(t, "the sender and the user", members(c.ask(body)), []string{"@a:x", "@b:x"})
			g.Message(r, "@b:x", "hello")
			expect(t, "one sent already", members(c.ask(body)), []string(nil))
			g.Message(r, "@c:x", "hello")
			expect(t, "a new sender", members(c.ask(body)), []string{"@c:x"})
			g.State(r, "@d:x", mx.TypeMember, "@d:x", fmt.Sprintf(`{"displayname":"%d","membership":"join"}`, g.TS))
			expect(t, "a change", members(c.ask(body)), []string{"@d:x"})
			g.Message(r, "@c:x", "hello")
			g.Message(r, "@b:x", "hello")
			expect(t, "after a gap members are sent again", members(c.ask(body)), []string{"@b:x"})
		}
	})
}

// Spec: MSC4186
// Spec: cs#stripped-state
func TestInvitesKnocksAndRoomsLeft(t *testing.T) {
	feedtest.Each(t, func(t *testing.T, g *feedtest.Rig) {
		s := sliding.New(g.Feed, nil)
		c := newClient(t, g, s, "@a:x")
		c.stable = true
		body := `{"lists":{"l":{"timeline_limit":5,"required_state":{"include":[{"type":"m.room.member","state_key":"@a:x"}]}}}}`
		ask := func() gjson.Result {
			a, err := c.try(strings.Replace(body, "{", `{"pos":"`+c.pos+`",`, 1), "")
			if err != nil {
				t.Fatal(err)
			}
			c.pos = a.Get("pos").Str
			return a
		}
		ask()
		r := g.Create("@b:x", "joined")
		g.Message(r, "@b:x", "secret")
		g.Member(r, "@b:x", "@a:x", mx.Invite)
		got := room(ask(), r)
		expect(t, "membership", got.Get("membership").Str, "invite")
		expect(t, "lists", got.Get("lists").Raw, `["l"]`)
		if !strings.Contains(got.Get("stripped_state").Raw, mx.TypeCreate) || got.Get("timeline").Exists() || got.Get("required_state").Exists() {
			t.Errorf("an invited user gets %s", got.Raw)
		}
		expect(t, "nothing new", roomsOf(ask()), []string(nil))
		g.Member(r, "@a:x", "@a:x", mx.Leave)
		got = room(ask(), r)
		expect(t, "rejected", got.Get("membership").Str, "leave")
		expect(t, "own event", got.Get("required_state.0.content.membership").Str, "leave")
		expect(t, "no secrets", len(got.Get("timeline").Array()), 1)
		g.Member(r, "@a:x", "@a:x", mx.Join)
		got = room(ask(), r)
		expect(t, "membership", got.Get("membership").Str, "join")
		expect(t, "initial", got.Get("initial").Bool(), true)
		expect(t, "no secrets", bodies(got.Get("timeline")), []string{""})
		g.Message(r, "@b:x", "before")
		g.Member(r, "@b:x", "@a:x", mx.Ban)
		g.Message(r, "@b:x", "after")
		got = room(ask(), r)
		expect(t, "banned", got.Get("membership").Str, "ban")
		expect(t, "until then", bodies(got.Get("timeline")), []string{"before", ""})
		expect(t, "own event", got.Get("required_state.0.content.membership").Str, "ban")
		g.Message(r, "@b:x", "later")
		expect(t, "nothing from then on", roomsOf(ask()), []string(nil))

		left := g.Create("@a:x", "")
		g.Member(left, "@a:x", "@a:x", mx.Leave)
		never := g.Create("@b:x", "")
		g.Member(never, "@b:x", "@a:x", mx.Ban)
		anew := newClient(t, g, s, "@a:x")
		expect(t, "anew: rooms that others took away, not those left or never joined", roomsOf(anew.ask(all)), []string{string(r)})
	})
}

// Spec: MSC4186
func TestExtensions(t *testing.T) {
	feedtest.Each(t, func(t *testing.T, g *feedtest.Rig) {
		s := sliding.New(g.Feed, nil)
		r, other := g.Create("@a:x", ""), g.Create("@a:x", "")
		g.Member(r, "@b:x", "@b:x", mx.Join)
		put := func(room mx.RoomID, typ string) {
			g.Write(func(tx *store.Tx) error { return personal.PutAccountData(tx, "@a:x", room, typ, []byte(`{}`)) })
		}
		put("", "m.global")
		put(r, "m.room.data")
		put(other, "m.room.data")
		ext := func(e string) string {
			return `{"extensions":` + e + `,"lists":{"l":{"ranges":[[0,0]],"timeline_limit":1,"required_state":[]}}}`
		}
		c := newClient(t, g, s, "@a:x")
		body := ext(`{"account_data":{"enabled":true},"receipts":{"enabled":true},"typing":{"enabled":true},"e2ee":{"enabled":true},"to_device":{"enabled":true}}`)
		a := c.ask(body)
		expect(t, "global data", a.Get("extensions.account_data.global.0.type").Str, "m.global")
		expect(t, "rooms in the window", a.Get("extensions.account_data.rooms|@keys").Raw, `["`+string(r)+`"]`)
		expect(t, "key counts", a.Get("extensions.e2ee.device_one_time_keys_count").Raw, "{}")
		if a.Get("extensions.to_device.next_batch").Str == "" {
			t.Errorf("to_device without a token: %s", a.Raw)
		}
		e := g.Message(r, "@b:x", "hello")
		g.Write(func(tx *store.Tx) error {
			for _, u := range []mx.UserID{"@a:x", "@b:x"} {
				if _, err := personal.PutReceipt(tx, personal.Receipt{Room: r, User: u, Type: personal.Read, Event: e.ID, EventPos: e.Pos, TS: 7}); err != nil {
					return err
				}
			}
			return nil
		})
		g.Ephemeral.SetTyping(r, "@b:x", time.Minute)
		put(other, "m.other.data")
		a = c.ask(body)
		expect(t, "receipts", a.Get("extensions.receipts.rooms."+gjson.Escape(string(r))+".content").Raw,
			`{"`+string(e.ID)+`":{"m.read":{"@a:x":{"ts":7},"@b:x":{"ts":7}}}}`)
		expect(t, "typing", a.Get("extensions.typing.rooms."+gjson.Escape(string(r))+".content.user_ids.0").Str, "@b:x")
		expect(t, "data of a room outside of the window", a.Get("extensions.account_data").Exists(), false)
		a = c.ask(body)
		expect(t, "nothing new", a.Get("extensions.receipts").Exists() || a.Get("extensions.typing").Exists(), false)
		g.Message(other, "@a:x", "hello")
		a = c.ask(body)
		expect(t, "data of a room that comes into the window", a.Get("extensions.account_data.rooms."+gjson.Escape(string(other))+".#").Int(), 2)
		put(r, "m.late")
		c.ask(body)
		g.Message(r, "@b:x", "hello")
		a = c.ask(body)
		expect(t, "what changed while it was outside", a.Get("extensions.account_data.rooms."+gjson.Escape(string(r))+".0.type").Str, "m.late")
		expect(t, "only that", a.Get("extensions.account_data.rooms."+gjson.Escape(string(r))+".#").Int(), 1)
	})
}

// Spec: MSC4186
// Spec: appendices#opaque-identifiers
func TestBadRequests(t *testing.T) {
	feedtest.Each(t, func(t *testing.T, g *feedtest.Rig) {
		s := sliding.New(g.Feed, nil)
		many := func(n int, f string) string {
			var parts []string
			for i := range n {
				parts = append(parts, fmt.Sprintf(f, i))
			}
			return strings.Join(parts, ",")
		}
		for body, code := range map[string]string{
			`{`: "M_NOT_JSON", `[]`: "M_BAD_JSON", `{"lists":[]}`: "M_BAD_JSON", `{"conn_id":1}`: "M_BAD_JSON", `{"conn_id":"a","conn_id":"b"}`: "M_BAD_JSON",
			`{"timeout":-1}`: "M_INVALID_PARAM", `{"set_presence":"away"}`: "M_INVALID_PARAM",
			`{"lists":{"":{"timeline_limit":1,"required_state":[]}}}`:                                         "M_INVALID_PARAM",
			`{"lists":{"a b":{"timeline_limit":1,"required_state":[]}}}`:                                      "M_INVALID_PARAM",
			`{"lists":{"l":{"required_state":[]}}}`:                                                           "M_MISSING_PARAM",
			`{"lists":{"l":{"timeline_limit":-1,"required_state":[]}}}`:                                       "M_INVALID_PARAM",
			`{"lists":{"l":{"timeline_limit":1.5,"required_state":[]}}}`:                                      "M_BAD_JSON",
			`{"lists":{"l":{"timeline_limit":1,"required_state":[["a"]]}}}`:                                   "M_BAD_JSON",
			`{"lists":{"l":{"timeline_limit":1,"required_state":{"include":[1]}}}}`:                           "M_BAD_JSON",
			`{"lists":{"l":{"timeline_limit":1,"required_state":[],"ranges":[[5,1]]}}}`:                       "M_INVALID_PARAM",
			`{"lists":{"l":{"timeline_limit":1,"required_state":[],"ranges":[[-1,1]]}}}`:                      "M_INVALID_PARAM",
			`{"lists":{"l":{"timeline_limit":1,"required_state":[],"ranges":[[1]]}}}`:                         "M_BAD_JSON",
			`{"room_subscriptions":{"x":{"timeline_limit":1,"required_state":[]}}}`:                           "M_INVALID_PARAM",
			`{"extensions":{"to_device":{"enabled":true,"since":"x"}}}`:                                       "M_INVALID_PARAM",
			`{"extensions":{"to_device":{"enabled":true,"limit":0}}}`:                                         "M_INVALID_PARAM",
			`{"lists":{` + many(101, `"l%d":{"timeline_limit":1,"required_state":[]}`) + `}}`:                 "M_INVALID_PARAM",
			`{"room_subscriptions":{` + many(101, `"!r%d:x":{"timeline_limit":1,"required_state":[]}`) + `}}`: "M_INVALID_PARAM",
		} {
			c := newClient(t, g, s, "@a:x")
			if _, err := c.try(body, ""); !fault.Is(err, code) {
				t.Errorf("%.90s: %v, want %s", body, err, code)
			}
		}
		c := newClient(t, g, s, "@a:x")
		expect(t, "rooms that are not the user's", roomsOf(c.ask(`{"room_subscriptions":{"!nowhere:x":{"timeline_limit":1,"required_state":[]}}}`)), []string(nil))
	})
}

// A request waits until something concerns it.
func TestRequestsWait(t *testing.T) {
	feedtest.Each(t, func(t *testing.T, g *feedtest.Rig) {
		s := sliding.New(g.Feed, nil)
		r := g.Create("@a:x", "")
		c := newClient(t, g, s, "@a:x")
		c.ask(all)
		start := time.Now()
		go func() {
			time.Sleep(50 * time.Millisecond)
			g.Message(r, "@a:x", "hello")
		}()
		a := c.ask(strings.Replace(all, "{", `{"timeout":60000,`, 1))
		expect(t, "what comes", bodies(room(a, r).Get("timeline")), []string{"hello"})
		if took := time.Since(start); took > 10*time.Second {
			t.Errorf("it took %v", took)
		}
		start = time.Now()
		c.ask(strings.Replace(all, "{", `{"timeout":50,`, 1))
		if took := time.Since(start); took < 50*time.Millisecond {
			t.Errorf("without news it was answered after %v", took)
		}
	})
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(all))
	f.Add([]byte(`{"conn_id":"x","lists":{"l":{"range":[0,9],"timeline_limit":1,"required_state":{"include":[{}],"lazy_members":true},"filters":{"is_dm":true}}}}`))
	f.Add([]byte(`{"room_subscriptions":{"!a:x":{"timeline_limit":3,"required_state":[["*","*"]]}},"extensions":{"to_device":{"enabled":true}}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		if _, err := sliding.Parse(body, sliding.Query{}, "@a:x", "D", len(body)%2 == 0); err != nil && fault.Of(err) == nil {
			t.Fatalf("not a fault: %v", err)
		}
	})
}
