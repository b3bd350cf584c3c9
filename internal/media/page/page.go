// Package page finds out what an HTML page says about itself: OpenGraph properties, or failing those its title and description.
//
// It is pure and reads a stream of tokens, so memory is bounded by what the caller lets it read and by the limits below. It trusts
// nothing: what leaves is plain text, cut to length, and addresses that the caller has yet to judge.
package page

import (
	"errors"
	"io"
	"mime"
	"net/url"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
	"golang.org/x/net/html/charset"
)

// Limits of what is kept.
const (
	maxProperties = 40
	maxText       = 1000 // bytes of one property
	maxURL        = 2048
)

// Page is what a page says about itself.
type Page struct {
	Properties map[string]string // og:… without pictures
	Image      string            // absolute address of the page's picture, or ""
}

// Parse reads a page. at is the address that it came from, after redirects.
func Parse(r io.Reader, contentType string, at *url.URL) (*Page, error) {
	r, err := charset.NewReader(r, contentType)
	if err != nil {
		if errors.Is(err, io.EOF) { // nothing there
			return &Page{Properties: map[string]string{}}, nil
		}
		return nil, err
	}
	p := &parser{og: map[string]string{}, base: at}
	z := html.NewTokenizer(r)
	z.SetMaxBuf(256 << 10)
	for {
		kind := z.Next()
		if kind == html.ErrorToken {
			if err := z.Err(); !errors.Is(err, io.EOF) && !errors.Is(err, html.ErrBufferExceeded) {
				return nil, err
			}
			return p.page(), nil
		}
		p.token(kind, z)
	}
}

// IsHTML reports whether a content type is one that Parse reads.
func IsHTML(contentType string) bool {
	t, _, err := mime.ParseMediaType(contentType)
	return err == nil && (t == "text/html" || t == "application/xhtml+xml")
}

type parser struct {
	og     map[string]string
	meta   struct{ title, description, image, heading, paragraph string }
	base   *url.URL
	based  bool
	inside atom.Atom // the element whose text is gathered
	text   strings.Builder
	hidden int    // depth of elements whose text is not the page's own
	card   string // title for Twitter
}

func (p *parser) token(kind html.TokenType, z *html.Tokenizer) {
	switch kind {
	case html.TextToken:
		if p.inside != 0 && p.hidden == 0 && p.text.Len() < 4*maxText {
			p.text.Write(z.Text())
		}
	case html.StartTagToken, html.SelfClosingTagToken:
		name, more := z.TagName()
		p.open(atom.Lookup(name), attributes(z, more), kind == html.SelfClosingTagToken)
	case html.EndTagToken:
		name, _ := z.TagName()
		p.close(atom.Lookup(name))
	default: // comments and the like
	}
}

func attributes(z *html.Tokenizer, more bool) map[string]string {
	const most = 30
	var attrs map[string]string
	for more && len(attrs) < most {
		var k, v []byte
		k, v, more = z.TagAttr()
		if attrs == nil {
			attrs = map[string]string{}
		}
		if _, twice := attrs[string(k)]; !twice {
			attrs[string(k)] = string(v)
		}
	}
	return attrs
}

func (p *parser) open(tag atom.Atom, attrs map[string]string, closed bool) {
	switch tag {
	case atom.Meta:
		p.metaTag(attrs)
	case atom.Base:
		if u, err := p.base.Parse(strings.TrimSpace(attrs["href"])); err == nil && !p.based && attrs["href"] != "" {
			p.base, p.based = u, true
		}
	case atom.Script, atom.Style, atom.Noscript, atom.Template, atom.Svg, atom.Nav, atom.Header, atom.Footer:
		if !closed {
			p.hidden++
		}
	case atom.Title, atom.H1, atom.P:
		if !closed && p.hidden == 0 {
			p.inside = tag
			p.text.Reset()
		}
	default:
	}
}

func (p *parser) close(tag atom.Atom) {
	switch tag {
	case atom.Script, atom.Style, atom.Noscript, atom.Template, atom.Svg, atom.Nav, atom.Header, atom.Footer:
		p.hidden = max(0, p.hidden-1)
	case p.inside:
		if tag == 0 {
			return
		}
		into := map[atom.Atom]*string{atom.Title: &p.meta.title, atom.H1: &p.meta.heading, atom.P: &p.meta.paragraph}[tag]
		if text := clean(p.text.String()); *into == "" {
			*into = text
		}
		p.inside = 0
	default:
	}
}

func (p *parser) metaTag(attrs map[string]string) {
	name := strings.ToLower(strings.TrimSpace(attrs["property"]))
	if name == "" {
		name = strings.ToLower(strings.TrimSpace(attrs["name"]))
	}
	content := attrs["content"]
	first := func(s *string, value string) {
		if *s == "" {
			*s = value
		}
	}
	switch {
	case name == "description":
		first(&p.meta.description, clean(content))
	case name == "twitter:title":
		first(&p.card, clean(content))
	case name == "twitter:description":
		first(&p.meta.description, clean(content))
	case name == "twitter:image", name == "twitter:image:src":
		first(&p.meta.image, p.absolute(content))
	case name == "og:image", name == "og:image:url", name == "og:image:secure_url":
		if p.og["og:image"] == "" {
			p.og["og:image"] = p.absolute(content)
		}
	case strings.HasPrefix(name, "og:image"), !plain(name):
	case strings.HasPrefix(name, "og:") && len(p.og) < maxProperties:
		text := clean(content)
		if name == "og:url" && p.absolute(text) == "" {
			return
		}
		if text != "" && p.og[name] == "" {
			p.og[name] = text
		}
	}
}

// plain reports whether a property has a name that could be one.
func plain(name string) bool {
	return len(name) <= 64 && strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789:_-.") == ""
}

// absolute resolves an address of the page; "" if it is none of http or https.
func (p *parser) absolute(ref string) string {
	ref = strings.TrimSpace(ref)
	if ref == "" || len(ref) > maxURL {
		return ""
	}
	u, err := p.base.Parse(ref)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
		return ""
	}
	u.Fragment = ""
	return u.String()
}

// page puts together what was found.
func (p *parser) page() *Page {
	out := &Page{Properties: p.og, Image: p.og["og:image"]}
	delete(p.og, "og:image")
	if out.Image == "" {
		out.Image = p.meta.image
	}
	fill := func(name string, from ...string) {
		for _, text := range from {
			if p.og[name] == "" && text != "" {
				p.og[name] = text
			}
		}
	}
	fill("og:title", p.card, p.meta.title, p.meta.heading)
	fill("og:description", p.meta.description, p.meta.paragraph)
	return out
}

// clean makes one line of text of at most maxText bytes.
func clean(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == utf8.RuneError {
			return ' '
		}
		return r
	}, s)
	s = strings.Join(strings.Fields(s), " ")
	if len(s) <= maxText {
		return s
	}
	cut := maxText - len("…")
	for !utf8.RuneStart(s[cut]) {
		cut--
	}
	return strings.TrimRight(s[:cut], " ") + "…"
}
