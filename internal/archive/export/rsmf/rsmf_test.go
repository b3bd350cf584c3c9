package rsmf_test

import (
	"archive/zip"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/mail"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/pb33f/jsonschema/v6"
	"github.com/tidwall/gjson"

	"conclave.chat/internal/archive/export/exporttest"
	"conclave.chat/internal/archive/export/rsmf"
	"conclave.chat/internal/archive/record"
	"conclave.chat/internal/archive/transcript"
)

// opened is an RSMF file as its readers take it apart.
type opened struct {
	header   mail.Header
	text     string
	manifest gjson.Result
	files    map[string][]byte
}

// open reads a file with the standard library's parsers, by the rules of Relativity's documentation: one attachment, in base64, with the name rsmf.zip.
func open(t *testing.T, path string) opened {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for i, line := range bytes.Split(raw, []byte("\r\n")) {
		if len(line) > 998 || bytes.ContainsAny(line, "\r\n") {
			t.Fatalf("%s: line %d is none by RFC 5322", path, i+1)
		}
	}
	msg, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	o := opened{header: msg.Header, files: map[string][]byte{}}
	typ, params, err := mime.ParseMediaType(msg.Header.Get("Content-Type"))
	if err != nil || typ != "multipart/mixed" {
		t.Fatal(typ, err)
	}
	attachments := 0
	for parts := multipart.NewReader(msg.Body, params["boundary"]); ; {
		p, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		disposition, what, _ := mime.ParseMediaType(p.Header.Get("Content-Disposition"))
		if disposition != "attachment" {
			text, err := io.ReadAll(p)
			if err != nil {
				t.Fatal(err)
			}
			o.text += string(text)
			continue
		}
		attachments++
		if what["filename"] != "rsmf.zip" || p.Header.Get("Content-Transfer-Encoding") != "base64" {
			t.Fatalf("attachment %q in %s", what["filename"], p.Header.Get("Content-Transfer-Encoding"))
		}
		data, err := io.ReadAll(base64.NewDecoder(base64.StdEncoding, p))
		if err != nil {
			t.Fatal(err)
		}
		z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range z.File {
			in, err := f.Open()
			if err != nil {
				t.Fatal(err)
			}
			if o.files[f.Name], err = io.ReadAll(in); err != nil {
				t.Fatal(err)
			}
		}
	}
	if attachments != 1 {
		t.Fatalf("%d attachments", attachments)
	}
	o.manifest = gjson.ParseBytes(o.files["rsmf_manifest.json"])
	return o
}

// schema is Relativity's, as published.
func schema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	raw, err := os.ReadFile("testdata/rsmf_schema_2_0_0.json")
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(bytes.TrimPrefix(raw, []byte("\xef\xbb\xbf"))))
	if err != nil {
		t.Fatal(err)
	}
	strip(doc)
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("rsmf.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("rsmf.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// strip drops the schema's inner ids, which are no URIs that a compiler takes; nothing refers to them.
func strip(v any) {
	switch v := v.(type) {
	case map[string]any:
		delete(v, "$id")
		for _, x := range v {
			strip(x)
		}
	case []any:
		for _, x := range v {
			strip(x)
		}
	}
}

// consistent checks what Relativity's documentation asks for and its schema cannot say: that references lead to something, and headers say the same.
func consistent(t *testing.T, o opened) {
	t.Helper()
	people, events, named := map[string]bool{}, map[string]bool{}, map[string]bool{"rsmf_manifest.json": true}
	for _, p := range o.manifest.Get("participants.#.id").Array() {
		people[p.Str] = true
	}
	for _, e := range o.manifest.Get("events.#.id").Array() {
		events[e.Str] = true
	}
	o.manifest.Get("conversations.#.participants|@flatten").ForEach(func(_, p gjson.Result) bool {
		if !people[p.Str] {
			t.Errorf("participant %s is nobody", p.Str)
		}
		return true
	})
	conversation := o.manifest.Get("conversations.0.id").Str
	o.manifest.Get("events").ForEach(func(_, e gjson.Result) bool {
		ids := append(e.Get("reactions.#.participants|@flatten").Array(), e.Get("edits.#.participant").Array()...)
		for _, p := range append(ids, e.Get("participant")) {
			if p.Exists() && !people[p.Str] {
				t.Errorf("%s is nobody", p.Str)
			}
		}
		if p := e.Get("parent"); p.Exists() && !events[p.Str] || e.Get("conversation").Str != conversation {
			t.Errorf("what %s refers to is not there", e.Get("id"))
		}
		for _, a := range e.Get("attachments.#.id").Array() {
			if _, ok := o.files[a.Str]; !ok {
				t.Errorf("the file %s is not in the zip", a.Str)
			}
			named[a.Str] = true
		}
		return true
	})
	for name := range o.files {
		if !named[name] || strings.ContainsAny(name, "/\\") {
			t.Errorf("the zip holds %s", name)
		}
	}
	if o.header.Get("X-RSMF-Version") != "2.0.0" || o.header.Get("X-RSMF-EventCount") != o.manifest.Get("events.#").String() ||
		o.header.Get("X-RSMF-EventCollectionID") != o.manifest.Get("eventcollectionid").Str {
		t.Errorf("headers: %v", o.header)
	}
	for _, name := range []string{"From", "To"} {
		if list, err := mail.ParseAddressList(o.header.Get(name)); err != nil || len(list) == 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := o.header.Date(); err != nil {
		t.Error(err)
	}
}

func TestRSMFByItsSchema(t *testing.T) {
	c := exporttest.New(t)
	o := c.Options("rsmf", rsmf.New)
	o.Attachments = false
	dir := c.Export(o)
	paths, err := filepath.Glob(filepath.Join(dir, "rsmf", "*.rsmf"))
	if err != nil || len(paths) != 3 { // two days at the desk, one of the direct chat
		t.Fatalf("%v, %v", paths, err)
	}
	s := schema(t)
	if s.Validate(map[string]any{"version": "2.0.0", "participants": []any{}, "conversations": []any{}, "events": []any{map[string]any{"type": "shout"}}}) == nil {
		t.Fatal("the schema takes everything")
	}
	events := map[string]gjson.Result{}
	files := map[string][]byte{}
	types := map[string]string{}
	for _, path := range paths {
		o := open(t, path)
		var v any
		if err := json.Unmarshal(o.files["rsmf_manifest.json"], &v); err != nil {
			t.Fatal(err)
		}
		if err := s.Validate(v); err != nil {
			t.Errorf("%s: %v", path, err)
		}
		consistent(t, o)
		for name, data := range o.files {
			files[name] = data
		}
		o.manifest.Get("events").ForEach(func(_, e gjson.Result) bool {
			events[e.Get("id").Str] = e
			return true
		})
		types[o.manifest.Get("conversations.0.id").Str] = o.manifest.Get("conversations.0.display").Str
		if !strings.Contains(path, "2026-03-04") && !strings.Contains(path, "2026-03-05") {
			t.Errorf("%s is of no day", path)
		}
	}
	for _, want := range []struct{ event, path, value string }{
		{"$hello", "type", "message"},
		{"$hello", "body", "buy at 42"},
		{"$hello", "participant", exporttest.Alice},
		{"$hello", "timestamp", "2026-03-04T23:24:00.000+01:00"},
		{"$hello", "edits.0.previous", "buy at 41"},
		{"$hello", "edits.0.new", "buy at 42"},
		{"$hello", "edits.0.timestamp", "2026-03-04T23:32:00.000+01:00"},
		{"$hello", "read_receipts.#", "1"},
		{"$hello", "read_receipts.0.participant", exporttest.Bob},
		{"$hello", "read_receipts.0.action", "read"},
		{"$hello", "read_receipts.0.timestamp", "2026-03-04T23:45:00.000+01:00"},
		{"$hello", "reactions.#", "1"},
		{"$hello", "reactions.0.value", "👍"},
		{"$hello", "reactions.0.participants.0", exporttest.Bob},
		{"$hello", `custom.#(name=="Reaction withdrawn").value`, "👎 by Bob (@bob:example.org) 2026-03-04 23:40:00 +01:00, withdrawn 2026-03-04 23:44:00 +01:00"},
		{"$answer", `custom.#(name=="In reply to").value`, "$hello"},
		{"$thread", "parent", "$hello"},
		{"$gone", "deleted", "true"},
		{"$gone", "body", "the secret price is 99"},
		{"$gone", `custom.#(name=="Deleted by").value`, "Alice Ångström (@alice:example.org)"},
		{"$gone", `custom.#(name=="Deletion reason").value`, "a slip"},
		{"$file", "attachments.0.display", "Prospectus «final».pdf"},
		{"$file", "body", "see page 3"},
		{"$tongues", "body", "Grüße, Ελλάδα, Привет, 你好 🎉, مرحبا"},
		{"$join" + exporttest.Carol + exporttest.Desk, "type", "join"},
		{"$leave" + exporttest.Carol + exporttest.Desk, "type", "leave"},
		{"$lost", "body", "[an accepted event that is not archived] no key came"},
	} {
		if got := events[want.event].Get(want.path).String(); got != want.value {
			t.Errorf("%s of %s is %q, want %q", want.path, want.event, got, want.value)
		}
	}
	if got := files[events["$file"].Get("attachments.0.id").Str]; !bytes.Equal(got, c.Pdf) {
		t.Error("the attachment is another")
	}
	if got := files[events["$lostfile"].Get("attachments.0.id").Str]; !strings.Contains(string(got), "its key was destroyed") {
		t.Errorf("in place of the lost file: %q", got)
	}
	if types[exporttest.Desk] != "Trading desk" {
		t.Errorf("conversations: %v", types)
	}
}

// Two exports of the same give the same files.
func TestRSMFIsDeterministic(t *testing.T) {
	c := exporttest.New(t)
	read := func() map[string]string {
		dir := c.Export(c.Options("rsmf", rsmf.New))
		paths, _ := filepath.Glob(filepath.Join(dir, "rsmf", "*"))
		out := map[string]string{}
		for _, p := range paths {
			raw, err := os.ReadFile(p)
			if err != nil {
				t.Fatal(err)
			}
			out[filepath.Base(p)] = string(raw)
		}
		return out
	}
	one, two := read(), read()
	for name, text := range one {
		if two[name] != text {
			t.Errorf("%s differs", name)
		}
	}
}

func TestAnInterruptedExportGoesOn(t *testing.T) { exporttest.New(t).Interrupted("rsmf", rsmf.New) }

// Whatever members write, a file comes of it that the schema takes.
func FuzzRSMF(f *testing.F) {
	c := exporttest.New(f)
	for _, s := range []string{"a\r\nBcc: eve@x", "\x00", "", "@a:b", "\ud7ff\uffff"} {
		f.Add(s, s)
	}
	f.Fuzz(func(t *testing.T, body, name string) {
		if !utf8.ValidString(body) || !utf8.ValidString(name) || name == "" || body == "" {
			t.Skip("records are JSON, and nobody's id is empty")
		}
		m := &transcript.Message{
			Kind: transcript.Text, Body: body, Sender: name, SenderName: body, EventID: name, ReplyTo: body, Readers: []string{name, body}, Sent: time.Unix(0, 0),
			Reactions: []transcript.ReactionBy{{Key: body, By: name}}, Deleted: &transcript.Removal{By: name, Reason: body},
			Attachments: []transcript.Attachment{{Attachment: record.Attachment{Name: name, Type: body, SHA256: "0"}}},
		}
		dir := c.ConversationIn(t, rsmf.New, &transcript.Conversation{Room: "!r:x", Name: body, Messages: []*transcript.Message{m}})
		paths, err := filepath.Glob(filepath.Join(dir, "rsmf", "*.rsmf"))
		if err != nil || len(paths) != 1 {
			t.Fatal(paths, err)
		}
		consistent(t, open(t, paths[0]))
	})
}
