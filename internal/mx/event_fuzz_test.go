package mx

import (
	"bytes"
	"fmt"
	"reflect"
	"testing"

	"pgregory.net/rapid"
)

// What ParseEvent lets pass is sound: it can be loaded, redacted and judged, and neither changes its id.
func FuzzParseEvent(f *testing.F) {
	for i, id := range Versions() {
		v := version(f, id)
		f.Add(i, []byte(sample(v)))
		f.Add(i, build(f, v, Proto{RoomID: "!r:domain", Sender: alice, Type: TypeCreate, StateKey: sp(""), Content: []byte(createContent(v))}).Raw)
	}
	f.Fuzz(func(t *testing.T, i int, raw []byte) {
		ids := Versions()
		v := version(t, ids[uint(i)%uint(len(ids))])
		e, err := ParseEvent(v, raw)
		if err != nil {
			return
		}
		loaded, err := LoadEvent(v, e.ID, e.Raw)
		if err != nil || !reflect.DeepEqual(loaded, e) {
			t.Fatalf("%q loads as %+v, %v", raw, loaded, err)
		}
		again, err := ParseEvent(v, e.Raw)
		if err != nil || !reflect.DeepEqual(again, e) {
			t.Fatalf("%q parses again as %+v, %v", raw, again, err)
		}
		redacted, err := Redact(v, e.Raw)
		if err != nil {
			t.Fatal(err)
		}
		bare, err := ParseEvent(v, redacted)
		if err != nil || bare.ID != e.ID || bare.Membership() != e.Membership() || !bytes.Equal(bare.Content, RedactContent(v, e.Type, e.Content)) {
			t.Fatalf("%q redacted: %+v, %v", raw, bare, err)
		}
		_ = Authorize(v, e, NewStateMap(e))
		_, _ = e.HashValid(), SigningServers(v, e)
	})
}

func TestBuildThenParseProperties(t *testing.T) {
	s := vectorSigner(t)
	text := rapid.StringN(0, 40, 80)
	ids := rapid.Custom(func(t *rapid.T) EventID {
		return EventID("$" + rapid.StringMatching(`[A-Za-z0-9_-]{43}`).Draw(t, "id"))
	})
	rapid.Check(t, func(t *rapid.T) {
		v, _ := Version(rapid.SampledFrom(Versions()).Draw(t, "version"))
		p := Proto{
			RoomID: "!r:domain", Sender: alice, Depth: rapid.Int64Range(0, MaxInteger).Draw(t, "depth"), TS: rapid.Int64Range(-MaxInteger, MaxInteger).Draw(t, "ts"),
			Type:       rapid.OneOf(text, rapid.SampledFrom([]string{TypeCreate, TypeMember, TypePowerLevels, TypeJoinRules, TypeRedaction})).Draw(t, "type"),
			Content:    []byte(`{"x":` + anyJSON(2).Draw(t, "content") + `,"membership":"join","a":1}`),
			PrevEvents: rapid.SliceOfN(ids, 0, MaxPrevEvents).Draw(t, "prev"),
			AuthEvents: rapid.SliceOfN(ids, 0, MaxAuthEvents).Draw(t, "auth"),
		}
		if v.HashRoomID {
			p.RoomID = "!AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
		}
		if rapid.Bool().Draw(t, "state") {
			key := text.Draw(t, "key")
			p.StateKey = &key
		}
		if rapid.Bool().Draw(t, "redaction") {
			p.Type, p.Redacts = TypeRedaction, "$target"
		}
		e, err := Build(v, p, s)
		if err != nil {
			// Only the content can be at fault, and then it is so on its own too.
			if _, err := appendCanonical(nil, p.Content, 1, false); err == nil {
				t.Fatalf("%+v: %v", p, err)
			}
			return
		}
		got, err := ParseEvent(v, e.Raw)
		if err != nil {
			t.Fatalf("%s: %v", e.Raw, err)
		}
		if len(got.PrevEvents) == 0 && len(e.PrevEvents) == 0 {
			got.PrevEvents = e.PrevEvents
		}
		if len(got.AuthEvents) == 0 && len(e.AuthEvents) == 0 {
			got.AuthEvents = e.AuthEvents
		}
		if !reflect.DeepEqual(got, e) || !e.HashValid() || VerifyEvent(v, e, s.Server, s.KeyID, public(s)) != nil || e.Redacts != p.Redacts {
			t.Fatalf("built  %+v\nparsed %+v", e, got)
		}
	})
}

// drawCourt draws a room of some version in some state, and an event that somebody wants to send there.
func drawCourt(t *rapid.T) (*court, *Event) {
	users := rapid.SampledFrom([]string{alice, bob, carol, dave, eve})
	level := rapid.Custom(func(t *rapid.T) string {
		if rapid.IntRange(0, 19).Draw(t, "odd") == 13 {
			return rapid.SampledFrom([]string{`"50"`, `" -7 "`, `"x"`, "null", "{}", "true"}).Draw(t, "level")
		}
		return rapid.SampledFrom([]string{"0", "1", "49", "50", "51", "100", "-1", "9007199254740991"}).Draw(t, "level")
	})
	levels := func(keys *rapid.Generator[string], name string) string {
		out := ""
		for k, l := range rapid.MapOfN(keys, level, 0, 4).Draw(t, name) {
			out += fmt.Sprintf(`,%q:%s`, k, l)
		}
		return "{" + out[min(1, len(out)):] + "}"
	}
	powerContent := func() string {
		obj := levels(rapid.SampledFrom(scalarLevels[:]), "scalars")
		sep := map[bool]string{true: "", false: ","}[obj == "{}"]
		types := rapid.SampledFrom([]string{TypeMessage, TypeName, TypePowerLevels, TypeMember, "room"})
		return obj[:len(obj)-1] + sep + `"users":` + levels(users, "users") + `,"events":` + levels(types, "events") + `,"notifications":` + levels(types, "notifications") + "}"
	}
	memberContent := func() string {
		c := `{"membership":"` + rapid.SampledFrom([]string{Join, Join, Join, Invite, Leave, Ban, Knock, "x"}).Draw(t, "membership") + `"`
		if rapid.IntRange(0, 3).Draw(t, "vouched") == 0 {
			c += `,"join_authorised_via_users_server":"` + users.Draw(t, "voucher") + `"`
		}
		return c + "}"
	}
	v, _ := Version(rapid.SampledFrom(Versions()).Draw(t, "version"))
	c := &court{t: t, v: v, id: "!room:domain", st: StateMap{}}
	content := `{"creator":"@alice:domain","room_version":"` + v.ID + `"`
	if rapid.Bool().Draw(t, "second creator") {
		content += `,"additional_creators":["@bob:domain"]`
	}
	if rapid.IntRange(0, 5).Draw(t, "closed") == 0 {
		content += `,"m.federate":false`
	}
	create := c.event(ev{TypeCreate, alice, "", content + "}"}, nil)
	c.id = create.RoomID
	c.st[create.Key()] = create
	c.set(member(alice, Join))
	for range rapid.IntRange(0, 6).Draw(t, "members") {
		c.set(ev{TypeMember, alice, users.Draw(t, "member"), memberContent()})
	}
	if rapid.Bool().Draw(t, "rules") {
		c.set(joinRule(rapid.SampledFrom([]string{JoinPublic, JoinInvite, JoinKnock, JoinPrivate, JoinRestricted, JoinKnockRestricted, "x"}).Draw(t, "rule")))
	}
	if rapid.Bool().Draw(t, "power") {
		c.set(power(powerContent()))
	}
	who := users.Draw(t, "sender")
	e := ev{TypeMember, who, who, ""}
	switch rapid.IntRange(0, 4).Draw(t, "kind") {
	case 0:
		e = ev{TypeMessage, who, "-", `{}`}
	case 1:
		e = ev{TypeName, who, rapid.SampledFrom([]string{"", alice, bob}).Draw(t, "key"), `{}`}
	case 2:
		e = ev{TypePowerLevels, who, "", powerContent()}
	case 3:
		e.key = users.Draw(t, "target")
		e.content = memberContent()
	default:
		e.content = memberContent()
	}
	prev := []EventID{"$previous"}
	if rapid.IntRange(0, 5).Draw(t, "first") == 0 {
		prev = []EventID{create.ID}
	}
	return c, c.event(e, prev)
}

// The rules look at no state but that which AuthKeys selects, and cached power levels lead to the same judgement.
func authorizeProperty(t *rapid.T) {
	c, e := drawCourt(t)
	full := Authorize(c.v, e, c.st)
	key := ""
	if e.IsState() {
		key = *e.StateKey
	}
	selected := NewStateMap(c.st.State(TypeCreate, ""))
	var auth []*Event
	for _, k := range AuthKeys(c.v, e.Type, e.Sender, key, e.Content) {
		if s := c.st[k]; s != nil {
			selected[k] = s
			auth = append(auth, s)
		}
	}
	if part := Authorize(c.v, e, selected); (full == nil) != (part == nil) {
		t.Fatalf("version %s: %s against all of the state: %v; against the auth events: %v", c.v.ID, e.Raw, full, part)
	}
	if err := CheckAuthEvents(c.v, e, auth); err != nil {
		t.Fatalf("version %s: %s: %v", c.v.ID, e.Raw, err)
	}
	p := NewPowerLevels(c.v, c.st.State(TypeCreate, ""), c.st.State(TypePowerLevels, ""))
	if cached := Authorize(c.v, e, cachedState{c.st, p}); (full == nil) != (cached == nil) {
		t.Fatalf("version %s: %s with cached power levels: %v; without: %v", c.v.ID, e.Raw, cached, full)
	}
	if full == nil && e.Type == TypePowerLevels && e.Sender != alice {
		next := NewPowerLevels(c.v, c.st.State(TypeCreate, ""), e)
		for u, l := range next.Users() {
			if l > p.User(e.Sender) && l > p.User(u) {
				t.Fatalf("version %s: %s raises %s above the sender", c.v.ID, e.Raw, u)
			}
		}
	}
}

func TestAuthorizeProperties(t *testing.T) { rapid.Check(t, authorizeProperty) }

func FuzzAuthorize(f *testing.F) {
	f.Add([]byte("a room, a state and an event are drawn from these bytes"))
	f.Fuzz(rapid.MakeFuzz(authorizeProperty))
}
