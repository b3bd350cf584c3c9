package show

import (
	"io"
	"strconv"
	"strings"
	"unicode/utf8"

	"conclave.chat/internal/archive/casefile"
	"conclave.chat/internal/archive/query"
)

// Rooms writes a list of rooms.
func Rooms(w io.Writer, rooms []casefile.Room, o Options) error {
	p := newPen(w, o)
	for _, r := range rooms {
		p.print(p.style(bold, orNone(Line(r.Name), "(without a name)")) + "  " + p.style(dim, Line(r.ID)) + "\n")
		p.block("", "", plural(r.Records)+", "+p.moment(r.First)+" to "+p.moment(r.Last)+" "+p.Zone.String())
	}
	return p.err
}

// How much of a text is shown around what was found, in characters.
const (
	before = 60
	after  = 160
)

// Hits writes what a search has found.
func Hits(w io.Writer, hits []casefile.Hit, o Options) error {
	p := newPen(w, o)
	for _, h := range hits {
		p.print(p.moment(h.Sent) + "  " + orNone(Line(h.RoomName), Line(h.Room)) + "  " + p.style(bold, person(h.Name, h.Sender)) + "  " + p.style(dim, Line(h.Event)) + "\n")
		p.print(indent + p.snippet(h.Text, h.Marks) + "\n")
		var notes []string
		switch string(h.Kind) {
		case "text", "emote", "notice":
		default:
			notes = append(notes, Line(string(h.Kind)))
		}
		if h.About != "" {
			notes = append(notes, "about "+Line(h.About))
		}
		if h.Edited {
			notes = append(notes, "edited later")
		}
		if h.Deleted {
			notes = append(notes, "deleted later")
		}
		for _, f := range h.Files {
			notes = append(notes, "file "+Line(f))
		}
		if len(notes) > 0 {
			p.block(dim, "", "["+strings.Join(notes, "; ")+"]")
		}
	}
	return p.err
}

// snippet is the part of a text where something was found, with that marked.
func (p *pen) snippet(text string, marks []query.Span) string {
	from := 0
	if len(marks) > 0 {
		from = marks[0].Start
		for n := 0; from > 0 && n < before; n++ {
			_, size := utf8.DecodeLastRuneInString(text[:from])
			from -= size
		}
	}
	to := from
	for n := 0; to < len(text) && n < before+after; n++ {
		_, size := utf8.DecodeRuneInString(text[to:])
		to += size
	}
	var b strings.Builder
	if from > 0 {
		b.WriteString("…")
	}
	at := from
	plain := func(s string) { b.WriteString(strings.ReplaceAll(Text(s), "\n", " / ")) }
	for _, m := range marks {
		if m.Start >= to {
			break
		}
		plain(text[at:m.Start])
		at = min(m.End, to)
		hit := strings.ReplaceAll(Text(text[m.Start:at]), "\n", " / ")
		if p.Colour {
			b.WriteString(p.style(mark, hit))
		} else {
			b.WriteString("[" + hit + "]")
		}
	}
	plain(text[at:to])
	if to < len(text) {
		b.WriteString("…")
	}
	return b.String()
}

func plural(n int) string {
	if n == 1 {
		return "1 record"
	}
	return strconv.Itoa(n) + " records"
}
