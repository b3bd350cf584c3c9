// Package prose says in plain English what a message of a conversation is, for formats that have no fields for it: what was said, what became of it, who did
// what to the room. It owns the words, the same in every format, and how times are written. It makes nothing harmless: that is up to whoever shows it.
package prose

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"conclave.chat/internal/archive/query"
	"conclave.chat/internal/archive/transcript"
)

// Clock writes times in the export's zone.
type Clock struct{ Zone *time.Location }

// Time is a date with time and its distance from UTC.
func (c Clock) Time(t time.Time) string { return t.In(c.Zone).Format("2006-01-02 15:04:05 -07:00") }

// Day is the date alone.
func (c Clock) Day(t time.Time) string { return t.In(c.Zone).Format(time.DateOnly) }

// Person is a name with the id that is unique.
func Person(name, id string) string {
	switch {
	case name == "" || name == id:
		return id
	case id == "":
		return name
	}
	return name + " (" + id + ")"
}

// Title is what a conversation is called.
func Title(c *transcript.Conversation) string {
	if c.Name != "" {
		return c.Name
	}
	var names []string
	for _, p := range c.Participants {
		if !p.Service {
			names = append(names, or(p.Name, p.UserID))
		}
	}
	if c.Direct && len(names) > 0 || len(names) > 0 && len(names) <= 4 {
		return strings.Join(names, ", ")
	}
	return c.Room
}

func or(s, other string) string {
	if s != "" {
		return s
	}
	return other
}

// Body is what a message says, as members saw it last.
func Body(m *transcript.Message) string {
	body, _ := m.Shown()
	if v := m.Current(); v != nil {
		return say(m, body, v.Attachments)
	}
	return say(m, body, m.Attachments)
}

// First is what a message said when it was sent.
func First(m *transcript.Message) string { return say(m, m.Body, m.Attachments) }

// Later is what an edit made of it.
func Later(m *transcript.Message, v *transcript.Version) string { return say(m, v.Body, v.Attachments) }

// say never gives nothing: a message without text says what it is.
func say(m *transcript.Message, body string, files []transcript.Attachment) string {
	switch m.Kind {
	case transcript.Emote:
		return "* " + or(m.SenderName, m.Sender) + " " + body
	case transcript.Location:
		return strings.TrimSpace(body + "\n[location " + m.Location + "]")
	case transcript.Poll:
		return poll(m.Poll, body)
	case transcript.Vote:
		return "[vote for " + or(answers(m.Vote.Answers), "nothing") + "]"
	case transcript.PollEnd:
		return "[end of a poll]"
	case transcript.Call:
		return "[call: " + m.Type + "]"
	case transcript.Membership:
		return member(m.Member, m)
	case transcript.RoomName:
		return "[changed the room's name to “" + body + "”]"
	case transcript.RoomTopic:
		return "[changed the room's topic to “" + body + "”]"
	case transcript.Created:
		return "[created the room]"
	case transcript.Edit:
		return "[an edit, of a message that is not among the records or is another's] " + body
	case transcript.Reaction:
		return "[reaction " + m.Key + " to a message that is not among the records]"
	case transcript.Receipt:
		return "[read a message that is not among the records]"
	case transcript.Deletion:
		return withReason("[deleted a message that is not among the records]", body)
	case transcript.Gap:
		return withReason("[an accepted event that is not archived]", body)
	case transcript.Other:
		return strings.TrimSpace("[" + m.Type + "] " + body)
	case transcript.Text, transcript.Notice, transcript.File, transcript.Image, transcript.Audio, transcript.Voice, transcript.Video, transcript.Sticker:
	}
	if body == "" {
		for _, a := range files {
			if !a.Thumbnail {
				body = strings.TrimSpace(body + "\n[" + string(m.Kind) + " " + or(a.Name, "without a name") + "]")
			}
		}
	}
	return or(body, "[empty "+string(m.Kind)+"]")
}

func withReason(s, reason string) string {
	if reason == "" {
		return s
	}
	return s + " " + reason
}

func poll(q *transcript.PollQuestion, body string) string {
	lines := []string{"[poll] " + body}
	for i, a := range q.Answers {
		lines = append(lines, fmt.Sprintf("  %d. %s", i+1, a.Text))
	}
	return strings.Join(lines, "\n")
}

func answers(list []transcript.Answer) string {
	var words []string
	for _, a := range list {
		words = append(words, or(a.Text, a.ID))
	}
	return strings.Join(words, ", ")
}

func member(c *transcript.MemberChange, m *transcript.Message) string {
	s := Person(c.Name, c.UserID) + " " + string(c.Change)
	if c.Change == transcript.Renamed {
		s = fmt.Sprintf("%s changed name from “%s” to “%s”", c.UserID, c.WasName, c.Name)
	}
	if m.Sender != c.UserID {
		s += ", by " + Person(m.SenderName, m.Sender)
	}
	return "[" + withReason(s, reasonOf(c.Reason)) + "]"
}

func reasonOf(s string) string {
	if s == "" {
		return ""
	}
	return "(reason: " + s + ")"
}

// Removed says who deleted something, and when.
func (c Clock) Removed(r *transcript.Removal) string {
	return withReason("deleted "+c.Time(r.Sent)+" by "+Person(r.ByName, r.By), reasonOf(r.Reason))
}

// Reacted says who reacted.
func (c Clock) Reacted(r *transcript.ReactionBy) string {
	s := r.Key + " by " + Person(r.ByName, r.By) + " " + c.Time(r.Sent)
	if r.Removed != nil {
		s += ", withdrawn " + c.Time(r.Removed.Sent)
		if r.Removed.By != r.By {
			s += " by " + Person(r.Removed.ByName, r.Removed.By)
		}
	}
	return s
}

// Read says who has read something, and when.
func (c Clock) Read(r *transcript.ReadBy) string {
	return Person(r.ByName, r.By) + " " + c.Time(r.Time)
}

// Notes are lines about a message: its place among others, its earlier versions, deletion, reactions, and what the recorder said.
func (c Clock) Notes(m *transcript.Message) []string {
	var out []string
	add := func(f string, args ...any) { out = append(out, fmt.Sprintf(f, args...)) }
	if m.NotAccepted {
		add("not accepted by the room: no member saw it")
	}
	if m.Thread != "" {
		add("in the thread of %s", m.Thread)
	}
	if m.ReplyTo != "" {
		add("in reply to %s", m.ReplyTo)
	}
	if m.Related != "" {
		add("about %s", m.Related)
	}
	if said := formatted(m.Shown()); said != "" {
		add("with formatting, as members saw it: %s", said)
	}
	if len(m.Mentions) > 0 {
		add("mentions %s", strings.Join(m.Mentions, ", "))
	}
	if len(m.Edits) > 0 {
		add("first version: %s", First(m))
	}
	for i := range m.Edits {
		v := &m.Edits[i]
		add("edited %s to: %s", c.Time(v.Sent), Later(m, v))
		if v.Deleted != nil {
			add("that edit was %s", c.Removed(v.Deleted))
		}
	}
	if m.Deleted != nil {
		out = append(out, c.Removed(m.Deleted))
	}
	for i := range m.Reactions {
		out = append(out, "reaction "+c.Reacted(&m.Reactions[i]))
	}
	for i := range m.Reads {
		out = append(out, "read by "+c.Read(&m.Reads[i]))
	}
	if m.Poll != nil && !m.Poll.Ended.IsZero() {
		add("the poll ended %s", c.Time(m.Poll.Ended))
	}
	if m.Verdict != nil && m.Verdict.Action != "accept" {
		add("%s", withReason("recorder: "+m.Verdict.Action, reasonOf(m.Verdict.Reason)))
	}
	return out
}

// formatted is what members saw of a message that says something else with formatting than without: clients show the former, programs the latter.
func formatted(body, html string) string {
	if plain := transcript.PlainText(html); html != "" && !query.Same(plain, body) {
		return strings.Join(strings.Fields(plain), " ")
	}
	return ""
}

// Device says what a message was sent from.
func Device(m *transcript.Message) string {
	if m.Device == nil {
		return ""
	}
	return m.Device.ID + " (" + m.Device.Verification + ")"
}

// Participants lists who was there, and when.
func (c Clock) Participants(conv *transcript.Conversation) []string {
	var out []string
	for _, p := range conv.Participants {
		s := Person(p.Name, p.UserID)
		if p.Service {
			s += ", a program of the organisation"
		}
		for _, t := range p.Periods {
			s += ", " + c.period(t)
		}
		out = append(out, s)
	}
	return out
}

func (c Clock) period(p transcript.Period) string {
	switch {
	case p.Joined.IsZero() && p.Left.IsZero():
		return "member throughout"
	case p.Joined.IsZero():
		return "member until " + c.Time(p.Left)
	case p.Left.IsZero():
		return "member since " + c.Time(p.Joined)
	}
	return "member from " + c.Time(p.Joined) + " to " + c.Time(p.Left)
}

// Files are a message's attachments with those of its edits, each once; thumbnails come last.
func Files(m *transcript.Message) (out []transcript.Attachment) {
	known := map[string]bool{}
	add := func(list []transcript.Attachment, thumbnails bool) {
		for _, a := range list {
			if a.Thumbnail == thumbnails && !known[a.SHA256+"\n"+a.Name] {
				known[a.SHA256+"\n"+a.Name] = true
				out = append(out, a)
			}
		}
	}
	for _, thumbnails := range []bool{false, true} {
		add(m.Attachments, thumbnails)
		for i := range m.Edits {
			add(m.Edits[i].Attachments, thumbnails)
		}
	}
	return out
}

// Days cuts a conversation's messages at midnight of the zone, and gives the days in order.
func (c Clock) Days(list []*transcript.Message) [][]*transcript.Message {
	days := map[string][]*transcript.Message{}
	for _, m := range list {
		day := c.Day(m.Sent)
		days[day] = append(days[day], m)
	}
	out := make([][]*transcript.Message, 0, len(days))
	for _, day := range slices.Sorted(maps.Keys(days)) {
		out = append(out, days[day])
	}
	return out
}

// Readers are those who could see any of the messages, or wrote one, by user id.
func Readers(list []*transcript.Message) []string {
	known := map[string]bool{}
	var out []string
	add := func(id string) {
		if id != "" && !known[id] {
			known[id] = true
			out = append(out, id)
		}
	}
	var last []string
	for _, m := range list {
		add(m.Sender)
		if len(last) == len(m.Readers) && len(last) > 0 && &last[0] == &m.Readers[0] {
			continue // the same list
		}
		last = m.Readers
		for _, r := range m.Readers {
			add(r)
		}
	}
	slices.Sort(out)
	return out
}
