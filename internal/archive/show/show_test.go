package show

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"conclave.chat/internal/archive/casefile"
	"conclave.chat/internal/archive/query"
	"conclave.chat/internal/archive/record"
	"conclave.chat/internal/archive/transcript"
)

func at(s int) time.Time { return time.Date(2026, 3, 1, 22, 59, s, 0, time.UTC) }

func unverified() *record.Device { return &record.Device{ID: "D", Verification: "unverified"} }

func conversation() *transcript.Conversation {
	return &transcript.Conversation{
		Room: "!r", Name: "Desk", Participants: []transcript.Participant{{UserID: "@ann:x", Name: "Ann", Periods: []transcript.Period{{Joined: at(0)}}}, {UserID: "@bot:x", Service: true}},
		Messages: []*transcript.Message{
			{
				EventID: "$1", Sent: at(1), Sender: "@ann:x", SenderName: "Ann", Kind: transcript.Text, Body: "buy at 41", Edits: []transcript.Version{
					{EventID: "$2", Sent: at(2), Body: "buy at 42"}, {EventID: "$3", Sent: at(3), Body: "buy at 43", Deleted: &transcript.Removal{By: "@ann:x", Sent: at(4)}},
				},
				Reactions: []transcript.ReactionBy{{EventID: "$4", Key: "+1", By: "@bob:x", ByName: "Bob", Sent: at(4), Removed: &transcript.Removal{Sent: at(70)}}},
			},
			{EventID: "$5", Sent: at(100), Sender: "@bob:x", Kind: transcript.Text, Body: "done", ReplyTo: "$1", Thread: "$0", Deleted: &transcript.Removal{By: "@ann:x", ByName: "Ann", Sent: at(101), Reason: "wrong"}, Device: unverified()},
			{EventID: "$6", Sent: at(102), Sender: "@bob:x", Kind: transcript.File, Attachments: []transcript.Attachment{{Attachment: record.Attachment{Name: "a.pdf", Type: "application/pdf", Size: 3, SHA256: "ab"}}, {Thumbnail: true, Attachment: record.Attachment{Name: "t"}}}},
			{EventID: "$7", Sent: at(103), Sender: "@bob:x", Kind: transcript.Gap, Body: "no key came"},
			{EventID: "$8", Sent: at(104), Sender: "@bob:x", Kind: transcript.Text, Body: "hi", HTML: "<b>something else</b>", NotAccepted: true},
		},
	}
}

func TestConversation(t *testing.T) {
	var b strings.Builder
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	if err := Conversation(&b, conversation(), Part{}, Options{Zone: zone}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"Desk  !r\ngroup; 5 of 5 entries; times in Europe/Berlin\n  Ann (@ann:x), joined 2026-03-01 23:59:00\n  @bot:x, a program\n",
		"--- Sunday, 2026-03-01 ---\n23:59:01  Ann (@ann:x)  $1\n          buy at 42\n          [edited; first, 23:59:01:]\n            | buy at 41\n          [23:59:02:]\n            | buy at 42\n          [23:59:03, withdrawn 23:59:04:]\n            | buy at 43\n",
		"          +1  Bob (@bob:x) 23:59:04, withdrawn 2026-03-02 00:00:10\n",
		"--- Monday, 2026-03-02 ---\n00:00:40  @bob:x  $5\n          [from the unverified device D]\n          > reply to Ann (@ann:x) 2026-03-01 23:59:01: buy at 42\n          > in the thread of $0\n          done\n          [deleted 00:00:41 by Ann (@ann:x): wrong]\n",
		"          file: a.pdf (application/pdf, 3 bytes, SHA-256 ab)\n",
		"          [NOT ARCHIVED: no key came]\n",
		"          hi\n          [formatted] something else\n",
		"[not accepted: the room went on without this event, no member saw it]",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("%q is not in\n%s", want, b.String())
		}
	}
	if strings.Contains(b.String(), "file: t ") || strings.Contains(b.String(), "\x1b") {
		t.Errorf("thumbnails or colours:\n%s", b.String())
	}
}

func TestParts(t *testing.T) {
	for _, x := range []struct {
		part Part
		want string
	}{
		{Part{}, "$1 $5 $6 $7 $8"},
		{Part{Since: at(2), Until: at(101)}, "$1 $5"}, // the edit of the first is in it
		{Part{Until: at(2)}, "$1"},
		{Part{Around: "$6", Near: 1}, "$5 $6 $7"},
		{Part{Around: "$3"}, "$1"}, // an edit
		{Part{Around: "$4"}, "$1"}, // a reaction
	} {
		list, err := pick(conversation(), x.part)
		var ids []string
		for _, m := range list {
			ids = append(ids, m.EventID)
		}
		if got := strings.Join(ids, " "); err != nil || got != x.want {
			t.Errorf("%+v: %s, want %s (%v)", x.part, got, x.want, err)
		}
	}
	if _, err := pick(conversation(), Part{Around: "$99"}); err == nil {
		t.Error("an event that is not there")
	}
}

func TestLinesFit(t *testing.T) {
	for text, want := range map[string][]string{
		"one two three four":           {"one two", "three four"},
		"abcdefghijklmnopqrstu":        {"abcdefghij", "klmnopqrst", "u"},
		"我们明天卖出股票":                     {"我们明天卖", "出股票"},
		"a\nb":                         {"a", "b"},
		"e\u0301e\u0301e\u0301e\u0301": {"e\u0301e\u0301e\u0301e\u0301"},
	} {
		if got := wrap(text, 10); strings.Join(got, "|") != strings.Join(want, "|") {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

// hostile is what a member may write to harm whoever reads it on a terminal.
const hostile = "a\x1b[2J\x1b]0;title\x07b\x9b31m\r\nc\u202edcba\u2066\U000e0041\x00\u0085\u2028\x7f"

// ours are the sequences that this package writes itself.
var ours = regexp.MustCompile("\x1b\\[[0127]m")

func TestForeignTextDoesNothingToTheTerminal(t *testing.T) {
	c := conversation()
	c.Name, c.Room = hostile, hostile
	c.Participants[0].Name, c.Participants[0].UserID = hostile, hostile
	for _, m := range c.Messages {
		m.Body, m.HTML, m.SenderName, m.Sender, m.EventID, m.Type, m.Location, m.ReplyTo = hostile, hostile+"x", hostile, hostile, hostile, hostile, hostile, "$9"+hostile
		m.Verdict = &record.Verdict{Action: hostile, Reason: hostile}
		m.Device = &record.Device{ID: hostile, Verification: hostile}
		m.Deleted = &transcript.Removal{By: hostile, Reason: hostile}
		m.Edits = []transcript.Version{{Body: hostile, HTML: "<i>" + hostile}}
		m.Reactions = []transcript.ReactionBy{{Key: hostile, By: hostile}}
		m.Reads = []transcript.ReadBy{{By: hostile, ByName: hostile}}
		m.Attachments = []transcript.Attachment{{Attachment: record.Attachment{Name: hostile, Type: hostile, SHA256: hostile}}}
		m.Member = &transcript.MemberChange{Name: hostile, UserID: hostile, WasName: hostile, Reason: hostile}
		m.Vote = &transcript.PollVote{Answers: []transcript.Answer{{Text: hostile}}}
		m.Poll = &transcript.PollQuestion{Answers: []transcript.Answer{{Text: hostile}}}
	}
	for _, colour := range []bool{false, true} {
		for _, kind := range transcript.Kinds() {
			for _, m := range c.Messages {
				m.Kind = kind
			}
			var b strings.Builder
			if err := Conversation(&b, c, Part{}, Options{Colour: colour, Width: 60}); err != nil {
				t.Fatal(err)
			}
			safe(t, ours.ReplaceAllString(b.String(), ""))
		}
		var b strings.Builder
		hit := casefile.Hit{Event: hostile, Room: hostile, RoomName: hostile, Sender: hostile, Name: hostile, Kind: hostile, Text: hostile, About: hostile, Files: []string{hostile}, Marks: []query.Span{{Start: 1, End: 9}}}
		if err := Hits(&b, []casefile.Hit{hit}, Options{Colour: colour}); err != nil {
			t.Fatal(err)
		}
		if err := Rooms(&b, []casefile.Room{{Name: hostile, ID: hostile}}, Options{Colour: colour}); err != nil {
			t.Fatal(err)
		}
		safe(t, ours.ReplaceAllString(b.String(), ""))
	}
}

func safe(t *testing.T, s string) {
	t.Helper()
	if !utf8.ValidString(s) {
		t.Errorf("%q is no UTF-8", s)
	}
	for _, r := range s {
		if r != '\n' && (r < 0x20 || r >= 0x7f && r < 0xa0 || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 || r == 0x2028 || r == 0x3164 || r >= 0xe0000 && r < 0xe0080) {
			t.Fatalf("%U came through: %q", r, s)
		}
	}
}

func TestJSONSaysTheSame(t *testing.T) {
	raw, err := json.Marshal(strings.ToValidUTF8(hostile, "") + "\U000e0041é")
	if err != nil {
		t.Fatal(err)
	}
	out := JSON(raw)
	safe(t, out)
	var a, b string
	if err := json.Unmarshal(raw, &a); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(out), &b); err != nil || a != b {
		t.Errorf("%q became %q (%v)", a, b, err)
	}
}

func TestHits(t *testing.T) {
	text := strings.Repeat("word ", 100) + "needle" + strings.Repeat(" word", 100)
	var b strings.Builder
	hit := casefile.Hit{Event: "$1", RoomName: "Desk", Sender: "@ann:x", Name: "Ann", Sent: at(1), Kind: transcript.Edit, About: "$0", Deleted: true, Text: text, Marks: query.Parse("needle").Find(text), Files: []string{"a.pdf"}}
	if err := Hits(&b, []casefile.Hit{hit}, Options{}); err != nil {
		t.Fatal(err)
	}
	if got := b.String(); !strings.HasPrefix(got, "2026-03-01 22:59:01  Desk  Ann (@ann:x)  $1\n          …word word") || !strings.Contains(got, " [needle] word") ||
		!strings.HasSuffix(got, "…\n          [edit; about $0; deleted later; file a.pdf]\n") || len(got) > 400 {
		t.Errorf("%s", got)
	}
}

func FuzzText(f *testing.F) {
	f.Add(hostile, 20)
	f.Fuzz(func(t *testing.T, s string, most int) {
		clean := Text(s)
		safe(t, clean)
		most = 10 + most&63
		for _, line := range wrap(clean, most) {
			if n := wide(line); n > most+1 {
				t.Fatalf("%q has %d columns, not %d", line, n, most)
			}
		}
		if strings.Contains(Line(s), "\n") {
			t.Fatal("a line has lines")
		}
	})
}
