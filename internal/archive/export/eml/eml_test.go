package eml_test

import (
	"archive/zip"
	"bytes"
	"encoding/base64"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/mail"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"conclave.chat/internal/archive/export"
	"conclave.chat/internal/archive/export/eml"
	"conclave.chat/internal/archive/export/exporttest"
	"conclave.chat/internal/archive/record"
	"conclave.chat/internal/archive/transcript"
)

// letter is a mail as the standard library reads it.
type letter struct {
	mail.Header
	text  string
	files map[string][]byte
}

func (l letter) get(name string) string {
	s, err := (&mime.WordDecoder{}).DecodeHeader(l.Get(name))
	if err != nil {
		return err.Error()
	}
	return s
}

func letters(t *testing.T, dir string) map[string]letter {
	t.Helper()
	z, err := zip.OpenReader(filepath.Join(dir, eml.Archive))
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	out := map[string]letter{}
	for _, f := range z.File {
		in, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		raw, err := io.ReadAll(in)
		if err != nil {
			t.Fatal(err)
		}
		out[f.Name] = read(t, f.Name, raw)
	}
	return out
}

func read(t *testing.T, name string, raw []byte) letter {
	t.Helper()
	for i, line := range bytes.Split(raw, []byte("\r\n")) {
		if len(line) > 998 || bytes.ContainsAny(line, "\r\n") {
			t.Fatalf("%s: line %d is none by RFC 5322", name, i+1)
		}
	}
	m, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	l := letter{Header: m.Header, files: map[string][]byte{}}
	_, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil {
		t.Fatal(err)
	}
	for parts := multipart.NewReader(m.Body, params["boundary"]); ; {
		p, err := parts.NextPart() // it decodes quoted-printable
		if errors.Is(err, io.EOF) {
			return l
		}
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		var body io.Reader = p
		if p.Header.Get("Content-Transfer-Encoding") == "base64" {
			body = base64.NewDecoder(base64.StdEncoding, p)
		}
		data, err := io.ReadAll(body)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if p.FileName() == "" {
			l.text += strings.ReplaceAll(string(data), "\r\n", "\n")
		} else {
			l.files[p.FileName()] = data
		}
	}
}

func find(t *testing.T, all map[string]letter, field, value string) letter {
	t.Helper()
	for _, l := range all {
		if l.get(field) == value {
			return l
		}
	}
	t.Errorf("no mail has %s: %s", field, value)
	return letter{}
}

func TestAMailForEachMessage(t *testing.T) {
	c := exporttest.New(t)
	all := letters(t, c.Export(c.Options("eml", func(j *export.Job) export.Format { return eml.New(j, true) })))
	by := func(event string) letter { return find(t, all, "X-Conclave-Event-Id", event) }
	hello, answer, thread, gone, file := by("$hello"), by("$answer"), by("$thread"), by("$gone"), by("$file")
	for _, l := range all {
		if _, err := l.Date(); err != nil {
			t.Error(err)
		}
		if _, err := l.AddressList("From"); err != nil {
			t.Error(err)
		}
	}
	if from, err := hello.AddressList("From"); err != nil || from[0].Name != "Alice Ångström" || from[0].Address != "alice@example.org" {
		t.Errorf("from %v: %v", from, err)
	}
	if to, err := hello.AddressList("To"); err != nil || len(to) != 2 || to[0].Address != "bob@example.org" || to[1].Address != "recorder@example.org" {
		t.Errorf("to %v: %v", to, err)
	}
	for _, want := range []struct {
		l           letter
		field, text string
	}{
		{hello, "Date", "Wed, 04 Mar 2026 23:24:00 +0100"},
		{hello, "Subject", "Chat “Trading desk”"},
		{hello, "X-Conclave-State", "edited"},
		{hello, "X-Conclave-Edited", "2026-03-04T23:32:00+01:00"},
		{hello, "X-Conclave-Room-Id", exporttest.Desk},
		{hello, "X-Conclave-Case", exporttest.Number},
		{hello, "X-Conclave-Zone", "Europe/Berlin"},
		{answer, "In-Reply-To", hello.Get("Message-ID")},
		{thread, "References", hello.Get("Message-ID")},
		{gone, "X-Conclave-State", "deleted"},
		{gone, "X-Conclave-Deleted-By", exporttest.Alice},
		{gone, "X-Conclave-Deleted-Reason", "a slip"},
	} {
		if got := want.l.get(want.field); got != want.text {
			t.Errorf("%s is %q, want %q", want.field, got, want.text)
		}
	}
	if r := hello.Header["X-Conclave-Reaction"]; len(r) != 2 {
		t.Errorf("reactions: %q", r)
	}
	for _, part := range []string{"buy at 42\n", "first version: buy at 41", "edited 2026-03-04 23:32:00 +01:00 to: buy at 42", "reaction 👍 by Bob (@bob:example.org)"} {
		if !strings.Contains(hello.text, part) {
			t.Errorf("the text lacks %q: %s", part, hello.text)
		}
	}
	if !strings.HasPrefix(gone.text, "the secret price is 99\n") || !strings.Contains(gone.text, "deleted 2026-03-04 23:56:00 +01:00 by Alice Ångström") {
		t.Errorf("the deleted one: %s", gone.text)
	}
	if !bytes.Equal(file.files["Prospectus «final».pdf"], c.Pdf) {
		t.Errorf("the file is not there: %d files", len(file.files))
	}
	if lost := by("$lostfile"); !strings.Contains(string(lost.files["lost.txt.missing.txt"]), "its key was destroyed") {
		t.Errorf("the lost file: %v", lost.files)
	}
}

func TestAMailForEachDay(t *testing.T) {
	c := exporttest.New(t)
	all := letters(t, c.Export(c.Options("eml", func(j *export.Job) export.Format { return eml.New(j, false) })))
	if len(all) != 3 {
		t.Fatalf("%d mails", len(all))
	}
	first, second := find(t, all, "X-Conclave-Day", "2026-03-04"), letter{}
	for name, l := range all {
		if strings.HasPrefix(name, "Trading desk-") && l.get("X-Conclave-Day") == "2026-03-05" {
			second = l
		}
	}
	if got := first.get("Subject"); got != "Chat “Trading desk”: 3 users, 9 messages, 2026-03-04" {
		t.Errorf("subject %q", got)
	}
	if first.get("X-GlobalRelay-MsgType") != "Conclave" || second.get("In-Reply-To") != first.get("Message-ID") {
		t.Errorf("headers: %v", second.Header)
	}
	for _, part := range []string{
		"Room: Trading desk (!desk:example.org)", "times in Europe/Berlin", "Carol (@carol:example.org), member from 2026-03-05 00:24:00 +01:00 to 2026-03-05 00:28:00 +01:00",
		"2026-03-04 23:24:00 +01:00  Alice Ångström (@alice:example.org)  [$hello, record 5]\n  buy at 42\n", "– first version: buy at 41", "– in reply to $hello",
		"– in the thread of $hello", "the secret price is 99", "by Alice Ångström (@alice:example.org) (reason: a slip)", "👎 by Bob",
	} {
		if !strings.Contains(first.text, part) {
			t.Errorf("the first day lacks %q:\n%s", part, first.text)
		}
	}
	if !strings.Contains(second.text, "Grüße, Ελλάδα, Привет, 你好 🎉, مرحبا") || !bytes.Equal(second.files["Prospectus «final».pdf"], c.Pdf) || !bytes.Equal(second.files["chart.png"], c.Picture) {
		t.Errorf("the second day: %s", second.text)
	}
}

func TestAnInterruptedExportGoesOn(t *testing.T) {
	for name, single := range map[string]bool{"day": false, "message": true} {
		t.Run(name, func(t *testing.T) {
			exporttest.New(t).Interrupted("eml", func(j *export.Job) export.Format { return eml.New(j, single) })
		})
	}
}

// Whatever members write, it is a mail with the fields that we gave it, which others read.
func FuzzMail(f *testing.F) {
	c := exporttest.New(f)
	for _, s := range []string{"a\r\nBcc: eve@x", "=?utf-8?q?x?=", "\x00", "@a:b\r\n\r\n", "--=_conclave", "ä\u2028", strings.Repeat("x", 2000), ".\r\n..", "@\"<>,;:x"} {
		f.Add(s, s, true)
		f.Add(s, s, false)
	}
	f.Fuzz(func(t *testing.T, body, name string, single bool) {
		m := &transcript.Message{
			Kind: transcript.Text, Body: body, Sender: name, SenderName: body, EventID: name, ReplyTo: body, Readers: []string{name, body}, Sent: time.Unix(0, 0),
			Reactions: []transcript.ReactionBy{{Key: body, By: name}}, Deleted: &transcript.Removal{By: name, Reason: body},
			Attachments: []transcript.Attachment{{Attachment: record.Attachment{Name: name, Type: body, SHA256: "0"}}},
		}
		dir := c.ConversationIn(t, func(j *export.Job) export.Format { return eml.New(j, single) }, &transcript.Conversation{Room: "!r:x", Name: body, Messages: []*transcript.Message{m}})
		list := letters(t, dir)
		if len(list) != 1 {
			t.Fatalf("%d mails", len(list))
		}
		for _, l := range list {
			for field := range l.Header {
				if !strings.HasPrefix(field, "X-Conclave-") && !strings.Contains(" Mime-Version Content-Type Date From To Subject Message-Id In-Reply-To References X-Globalrelay-Msgtype ", " "+field+" ") {
					t.Fatalf("there is a field %s", field)
				}
			}
			for _, field := range []string{"From", "To"} {
				if _, err := l.AddressList(field); err != nil {
					t.Fatalf("%s: %s: %v", field, l.Get(field), err)
				}
			}
			if len(l.files) != 1 {
				t.Fatalf("%d files", len(l.files))
			}
		}
	})
}
