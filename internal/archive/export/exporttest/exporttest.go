// Package exporttest makes a small case for tests: a conversation with everything that a format must not lose, in an archive's log, opened by officers. It is
// nothing for the program.
package exporttest

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"iter"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"golang.org/x/mod/sumdb/note"

	"conclave.chat/internal/archive/access"
	"conclave.chat/internal/archive/export"
	"conclave.chat/internal/archive/merkle"
	"conclave.chat/internal/archive/record"
	"conclave.chat/internal/archive/segment"
	"conclave.chat/internal/archive/transcript"
)

// Names of what the case is about.
const (
	Number = "2026-17"
	Origin = "example.org/archive"
	Desk   = "!desk:example.org"
	Direct = "!direct:example.org"
	Alice  = "@alice:example.org"
	Bob    = "@bob:example.org"
	Carol  = "@carol:example.org"
	Robot  = "@recorder:example.org"
)

// Segment is where the records lie.
var Segment = segment.ID{7} //nolint:gochecknoglobals // a constant

// Case is an [export.Case].
type Case struct {
	testing.TB
	sealed  []export.Sealed
	Covered uint64 // records that there are proofs of
	log     *merkle.Log
	files   map[string][]byte // by blob
	lost    map[string]bool
	Pdf     []byte
	Picture []byte

	Signer       note.Signer
	LogSigner    note.Signer
	LogPublic    note.Verifier
	AccessPublic note.Verifier
	AccessKey    note.Signer
	Checkpoint   string
	Voucher      *access.Voucher
	next         int
	members      map[string][]string // by room
}

// Zone is where the officers sit.
func Zone(t testing.TB) *time.Location {
	t.Helper()
	z, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	return z
}

func key(t testing.TB, name string) (note.Signer, string) {
	t.Helper()
	skey, vkey, err := note.GenerateKey(rand.Reader, name)
	if err != nil {
		t.Fatal(err)
	}
	s, err := note.NewSigner(skey)
	if err != nil {
		t.Fatal(err)
	}
	return s, vkey
}

func verifier(t testing.TB, vkey string) note.Verifier {
	t.Helper()
	v, err := merkle.ParseVerifier(vkey)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// New makes the case.
func New(t testing.TB) *Case {
	t.Helper()
	c := &Case{TB: t, files: map[string][]byte{}, members: map[string][]string{}, lost: map[string]bool{}, Pdf: bytes.Repeat([]byte("%PDF-1.4 not really "), 5000)}
	var public, accessPublic, casePublic string
	c.LogSigner, public = key(t, Origin)
	c.AccessKey, accessPublic = key(t, Origin+"/access")
	c.Signer, casePublic = key(t, Origin+"/case/"+Number)
	c.LogPublic, c.AccessPublic = verifier(t, public), verifier(t, accessPublic)
	var err error
	if c.log, err = merkle.Create(t.TempDir(), c.LogSigner); err != nil {
		t.Fatal(err)
	}
	var buf bytes.Buffer
	img := image.NewRGBA(image.Rect(0, 0, 64, 48))
	for i := range 64 * 48 {
		img.Set(i%64, i/64, color.RGBA{uint8(i), 90, uint8(200 - i%64), 255})
	}
	if err := png.Encode(&buf, img); err != nil {
		t.Fatal(err)
	}
	c.Picture = buf.Bytes()
	c.story()
	if _, err := c.log.Publish(c.LogSigner, nil); err != nil {
		t.Fatal(err)
	}
	c.Covered = uint64(c.log.Size())
	check := note.Note{Text: c.log.Published().Text()}
	signed, err := note.Sign(&check, c.LogSigner)
	if err != nil {
		t.Fatal(err)
	}
	c.Checkpoint = string(signed)
	c.Voucher = c.Vouch(access.Entry{Time: at(20), Case: Number, Officers: []string{"ann", "bob"}, Archive: Origin, Size: c.log.Size(), Segments: []string{Segment.String()}, CaseKey: casePublic})
	return c
}

// Vouch puts an entry into a new access log.
func (c *Case) Vouch(e access.Entry) (v *access.Voucher) {
	c.Helper()
	dir := c.TempDir()
	for _, x := range []access.Entry{{Time: at(0), Case: "another", Officers: []string{"ann"}}, e} {
		var err error
		if v, err = access.Append(dir, c.AccessKey, c.AccessPublic, x); err != nil {
			c.Fatal(err)
		}
	}
	return v
}

// at is so many minutes after the story begins, an hour before midnight in Berlin.
func at(minutes int) time.Time {
	return time.Date(2026, 3, 4, 22, 0, 0, 0, time.UTC).Add(time.Duration(minutes) * time.Minute)
}

type m = map[string]any

// say records an event, each a few minutes after the one before.
func (c *Case) say(room, id, sender, typ string, state any, content m, files ...record.Attachment) {
	c.next++
	when := at(4 * c.next)
	event := m{
		"type": typ, "room_id": room, "sender": sender, "content": content, "depth": c.next, "origin_server_ts": when.UnixMilli(), "prev_events": []string{fmt.Sprint("$before-", id)},
	}
	if state != nil {
		event["state_key"] = state
	}
	r := record.Record{
		Time: when.Add(time.Second), Room: room, RoomName: "Desk", EventID: id, Sender: sender, Members: append([]string(nil), c.members[room]...), Policy: "This room is recorded.",
		Attachments: files, Verdict: &record.Verdict{Action: "accept"}, Device: &record.Device{ID: "PHONE", Verification: "verified"},
	}
	if state == nil && typ != "m.room.redaction" && typ != "m.reaction" { // it is encrypted
		r.Type, r.Plaintext = typ, c.json(content)
		event["type"], event["content"] = "m.room.encrypted", m{"algorithm": "m.megolm.v1.aes-sha2", "m.relates_to": content["m.relates_to"]}
		if content["m.relates_to"] == nil {
			event["content"] = m{"algorithm": "m.megolm.v1.aes-sha2"}
		}
	}
	r.Event = c.json(event)
	c.seal(segment.Record, &r)
}

func (c *Case) json(v any) []byte {
	raw, err := json.Marshal(v, json.Deterministic(true))
	if err != nil {
		c.Fatal(err)
	}
	return raw
}

func (c *Case) seal(kind segment.Kind, r *record.Record) {
	c.Helper()
	seq := uint64(c.log.Size())
	line, err := r.Encode()
	if err != nil {
		c.Fatal(err)
	}
	if line, err = record.Number(seq, line); err != nil {
		c.Fatal(err)
	}
	e := segment.Entry{Item: segment.Item{Kind: kind, Subject: segment.Subject(r.Room, r.EventID), Commitment: sha256.Sum256(line)}, Seq: seq, Segment: Segment}
	if kind == segment.Gap {
		e.Note = r.Reason
	}
	leaf := e.Append(nil)
	if _, err := c.log.Add(leaf); err != nil {
		c.Fatal(err)
	}
	_, back, err := record.Decode(line)
	if err != nil {
		c.Fatal(err)
	}
	c.sealed = append(c.sealed, export.Sealed{Seq: seq, Line: line, Leaf: leaf, Record: back})
}

// file keeps an attachment.
func (c *Case) file(name, typ string, data []byte) record.Attachment {
	sum := sha256.Sum256(data)
	a := record.Attachment{Name: name, Type: typ, Size: int64(len(data)), SHA256: hex.EncodeToString(sum[:]), Blob: "blob-" + hex.EncodeToString(sum[:4])}
	c.files[a.Blob] = data
	return a
}

// read records that somebody has read an event, minutes after the last one was said.
func (c *Case) read(room, user, event string) {
	r, err := record.Receipt(room, user, record.Read{Event: event, Thread: "main", TS: at(4*c.next + 1).UnixMilli()})
	if err != nil {
		c.Fatal(err)
	}
	r.Time = at(4*c.next + 1)
	c.seal(segment.Receipt, r)
}

func text(body string) m { return m{"msgtype": "m.text", "body": body} }

func (c *Case) story() {
	member := func(room, user, name, membership string) {
		c.say(room, "$"+membership+user+room, user, "m.room.member", user, m{"membership": membership, "displayname": name})
		c.members[room] = slices.DeleteFunc(c.members[room], func(u string) bool { return u == user })
		if membership == "join" {
			c.members[room] = append(c.members[room], user)
			slices.Sort(c.members[room])
		}
	}
	c.say(Desk, "$create", Alice, "m.room.create", "", m{"room_version": "12"})
	member(Desk, Alice, "Alice Ångström", "join")
	member(Desk, Bob, "Bob", "join")
	c.members[Desk] = append(c.members[Desk], Robot)
	c.say(Desk, "$name", Alice, "m.room.name", "", m{"name": "Trading desk"})
	c.say(Desk, "$service", Alice, "io.element.functional_members", "", m{"service_members": []string{Robot}})
	c.say(Desk, "$hello", Alice, "m.room.message", nil, text("buy at 41"))
	answer := text("done")
	answer["m.relates_to"] = m{"m.in_reply_to": m{"event_id": "$hello"}}
	c.say(Desk, "$answer", Bob, "m.room.message", nil, answer)
	c.say(Desk, "$edit", Alice, "m.room.message", nil, m{
		"msgtype": "m.text", "body": "* buy at 42", "m.new_content": text("buy at 42"), "m.relates_to": m{"rel_type": "m.replace", "event_id": "$hello"},
	})
	like := func(id, user, key, target string) {
		c.say(Desk, id, user, "m.reaction", nil, m{"m.relates_to": m{"rel_type": "m.annotation", "event_id": target, "key": key}})
	}
	like("$like", Bob, "👍", "$hello")
	like("$dislike", Bob, "👎", "$hello")
	c.say(Desk, "$undislike", Bob, "m.room.redaction", nil, m{"redacts": "$dislike"})
	c.read(Desk, Bob, "$edit")
	thread := text("why 42?")
	thread["m.relates_to"] = m{"rel_type": "m.thread", "event_id": "$hello", "is_falling_back": true, "m.in_reply_to": m{"event_id": "$hello"}}
	c.say(Desk, "$thread", Bob, "m.room.message", nil, thread)
	c.say(Desk, "$gone", Alice, "m.room.message", nil, text("the secret price is 99"))
	c.say(Desk, "$delete", Alice, "m.room.redaction", nil, m{"redacts": "$gone", "reason": "a slip"})
	// From here on it is another day in Berlin.
	c.next = max(c.next, 16)
	file := m{"msgtype": "m.file", "body": "see page 3", "filename": "Prospectus «final».pdf", "file": m{"url": "mxc://x/1"}}
	c.say(Desk, "$file", Bob, "m.room.message", nil, file, c.file("Prospectus «final».pdf", "application/pdf", c.Pdf))
	c.say(Desk, "$picture", Alice, "m.room.message", nil, m{"msgtype": "m.image", "body": "chart.png", "file": m{"url": "mxc://x/2"}}, c.file("chart.png", "image/png", c.Picture))
	c.say(Desk, "$formula", Bob, "m.room.message", nil, text("=HYPERLINK(\"http://evil.example/\",\"click\")\n<script>alert(1)</script>"))
	c.say(Desk, "$tongues", Alice, "m.room.message", nil, text("Grüße, Ελλάδα, Привет, 你好 🎉, مرحبا"))
	member(Desk, Carol, "Carol", "join")
	member(Desk, Carol, "Carol", "leave")
	c.seal(segment.Gap, &record.Record{Time: at(4 * c.next), Room: Desk, EventID: "$lost", Reason: "no key came"})
	member(Direct, Alice, "Alice Ångström", "join")
	c.say(Direct, "$private", Alice, "m.room.message", nil, text("lunch?"))
	gone := c.file("lost.txt", "text/plain", []byte("nobody can open this"))
	c.lost[gone.Blob] = true
	c.say(Direct, "$lostfile", Alice, "m.room.message", nil, m{"msgtype": "m.file", "body": "lost.txt", "file": m{"url": "mxc://x/3"}}, gone)
}

// Records gives the sealed records.
func (c *Case) Records(ctx context.Context, room string, from uint64) iter.Seq2[export.Sealed, error] {
	return func(yield func(export.Sealed, error) bool) {
		for _, s := range c.sealed {
			if err := ctx.Err(); err != nil {
				yield(s, err)
				return
			}
			if s.Seq >= from && (room == "" || s.Record.Room == room) && !yield(s, nil) {
				return
			}
		}
	}
}

// Prove proves one.
func (c *Case) Prove(_ context.Context, s export.Sealed) (export.Proof, error) {
	if s.Seq >= c.Covered {
		return export.Proof{}, export.ErrNewer
	}
	p, err := c.log.ProveEntry(int64(s.Seq))
	return export.Proof{Leaf: s.Leaf, Proof: p}, err
}

// Open opens an attachment.
func (c *Case) Open(_ context.Context, a record.Attachment) (io.ReadCloser, error) {
	if c.lost[a.Blob] {
		return nil, errors.New("its key was destroyed")
	}
	data, ok := c.files[a.Blob]
	if !ok {
		return nil, errors.New("there is no such blob")
	}
	return io.NopCloser(bytes.NewReader(data)), nil
}

// Options are those of an export of everything.
func (c *Case) Options(format string, make func(*export.Job) export.Format) export.Options {
	o := c.options(c.TempDir(), format, make)
	o.Zone = Zone(c)
	return o
}

func (c *Case) options(dir, format string, make func(*export.Job) export.Format) export.Options {
	return export.Options{
		Dir: filepath.Join(dir, "out"), Format: make, Attachments: true, Progress: func(int) {},
		Manifest: export.Manifest{Tool: "conclave test", Made: at(60), Case: Number, Format: format, Archive: Origin, Checkpoint: c.Checkpoint, Records: true},
	}
}

// Export makes an export and gives its folder.
func (c *Case) Export(o export.Options) string {
	c.Helper()
	if _, err := export.Run(context.Background(), c, o, c.Voucher, c.Signer); err != nil {
		c.Fatal(err)
	}
	return o.Dir
}

// Keys are those that everybody has.
func (c *Case) Keys() export.Keys {
	return export.Keys{Policy: merkle.Policy{Log: c.LogPublic}, Access: c.AccessPublic}
}

// Conversation has a format write a conversation of the test's own, and gives the folder.
func (c *Case) Conversation(make func(*export.Job) export.Format, conv *transcript.Conversation) (string, error) {
	return c.write(c.TempDir(), make, conv)
}

// ConversationIn does that within another test, as a fuzz target is one.
func (c *Case) ConversationIn(t testing.TB, make func(*export.Job) export.Format, conv *transcript.Conversation) string {
	t.Helper()
	dir, err := c.write(t.TempDir(), make, conv)
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func (c *Case) write(dir string, make func(*export.Job) export.Format, conv *transcript.Conversation) (string, error) {
	o := c.options(dir, "test", func(j *export.Job) export.Format { return only{make(j), conv} })
	o.Zone = time.UTC
	_, err := export.Run(context.Background(), c, o, c.Voucher, c.Signer)
	return o.Dir, err
}

// only is a format that is given one conversation in place of each room's, once.
type only struct {
	export.Format
	conv *transcript.Conversation
}

func (o only) Conversation(ctx context.Context, c *transcript.Conversation, from int) error {
	if c.Room != Desk {
		return nil
	}
	return o.Format.Conversation(ctx, o.conv, from)
}
