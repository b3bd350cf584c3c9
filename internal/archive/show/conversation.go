package show

import (
	"fmt"
	"io"
	"strings"
	"time"

	"conclave.chat/internal/archive/query"
	"conclave.chat/internal/archive/transcript"
)

// Options say how to write.
type Options struct {
	Zone   *time.Location
	Width  int  // columns; 0: lines are not broken
	Colour bool // it is a terminal that knows ANSI's sequences
}

// Part says which messages of a conversation to write.
type Part struct {
	Since, Until time.Time
	Around       string // an event: it, and those near it
	Near         int
}

// pen writes with the options.
type pen struct {
	Options
	w   io.Writer
	err error
}

func newPen(w io.Writer, o Options) *pen {
	if o.Zone == nil {
		o.Zone = time.UTC
	}
	if o.Width <= 0 {
		o.Width = 1 << 20
	}
	return &pen{Options: o, w: w}
}

func (p *pen) print(s string) {
	if p.err == nil {
		_, p.err = io.WriteString(p.w, s)
	}
}

// The only sequences that are written: they are ours.
const (
	bold = "\x1b[1m"
	dim  = "\x1b[2m"
	mark = "\x1b[7m"
	off  = "\x1b[0m"
)

func (p *pen) style(how, s string) string {
	if !p.Colour || s == "" {
		return s
	}
	return how + s + off
}

func (p *pen) clock(t time.Time) string { return t.In(p.Zone).Format("15:04:05") }

func (p *pen) moment(t time.Time) string { return t.In(p.Zone).Format("2006-01-02 15:04:05") }

// when is the time of something that happened to a message: with its day where that is another.
func (p *pen) when(t, message time.Time) string {
	if t.In(p.Zone).Format(time.DateOnly) == message.In(p.Zone).Format(time.DateOnly) {
		return p.clock(t)
	}
	return p.moment(t)
}

const indent = "          "

// block writes lines below a message's head.
func (p *pen) block(how, prefix, text string) {
	rest := strings.Repeat(" ", wide(prefix))
	for i, line := range wrap(text, p.Width-len(indent)-len(rest)) {
		if i > 0 {
			prefix = rest
		}
		p.print(indent + prefix + p.style(how, line) + "\n")
	}
}

// person is a name with its id, which nobody chooses.
func person(name, id string) string {
	if name = Line(name); name == "" || name == id {
		return Line(id)
	}
	return name + " (" + Line(id) + ")"
}

// Conversation writes a conversation.
func Conversation(w io.Writer, c *transcript.Conversation, part Part, o Options) error {
	p := newPen(w, o)
	byID := map[string]*transcript.Message{}
	for _, m := range c.Messages {
		byID[m.EventID] = m
	}
	list, err := pick(c, part)
	if err != nil {
		return err
	}
	p.head(c, len(list))
	day := ""
	for _, m := range list {
		if d := m.Sent.In(p.Zone).Format("Monday, 2006-01-02"); d != day {
			day = d
			p.print("\n" + p.style(bold, "--- "+d+" ---") + "\n")
		}
		p.message(m, byID)
	}
	return p.err
}

// pick chooses messages. One is there as well when what became of it falls into the period.
func pick(c *transcript.Conversation, part Part) (list []*transcript.Message, err error) {
	from, to := 0, len(c.Messages)
	if part.Around != "" {
		at := -1
		for i, m := range c.Messages {
			if names(m, part.Around) {
				at = i
			}
		}
		if at < 0 {
			return nil, fmt.Errorf("%q is not in this conversation", Line(part.Around))
		}
		from, to = max(0, at-part.Near), min(len(c.Messages), at+part.Near+1)
	}
	within := func(t time.Time) bool {
		return (part.Since.IsZero() || !t.Before(part.Since)) && (part.Until.IsZero() || t.Before(part.Until))
	}
	for _, m := range c.Messages[from:to] {
		ok := within(m.Sent) || m.Deleted != nil && within(m.Deleted.Sent)
		for _, v := range m.Edits {
			ok = ok || within(v.Sent)
		}
		if ok {
			list = append(list, m)
		}
	}
	return list, nil
}

// names tells whether an event is a message, or what became of it.
func names(m *transcript.Message, event string) bool {
	if m.EventID == event || m.Deleted != nil && m.Deleted.EventID == event {
		return true
	}
	for _, v := range m.Edits {
		if v.EventID == event {
			return true
		}
	}
	for _, r := range m.Reactions {
		if r.EventID == event {
			return true
		}
	}
	return false
}

func (p *pen) head(c *transcript.Conversation, n int) {
	kind := "group"
	if c.Direct {
		kind = "direct chat"
	}
	name := Line(c.Name)
	if name == "" {
		name = "(without a name)"
	}
	p.print(p.style(bold, name) + "  " + p.style(dim, Line(c.Room)) + "\n")
	p.print(fmt.Sprintf("%s; %d of %d entries; times in %s\n", kind, n, len(c.Messages), p.Zone))
	for _, x := range c.Participants {
		line := "  " + person(x.Name, x.UserID)
		if x.Service {
			line += ", a program"
		}
		for _, period := range x.Periods {
			switch {
			case period.Left.IsZero() && period.Joined.IsZero():
			case period.Left.IsZero():
				line += ", joined " + p.moment(period.Joined)
			case period.Joined.IsZero():
				line += ", left " + p.moment(period.Left)
			default:
				line += ", joined " + p.moment(period.Joined) + ", left " + p.moment(period.Left)
			}
		}
		p.print(line + "\n")
	}
}

// message writes one with all that became of it.
func (p *pen) message(m *transcript.Message, byID map[string]*transcript.Message) {
	who := p.style(bold, person(m.SenderName, m.Sender))
	if m.Sender == "" {
		who = "(unknown)"
	}
	p.print(p.clock(m.Sent) + "  " + who + "  " + p.style(dim, Line(m.EventID)) + "\n")
	for _, remark := range remarks(m) {
		p.block(dim, "", "["+remark+"]")
	}
	p.place(m, byID)
	p.body(m)
	for _, a := range m.Attachments {
		if !a.Thumbnail {
			p.block("", "", fmt.Sprintf("file: %s (%s, %d bytes, SHA-256 %s)", Line(a.Name), orNone(Line(a.Type), "unknown type"), a.Size, Line(a.SHA256)))
		}
	}
	p.versions(m)
	if d := m.Deleted; d != nil {
		text := "deleted " + p.when(d.Sent, m.Sent) + " by " + person(d.ByName, d.By)
		if d.Reason != "" {
			text += ": " + Line(d.Reason)
		}
		p.block(bold, "", "["+text+"]")
	}
	for _, r := range m.Reactions {
		text := Line(r.Key) + "  " + person(r.ByName, r.By) + " " + p.when(r.Sent, m.Sent)
		if r.Removed != nil {
			text += ", withdrawn " + p.when(r.Removed.Sent, m.Sent)
		}
		p.block(dim, "", text)
	}
	for _, r := range m.Reads {
		p.block(dim, "", "read by "+person(r.ByName, r.By)+" "+p.when(r.Time, m.Sent))
	}
}

func orNone(s, none string) string {
	if s == "" {
		return none
	}
	return s
}

// remarks are what an officer has to know besides what was said.
func remarks(m *transcript.Message) (out []string) {
	if m.NotAccepted {
		out = append(out, "not accepted: the room went on without this event, no member saw it")
	}
	if m.Device != nil && m.Device.Verification != "verified" {
		out = append(out, "from the "+orNone(Line(m.Device.Verification), "unknown")+" device "+Line(m.Device.ID))
	}
	if v := m.Verdict; v != nil && v.Action != "accept" && v.Action != "" {
		text := Line(v.Action)
		if v.Action == "unsigned" {
			text = "recorded after it was accepted"
		}
		if v.Reason != "" {
			text += ": " + Line(v.Reason)
		}
		out = append(out, text)
	}
	return out
}

// place writes what a message answers and in which thread it stands.
func (p *pen) place(m *transcript.Message, byID map[string]*transcript.Message) {
	about := func(what, id string) {
		if id == "" {
			return
		}
		text := what + " " + Line(id)
		if t := byID[id]; t != nil {
			body, _ := t.Shown()
			if body == "" && len(t.Attachments) > 0 {
				body = t.Attachments[0].Name
			}
			text = what + " " + person(t.SenderName, t.Sender) + " " + p.when(t.Sent, m.Sent) + ": " + short(Line(body), 60)
		}
		p.block(dim, "> ", text)
	}
	about("reply to", m.ReplyTo)
	about("in the thread of", m.Thread)
	switch m.Kind { //nolint:exhaustive // the others are about nothing
	case transcript.Edit:
		about("edit that does not count, or of a message that is not in this case:", m.Related)
	case transcript.Deletion:
		about("deletion of", m.Related)
	case transcript.Receipt:
		about("has read", m.Related)
	case transcript.Reaction:
		about("reaction to", m.Related)
	case transcript.Vote, transcript.PollEnd:
		about("on the poll of", m.Related)
	}
}

func short(s string, most int) string {
	if wide(s) <= most {
		return s
	}
	used := 0
	for i, r := range s {
		if used += columns(r); used > most-1 {
			return s[:i] + "…"
		}
	}
	return s
}

// body writes what was said, as it was seen last.
func (p *pen) body(m *transcript.Message) {
	switch m.Kind { //nolint:exhaustive // the others have a text
	case transcript.Membership:
		c := m.Member
		text := "* " + person(c.Name, c.UserID) + " " + string(c.Change)
		if c.WasName != "" {
			text += ", was " + Line(c.WasName)
		}
		if c.Reason != "" {
			text += ": " + Line(c.Reason)
		}
		p.block("", "", text)
		return
	case transcript.RoomName, transcript.RoomTopic:
		p.block("", "", "* "+string(m.Kind)+" is now: "+Line(m.Body))
		return
	case transcript.Created:
		p.block("", "", "* created the room")
		return
	case transcript.Gap:
		p.block(bold, "", "[NOT ARCHIVED: "+Line(m.Body)+"]")
		return
	case transcript.Vote:
		var chosen []string
		for _, a := range m.Vote.Answers {
			chosen = append(chosen, orNone(Line(a.Text), Line(a.ID)))
		}
		p.block("", "", "* voted: "+orNone(strings.Join(chosen, "; "), "nothing"))
		return
	case transcript.PollEnd:
		p.block("", "", "* ended the poll")
		return
	case transcript.Reaction:
		p.block("", "", Line(m.Key))
		return
	case transcript.Call, transcript.Other:
		p.block("", "", "* "+Line(m.Type))
	case transcript.Emote:
		p.print(indent + "* " + Line(m.SenderName) + "\n")
	}
	body, html := m.Shown()
	p.said(body, html)
	if m.Location != "" {
		p.block("", "", "location: "+Line(m.Location))
	}
	if m.Poll != nil {
		for _, a := range m.Poll.Answers {
			p.block("", "( ) ", Line(a.Text))
		}
		if !m.Poll.Ended.IsZero() {
			p.block(dim, "", "[ended "+p.when(m.Poll.Ended, m.Sent)+"]")
		}
	}
	if v := m.Current(); v != nil && m.Attachments == nil {
		for _, a := range v.Attachments {
			p.block("", "", "file: "+Line(a.Name)+" (SHA-256 "+Line(a.SHA256)+")")
		}
	}
}

// said writes a text, and the formatted one besides where it says something else: clients show one or the other.
func (p *pen) said(body, html string) {
	if body != "" {
		p.block("", "", Text(body))
	}
	if plain := transcript.PlainText(html); html != "" && !query.Same(plain, body) {
		p.block("", "[formatted] ", strings.TrimSpace(Text(plain)))
	}
}

// versions writes all that a message has been.
func (p *pen) versions(m *transcript.Message) {
	if len(m.Edits) == 0 {
		return
	}
	p.block(dim, "", "[edited; first, "+p.clock(m.Sent)+":]")
	p.said2("  | ", m.Body, m.HTML)
	for _, v := range m.Edits {
		head := "[" + p.when(v.Sent, m.Sent) + ":]"
		if v.Deleted != nil {
			head = "[" + p.when(v.Sent, m.Sent) + ", withdrawn " + p.when(v.Deleted.Sent, m.Sent) + ":]"
		}
		p.block(dim, "", head)
		p.said2("  | ", v.Body, v.HTML)
	}
}

func (p *pen) said2(prefix, body, html string) {
	for _, line := range wrap(Text(body), p.Width-len(indent)-len(prefix)) {
		p.print(indent + prefix + p.style(dim, line) + "\n")
	}
	if plain := transcript.PlainText(html); html != "" && !query.Same(plain, body) {
		for _, line := range wrap(strings.TrimSpace(Text(plain)), p.Width-len(indent)-len(prefix)) {
			p.print(indent + prefix + p.style(dim, "[formatted] "+line) + "\n")
		}
	}
}
