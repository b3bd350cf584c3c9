package transcript

import (
	"cmp"
	"slices"
	"time"

	"github.com/tidwall/gjson"

	"conclave.chat/internal/archive/record"
)

// Builder takes the records of one room.
type Builder struct {
	room  string
	items []*item
	lists [][]string // of readers, each once
}

// item is a record on its way.
type item struct {
	m        *Message
	depth    int64
	position int64 // depth, or that of the one before
	prev     []string
	outer    gjson.Result // the event's content
	inner    gjson.Result // decrypted
	state    *string
	redacts  string
	reason   string
	roomName string
	sealed   bool
	files    []record.Attachment
	relation
}

// New begins the conversation of a room.
func New(room string) *Builder { return &Builder{room: room} }

// Add takes a record. Those of other rooms are left out.
func (b *Builder) Add(seq uint64, r *record.Record) {
	if r.Room != b.room {
		return
	}
	ev := gjson.ParseBytes(r.Event)
	typ := str(ev.Get("type"))
	it := &item{
		outer: ev.Get("content"), inner: ev.Get("content"), depth: ev.Get("depth").Int(), files: r.Attachments, roomName: r.RoomName,
		m: &Message{
			EventID: r.EventID, Seq: seq, Recorded: r.Time.UTC(), Sender: r.Sender, Device: r.Device, Type: typ, Policy: r.Policy, Verdict: r.Verdict,
			Readers: b.readers(r.Members),
		},
	}
	if it.m.Sender == "" {
		it.m.Sender = str(ev.Get("sender"))
	}
	it.m.Sent = it.m.Recorded
	if ts := ev.Get("origin_server_ts"); ts.Type == gjson.Number {
		it.m.Sent = time.UnixMilli(ts.Int()).UTC()
	}
	if r.Type != "" {
		it.m.Type = r.Type
	}
	if len(r.Plaintext) > 0 {
		it.inner, it.sealed = gjson.ParseBytes(r.Plaintext), true
	}
	if key := ev.Get("state_key"); key.Type == gjson.String {
		it.state, it.m.State = &key.Str, true
	}
	for _, p := range list(ev.Get("prev_events")) {
		it.prev = append(it.prev, str(p))
	}
	if typ == "m.room.redaction" {
		if it.redacts = str(it.outer.Get("redacts")); it.redacts == "" {
			it.redacts = str(ev.Get("redacts")) // before room version 11
		}
		it.reason = str(it.outer.Get("reason"))
	}
	it.relation = relate(it.outer, it.inner)
	if r.IsReceipt() {
		it.m.Kind, it.m.Related = Receipt, str(it.inner.Get("event_id"))
		it.m.Sent = time.UnixMilli(it.inner.Get("ts").Int()).UTC()
	}
	if r.Reason != "" {
		it.m.Kind, it.m.Body = Gap, r.Reason
	}
	b.items = append(b.items, it)
}

// readers keeps one copy of a list that was the same shortly before.
func (b *Builder) readers(members []string) []string {
	for i := len(b.lists) - 1; i >= max(0, len(b.lists)-4); i-- {
		if slices.Equal(b.lists[i], members) {
			return b.lists[i]
		}
	}
	b.lists = append(b.lists, members)
	return members
}

// Conversation gives what was said.
func (b *Builder) Conversation() *Conversation {
	b.order()
	b.judge()
	c := &Conversation{Room: b.room}
	p := newPeople()
	p.look(b.items)
	named := "" // by the recorder
	byID := make(map[string]*item, len(b.items))
	for _, it := range b.items {
		if _, known := byID[it.m.EventID]; !known && it.m.EventID != "" {
			byID[it.m.EventID] = it
		}
		if it.m.Kind == Receipt { // it changes nothing, and nobody needs to be there who could read it
			it.m.SenderName = p.name(it.m.Sender)
			continue
		}
		p.follow(it.m.Sent, it, c)
		if it.roomName != "" {
			named = it.roomName
		}
		it.m.SenderName = p.name(it.m.Sender)
		if it.m.Kind == "" {
			b.say(it, p, c)
		}
		p.before = it.m.Readers
	}
	hidden := map[*item]bool{}
	versions := map[string]*Message{}  // by the event id of the edit
	reactions := map[string]*Message{} // by that of the reaction
	for _, it := range b.items {
		if b.fold(it, byID, versions, reactions) {
			hidden[it] = true
		}
	}
	for _, it := range b.items {
		if it.redacts != "" && it.m.Kind != Gap && !it.m.NotAccepted {
			hidden[it] = remove(it, byID, versions, reactions, hidden)
		}
	}
	for _, it := range b.items {
		if it.m.Kind == Receipt {
			hidden[it] = receive(it.m, byID, versions, reactions, hidden)
		}
	}
	for _, it := range b.items {
		if !hidden[it] {
			c.Messages = append(c.Messages, it.m)
		}
	}
	if c.Name == "" {
		c.Name = named
	}
	c.Participants = p.list(c.Service)
	b.items = nil
	return c
}

// Alone reads one record without any other: an edit, a reaction and a deletion are messages of their own then.
func Alone(seq uint64, r *record.Record) *Message {
	b := New(r.Room)
	b.Add(seq, r)
	return b.Conversation().Messages[0]
}

// order puts records into the order of their room, which a room's depth gives: each event stands upon one other. The recorder may have got them in another.
func (b *Builder) order() {
	slices.SortStableFunc(b.items, func(x, y *item) int { return cmp.Compare(x.m.Seq, y.m.Seq) })
	last := int64(0)
	for _, it := range b.items {
		if it.position = it.depth; it.depth <= 0 {
			it.position = last
		}
		last = it.position
	}
	seen := map[string]bool{}
	b.items = slices.DeleteFunc(b.items, func(it *item) bool { // an event has one record, but for one that came again much later
		again := it.m.Kind != Gap && it.m.EventID != "" && seen[it.m.EventID]
		seen[it.m.EventID] = seen[it.m.EventID] || it.m.Kind != Gap
		return again
	})
	slices.SortStableFunc(b.items, func(x, y *item) int { return cmp.Compare(x.position, y.position) })
}

// judge marks what was signed and then not accepted: where two events stand in one place, the room went on from one of them.
func (b *Builder) judge() {
	continued := map[string]bool{}
	for _, it := range b.items {
		for _, p := range it.prev {
			continued[p] = true
		}
	}
	left := map[string]bool{}
	for i := 0; i < len(b.items); {
		j := i + 1
		for j < len(b.items) && b.items[j].position == b.items[i].position {
			j++
		}
		group := b.items[i:j]
		chosen := slices.ContainsFunc(group, func(it *item) bool { return it.depth > 0 && continued[it.m.EventID] })
		for _, it := range group {
			built := len(it.prev) > 0 && !slices.ContainsFunc(it.prev, func(p string) bool { return !left[p] })
			if it.depth > 0 && it.m.Kind != Gap && (built || chosen && !continued[it.m.EventID]) {
				it.m.NotAccepted, left[it.m.EventID] = true, true
			}
		}
		i = j
	}
}

// say fills in what an event says.
func (b *Builder) say(it *item, p *people, c *Conversation) {
	m := it.m
	if it.state != nil {
		b.state(it, p, c)
		return
	}
	if m.Type == "m.room.redaction" {
		m.Kind, m.Related, m.Body = Deletion, it.redacts, it.reason
		return
	}
	if m.Type == "m.reaction" {
		m.Kind, m.Related, m.Key = Reaction, it.event, it.key
		return
	}
	if isPoll(m.Type, "response") {
		m.Kind, m.Related, m.Vote = Vote, it.event, &PollVote{}
		for _, id := range choices(it.inner) {
			m.Vote.Answers = append(m.Vote.Answers, Answer{ID: id})
		}
		return
	}
	said := it.inner
	edit := it.rel == "m.replace"
	if edit {
		if said = it.inner.Get(`m\.new_content`); !said.IsObject() {
			said = it.inner
		}
	}
	got := read(m.Type, said, it.files)
	if it.replyTo != "" {
		got.withoutFallback()
	}
	m.Kind, m.Body, m.HTML, m.Mentions, m.Attachments, m.Location, m.Poll = got.kind, got.body, got.html, got.mentions, got.attachments, got.location, got.poll
	m.ReplyTo = it.replyTo
	switch {
	case edit:
		m.Related = it.event
	case it.rel == "m.thread":
		m.Thread = it.event
	case m.Kind == PollEnd:
		m.Related = it.event
	}
}

// fold hangs an event on the one that it belongs to, and tells whether it is nothing of its own any more.
func (b *Builder) fold(it *item, byID map[string]*item, versions, reactions map[string]*Message) bool {
	m := it.m
	if m.NotAccepted || m.Kind == Gap || m.Kind == Receipt || it.state != nil {
		return false
	}
	target := byID[it.event]
	if target != nil && !target.carries() {
		target = nil
	}
	switch {
	case m.Kind == Reaction:
		if target == nil || it.rel != "m.annotation" {
			return false
		}
		target.m.Reactions = append(target.m.Reactions, ReactionBy{EventID: m.EventID, Seq: m.Seq, Key: it.key, By: m.Sender, ByName: m.SenderName, Sent: m.Sent})
		reactions[m.EventID] = target.m
		return true
	case m.Kind == Vote && target != nil && target.m.Poll != nil:
		choose(m.Vote, target.m.Poll)
	case m.Kind == PollEnd && target != nil && target.m.Poll != nil && target.m.Poll.Ended.IsZero():
		target.m.Poll.Ended = m.Sent
	case it.rel == "m.replace":
		if !replaces(it, target) {
			m.Kind = Edit
			return false
		}
		v := Version{EventID: m.EventID, Seq: m.Seq, Sent: m.Sent, Recorded: m.Recorded, Body: m.Body, HTML: m.HTML, Mentions: m.Mentions, Attachments: m.Attachments}
		target.m.Edits = append(target.m.Edits, v)
		slices.SortStableFunc(target.m.Edits, func(x, y Version) int {
			return cmp.Or(x.Sent.Compare(y.Sent), cmp.Compare(x.EventID, y.EventID))
		})
		versions[m.EventID] = target.m
		return true
	}
	return false
}

// receive hangs a receipt on what was read: the message itself, or the one that an edit or a reaction hangs on. It tells whether that is shown.
func receive(m *Message, byID map[string]*item, versions, reactions map[string]*Message, hidden map[*item]bool) bool {
	on := versions[m.Related]
	if on == nil {
		on = reactions[m.Related]
	}
	if target := byID[m.Related]; on == nil && target != nil && !hidden[target] && target.m.Kind != Receipt {
		on = target.m
	}
	if on == nil {
		return false
	}
	on.Reads = append(on.Reads, ReadBy{Seq: m.Seq, By: m.Sender, ByName: m.SenderName, Time: m.Sent})
	return true
}

// carries tells whether others may hang on an event: what hangs on another itself, or was never said, has no place for them.
func (it *item) carries() bool {
	switch {
	case it.m.Kind == Gap || it.m.Kind == Receipt || it.m.Kind == Reaction || it.m.Kind == Deletion:
		return false
	case it.state != nil || it.m.NotAccepted || it.rel == "m.replace":
		return false
	}
	return true
}

// replaces tells whether an edit counts.
//
// Spec: cs#validity-of-replacement-events
func replaces(it, target *item) bool {
	return target != nil && target.m.Sender == it.m.Sender && target.m.Type == it.m.Type &&
		(it.sealed || !target.sealed) && it.inner.Get(`m\.new_content`).IsObject()
}

// choose gives a vote the words of its answers. No more than the poll allows count.
func choose(v *PollVote, q *PollQuestion) {
	if len(v.Answers) > q.Most {
		v.Answers = v.Answers[:q.Most]
	}
	for i, chosen := range v.Answers {
		for _, a := range q.Answers {
			if a.ID == chosen.ID {
				v.Answers[i].Text = a.Text
			}
		}
	}
}

// remove marks what was deleted. It tells whether that is among the records; who deletes again has a line of their own.
func remove(it *item, byID map[string]*item, versions, reactions map[string]*Message, hidden map[*item]bool) bool {
	r := &Removal{EventID: it.m.EventID, Seq: it.m.Seq, By: it.m.Sender, ByName: it.m.SenderName, Sent: it.m.Sent, Reason: it.reason}
	var mark **Removal
	if m := reactions[it.redacts]; m != nil {
		i := slices.IndexFunc(m.Reactions, func(x ReactionBy) bool { return x.EventID == it.redacts })
		mark = &m.Reactions[i].Removed
	} else if m := versions[it.redacts]; m != nil {
		i := slices.IndexFunc(m.Edits, func(x Version) bool { return x.EventID == it.redacts })
		mark = &m.Edits[i].Deleted
	} else if target := byID[it.redacts]; target != nil && target.redacts == "" && !hidden[target] {
		mark = &target.m.Deleted
	}
	if mark == nil || *mark != nil {
		return false
	}
	*mark = r
	return true
}
