// Package page writes conversations as HTML: one page for each, which needs nothing but itself and the folder of attachments, and an index. A page holds no script and
// loads nothing from elsewhere; its Content-Security-Policy says so to the browser, too. Pictures are shown, other attachments are links.
package page

import (
	"bufio"
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"errors"
	"fmt"
	"html/template"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"conclave.chat/internal/archive/export"
	"conclave.chat/internal/archive/export/prose"
	"conclave.chat/internal/archive/transcript"
)

//go:embed page.css
var style string

//go:embed page.html
var source string

// Format is HTML.
type Format struct {
	job   *export.Job
	clock prose.Clock
	tmpl  *template.Template
	index []entry
	err   error
}

type entry struct {
	Title, Room, Link, First, Last string
	Messages                       int
}

// New makes the format.
func New(j *export.Job) export.Format {
	f := &Format{job: j, clock: prose.Clock{Zone: j.Zone}, tmpl: template.Must(template.New("page").Parse(source))}
	for _, kept := range j.Kept() {
		var e entry
		if f.err = json.Unmarshal(kept, &e); f.err != nil {
			break
		}
		f.index = append(f.index, e)
	}
	return f
}

// head is what each page begins with.
type head struct {
	Title, Policy string
	Style         template.CSS
	Case          string
	Zone, Made    string
	Tool, Archive string
	Checkpoint    string
	Room          string
	Participants  []string
	Entries       []entry
}

func (f *Format) head(title string) head {
	sum := sha256.Sum256([]byte(style))
	return head{
		Title: title, Style: template.CSS(style), //nolint:gosec // it is our own
		Policy: "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'; img-src 'self' file:; base-uri 'none'; form-action 'none'",
		Case:   f.job.Case, Zone: f.job.Zone.String(), Made: f.clock.Time(f.job.Made), Tool: f.job.Tool, Archive: f.job.Archive, Checkpoint: f.job.Checkpoint,
	}
}

// item is a message as the page shows it.
type item struct {
	Seq           uint64
	ID, Link      string
	Time, ISO     string
	Name, Sender  string
	Hue           int
	Side          bool // it is an event of the room rather than something that was said
	Body          string
	Deleted       string
	Device        string
	Notes         []string
	Reply, Thread *quote
	Versions      []version
	Reactions     []reaction
	Files         []file
}

type quote struct{ Link, ID, Name, Text string }

type version struct{ When, Text, Withdrawn string }

type reaction struct {
	Key, Who  string
	Withdrawn bool
}

type file struct {
	Name, Link, Type, Size, SHA256, Missing string
	Picture                                 bool
}

// Conversation writes a room's page.
func (f *Format) Conversation(ctx context.Context, c *transcript.Conversation, from int) error {
	if f.err != nil {
		return f.err
	}
	title := prose.Title(c)
	name := export.SafeName(title) + "-" + prose.Short(c.Room) + ".html"
	out, err := f.job.Create(name)
	if err != nil {
		return err
	}
	w := bufio.NewWriter(out)
	h := f.head(title)
	h.Room, h.Participants = c.Room, f.clock.Participants(c)
	run := func(part string, data any) error {
		if err := f.tmpl.ExecuteTemplate(w, part, data); err != nil {
			return fmt.Errorf("html: %w", err)
		}
		return ctx.Err()
	}
	if from == 0 {
		if err := run("top", h); err != nil {
			return err
		}
	}
	known := map[string]*transcript.Message{}
	for _, m := range c.Messages {
		known[m.EventID] = m
	}
	day := ""
	if from > 0 {
		day = f.day(c.Messages[from-1])
	}
	for i, m := range c.Messages[from:] {
		if d := f.day(m); d != day {
			day = d
			if err := run("day", d); err != nil {
				return err
			}
		}
		it, err := f.item(m, known)
		if err != nil {
			return err
		}
		if err := run("message", it); err != nil {
			return err
		}
		if err := f.job.Reached(from+i+1, w.Flush); err != nil {
			return err
		}
	}
	if err := run("bottom", h); err != nil {
		return err
	}
	e := entry{Title: strings.ToValidUTF8(title, "\ufffd"), Room: strings.ToValidUTF8(c.Room, "\ufffd"), Link: "./" + url.PathEscape(name), Messages: len(c.Messages)}
	if n := len(c.Messages); n > 0 {
		e.First, e.Last = f.clock.Time(c.Messages[0].Sent), f.clock.Time(c.Messages[n-1].Sent)
	}
	f.index = append(f.index, e)
	return errors.Join(f.job.Keep(e), w.Flush(), out.Close())
}

func (f *Format) day(m *transcript.Message) string {
	return m.Sent.In(f.job.Zone).Format("Monday, 2 January 2006")
}

func (f *Format) item(m *transcript.Message, known map[string]*transcript.Message) (*item, error) {
	it := &item{
		Seq: m.Seq, ID: m.EventID, Link: anchor(m.EventID), Time: m.Sent.In(f.job.Zone).Format("15:04:05"), ISO: m.Sent.In(f.job.Zone).Format(time.RFC3339Nano), Name: m.SenderName,
		Sender: m.Sender, Body: prose.Body(m), Device: prose.Device(m), Reply: quoted(m.ReplyTo, known), Thread: quoted(m.Thread, known),
		Side: m.State || m.Kind == transcript.Gap || m.Kind == transcript.Other,
	}
	if it.Name == "" {
		it.Name = m.Sender
	}
	it.Hue = hue(m.Sender)
	if m.Deleted != nil {
		it.Deleted = f.clock.Removed(m.Deleted)
	}
	if len(m.Edits) > 0 {
		it.Versions = append(it.Versions, version{When: f.clock.Time(m.Sent), Text: prose.First(m)})
	}
	for i := range m.Edits {
		v := version{When: f.clock.Time(m.Edits[i].Sent), Text: prose.Later(m, &m.Edits[i])}
		if d := m.Edits[i].Deleted; d != nil {
			v.Withdrawn = f.clock.Removed(d)
		}
		it.Versions = append(it.Versions, v)
	}
	for i := range m.Reactions {
		r := &m.Reactions[i]
		it.Reactions = append(it.Reactions, reaction{r.Key, strings.TrimPrefix(f.clock.Reacted(r), r.Key+" "), r.Removed != nil})
	}
	it.Notes = f.notes(m)
	var err error
	it.Files, err = f.files(m)
	return it, err
}

// notes are those that the page shows in no other way.
func (f *Format) notes(m *transcript.Message) []string {
	rest := *m
	rest.Edits, rest.Deleted, rest.Reactions, rest.ReplyTo, rest.Thread = nil, nil, nil, "", ""
	rest.Body, rest.HTML = m.Shown()
	return f.clock.Notes(&rest)
}

func hue(s string) int {
	n := 0
	for _, r := range s {
		n = (n*31 + int(r)) % 8
	}
	return n
}

// anchor names a message within its page.
func anchor(id string) string { return "m-" + prose.Short(id) }

func quoted(id string, known map[string]*transcript.Message) *quote {
	if id == "" {
		return nil
	}
	q := &quote{ID: id}
	if m := known[id]; m != nil {
		q.Link, q.Name = "#"+anchor(id), m.SenderName
		if q.Name == "" {
			q.Name = m.Sender
		}
		if q.Text = prose.Body(m); len([]rune(q.Text)) > 140 {
			q.Text = string([]rune(q.Text)[:140]) + "…"
		}
	}
	return q
}

// pictures are what browsers show; vector graphics are not among them, for they can hold more than a picture.
var pictures = []string{"image/png", "image/jpeg", "image/gif", "image/webp"} //nolint:gochecknoglobals // a constant

func (f *Format) files(m *transcript.Message) (out []file, err error) {
	for _, a := range prose.Files(m) {
		v := file{Name: a.Name, Type: a.Type, Size: size(a.Size), SHA256: a.SHA256}
		if a.Thumbnail {
			v.Type = "thumbnail"
		}
		name, err := f.job.Attachment(a.Attachment)
		var missing *export.MissingError
		switch {
		case errors.As(err, &missing):
			v.Missing = missing.Reason
		case err != nil:
			return nil, err
		default:
			folder, base, _ := strings.Cut(name, "/")
			v.Link = "./" + folder + "/" + url.PathEscape(base)
			v.Picture = slices.Contains(pictures, a.Type)
		}
		out = append(out, v)
	}
	return out, nil
}

func size(n int64) string {
	switch {
	case n < 10<<10:
		return fmt.Sprintf("%d bytes", n)
	case n < 10<<20:
		return fmt.Sprintf("%d KB", n>>10)
	}
	return fmt.Sprintf("%d MB", n>>20)
}

// Close writes the index.
func (f *Format) Close() error {
	if f.err != nil {
		return f.err
	}
	out, err := f.job.Create("index.html")
	if err != nil {
		return err
	}
	h := f.head("Case " + f.job.Case)
	h.Entries = f.index
	if err := f.tmpl.ExecuteTemplate(out, "index", h); err != nil {
		return fmt.Errorf("html: %w", err)
	}
	return out.Close()
}
