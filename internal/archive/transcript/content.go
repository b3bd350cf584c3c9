package transcript

import (
	"strings"

	"github.com/tidwall/gjson"

	"conclave.chat/internal/archive/record"
)

// Members write what they like: a field of another type than it should have is taken for one that is not there.

func str(v gjson.Result) string {
	if v.Type == gjson.String {
		return v.Str
	}
	return ""
}

func list(v gjson.Result) []gjson.Result {
	if v.IsArray() {
		return v.Array()
	}
	return nil
}

// content is what an event says, apart from what it is related to.
type content struct {
	kind        Kind
	body, html  string
	mentions    []string
	location    string
	attachments []Attachment
	poll        *PollQuestion
}

const (
	htmlFormat   = "org.matrix.custom.html"
	unstablePoll = "org.matrix.msc3381.poll"
	textBlock    = "org.matrix.msc1767.text"
)

// isPoll tells which part of a poll an event of that type is.
func isPoll(typ, part string) bool { return typ == "m.poll."+part || typ == unstablePoll+"."+part }

// read takes the content of an event apart that is no state.
func read(typ string, c gjson.Result, files []record.Attachment) content {
	out := content{kind: Other, mentions: mentions(c)}
	switch {
	case typ == "m.room.message":
		out.kind = kindOf(str(c.Get("msgtype")), c)
		out.body = str(c.Get("body"))
		if str(c.Get("format")) == htmlFormat {
			out.html = str(c.Get("formatted_body"))
		}
		out.location = str(c.Get("geo_uri"))
	case typ == "m.sticker":
		out.kind, out.body = Sticker, str(c.Get("body"))
	case isPoll(typ, "start"):
		out.kind = Poll
		out.poll = readPoll(c)
		out.body = out.poll.Question
	case isPoll(typ, "end"):
		out.kind = PollEnd
	case strings.HasPrefix(typ, "m.call."), strings.HasPrefix(typ, "m.rtc."), strings.HasPrefix(typ, "org.matrix.msc4075."), strings.HasPrefix(typ, "org.matrix.msc3401."):
		out.kind = Call
	default:
		out.body = str(c.Get("body"))
	}
	out.attachments = attachments(c, files)
	if len(out.attachments) > 0 && out.kind != Sticker { // the body is the file's name unless there is a name besides
		if name := str(c.Get("filename")); name == "" || name == out.body {
			out.body, out.html = "", ""
		}
	}
	return out
}

func kindOf(msgtype string, c gjson.Result) Kind {
	switch msgtype {
	case "m.text":
		return Text
	case "m.emote":
		return Emote
	case "m.notice":
		return Notice
	case "m.file":
		return File
	case "m.image":
		return Image
	case "m.video":
		return Video
	case "m.location":
		return Location
	case "m.audio":
		if c.Get(`org\.matrix\.msc3245\.voice`).Exists() || c.Get(`org\.matrix\.msc3245\.voice\.v2`).Exists() || c.Get(`m\.voice`).Exists() {
			return Voice
		}
		return Audio
	}
	return Text // clients show the body of what they do not know
}

func mentions(c gjson.Result) (out []string) {
	m := c.Get(`m\.mentions`)
	for _, u := range list(m.Get("user_ids")) {
		if id := str(u); id != "" {
			out = append(out, id)
		}
	}
	if m.Get("room").Type == gjson.True {
		out = append(out, "@room")
	}
	return out
}

// attachments marks which files are thumbnails: the recorder names an event's file first, then its thumbnail.
func attachments(c gjson.Result, files []record.Attachment) (out []Attachment) {
	main := c.Get("url").Exists() || c.Get("file").Exists()
	for i, f := range files {
		out = append(out, Attachment{Attachment: f, Thumbnail: strings.HasPrefix(f.Name, "thumbnail of ") && (i > 0 || !main)})
	}
	return out
}

// plain is a text that may be a string, or a list of representations (MSC1767).
func plain(holder gjson.Result) string {
	if s := str(holder.Get(`org\.matrix\.msc1767\.text`)); s != "" {
		return s
	}
	for _, name := range []string{`m\.text`, `org\.matrix\.msc1767\.text`} {
		for _, r := range list(holder.Get(name)) {
			if kind := str(r.Get("mimetype")); kind == "" || kind == "text/plain" {
				return str(r.Get("body"))
			}
		}
	}
	if s := str(holder.Get(`m\.text`)); s != "" {
		return s
	}
	return str(holder.Get("body"))
}

func first(c gjson.Result, names ...string) gjson.Result {
	for _, n := range names {
		if v := c.Get(n); v.Exists() {
			return v
		}
	}
	return gjson.Result{}
}

func readPoll(c gjson.Result) *PollQuestion {
	p := first(c, `m\.poll`, `m\.poll\.start`, `org\.matrix\.msc3381\.poll\.start`)
	q := &PollQuestion{Question: plain(p.Get("question")), Most: 1}
	kind := str(p.Get("kind"))
	q.Open = strings.HasSuffix(kind, "disclosed") && !strings.HasSuffix(kind, "undisclosed")
	if n := p.Get("max_selections"); n.Type == gjson.Number && n.Int() > 1 {
		q.Most = int(min(n.Int(), 20)) // as many answers as a poll may have
	}
	for _, a := range list(p.Get("answers")) {
		id := str(a.Get(`m\.id`))
		if id == "" {
			id = str(a.Get("id"))
		}
		q.Answers = append(q.Answers, Answer{ID: id, Text: plain(a)})
	}
	return q
}

// choices are the ids that a vote names.
func choices(c gjson.Result) (out []string) {
	chosen := c.Get(`m\.selections`)
	if !chosen.Exists() {
		chosen = first(c, `m\.poll\.response`, `org\.matrix\.msc3381\.poll\.response`).Get("answers")
	}
	for _, v := range list(chosen) {
		if id := str(v); id != "" {
			out = append(out, id)
		}
	}
	return out
}

// relation is what an event says of its place among others.
type relation struct{ rel, event, key, replyTo string }

// relate reads the relation, which stands outside of what is encrypted.
func relate(outer, inner gjson.Result) relation {
	r := outer.Get(`m\.relates_to`)
	if !r.IsObject() {
		r = inner.Get(`m\.relates_to`)
	}
	out := relation{rel: str(r.Get("rel_type")), event: str(r.Get("event_id")), key: str(r.Get("key")), replyTo: str(r.Get(`m\.in_reply_to.event_id`))}
	if out.rel == "m.thread" && r.Get("is_falling_back").Type == gjson.True {
		out.replyTo = "" // for clients without threads
	}
	return out
}

// withoutFallback drops the quotation that older clients put before an answer, which others do not show.
func (c *content) withoutFallback() {
	if strings.HasPrefix(c.body, "> <@") {
		rest := c.body
		for strings.HasPrefix(rest, ">") {
			_, after, more := strings.Cut(rest, "\n")
			if !more {
				after = ""
			}
			rest = after
		}
		c.body = strings.TrimPrefix(rest, "\n")
	}
	if strings.HasPrefix(c.html, "<mx-reply>") {
		if _, after, ok := strings.Cut(c.html, "</mx-reply>"); ok {
			c.html = after
		}
	}
}
