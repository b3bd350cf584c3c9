package transcript

import (
	"fmt"
	"html"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"pgregory.net/rapid"

	"conclave.chat/internal/archive/record"
)

// m is a JSON object.
type m = map[string]any

// room is a room that is recorded, event by event.
type room struct {
	t       testing.TB
	n       int
	members []string
	last    string
	lines   []line
}

type line struct {
	seq uint64
	r   *record.Record
}

const ann, bob, rec = "@ann:x", "@bob:x", "@recorder:x"

func (r *room) at(n int) time.Time { return time.Date(2026, 3, 1, 9, 0, n, 0, time.UTC) }

// put records an event, and gives its id.
func (r *room) put(sender, typ string, content m, change ...func(ev m, rec *record.Record)) string {
	r.t.Helper()
	r.n++
	id := fmt.Sprintf("$%d", r.n)
	ev := m{"type": typ, "sender": sender, "content": content, "origin_server_ts": r.at(r.n).UnixMilli(), "depth": r.n, "prev_events": []string{}}
	if r.last != "" {
		ev["prev_events"] = []string{r.last}
	}
	out := &record.Record{Room: "!r", EventID: id, Sender: sender, Time: r.at(r.n).Add(time.Millisecond), Members: slices.Clone(r.members), Verdict: &record.Verdict{Action: "accept"}}
	for _, f := range change {
		f(ev, out)
	}
	raw, err := json.Marshal(ev)
	if err != nil {
		r.t.Fatal(err)
	}
	out.Event = raw
	r.lines = append(r.lines, line{uint64(10 + r.n), out})
	r.last = id
	return id
}

// say records an encrypted message.
func (r *room) say(sender string, content m, change ...func(ev m, rec *record.Record)) string {
	outer := m{"algorithm": "m.megolm.v1.aes-sha2"}
	if rel, ok := content["m.relates_to"]; ok {
		outer["m.relates_to"] = rel
		delete(content, "m.relates_to")
	}
	plain, err := json.Marshal(content)
	if err != nil {
		r.t.Fatal(err)
	}
	return r.put(sender, "m.room.encrypted", outer, append([]func(m, *record.Record){func(_ m, rec *record.Record) {
		rec.Type, rec.Plaintext, rec.Device = "m.room.message", plain, &record.Device{ID: "D", Verification: "verified"}
	}}, change...)...)
}

func state(key string) func(m, *record.Record) {
	return func(ev m, _ *record.Record) { ev["state_key"] = key }
}

func typed(typ string) func(m, *record.Record) {
	return func(_ m, r *record.Record) { r.Type = typ }
}

func (r *room) member(sender, user, membership, name string) string {
	c := m{"membership": membership}
	if name != "" {
		c["displayname"] = name
	}
	id := r.put(sender, "m.room.member", c, state(user))
	r.members = slices.DeleteFunc(r.members, func(u string) bool { return u == user })
	if membership == "join" {
		r.members = append(r.members, user)
	}
	return id
}

func (r *room) conversation() *Conversation {
	b := New("!r")
	for _, l := range r.lines {
		b.Add(l.seq, l.r)
	}
	return b.Conversation()
}

func text(body string) m { return m{"msgtype": "m.text", "body": body} }

func edit(of, body string) m {
	return m{"msgtype": "m.text", "body": "* " + body, "m.new_content": text(body), "m.relates_to": m{"rel_type": "m.replace", "event_id": of}}
}

func find(t *testing.T, c *Conversation, id string) *Message {
	t.Helper()
	for _, msg := range c.Messages {
		if msg.EventID == id {
			return msg
		}
	}
	t.Fatalf("%s is not a message of its own", id)
	return nil
}

func none(t *testing.T, c *Conversation, ids ...string) {
	t.Helper()
	for _, msg := range c.Messages {
		if slices.Contains(ids, msg.EventID) {
			t.Errorf("%s (%s) is a message of its own", msg.EventID, msg.Kind)
		}
	}
}

func TestConversation(t *testing.T) {
	r := &room{t: t}
	r.put(ann, "m.room.create", m{"room_version": "12"}, state(""))
	r.member(ann, ann, "join", "Ann")
	r.put(ann, "m.room.name", m{"name": "Desk"}, state(""))
	r.member(ann, bob, "invite", "Bob")
	r.member(bob, bob, "join", "Bob")
	r.member(rec, rec, "join", "Recorder")
	r.put(ann, "io.element.functional_members", m{"service_members": []string{rec}}, state(""))
	hello := r.say(ann, m{"msgtype": "m.text", "body": "buy at 41", "format": "org.matrix.custom.html", "formatted_body": "buy at <b>41</b>", "m.mentions": m{"user_ids": []string{bob}, "room": true}})
	e1 := r.say(ann, edit(hello, "buy at 42"))
	e2 := r.say(ann, edit(hello, "buy at 43"))
	foreign := r.say(bob, edit(hello, "sell"))
	heart := r.put(bob, "m.reaction", m{"m.relates_to": m{"rel_type": "m.annotation", "event_id": hello, "key": "❤️"}})
	unheart := r.put(bob, "m.room.redaction", m{"redacts": heart})
	reply := r.say(bob, m{"msgtype": "m.text", "body": "> <@ann:x> buy at 41\n\ndone", "m.relates_to": m{"m.in_reply_to": m{"event_id": hello}}})
	inThread := r.say(bob, m{"msgtype": "m.text", "body": "why?", "m.relates_to": m{"rel_type": "m.thread", "event_id": hello, "is_falling_back": true, "m.in_reply_to": m{"event_id": reply}}})
	takenBack := r.put(ann, "m.room.redaction", m{"redacts": e2})
	gone := r.put(ann, "m.room.redaction", m{"redacts": inThread, "reason": "wrong room"})
	again := r.put(bob, "m.room.redaction", m{"redacts": inThread})
	file := r.say(bob, m{"msgtype": "m.image", "body": "see", "filename": "a.png", "file": m{}, "info": m{"thumbnail_file": m{}}}, func(_ m, rec *record.Record) {
		rec.Attachments = []record.Attachment{{Name: "a.png", Type: "image/png", Size: 3, SHA256: "aa", Blob: "bb"}, {Name: "thumbnail of a.png", Blob: "cc"}}
	})
	r.member(bob, bob, "join", "Robert")
	r.put(ann, "m.room.name", m{"name": "Rates desk"}, state(""))
	kick := r.member(ann, bob, "leave", "")
	c := r.conversation()

	none(t, c, e1, e2, heart, unheart, takenBack, gone)
	got := find(t, c, hello)
	if got.SenderName != "Ann" || got.Kind != Text || got.Body != "buy at 41" || got.HTML != "buy at <b>41</b>" || !slices.Equal(got.Mentions, []string{bob, "@room"}) ||
		got.Device.Verification != "verified" || !slices.Equal(got.Readers, []string{ann, bob, rec}) || got.Seq != 18 || !got.Sent.Equal(r.at(8)) || !got.Recorded.Equal(r.at(8).Add(time.Millisecond)) {
		t.Errorf("the message is %+v", got)
	}
	if body, _ := got.Shown(); len(got.Edits) != 2 || got.Edits[0].Body != "buy at 42" || got.Edits[1].Body != "buy at 43" || got.Edits[1].Deleted == nil || got.Edits[1].Deleted.By != ann || body != "buy at 42" {
		t.Errorf("edits: %+v, shown %q", got.Edits, body)
	}
	if f := find(t, c, foreign); f.Kind != Edit || f.Related != hello || f.Body != "sell" {
		t.Errorf("somebody else's edit is %+v", f)
	}
	if len(got.Reactions) != 1 || got.Reactions[0].Key != "❤️" || got.Reactions[0].By != bob || got.Reactions[0].ByName != "Bob" || got.Reactions[0].Removed == nil || !got.Reactions[0].Removed.Sent.Equal(r.at(13)) {
		t.Errorf("reactions: %+v", got.Reactions)
	}
	if a := find(t, c, reply); a.ReplyTo != hello || a.Body != "done" {
		t.Errorf("the reply is %+v", a)
	}
	if a := find(t, c, inThread); a.Thread != hello || a.ReplyTo != "" || a.Body != "why?" || a.Deleted == nil || a.Deleted.Reason != "wrong room" || a.Deleted.ByName != "Ann" {
		t.Errorf("the deleted message is %+v", a)
	}
	if a := find(t, c, again); a.Kind != Deletion || a.Related != inThread {
		t.Errorf("who deletes again: %+v", a)
	}
	if a := find(t, c, file); a.Kind != Image || a.Body != "see" || len(a.Attachments) != 2 || a.Attachments[0].Thumbnail || !a.Attachments[1].Thumbnail || a.Attachments[0].Blob != "bb" {
		t.Errorf("the picture is %+v", a)
	}
	if a := find(t, c, kick); a.Kind != Membership || a.Member.Change != Removed || a.Member.UserID != bob || a.Member.Name != "Robert" {
		t.Errorf("removed: %+v", a.Member)
	}
	if c.Name != "Rates desk" || !slices.Equal(c.Service, []string{rec}) || c.Direct {
		t.Errorf("the room is %q %v %v", c.Name, c.Service, c.Direct)
	}
	want := []Participant{
		{UserID: ann, Name: "Ann", Periods: []Period{{Joined: r.at(2)}}},
		{UserID: bob, Name: "Robert", Periods: []Period{{Joined: r.at(5), Left: r.at(22)}}},
		{UserID: rec, Name: "Recorder", Service: true, Periods: []Period{{Joined: r.at(6)}}},
	}
	if !reflect.DeepEqual(c.Participants, want) {
		t.Errorf("participants: %+v", c.Participants)
	}
}

func TestWhatLiesOutsideIsNamed(t *testing.T) {
	r := &room{t: t, members: []string{ann, bob}}
	a := r.say(ann, edit("$before", "new"))
	b := r.put(bob, "m.reaction", m{"m.relates_to": m{"rel_type": "m.annotation", "event_id": "$before", "key": "+1"}})
	c := r.put(bob, "m.room.redaction", m{"reason": "x"}, func(ev m, _ *record.Record) { ev["redacts"] = "$before" }) // room version 10
	d := r.member(bob, bob, "join", "Robert")
	conv := r.conversation()
	if x := find(t, conv, a); x.Kind != Edit || x.Related != "$before" || x.Body != "new" {
		t.Errorf("edit: %+v", x)
	}
	if x := find(t, conv, b); x.Kind != Reaction || x.Related != "$before" || x.Key != "+1" {
		t.Errorf("reaction: %+v", x)
	}
	if x := find(t, conv, c); x.Kind != Deletion || x.Related != "$before" || x.Body != "x" {
		t.Errorf("deletion: %+v", x)
	}
	if x := find(t, conv, d); x.Member.Change == Joined {
		t.Errorf("who was a member before has joined: %+v", x.Member)
	}
}

// The recorder gets what was accepted without its signature later, and keeps what it signed and was not accepted.
func TestTheRoomsOrderCounts(t *testing.T) {
	r := &room{t: t, members: []string{ann}}
	r.say(ann, text("one"))
	lost := r.say(ann, text("two"))
	r.n, r.last = r.n-1, "$1"
	r.say(ann, text("two, sent again"), func(_ m, rec *record.Record) { rec.EventID = "$2b" })
	r.last = "$2b"
	r.say(ann, text("three"))
	r.lines[2].seq = 90 // late
	c := r.conversation()
	var said []string
	for _, msg := range c.Messages {
		said = append(said, fmt.Sprint(msg.Body, msg.NotAccepted))
	}
	if want := []string{"onefalse", "twotrue", "two, sent againfalse", "threefalse"}; !slices.Equal(said, want) {
		t.Errorf("%q, want %q", said, want)
	}
	if !find(t, c, lost).NotAccepted {
		t.Error("what was not accepted looks as if it was")
	}
}

func TestKinds(t *testing.T) {
	r := &room{t: t, members: []string{ann, bob}}
	poll := r.say(ann, m{"m.poll": m{"question": m{"m.text": []m{{"body": "Lunch?"}}}, "kind": "m.disclosed", "max_selections": 1, "answers": []m{
		{"m.id": "a", "m.text": []m{{"mimetype": "text/html", "body": "<b>Pizza</b>"}, {"body": "Pizza"}}}, {"m.id": "b", "m.text": []m{{"body": "Soup"}}},
	}}}, typed("m.poll.start"))
	old := r.say(ann, m{"org.matrix.msc3381.poll.start": m{"question": m{"org.matrix.msc1767.text": "Tea?"}, "kind": "org.matrix.msc3381.poll.undisclosed", "answers": []m{{"id": "y", "org.matrix.msc1767.text": "Yes"}}}}, typed("org.matrix.msc3381.poll.start"))
	vote := r.say(bob, m{"m.selections": []string{"b", "a"}, "m.relates_to": m{"rel_type": "m.reference", "event_id": poll}}, typed("m.poll.response"))
	oldVote := r.say(bob, m{"org.matrix.msc3381.poll.response": m{"answers": []string{"y"}}, "m.relates_to": m{"rel_type": "m.reference", "event_id": old}}, typed("org.matrix.msc3381.poll.response"))
	end := r.say(ann, m{"m.relates_to": m{"rel_type": "m.reference", "event_id": poll}}, typed("m.poll.end"))
	voice := r.say(ann, m{"msgtype": "m.audio", "body": "Voice message", "url": "mxc://x/1", "org.matrix.msc3245.voice": m{}}, func(_ m, rec *record.Record) {
		rec.Attachments = []record.Attachment{{Name: "Voice message"}}
	})
	place := r.say(ann, m{"msgtype": "m.location", "body": "here", "geo_uri": "geo:1,2"})
	sticker := r.say(ann, m{"body": "cat", "url": "mxc://x/2"}, typed("m.sticker"))
	call := r.put(ann, "m.call.member", m{}, state("_@ann:x_D"))
	odd := r.say(ann, m{"msgtype": 7, "body": m{}}, typed("m.room.message"))
	topic := r.put(ann, "m.room.topic", m{"topic": "Rates"}, state(""))
	unknown := r.put(ann, "org.example.thing", m{"a": 1})
	gap := r.put(ann, "m.room.encrypted", m{}, func(_ m, rec *record.Record) { rec.Reason = "no key came" })
	r.put(ann, "m.room.member", m{"membership": "invite", "is_direct": true}, state("@eve:x"))
	c := r.conversation()
	for id, want := range map[string]Kind{
		poll: Poll, old: Poll, vote: Vote, end: PollEnd, voice: Voice, place: Location, sticker: Sticker, call: Call, odd: Text, topic: RoomTopic, unknown: Other, gap: Gap,
	} {
		if got := find(t, c, id); got.Kind != want {
			t.Errorf("%s %s is %s, want %s", id, got.Type, got.Kind, want)
		}
	}
	p := find(t, c, poll).Poll
	if p.Question != "Lunch?" || !p.Open || p.Most != 1 || !reflect.DeepEqual(p.Answers, []Answer{{"a", "Pizza"}, {"b", "Soup"}}) || !p.Ended.Equal(r.at(5)) {
		t.Errorf("the poll is %+v", p)
	}
	if o := find(t, c, old).Poll; o.Question != "Tea?" || o.Open || !o.Ended.IsZero() || o.Answers[0].Text != "Yes" {
		t.Errorf("the older poll is %+v", o)
	}
	if v := find(t, c, vote).Vote; !reflect.DeepEqual(v.Answers, []Answer{{"b", "Soup"}}) {
		t.Errorf("the vote is %+v: one answer may be chosen", v)
	}
	if v := find(t, c, oldVote).Vote; !reflect.DeepEqual(v.Answers, []Answer{{"y", "Yes"}}) {
		t.Errorf("the older vote is %+v", v)
	}
	if v := find(t, c, voice); v.Body != "" || v.Attachments[0].Name != "Voice message" {
		t.Errorf("the voice message is %+v", v)
	}
	if g := find(t, c, gap); g.Body != "no key came" {
		t.Errorf("the gap is %+v", g)
	}
	if l := find(t, c, place); l.Location != "geo:1,2" || !c.Direct {
		t.Errorf("the location is %+v, direct %v", l, c.Direct)
	}
}

// everything are the ids of all events that a conversation shows in some place.
func everything(c *Conversation) (ids []string) {
	removal := func(r *Removal) {
		if r != nil {
			ids = append(ids, r.EventID)
		}
	}
	for _, msg := range c.Messages {
		ids = append(ids, msg.EventID)
		removal(msg.Deleted)
		for _, v := range msg.Edits {
			ids = append(ids, v.EventID)
			removal(v.Deleted)
		}
		for _, x := range msg.Reactions {
			ids = append(ids, x.EventID)
			removal(x.Removed)
		}
	}
	slices.Sort(ids)
	return ids
}

// Whatever members do, each record is in the conversation once, and the order in which records come does not matter.
func TestNothingIsLost(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		r := &room{t: t, members: []string{ann, bob}}
		var want []string
		n := rapid.IntRange(1, 30).Draw(rt, "events")
		for range n {
			sender := rapid.SampledFrom([]string{ann, bob}).Draw(rt, "sender")
			target := fmt.Sprintf("$%d", rapid.IntRange(0, n+1).Draw(rt, "target"))
			switch rapid.IntRange(0, 6).Draw(rt, "what") {
			case 0, 1:
				want = append(want, r.say(sender, text("x")))
			case 2:
				want = append(want, r.say(sender, edit(target, "y")))
			case 3:
				want = append(want, r.put(sender, "m.reaction", m{"m.relates_to": m{"rel_type": "m.annotation", "event_id": target, "key": "k"}}))
			case 4:
				want = append(want, r.put(sender, "m.room.redaction", m{"redacts": target}))
			case 5:
				want = append(want, r.member(sender, sender, rapid.SampledFrom([]string{"join", "leave"}).Draw(rt, "membership"), "N"))
			case 6:
				want = append(want, r.put(sender, "m.room.encrypted", m{}, func(_ m, rec *record.Record) { rec.Reason = "gap" }))
			}
			if rapid.Bool().Draw(rt, "fork") && r.n > 1 {
				r.last = fmt.Sprintf("$%d", r.n-1)
			}
		}
		slices.Sort(want)
		first := r.conversation()
		if got := everything(first); !slices.Equal(got, want) {
			rt.Fatalf("%v, want %v", got, want)
		}
		r.lines = rapid.Permutation(r.lines).Draw(rt, "order")
		if second := r.conversation(); !reflect.DeepEqual(first, second) {
			rt.Fatal("another order of the same records gives another conversation")
		}
	})
}

func FuzzRecord(f *testing.F) {
	f.Add(`{"type":"m.room.message","content":{"body":"x","m.relates_to":{"rel_type":"m.replace","event_id":"$0"}},"depth":2}`, "m.room.message", `{"m.new_content":{"body":"y"}}`)
	f.Add(`{"type":"m.room.member","state_key":"@a:x","content":{"membership":"join"},"depth":-1}`, "", ``)
	f.Add(`{"type":"m.poll.start","content":{"m.poll":{"answers":[{"m.id":"a"}],"max_selections":-1}}}`, "", ``)
	f.Add(`{"type":"m.room.message","content":{"body":"> <@`+strings.Repeat(">\n", 9)+`"}}`, "", ``)
	f.Fuzz(func(t *testing.T, event, typ, plain string) {
		b := New("!r")
		for i, e := range []string{event, `{"type":"m.room.message","content":{"body":"one"},"depth":1}`, event} {
			b.Add(uint64(i), &record.Record{Room: "!r", EventID: fmt.Sprint("$", i), Event: []byte(e), Type: typ, Plaintext: []byte(plain), Sender: "@a:x", Members: []string{"@a:x"}})
		}
		if got := everything(b.Conversation()); len(got) != 3 {
			t.Fatalf("%v", got)
		}
	})
}

// What is no HTML loses nothing, and what is none that anybody has seen does no harm.
func FuzzPlainText(f *testing.F) {
	for _, s := range []string{"a < b & c", "<b>x</b>", "<!--", "<a href='", "<plaintext>", "<textarea><script>", "&#0;&#x110000;&amp"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		_ = PlainText(s)
		want := strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(s)
		if got := PlainText(html.EscapeString(s)); got != want && !strings.Contains(s, "\x00") {
			t.Fatalf("%q became %q", s, got)
		}
	})
}
