// Package rsmf writes conversations in Relativity's short message format, version 2.0: a mail (RFC 5322) with the attachment rsmf.zip, which holds
// rsmf_manifest.json and the files that it names. Each conversation and day is a file of its own, of at most 10,000 events, as Relativity recommends.
//
// What the format has no field for, such as who deleted a message, stands in an event's custom properties.
package rsmf

import (
	"archive/zip"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"conclave.chat/internal/archive/export"
	"conclave.chat/internal/archive/export/mail"
	"conclave.chat/internal/archive/export/prose"
	"conclave.chat/internal/archive/transcript"
)

const (
	version  = "2.0.0"
	platform = "conclave"
)

var limits = prose.Limits{Messages: 10_000, Bytes: 1 << 30} //nolint:gochecknoglobals // a constant

// Format is RSMF.
type Format struct {
	job   *export.Job
	clock prose.Clock
}

// New makes the format.
func New(j *export.Job) export.Format { return &Format{job: j, clock: prose.Clock{Zone: j.Zone}} }

// Conversation writes a room's files.
func (f *Format) Conversation(ctx context.Context, c *transcript.Conversation, from int) error {
	t := &talk{Format: f, Conversation: c, title: prose.Title(c), names: prose.Names(c)}
	for i, s := range f.clock.Slices(c, limits)[from:] {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := t.slice(s); err != nil {
			return fmt.Errorf("rsmf: %s: %w", s.Suffix(), err)
		}
		if err := f.job.Reached(from+i+1, nil); err != nil {
			return err
		}
	}
	return nil
}

// Close does nothing: each file is complete.
func (f *Format) Close() error { return nil }

type talk struct {
	*Format
	*transcript.Conversation
	title string
	names map[string]string
}

// stamp is ISO 8601 with the offset of the export's zone.
func (f *Format) stamp(t time.Time) string {
	return t.In(f.job.Zone).Format("2006-01-02T15:04:05.000Z07:00")
}

func (t *talk) slice(s prose.Slice) error {
	name := export.SafeName(t.title) + "-" + prose.Short(t.Room) + "_" + s.Suffix() + ".rsmf"
	out, err := t.job.Create("rsmf/" + name)
	if err != nil {
		return err
	}
	m, files := t.manifest(s)
	w, err := mail.New(out, "conclave-"+prose.Short(t.Room, s.Suffix()), t.fields(s, m, files)...)
	if err != nil {
		return err
	}
	if err := w.Text(t.text(s)); err != nil {
		return err
	}
	err = w.Attach("rsmf.zip", "application/zip", func(p io.Writer) error { return t.zip(p, s, m, files) })
	if err = errors.Join(err, w.Close()); err != nil {
		return err
	}
	return out.Close()
}

// fields are the mail's, with those that Relativity takes as metadata.
func (t *talk) fields(s prose.Slice, m *manifest, files []file) []mail.Field {
	first, last := s.Messages[0].Sent, s.Messages[0].Sent
	for _, x := range s.Messages {
		if x.Sent.Before(first) {
			first = x.Sent
		}
		if x.Sent.After(last) {
			last = x.Sent
		}
	}
	ids := make([]string, 0, len(m.Participants))
	people := make([]string, 0, len(m.Participants))
	for _, p := range m.Participants {
		ids = append(ids, p.ID)
		people = append(people, prose.Person(t.names[p.ID], p.ID))
	}
	from := s.Messages[0].Sender
	return []mail.Field{
		{Name: "Date", Value: mail.Date(first.In(t.job.Zone)), Raw: true},
		{Name: "From", Value: mail.Address(t.names[from], from), Raw: true},
		{Name: "To", Value: mail.Addresses(t.names, ids), Raw: true},
		{Name: "Subject", Value: t.title + ", " + s.Suffix()},
		{Name: "Message-ID", Value: mail.ID(t.job.Archive, "rsmf", t.Room, s.Suffix()), Raw: true},
		{Name: "X-RSMF-Version", Value: version},
		{Name: "X-RSMF-Generator", Value: t.job.Tool},
		{Name: "X-RSMF-BeginDate", Value: first.UTC().Format("2006-01-02T15:04:05.000Z")},
		{Name: "X-RSMF-EndDate", Value: last.UTC().Format("2006-01-02T15:04:05.000Z")},
		{Name: "X-RSMF-EventCount", Value: strconv.Itoa(len(m.Events))},
		{Name: "X-RSMF-Application", Value: "Conclave"},
		{Name: "X-RSMF-Participants", Value: strings.Join(people, "; ")},
		{Name: "X-RSMF-AttachmentCount", Value: strconv.Itoa(len(files))},
		{Name: "X-RSMF-EventCollectionID", Value: m.Collection},
		{Name: "X-RSMF-Case", Value: t.job.Case},
		{Name: "X-RSMF-RoomID", Value: t.Room},
		{Name: "X-RSMF-Zone", Value: t.job.Zone.String()},
	}
}

// text is what is searched, and shown where there is no viewer.
func (t *talk) text(s prose.Slice) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s (%s), %s, times in %s\n\n", t.title, t.Room, s.Suffix(), t.job.Zone)
	for _, m := range s.Messages {
		fmt.Fprintf(&b, "%s  %s: %s\n", t.clock.Time(m.Sent), prose.Person(m.SenderName, m.Sender), prose.Body(m))
		for _, n := range t.clock.Notes(m) {
			fmt.Fprintf(&b, "  – %s\n", n)
		}
	}
	return b.String()
}

// file is one in rsmf.zip.
type file struct {
	name string
	transcript.Attachment
	at time.Time
}

// manifest describes a slice.
func (t *talk) manifest(s prose.Slice) (*manifest, []file) {
	m := &manifest{Version: version, Collection: "conclave-" + prose.Short(t.job.Archive, t.Room)}
	here := map[string]bool{}
	for _, x := range s.Messages {
		here[x.EventID] = true
	}
	b := &builder{talk: t, here: here, people: map[string]bool{}, known: map[string]bool{}}
	for _, id := range prose.Readers(s.Messages) {
		b.people[id] = true
	}
	for _, x := range s.Messages {
		m.Events = append(m.Events, b.event(x))
	}
	conv := conversation{ID: t.Room, Display: t.title, Platform: platform, Type: "channel", Participants: []string{}}
	if t.Direct {
		conv.Type = "direct"
	}
	for _, x := range s.Messages { // the members at the first event of which that is known
		if len(x.Readers) > 0 {
			conv.Participants = x.Readers
			break
		}
	}
	conv.Custom = properties("Case", t.job.Case, "Zone", t.job.Zone.String(), "Day", s.Day, "Archive", t.job.Archive, "Checkpoint", t.job.Checkpoint)
	if s.Parts > 1 {
		conv.Custom = append(conv.Custom, custom{"Part", fmt.Sprintf("%d of %d", s.Part, s.Parts)})
	}
	m.Conversations = []conversation{conv}
	m.Participants = b.participants()
	return m, b.files
}

// builder collects what events refer to.
type builder struct {
	*talk
	here   map[string]bool // events of the slice
	people map[string]bool
	known  map[string]bool // names of files
	files  []file
}

func (b *builder) participants() []participant {
	out := []participant{}
	add := func(id, name string, service bool) {
		p := participant{ID: id, Display: name, Email: mail.AddrSpec(id), Account: id}
		if p.Display == "" {
			p.Display = id
		}
		if service {
			p.Custom = properties("Kind", "program of the organisation")
		}
		out = append(out, p)
		delete(b.people, id)
	}
	for _, p := range b.Participants {
		if b.people[p.UserID] {
			add(p.UserID, p.Name, p.Service)
		}
	}
	rest := make([]string, 0, len(b.people))
	for id := range b.people {
		rest = append(rest, id)
	}
	slices.Sort(rest)
	for _, id := range rest {
		add(id, "", false)
	}
	return out
}

// properties are pairs of names and values; those without a value are left out, as the schema wants.
func properties(pairs ...string) (out []custom) {
	for p := range slices.Chunk(pairs, 2) {
		if p[1] != "" {
			out = append(out, custom{p[0], p[1]})
		}
	}
	return out
}

func (b *builder) event(m *transcript.Message) event {
	e := event{
		ID: m.EventID, Type: typeOf(m), Body: prose.Body(m), Participant: m.Sender, Conversation: b.Room, Timestamp: b.stamp(m.Sent), Deleted: m.Deleted != nil,
		Reactions: b.reactions(m), Edits: b.edits(m), Receipts: b.receipts(m),
	}
	if m.Member != nil && m.Member.UserID != "" && e.Type != "unknown" {
		e.Participant = m.Member.UserID
		b.people[e.Participant] = true
	}
	if b.here[m.Thread] && m.Thread != m.EventID {
		e.Parent = m.Thread
	}
	e.Custom = properties("Record", strconv.FormatUint(m.Seq, 10), "Kind", string(m.Kind), "Thread", m.Thread, "In reply to", m.ReplyTo, "About", m.Related,
		"Mentions", strings.Join(m.Mentions, ", "), "Device", prose.Device(m), "Location", m.Location)
	if m.NotAccepted {
		e.Custom = append(e.Custom, custom{"Not accepted", "the room went on without it: no member saw it"})
	}
	if d := m.Deleted; d != nil {
		e.Custom = append(e.Custom, properties("Deleted by", prose.Person(d.ByName, d.By), "Deleted at", b.stamp(d.Sent), "Deletion reason", d.Reason)...)
	}
	for i := range m.Edits {
		if d := m.Edits[i].Deleted; d != nil {
			e.Custom = append(e.Custom, custom{"Edit withdrawn", "the edit of " + b.stamp(m.Edits[i].Sent) + ": " + b.clock.Removed(d)})
		}
	}
	for i := range m.Reactions {
		if r := &m.Reactions[i]; r.Removed != nil {
			e.Custom = append(e.Custom, custom{"Reaction withdrawn", b.clock.Reacted(r)})
		}
	}
	for _, a := range prose.Files(m) {
		name := strings.TrimPrefix(export.AttachmentName(a.Name, a.SHA256), export.Attachments)
		e.Attachments = append(e.Attachments, attachment{ID: name, Display: a.Name, Size: a.Size})
		e.Custom = append(e.Custom, custom{"SHA-256 of " + name, a.SHA256})
		if !b.known[name] {
			b.known[name] = true
			b.files = append(b.files, file{name, a, m.Sent})
		}
	}
	return e
}

func typeOf(m *transcript.Message) string {
	switch m.Kind {
	case transcript.Membership:
		switch m.Member.Change {
		case transcript.Joined:
			return "join"
		case transcript.Left, transcript.Removed, transcript.Banned:
			return "leave"
		case transcript.Invited, transcript.Declined, transcript.Withdrawn, transcript.Unbanned, transcript.Asked, transcript.Renamed, transcript.Repainted, transcript.Unchanged:
		}
		return "unknown"
	case transcript.RoomName, transcript.RoomTopic, transcript.Created, transcript.Gap, transcript.Other, transcript.Edit, transcript.Reaction, transcript.Receipt,
		transcript.Deletion:
		return "unknown"
	case transcript.Text, transcript.Emote, transcript.Notice, transcript.File, transcript.Image, transcript.Audio, transcript.Voice, transcript.Video,
		transcript.Sticker, transcript.Location, transcript.Poll, transcript.Vote, transcript.PollEnd, transcript.Call:
	}
	return "message"
}

// receipts say who has read a message, and when.
func (b *builder) receipts(m *transcript.Message) (out []receipt) {
	for i := range m.Reads {
		r := &m.Reads[i]
		b.people[r.By] = true
		out = append(out, receipt{Participant: r.By, Timestamp: b.stamp(r.Time), Action: "read"})
	}
	return out
}

// reactions are those that stand, by what they say.
func (b *builder) reactions(m *transcript.Message) (out []reaction) {
	for i := range m.Reactions {
		r := &m.Reactions[i]
		if r.Removed != nil || r.Key == "" {
			continue
		}
		b.people[r.By] = true
		at := slices.IndexFunc(out, func(x reaction) bool { return x.Value == r.Key })
		if at < 0 {
			at, out = len(out), append(out, reaction{Value: r.Key})
		}
		out[at].Count++
		out[at].Participants = append(out[at].Participants, r.By)
	}
	return out
}

func (b *builder) edits(m *transcript.Message) (out []edit) {
	previous := prose.First(m)
	for i := range m.Edits {
		v := &m.Edits[i]
		next := prose.Later(m, v)
		out = append(out, edit{Participant: m.Sender, Timestamp: b.stamp(v.Sent), Previous: previous, New: next})
		if v.Deleted == nil {
			previous = next
		}
	}
	return out
}

// zip writes rsmf.zip as a stream.
func (t *talk) zip(w io.Writer, s prose.Slice, m *manifest, files []file) error {
	z := zip.NewWriter(w)
	entry := func(name string, at time.Time) (io.Writer, error) {
		return z.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Deflate, Modified: at.UTC().Truncate(2 * time.Second)})
	}
	out, err := entry("rsmf_manifest.json", s.Messages[0].Sent)
	if err != nil {
		return err
	}
	if err := json.MarshalWrite(out, m, json.Deterministic(true), jsontext.EscapeForHTML(false), jsontext.WithIndent("  ")); err != nil {
		return err
	}
	for _, f := range files {
		out, err := entry(f.name, f.at)
		if err != nil {
			return err
		}
		in, err := t.job.Open(f.Attachment.Attachment)
		var missing *export.MissingError
		if errors.As(err, &missing) {
			if _, err := fmt.Fprintf(out, "This attachment could not be opened: %s\n", missing.Reason); err != nil {
				return err
			}
			continue
		}
		if err != nil {
			return err
		}
		_, err = io.Copy(out, in)
		if err = errors.Join(err, in.Close()); err != nil {
			return err
		}
	}
	return z.Close()
}
