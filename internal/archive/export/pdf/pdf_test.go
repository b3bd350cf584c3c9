package pdf_test

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"conclave.chat/internal/archive/export/exporttest"
	"conclave.chat/internal/archive/export/pdf"
	"conclave.chat/internal/archive/record"
	"conclave.chat/internal/archive/transcript"
)

// text is what poppler, a reader of PDF that others wrote, finds in a file.
func text(t *testing.T, path string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "pdftotext", "-raw", path, "-").CombinedOutput()
	if err != nil {
		t.Fatalf("pdftotext (scripts/install-test-deps installs it): %v %s", err, out)
	}
	return strings.Join(strings.Fields(string(out)), " ")
}

func TestNothingGetsLostInPDF(t *testing.T) {
	c := exporttest.New(t)
	dir := c.Export(c.Options("pdf", pdf.New))
	paths, err := filepath.Glob(filepath.Join(dir, "*.pdf"))
	if err != nil || len(paths) != 2 {
		t.Fatal(paths, err)
	}
	desk, direct := text(t, paths[1]), text(t, paths[0])
	for _, part := range []string{
		"Case 2026-17 · Trading desk", "Times in Europe/Berlin", "1 / 2", "example.org/archive: 24 entries, root ", "Carol (@carol:example.org), member from 2026-03-05 00:24:00 +01:00 to 2026-03-05 00:28:00 +01:00",
		"Wednesday, 4 March 2026", "Thursday, 5 March 2026",
		"23:24:00 +01:00 Alice Ångström (@alice:example.org) buy at 42 – first version: buy at 41 – edited 2026-03-04 23:32:00 +01:00 to: buy at 42",
		"reaction [thumbs up sign] by Bob (@bob:example.org)", "withdrawn 2026-03-04 23:44:00 +01:00", "$hello · record 5 · device PHONE (verified)",
		"done – in reply to $hello", "why 42? – in the thread of $hello",
		"This message was deleted 2026-03-04 23:56:00 +01:00 by Alice Ångström (@alice:example.org) (reason: a slip). It said: the secret price is 99",
		"see page 3 Attachment Prospectus «final».pdf, application/pdf, 100000 bytes", "Grüße, Ελλάδα, Привет, [U+4F60][U+597D] [party popper],",
		"<script>alert(1)</script>", "no key came",
	} {
		if !strings.Contains(desk, part) {
			t.Errorf("the PDF lacks %q:\n%s", part, desk)
		}
	}
	if !strings.Contains(direct, "Attachment lost.txt (20 bytes) could not be opened: its key was destroyed") {
		t.Errorf("the direct chat: %s", direct)
	}
	if images, err := exec.CommandContext(t.Context(), "pdfimages", "-list", paths[1]).CombinedOutput(); err != nil || strings.Count(string(images), " image ") != 1 {
		t.Errorf("pictures: %v %s", err, images)
	}
}

// Whatever members write, a page comes out of it.
func FuzzText(f *testing.F) {
	for _, s := range []string{"مرحبا بالعالم (123) abc", "שלום", "a\x00b\tc\r\n", strings.Repeat("x", 3000), "\U0001f469\u200d\U0001f4bb\ufe0f", "\u202egnp.exe", "\uffff\ufffe\U0010ffff", "لا لآ", "( [ {"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		c := exporttest.New(t)
		m := &transcript.Message{Kind: transcript.Text, Body: s, Sender: s, EventID: s, Sent: time.Unix(0, 0), Attachments: []transcript.Attachment{{Attachment: record.Attachment{Name: s, SHA256: "0"}}}}
		if err := c.Conversation(pdf.New, &transcript.Conversation{Room: "!r:x", Name: s, Messages: []*transcript.Message{m}}); err != nil {
			t.Fatal(err)
		}
	})
}

func TestAnInterruptedExportGoesOn(t *testing.T) { exporttest.New(t).Interrupted("pdf", pdf.New) }
