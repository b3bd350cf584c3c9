// Package table writes conversations as CSV (RFC 4180): messages.csv has a row for each event that stands for itself, with what became of it in columns of the
// same row; participants.csv has who was there and when. Texts that a spreadsheet would take for formulas are made harmless (see package sheet).
package table

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"conclave.chat/internal/archive/export"
	"conclave.chat/internal/archive/export/prose"
	"conclave.chat/internal/archive/transcript"
	"conclave.chat/internal/sheet"
)

// Format is CSV.
type Format struct {
	job                  *export.Job
	clock                prose.Clock
	messages, people     *sheet.Writer
	messageOut, peopleTo export.Output
}

// New makes the format.
func New(j *export.Job) export.Format { return &Format{job: j, clock: prose.Clock{Zone: j.Zone}} }

func (f *Format) begin() (err error) {
	if f.messages != nil {
		return nil
	}
	if f.messageOut, err = f.job.Create("messages.csv"); err != nil {
		return err
	}
	if f.peopleTo, err = f.job.Create("participants.csv"); err != nil {
		return err
	}
	f.messages, f.people = sheet.NewWriter(f.messageOut), sheet.NewWriter(f.peopleTo)
	if f.messageOut.Size() > 0 {
		return nil // an interrupted export goes on
	}
	return errors.Join(
		f.messages.Row("sequence", "event_id", "room_id", "room", "time", "time_utc", "sender_id", "sender", "device", "kind", "text", "first_text", "edits", "deleted",
			"reactions", "in_reply_to", "thread", "about", "mentions", "attachments", "attachment_sha256", "attachment_files", "could_read", "recorder", "accepted", "read_by"),
		f.people.Row("room_id", "room", "user_id", "name", "program", "joined", "left"))
}

// Conversation writes a room's rows.
func (f *Format) Conversation(ctx context.Context, c *transcript.Conversation, from int) error {
	if err := f.begin(); err != nil {
		return err
	}
	title := prose.Title(c)
	for i, m := range c.Messages[from:] {
		if err := ctx.Err(); err != nil {
			return err
		}
		row, err := f.row(c, title, m)
		if err != nil {
			return err
		}
		if err := f.messages.Row(row...); err != nil {
			return fmt.Errorf("csv: %w", err)
		}
		if err := f.job.Reached(from+i+1, f.flush); err != nil {
			return err
		}
	}
	for _, p := range c.Participants {
		periods := p.Periods
		if len(periods) == 0 {
			periods = []transcript.Period{{}}
		}
		for _, t := range periods {
			if err := f.people.Row(c.Room, title, p.UserID, p.Name, yes(p.Service), f.time(t.Joined), f.time(t.Left)); err != nil {
				return fmt.Errorf("csv: %w", err)
			}
		}
	}
	return f.flush()
}

func (f *Format) flush() error { return errors.Join(f.messages.Flush(), f.people.Flush()) }

func (f *Format) time(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return f.clock.Time(t)
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

func (f *Format) row(c *transcript.Conversation, title string, m *transcript.Message) ([]string, error) {
	var edits, reactions, reads, names, sums, files []string
	first := ""
	if len(m.Edits) > 0 {
		first = prose.First(m)
	}
	for i := range m.Edits {
		v := &m.Edits[i]
		line := f.clock.Time(v.Sent) + ": " + prose.Later(m, v)
		if v.Deleted != nil {
			line += " (" + f.clock.Removed(v.Deleted) + ")"
		}
		edits = append(edits, line)
	}
	for i := range m.Reactions {
		reactions = append(reactions, f.clock.Reacted(&m.Reactions[i]))
	}
	for i := range m.Reads {
		reads = append(reads, f.clock.Read(&m.Reads[i]))
	}
	for _, a := range prose.Files(m) {
		name, err := f.job.Attachment(a.Attachment)
		var missing *export.MissingError
		switch {
		case errors.As(err, &missing):
			name = "missing: " + missing.Reason
		case err != nil:
			return nil, err
		}
		names, sums, files = append(names, a.Name), append(sums, a.SHA256), append(files, name)
	}
	deleted, recorder := "", ""
	if m.Deleted != nil {
		deleted = f.clock.Removed(m.Deleted)
	}
	if m.Verdict != nil {
		recorder = strings.TrimSpace(m.Verdict.Action + " " + m.Verdict.Reason)
	}
	lines := func(list []string) string { return strings.Join(list, "\n") }
	return []string{
		strconv.FormatUint(m.Seq, 10), m.EventID, c.Room, title, f.clock.Time(m.Sent), m.Sent.UTC().Format(time.RFC3339Nano), m.Sender, m.SenderName, prose.Device(m),
		string(m.Kind), prose.Body(m), first, lines(edits), deleted, lines(reactions), m.ReplyTo, m.Thread, m.Related, strings.Join(m.Mentions, " "),
		lines(names), lines(sums), lines(files), strings.Join(m.Readers, " "), recorder, yes(!m.NotAccepted), lines(reads),
	}, nil
}

// Close completes the files.
func (f *Format) Close() error {
	if err := f.begin(); err != nil {
		return err
	}
	return errors.Join(f.flush(), f.messageOut.Close(), f.peopleTo.Close())
}
