package page_test

import (
	"crypto/sha256"
	"encoding/base64"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"conclave.chat/internal/archive/export/exporttest"
	"conclave.chat/internal/archive/export/page"
	"conclave.chat/internal/archive/record"
	"conclave.chat/internal/archive/transcript"
)

// parse reads a page as browsers do.
func parse(t *testing.T, path string) *html.Node {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	n, err := html.Parse(f)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func attr(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

func all(n *html.Node, f func(*html.Node) bool) (out []*html.Node) {
	for d := range n.Descendants() {
		if d.Type == html.ElementNode && f(d) {
			out = append(out, d)
		}
	}
	return out
}

func text(n *html.Node) string {
	var b strings.Builder
	for d := range n.Descendants() {
		if d.Type == html.TextNode {
			b.WriteString(d.Data)
		}
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

func tag(names ...string) func(*html.Node) bool {
	return func(n *html.Node) bool {
		for _, name := range names {
			if n.Data == name {
				return true
			}
		}
		return false
	}
}

func TestNothingGetsLostInPages(t *testing.T) {
	c := exporttest.New(t)
	dir := c.Export(c.Options("html", page.New))
	pages, err := filepath.Glob(filepath.Join(dir, "Trading desk-*.html"))
	if err != nil || len(pages) != 1 {
		t.Fatal(pages, err)
	}
	doc := parse(t, pages[0])
	// No script, nothing from elsewhere, no handler; each link leads to something.
	if bad := all(doc, tag("script", "iframe", "object", "embed", "link", "base", "form")); len(bad) > 0 {
		t.Errorf("there is <%s>", bad[0].Data)
	}
	for _, n := range all(doc, func(*html.Node) bool { return true }) {
		for _, a := range n.Attr {
			if strings.HasPrefix(a.Key, "on") || a.Key == "style" {
				t.Errorf("%s on <%s>", a.Key, n.Data)
			}
			if a.Key != "href" && a.Key != "src" {
				continue
			}
			if id, ok := strings.CutPrefix(a.Val, "#"); ok {
				if len(all(doc, func(n *html.Node) bool { return attr(n, "id") == id })) != 1 {
					t.Errorf("nothing is at %s", a.Val)
				}
				continue
			}
			name, err := url.PathUnescape(a.Val)
			if _, statErr := os.Stat(filepath.Join(dir, name)); err != nil || statErr != nil || !strings.HasPrefix(a.Val, "./") {
				t.Errorf("%s leads nowhere: %v", a.Val, statErr)
			}
		}
	}
	styles := all(doc, tag("style"))
	sum := sha256.Sum256([]byte(styles[0].FirstChild.Data))
	policy := ""
	for _, n := range all(doc, tag("meta")) {
		if attr(n, "http-equiv") == "Content-Security-Policy" {
			policy = attr(n, "content")
		}
	}
	if !strings.HasPrefix(policy, "default-src 'none'; style-src 'sha256-"+base64.StdEncoding.EncodeToString(sum[:])+"'") {
		t.Errorf("the policy does not fit the style: %s", policy)
	}
	articles := map[string]string{}
	for _, a := range all(doc, tag("article")) {
		codes := all(a, tag("code"))
		articles[text(codes[len(codes)-1])] = text(a)
	}
	for event, parts := range map[string][]string{
		"$hello": {
			"Alice Ångström @alice:example.org 23:24:00", "buy at 42", "2026-03-04 23:24:00 +01:00 buy at 41", "2026-03-04 23:32:00 +01:00 buy at 42", "👍 by Bob",
			"by Bob (@bob:example.org) 2026-03-04 23:40:00 +01:00, withdrawn 2026-03-04 23:44:00 +01:00", "record 5", "device PHONE (verified)", "read by Bob (@bob:example.org) 2026-03-04 23:45:00 +01:00",
		},
		"$answer":  {"In reply to Alice Ångström: buy at 42", "done"},
		"$thread":  {"In the thread of Alice Ångström", "why 42?"},
		"$gone":    {"This message was deleted 2026-03-04 23:56:00 +01:00 by Alice Ångström (@alice:example.org) (reason: a slip). It said:", "the secret price is 99"},
		"$formula": {"=HYPERLINK", "<script>alert(1)</script>"},
		"$tongues": {"Grüße, Ελλάδα, Привет, 你好 🎉, مرحبا"},
		"$file":    {"see page 3", "Prospectus «final».pdf", "application/pdf"},
		"$lost":    {"no key came"},
		"$leave" + exporttest.Carol + exporttest.Desk: {"Carol (@carol:example.org) left"},
	} {
		for _, p := range parts {
			if !strings.Contains(articles[event], p) {
				t.Errorf("%s lacks %q: %s", event, p, articles[event])
			}
		}
	}
	whole := text(doc)
	for _, p := range []string{"Thursday, 5 March 2026", "Times in Europe/Berlin", "Case 2026-17", "Carol (@carol:example.org), member from 2026-03-05 00:24:00 +01:00 to", "25 entries, root "} {
		if !strings.Contains(whole, p) {
			t.Errorf("the page lacks %q", p)
		}
	}
	if n := len(all(doc, tag("img"))); n != 1 {
		t.Errorf("%d pictures", n)
	}
	index := parse(t, filepath.Join(dir, "index.html"))
	if n := len(all(index, tag("tbody"))); n != 1 || len(all(index, tag("a"))) != 2 || !strings.Contains(text(index), "Trading desk") {
		t.Errorf("index: %s", text(index))
	}
}

func TestAnInterruptedExportGoesOn(t *testing.T) { exporttest.New(t).Interrupted("html", page.New) }

// Whatever members write, it is text of a page and nothing else.
func FuzzPage(f *testing.F) {
	c := exporttest.New(f)
	for _, s := range []string{"<script>alert(1)</script>", "</p><img src=x onerror=alert(1)>", "javascript:alert(1)", "'\"><svg/onload=1>", "{{.}}", "\x00\ufeff</title>"} {
		f.Add(s, s)
	}
	f.Fuzz(func(t *testing.T, body, name string) {
		m := &transcript.Message{
			Kind: transcript.Text, Body: body, Sender: name, SenderName: body, EventID: name, ReplyTo: body, Thread: name, Sent: time.Unix(0, 0),
			Reactions:   []transcript.ReactionBy{{Key: body, By: name}},
			Attachments: []transcript.Attachment{{Attachment: record.Attachment{Name: name, Type: body, SHA256: "0"}}},
		}
		dir := c.ConversationIn(t, page.New, &transcript.Conversation{Room: "!r:x", Name: body, Messages: []*transcript.Message{m}})
		pages, err := filepath.Glob(filepath.Join(dir, "*.html"))
		if err != nil || len(pages) != 2 {
			t.Fatal(pages, err)
		}
		for _, p := range pages {
			doc := parse(t, p)
			for _, n := range all(doc, func(*html.Node) bool { return true }) {
				if tag("script", "iframe", "object", "embed", "link", "base", "form", "svg")(n) {
					t.Fatalf("there is <%s>", n.Data)
				}
				for _, a := range n.Attr {
					if strings.HasPrefix(a.Key, "on") || a.Key == "style" || (a.Key == "href" || a.Key == "src") && !strings.HasPrefix(a.Val, "#") && !strings.HasPrefix(a.Val, "./") {
						t.Fatalf("%s=%q on <%s>", a.Key, a.Val, n.Data)
					}
				}
			}
		}
	})
}
