package prose

import (
	"strings"
	"testing"
	"time"

	"conclave.chat/internal/archive/record"
	"conclave.chat/internal/archive/transcript"
)

// A message may say one thing to whom clients show its formatting, and another to who searches its plain text.
func TestFormattingThatSaysSomethingElse(t *testing.T) {
	for _, c := range []struct{ body, html, want string }{
		{"plain", "", ""},
		{"**bold** and _thin_", "<strong>bold</strong> and <em>thin</em>", ""},
		{"- one\n- two", "<ul><li>one</li><li>two</li></ul>", ""},
		{"hello", "<b>sell everything</b>", "sell everything"},
		{"x", "one<br>two", "one two"},
	} {
		if got := formatted(c.body, c.html); got != c.want {
			t.Errorf("%q with %q: %q, want %q", c.body, c.html, got, c.want)
		}
	}
}

// Whatever kind of event it is, there are words for it.
func TestThereAreWordsForEachKind(t *testing.T) {
	c := Clock{time.UTC}
	for _, k := range transcript.Kinds() {
		m := &transcript.Message{
			Kind: k, Type: "x.y", Poll: &transcript.PollQuestion{Answers: []transcript.Answer{{ID: "1", Text: "yes"}}}, Vote: &transcript.PollVote{},
			Member: &transcript.MemberChange{UserID: "@a:b", Change: transcript.Joined}, Key: "+1", Location: "geo:1,2",
		}
		if strings.TrimSpace(Body(m)) == "" {
			t.Errorf("%s says nothing", k)
		}
		_ = c.Notes(m)
	}
}

func TestSlicesKeepWithinTheirLimits(t *testing.T) {
	conv := &transcript.Conversation{}
	for i := range 10 {
		m := &transcript.Message{Sent: time.Date(2026, 1, 1+i/8, i, 0, 0, 0, time.UTC), Attachments: []transcript.Attachment{{Attachment: record.Attachment{Size: 30, SHA256: string(rune('a' + i))}}}}
		conv.Messages = append(conv.Messages, m)
	}
	conv.Messages[3].Attachments[0].Size = 500
	var got []string
	for _, s := range (Clock{time.UTC}).Slices(conv, Limits{Messages: 3, Bytes: 100}) {
		got = append(got, s.Suffix()+strings.Repeat(".", len(s.Messages)))
	}
	if want := "2026-01-01-1... 2026-01-01-2. 2026-01-01-3... 2026-01-01-4. 2026-01-02.."; strings.Join(got, " ") != want {
		t.Errorf("%q", got)
	}
}
