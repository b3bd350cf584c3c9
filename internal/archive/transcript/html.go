package transcript

import (
	"strings"

	"golang.org/x/net/html"
)

// PlainText is what HTML says without its tags.
func PlainText(s string) string {
	var b strings.Builder
	z := html.NewTokenizer(strings.NewReader(s))
	for {
		switch z.Next() { //nolint:exhaustive // comments and doctypes say nothing
		case html.ErrorToken:
			return b.String()
		case html.TextToken:
			b.Write(z.Text())
		case html.StartTagToken, html.EndTagToken, html.SelfClosingTagToken:
			if name, _ := z.TagName(); !inline[string(name)] {
				b.WriteByte(' ')
			}
		}
	}
}

// inline are elements that do not end a word.
var inline = map[string]bool{ //nolint:gochecknoglobals // a constant
	"a": true, "b": true, "i": true, "u": true, "s": true, "em": true, "strong": true, "del": true, "code": true, "span": true, "font": true, "sub": true, "sup": true, "mark": true,
}
