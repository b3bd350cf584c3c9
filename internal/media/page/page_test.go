package page

import (
	"fmt"
	"maps"
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"
)

func parse(t testing.TB, text, contentType string) *Page {
	t.Helper()
	at, err := url.Parse("https://example.org/news/item.html?x=1")
	if err != nil {
		t.Fatal(err)
	}
	p, err := Parse(strings.NewReader(text), contentType, at)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// The example of https://ogp.me/, and what pages do in practice.
func TestParse(t *testing.T) {
	for name, c := range map[string]struct {
		html  string
		want  map[string]string
		image string
	}{
		"OpenGraph": {
			`<html prefix="og: https://ogp.me/ns#"><head><title>The Rock (1996)</title>
			<meta property="og:title" content="The Rock"/><meta property="og:type" content="video.movie"/>
			<meta property="og:url" content="https://www.imdb.com/title/tt0117500/"/>
			<meta property="og:image" content="//cdn.example.org/rock.jpg"/><meta property="og:image:width" content="400"/>
			<meta property="og:image" content="second.jpg"/></head>`,
			map[string]string{"og:title": "The Rock", "og:type": "video.movie", "og:url": "https://www.imdb.com/title/tt0117500/"},
			"https://cdn.example.org/rock.jpg",
		},
		"title and description": {
			`<title>  A &amp; B
			</title><meta name="Description" content="What it is about"><p>Text</p>`,
			map[string]string{"og:title": "A & B", "og:description": "What it is about"},
			"",
		},
		"heading and paragraph": {
			`<body><nav><p>Menu</p></nav><h1>Heading <b>here</b></h1><script>var a = "<p>no</p>"</script><p></p><p>First <i>words</i>.</p><p>Second.</p>`,
			map[string]string{"og:title": "Heading here", "og:description": "First words."},
			"",
		},
		"Twitter card": {
			`<meta name="twitter:title" content="T"><meta name="twitter:description" content="D"><meta name="twitter:image" content="/i.png"><title>X</title>`,
			map[string]string{"og:title": "T", "og:description": "D"},
			"https://example.org/i.png",
		},
		"base":           {`<base href="https://other.example/dir/"><meta property="og:image" content="a.png">`, map[string]string{}, "https://other.example/dir/a.png"},
		"relative image": {`<meta property="og:image" content="a.png#frag">`, map[string]string{}, "https://example.org/news/a.png"},
		"image as data":  {`<meta property="og:image" content="data:image/png;base64,AAAA">`, map[string]string{}, ""},
		"image as file":  {`<meta property="og:image" content="file:///etc/passwd">`, map[string]string{}, ""},
		"script address": {`<meta property="og:url" content="javascript:alert(1)"><meta property="og:title" content="x">`, map[string]string{"og:title": "x"}, ""},
		"title in SVG":   {`<svg><title>Icon</title></svg><title>Page</title>`, map[string]string{"og:title": "Page"}, ""},
		"control bytes":  {"<title>a\x00b\x07c\u200bd</title>", map[string]string{"og:title": "a b c\u200bd"}, ""},
		"empty":          {``, map[string]string{}, ""},
		"no HTML":        {`{"json": true}`, map[string]string{}, ""},
		"first wins":     {`<meta property=og:title content=one><meta property=og:title content=two>`, map[string]string{"og:title": "one"}, ""},
	} {
		p := parse(t, c.html, "text/html; charset=utf-8")
		if !maps.Equal(p.Properties, c.want) || p.Image != c.image {
			t.Errorf("%s: %q %q, want %q %q", name, p.Properties, p.Image, c.want, c.image)
		}
	}
}

func TestCharsets(t *testing.T) {
	for contentType, text := range map[string]string{
		"text/html; charset=iso-8859-1": "<title>Stra\xdfe</title>",
		"text/html":                     "<meta charset=windows-1252><title>Stra\xdfe</title>",
		"text/html; charset=UTF-8":      "<title>Straße</title>",
	} {
		if got := parse(t, text, contentType).Properties["og:title"]; got != "Straße" {
			t.Errorf("%s: %q", contentType, got)
		}
	}
}

func TestLimits(t *testing.T) {
	var b strings.Builder
	for i := range 1000 {
		fmt.Fprintf(&b, `<meta property="og:x%d" content="%s">`, i, strings.Repeat("ä", 2000))
	}
	b.WriteString("<title>" + strings.Repeat("x ", 100_000) + "</title>")
	p := parse(t, b.String(), "text/html; charset=utf-8")
	if len(p.Properties) > maxProperties+2 {
		t.Errorf("%d properties", len(p.Properties))
	}
	for k, v := range p.Properties {
		if len(v) > maxText || !utf8.ValidString(v) {
			t.Errorf("%s has %d bytes", k, len(v))
		}
	}
	attrs := "<meta " + strings.Repeat("a=b ", 100_000) + ">"
	parse(t, attrs, "text/html")
	parse(t, "<title>"+strings.Repeat("<b>", 100_000), "text/html")
}

func TestIsHTML(t *testing.T) {
	for contentType, want := range map[string]bool{
		"text/html": true, "Text/HTML; charset=x": true, "application/xhtml+xml": true, "text/plain": false, "": false, "text/html;;=": false, "application/pdf": false,
	} {
		if IsHTML(contentType) != want {
			t.Errorf("%q: %v", contentType, !want)
		}
	}
}

// FuzzParse: whatever the page, what leaves is bounded text and addresses of the web.
func FuzzParse(f *testing.F) {
	f.Add(`<base href="x"><title>a</title><meta property="og:image" content="//b/c">`, "text/html")
	f.Add("<svg><p></svg><h1>\xff", "text/html; charset=utf-16")
	f.Fuzz(func(t *testing.T, text, contentType string) {
		at := &url.URL{Scheme: "https", Host: "example.org", Path: "/"}
		p, err := Parse(strings.NewReader(text), contentType, at)
		if err != nil {
			return
		}
		if p.Image != "" {
			if u, err := url.Parse(p.Image); err != nil || (u.Scheme != "http" && u.Scheme != "https") {
				t.Errorf("image at %q", p.Image)
			}
		}
		for k, v := range p.Properties {
			if !strings.HasPrefix(k, "og:") || !utf8.ValidString(k) || strings.HasPrefix(k, "og:image") || v == "" || len(v) > maxText || !utf8.ValidString(v) || strings.ContainsAny(v, "\x00\n\r") {
				t.Errorf("%q: %q", k, v)
			}
		}
	})
}
