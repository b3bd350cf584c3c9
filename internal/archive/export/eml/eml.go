// Package eml writes conversations as mail (EML, RFC 5322) in a zip, as archives of mail take them from journals: one message for each conversation and day,
// which is what Global Relay takes for chats, or one for each message of the chat, as journals of mail hold them. People's addresses are made of their Matrix ids.
//
// What mail has no field for stands in the text, and for programs in headers that begin with X-Conclave-.
package eml

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"conclave.chat/internal/archive/export"
	"conclave.chat/internal/archive/export/mail"
	"conclave.chat/internal/archive/export/prose"
	"conclave.chat/internal/archive/transcript"
)

// Archive is the zip's name.
const Archive = "messages.zip"

// limits keep a message below the 250 MB that Global Relay takes, in base64.
var limits = prose.Limits{Messages: 10_000, Bytes: 160 << 20} //nolint:gochecknoglobals // a constant

// Format is EML.
type Format struct {
	job    *export.Job
	clock  prose.Clock
	single bool
	box    *box
}

// New makes the format; perMessage is one mail for each message of the chat.
func New(j *export.Job, perMessage bool) export.Format {
	return &Format{job: j, clock: prose.Clock{Zone: j.Zone}, single: perMessage}
}

func (f *Format) begin() (err error) {
	if f.box == nil {
		f.box, err = open(f.job)
	}
	return err
}

// talk is a conversation that is being written.
type talk struct {
	*Format
	*transcript.Conversation
	title, folder string
	names         map[string]string
}

// Conversation writes a room's mails.
func (f *Format) Conversation(ctx context.Context, c *transcript.Conversation, from int) error {
	if err := f.begin(); err != nil {
		return err
	}
	title := prose.Title(c)
	t := &talk{Format: f, Conversation: c, title: title, folder: export.SafeName(title) + "-" + prose.Short(c.Room), names: prose.Names(c)}
	if f.single {
		for i, m := range c.Messages[from:] {
			if err := ctx.Err(); err != nil {
				return err
			}
			if err := t.message(m); err != nil {
				return err
			}
			if err := f.job.Reached(from+i+1, f.box.flush); err != nil {
				return err
			}
		}
		return f.box.flush()
	}
	before := ""
	for i, s := range f.clock.Slices(c, limits) {
		if err := ctx.Err(); err != nil {
			return err
		}
		id := mail.ID(f.job.Archive, c.Room, s.Day, strconv.Itoa(s.Part))
		if i >= from {
			if err := t.slice(s, id, before); err != nil {
				return err
			}
			if err := f.job.Reached(i+1, f.box.flush); err != nil {
				return err
			}
		}
		before = id
	}
	return f.box.flush()
}

// others are all but the sender; who is alone has written to themselves.
func others(people []string, from string) []string {
	to := slices.DeleteFunc(slices.Clone(people), func(p string) bool { return p == from })
	if len(to) == 0 {
		return []string{from}
	}
	return to
}

// about are fields that each mail has.
func (t *talk) about(kind string) []mail.Field {
	return []mail.Field{
		{Name: "X-GlobalRelay-MsgType", Value: "Conclave"},
		{Name: "X-Conclave-Case", Value: t.job.Case},
		{Name: "X-Conclave-Kind", Value: kind},
		{Name: "X-Conclave-Room-Id", Value: t.Room},
		{Name: "X-Conclave-Room-Name", Value: t.title},
		{Name: "X-Conclave-Zone", Value: t.job.Zone.String()},
	}
}

func plural(n int, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %ss", n, one)
}

// slice writes a day of a conversation.
func (t *talk) slice(s prose.Slice, id, before string) error {
	first, last := s.Messages[0], s.Messages[len(s.Messages)-1]
	people := prose.Readers(s.Messages)
	from := first.Sender
	to := others(people, from)
	w, err := t.box.create(t.folder+"/"+s.Suffix()+".eml", first.Sent)
	if err != nil {
		return err
	}
	part := ""
	if s.Parts > 1 {
		part = fmt.Sprintf(", part %d of %d", s.Part, s.Parts)
	}
	fields := append([]mail.Field{
		{Name: "Date", Value: mail.Date(first.Sent.In(t.job.Zone)), Raw: true},
		{Name: "From", Value: mail.Address(t.names[from], from), Raw: true},
		{Name: "To", Value: mail.Addresses(t.names, to), Raw: true},
		{Name: "Subject", Value: fmt.Sprintf("Chat “%s”: %s, %s, %s%s", t.title, plural(len(people), "user"), plural(len(s.Messages), "message"), s.Day, part)},
		{Name: "Message-ID", Value: id, Raw: true},
		{Name: "In-Reply-To", Value: before, Raw: true},
		{Name: "References", Value: before, Raw: true},
	}, t.about("conversation")...)
	fields = append(
		fields,
		mail.Field{Name: "X-Conclave-Day", Value: s.Day},
		mail.Field{Name: "X-Conclave-Begin", Value: first.Sent.In(t.job.Zone).Format(time.RFC3339Nano)},
		mail.Field{Name: "X-Conclave-End", Value: last.Sent.In(t.job.Zone).Format(time.RFC3339Nano)},
		mail.Field{Name: "X-Conclave-Messages", Value: strconv.Itoa(len(s.Messages))},
	)
	m, err := mail.New(w, "conclave-"+prose.Short(id), fields...)
	if err != nil {
		return err
	}
	var text strings.Builder
	t.head(&text, s.Day+part)
	for _, msg := range s.Messages {
		t.tell(&text, msg)
	}
	if err := m.Text(text.String()); err != nil {
		return err
	}
	for _, msg := range s.Messages {
		if err := t.attach(m, msg); err != nil {
			return err
		}
	}
	return m.Close()
}

func (t *talk) head(b *strings.Builder, what string) {
	fmt.Fprintf(b, "Room: %s (%s)\nCase: %s\nDay: %s, times in %s\nParticipants:\n", t.title, t.Room, t.job.Case, what, t.job.Zone)
	for _, p := range t.clock.Participants(t.Conversation) {
		fmt.Fprintf(b, "  %s\n", p)
	}
	b.WriteByte('\n')
}

// tell writes a message as text.
func (t *talk) tell(b *strings.Builder, m *transcript.Message) {
	fmt.Fprintf(b, "%s  %s  [%s, record %d]\n", t.clock.Time(m.Sent), prose.Person(m.SenderName, m.Sender), m.EventID, m.Seq)
	fmt.Fprintf(b, "  %s\n", strings.ReplaceAll(prose.Body(m), "\n", "\n  "))
	for _, n := range t.clock.Notes(m) {
		fmt.Fprintf(b, "    – %s\n", strings.ReplaceAll(n, "\n", "\n      "))
	}
	for _, a := range prose.Files(m) {
		fmt.Fprintf(b, "    – attachment %s, %d bytes, SHA-256 %s\n", a.Name, a.Size, a.SHA256)
	}
	b.WriteByte('\n')
}

// attach adds a message's files. For one that cannot be opened there is a text in its place.
func (t *talk) attach(w *mail.Writer, m *transcript.Message) error {
	for _, a := range prose.Files(m) {
		in, err := t.job.Open(a.Attachment)
		var missing *export.MissingError
		if errors.As(err, &missing) {
			if err := w.Attach(export.SafeName(a.Name)+".missing.txt", "text/plain", func(p io.Writer) error {
				_, err := fmt.Fprintf(p, "The attachment %s (%d bytes, SHA-256 %s) could not be opened: %s\n", a.Name, a.Size, a.SHA256, missing.Reason)
				return err
			}); err != nil {
				return err
			}
			continue
		}
		if err != nil {
			return err
		}
		err = w.Attach(export.SafeName(a.Name), a.Type, func(p io.Writer) error {
			_, err := io.Copy(p, in)
			return err
		})
		if err = errors.Join(err, in.Close()); err != nil {
			return err
		}
	}
	return nil
}

// state says in a word for each what became of a message.
func state(m *transcript.Message) string {
	var out []string
	if len(m.Edits) > 0 {
		out = append(out, "edited")
	}
	if m.Deleted != nil {
		out = append(out, "deleted")
	}
	if m.NotAccepted {
		out = append(out, "not-accepted")
	}
	if len(out) == 0 {
		return "as-sent"
	}
	return strings.Join(out, ", ")
}

func (t *talk) id(event string) string {
	if event == "" {
		return ""
	}
	return mail.ID(t.job.Archive, t.Room, event)
}

// message writes one message of the chat.
func (t *talk) message(m *transcript.Message) error {
	w, err := t.box.create(fmt.Sprintf("%s/%s-%d.eml", t.folder, m.Sent.In(t.job.Zone).Format("2006-01-02-150405"), m.Seq), m.Sent)
	if err != nil {
		return err
	}
	var above []string
	for _, e := range []string{m.Thread, m.ReplyTo, m.Related} {
		if id := t.id(e); id != "" && !slices.Contains(above, id) {
			above = append(above, id)
		}
	}
	parent := ""
	if len(above) > 0 {
		parent = above[len(above)-1]
	}
	to := others(m.Readers, m.Sender)
	fields := append([]mail.Field{
		{Name: "Date", Value: mail.Date(m.Sent.In(t.job.Zone)), Raw: true},
		{Name: "From", Value: mail.Address(m.SenderName, m.Sender), Raw: true},
		{Name: "To", Value: mail.Addresses(t.names, to), Raw: true},
		{Name: "Subject", Value: "Chat “" + t.title + "”"},
		{Name: "Message-ID", Value: t.id(m.EventID), Raw: true},
		{Name: "In-Reply-To", Value: parent, Raw: true},
		{Name: "References", Value: strings.Join(above, " "), Raw: true},
	}, t.about(string(m.Kind))...)
	add := func(name, value string) { fields = append(fields, mail.Field{Name: name, Value: value}) }
	add("X-Conclave-Event-Id", m.EventID)
	add("X-Conclave-Record", strconv.FormatUint(m.Seq, 10))
	add("X-Conclave-Sender", m.Sender)
	add("X-Conclave-Device", prose.Device(m))
	add("X-Conclave-State", state(m))
	if v := m.Current(); v != nil {
		add("X-Conclave-Edited", v.Sent.In(t.job.Zone).Format(time.RFC3339Nano))
	}
	if d := m.Deleted; d != nil {
		add("X-Conclave-Deleted", d.Sent.In(t.job.Zone).Format(time.RFC3339Nano))
		add("X-Conclave-Deleted-By", d.By)
		add("X-Conclave-Deleted-Reason", d.Reason)
	}
	for i := range m.Reactions {
		add("X-Conclave-Reaction", t.clock.Reacted(&m.Reactions[i]))
	}
	mw, err := mail.New(w, "conclave-"+prose.Short(t.Room, m.EventID), fields...)
	if err != nil {
		return err
	}
	var text strings.Builder
	text.WriteString(prose.Body(m) + "\n")
	if notes := t.clock.Notes(m); len(notes) > 0 {
		text.WriteString("\n-- \n" + strings.Join(notes, "\n") + "\n")
	}
	if err := mw.Text(text.String()); err != nil {
		return err
	}
	if err := t.attach(mw, m); err != nil {
		return err
	}
	return mw.Close()
}

// Close completes the zip.
func (f *Format) Close() error {
	if err := f.begin(); err != nil {
		return err
	}
	return f.box.close()
}
