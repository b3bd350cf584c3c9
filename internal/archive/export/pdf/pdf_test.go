package pdf_test

import (
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"conclave.chat/internal/archive/export"
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
		"Case 2026-17 · Trading desk", "Times in Europe/Berlin", "1 / 2", "example.org/archive: 25 entries, root ", "Carol (@carol:example.org), member from 2026-03-05 00:24:00 +01:00 to 2026-03-05 00:28:00 +01:00",
		"Wednesday, 4 March 2026", "Thursday, 5 March 2026",
		"23:24:00 +01:00 Alice Ångström (@alice:example.org) buy at 42 – first version: buy at 41 – edited 2026-03-04 23:32:00 +01:00 to: buy at 42",
		"reaction 👍 by Bob (@bob:example.org)", "withdrawn 2026-03-04 23:44:00 +01:00", "$hello · record 5 · device PHONE (verified)",
		"done – in reply to $hello", "why 42? – in the thread of $hello",
		"This message was deleted 2026-03-04 23:56:00 +01:00 by Alice Ångström (@alice:example.org) (reason: a slip). It said: the secret price is 99",
		"see page 3 Attachment Prospectus «final».pdf, application/pdf, 100000 bytes", "Grüße, Ελλάδα, Привет, 你好 🎉,",
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

// tongues are texts that no font has alone; what a reader of PDF finds must be what was written.
var tongues = []string{
	"中文：买入四十二手，价格不变。", "日本語のテキスト、カタカナ。", "한국어 문장입니다", "mixed 价格 42 and 😀 👍 🚀 text", "नमस्ते", "שלום עולם", "emoji family 👩 💻 🇩🇪",
}

// conversation writes a conversation of these texts and gives what a reader finds in it, and the file.
func conversation(t *testing.T, make func(*export.Job) export.Format, texts ...string) (said, path string) {
	t.Helper()
	c := exporttest.New(t)
	conv := &transcript.Conversation{Room: "!r:x", Name: "房间 🏦"}
	for i, s := range texts {
		conv.Messages = append(conv.Messages, &transcript.Message{Kind: transcript.Text, Body: s, Sender: "@ann:x", SenderName: "安", EventID: fmt.Sprint("$", i), Sent: time.Unix(1e9, 0)})
	}
	dir, err := c.Conversation(make, conv)
	if err != nil {
		t.Fatal(err)
	}
	paths, err := filepath.Glob(filepath.Join(dir, "*.pdf"))
	if err != nil || len(paths) != 1 {
		t.Fatal(paths, err)
	}
	return text(t, paths[0]), paths[0]
}

func TestTextOfOtherScripts(t *testing.T) {
	said, path := conversation(t, pdf.New, tongues...)
	for _, part := range []string{
		"Case 2026-17 · 房间 🏦", "安 (@ann:x)", "中文：买入四十二手，价格不变。", "日本語のテキスト、カタカナ。", "한국어 문장입니다", "mixed 价格 42 and 😀 👍 🚀 text",
		"[U+0928][U+092E]", "emoji family 👩 💻 🇩🇪", "שלום", "עולם",
	} {
		if !strings.Contains(said, part) {
			t.Errorf("the PDF lacks %q:\n%s", part, said)
		}
	}
	fonts, err := exec.CommandContext(t.Context(), "pdffonts", path).CombinedOutput()
	if err != nil {
		t.Fatal(err, string(fonts))
	}
	for _, f := range []string{"utf8dejavusans", "utf8droidsansfallback", "utf8notoemoji"} {
		if !strings.Contains(strings.ToLower(string(fonts)), f) {
			t.Errorf("the PDF lacks the font %s:\n%s", f, fonts)
		}
	}
	// A document of plain words has no font that it does not use.
	if _, path := conversation(t, func(j *export.Job) export.Format { return plain{pdf.New(j)} }, "plain"); path != "" {
		info, err := os.Stat(path)
		if err != nil || info.Size() > 60_000 {
			t.Errorf("plain words take %d bytes, %v", info.Size(), err)
		}
	}
}

// plain gives a conversation names of plain letters.
type plain struct{ export.Format }

func (p plain) Conversation(ctx context.Context, c *transcript.Conversation, from int) error {
	c.Name = "Room"
	for _, m := range c.Messages {
		m.SenderName = "Ann"
	}
	return p.Format.Conversation(ctx, c, from)
}

// Chinese is written without spaces; a line of it ends somewhere, and within the page.
func TestLongLinesOfChinese(t *testing.T) {
	long := strings.Repeat("买入四十二手，价格不变。", 40)
	_, path := conversation(t, pdf.New, long)
	out, err := exec.CommandContext(t.Context(), "pdftotext", "-bbox", path, "-").CombinedOutput()
	if err != nil {
		t.Fatal(err)
	}
	words := regexp.MustCompile(`xMin="([0-9.]+)" yMin="([0-9.]+)" xMax="([0-9.]+)"[^>]*>([^<]*)</word>`).FindAllStringSubmatch(string(out), -1)
	lines := 0
	for _, w := range words {
		right, err := strconv.ParseFloat(w[3], 64)
		if err != nil || right > 596-18/25.4*72+1 {
			t.Errorf("%s ends at %s", w[4], w[3])
		}
		if r := []rune(w[4])[0]; r == '，' || r == '。' {
			t.Errorf("a line begins with %c", r)
		}
		if strings.Contains(w[4], "价格") {
			lines++
		}
	}
	if lines < 8 {
		t.Errorf("%d lines", lines)
	}
}

func TestAFontOfTheOfficersOwn(t *testing.T) {
	file, err := os.Open("font/NotoEmoji.ttf.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	z, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	own, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	with, err := pdf.With(own)
	if err != nil {
		t.Fatal(err)
	}
	said, path := conversation(t, with, "go 🚀 go")
	fonts, err := exec.CommandContext(t.Context(), "pdffonts", path).CombinedOutput()
	if err != nil || !strings.Contains(said, "go 🚀 go") || !strings.Contains(string(fonts), "utf8own") || strings.Contains(strings.ToLower(string(fonts)), "notoemoji") {
		t.Errorf("%v %s %s", err, fonts, said)
	}
	for what, data := range map[string][]byte{"nothing": nil, "no font": []byte("hello"), "OpenType with outlines of PostScript": append([]byte("OTTO"), own[4:]...), "half of one": own[:len(own)/2]} {
		if _, err := pdf.With(data); err == nil {
			t.Errorf("%s is taken for a font", what)
		}
	}
}

// Whatever members write, a page comes out of it.
func FuzzText(f *testing.F) {
	for _, s := range []string{"مرحبا بالعالم (123) abc", "שלום", "a\x00b\tc\r\n", strings.Repeat("x", 3000), "\U0001f469\u200d\U0001f4bb\ufe0f", "\u202egnp.exe", "\uffff\ufffe\U0010ffff", "لا لآ", "( [ {"} {
		f.Add(s)
	}
	c := exporttest.New(f)
	f.Fuzz(func(t *testing.T, s string) {
		m := &transcript.Message{Kind: transcript.Text, Body: s, Sender: s, EventID: s, Sent: time.Unix(0, 0), Attachments: []transcript.Attachment{{Attachment: record.Attachment{Name: s, SHA256: "0"}}}}
		c.ConversationIn(t, pdf.New, &transcript.Conversation{Room: "!r:x", Name: s, Messages: []*transcript.Message{m}})
	})
}

func TestAnInterruptedExportGoesOn(t *testing.T) { exporttest.New(t).Interrupted("pdf", pdf.New) }
