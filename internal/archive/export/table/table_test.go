package table_test

import (
	"encoding/csv"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"conclave.chat/internal/archive/export"
	"conclave.chat/internal/archive/export/exporttest"
	"conclave.chat/internal/archive/export/prose"
	"conclave.chat/internal/archive/export/table"
	"conclave.chat/internal/archive/transcript"
)

// A cell that begins as a formula does (OWASP, CSV injection) is none only where it is a number or a user id.
var (
	formula  = regexp.MustCompile(`^[=+\-@\t\r]`)
	harmless = regexp.MustCompile(`^(-?[0-9]+(\.[0-9]+)?|@[a-z0-9._=/+-]+:[a-z0-9.-]+)$`)
)

func rows(t *testing.T, path string) []map[string]string {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	all, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var out []map[string]string
	for _, r := range all[1:] {
		row := map[string]string{}
		for i, cell := range r {
			row[all[0][i]] = cell
		}
		out = append(out, row)
	}
	return out
}

func TestNothingGetsLostInTables(t *testing.T) {
	c := exporttest.New(t)
	dir := c.Export(c.Options("csv", table.New))
	by := map[string]map[string]string{}
	for _, r := range rows(t, filepath.Join(dir, "messages.csv")) {
		by[r["event_id"]] = r
		for name, cell := range r {
			if formula.MatchString(cell) && !harmless.MatchString(cell) {
				t.Errorf("%s is a formula: %s", name, cell)
			}
		}
	}
	for _, want := range []struct{ event, column, part string }{
		{"$hello", "text", "buy at 42"},
		{"$hello", "first_text", "buy at 41"},
		{"$hello", "edits", "2026-03-04 23:32:00 +01:00: buy at 42"},
		{"$hello", "reactions", "👍 by Bob (@bob:example.org)"},
		{"$hello", "reactions", "👎 by Bob (@bob:example.org) 2026-03-04 23:40:00 +01:00, withdrawn 2026-03-04 23:44:00 +01:00"},
		{"$hello", "read_by", "Bob (@bob:example.org) 2026-03-04 23:45:00 +01:00"},
		{"$hello", "sender", "Alice Ångström"},
		{"$hello", "device", "PHONE (verified)"},
		{"$hello", "time", "2026-03-04 23:24:00 +01:00"},
		{"$hello", "time_utc", "2026-03-04T22:24:00Z"},
		{"$hello", "room", "Trading desk"},
		{"$hello", "could_read", exporttest.Alice + " " + exporttest.Bob},
		{"$answer", "in_reply_to", "$hello"},
		{"$thread", "thread", "$hello"},
		{"$gone", "text", "the secret price is 99"},
		{"$gone", "deleted", "by Alice Ångström (@alice:example.org) (reason: a slip)"},
		{"$file", "text", "see page 3"},
		{"$file", "attachments", "Prospectus «final».pdf"},
		{"$file", "attachment_files", "attachments/"},
		{"$file", "time", "2026-03-05 00:08:00 +01:00"},
		{"$lostfile", "attachment_files", "missing: its key was destroyed"},
		{"$formula", "text", "'=HYPERLINK("},
		{"$tongues", "text", "你好 🎉, مرحبا"},
		{"$lost", "kind", "gap"},
		{"$lost", "text", "no key came"},
		{"$private", "room_id", exporttest.Direct},
	} {
		if got := by[want.event][want.column]; !strings.Contains(got, want.part) {
			t.Errorf("%s of %s is %q, without %q", want.column, want.event, got, want.part)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, by["$file"]["attachment_files"])); err != nil {
		t.Error(err)
	}
	carol := 0
	for _, r := range rows(t, filepath.Join(dir, "participants.csv")) {
		if r["user_id"] == exporttest.Carol && r["name"] == "Carol" && r["joined"] == "2026-03-05 00:24:00 +01:00" && r["left"] == "2026-03-05 00:28:00 +01:00" {
			carol++
		}
	}
	if carol != 1 {
		t.Error("Carol's time in the room is not there")
	}
	if m, err := os.ReadFile(filepath.Join(dir, export.ManifestFile)); err != nil || !strings.Contains(string(m), `"messages.csv"`) {
		t.Errorf("the manifest: %v", err)
	}
}

func TestAnInterruptedExportGoesOn(t *testing.T) { exporttest.New(t).Interrupted("csv", table.New) }

// Whatever members write comes back out of its cell, and is no formula.
func FuzzTable(f *testing.F) {
	c := exporttest.New(f)
	for _, s := range []string{"=1+1", "a\"b,c\r\nd", "\x00", "'=1", "\t=1", "@SUM(1)"} {
		f.Add(s, s)
	}
	f.Fuzz(func(t *testing.T, body, name string) {
		m := &transcript.Message{Kind: transcript.Text, Body: body, Sender: name, SenderName: body, EventID: name, Sent: time.Unix(0, 0)}
		dir := c.ConversationIn(t, table.New, &transcript.Conversation{Room: "!r:x", Name: body, Messages: []*transcript.Message{m}})
		list := rows(t, filepath.Join(dir, "messages.csv"))
		if len(list) != 1 {
			t.Fatalf("%d rows", len(list))
		}
		for column, cell := range list[0] {
			if formula.MatchString(cell) && !harmless.MatchString(cell) {
				t.Fatalf("%s is a formula: %q", column, cell)
			}
		}
		// A reader of CSV has lines that end in LF; an apostrophe stands before what would be a formula.
		plain := func(s string) string { return strings.ReplaceAll(s, "\r", "") }
		if got, want := plain(list[0]["text"]), plain(prose.Body(m)); got != want && (got != "'"+want || !formula.MatchString(prose.Body(m)) && !strings.ContainsAny(want[:1], "|%\n")) {
			t.Fatalf("%q came back as %q", want, got)
		}
	})
}
