package prose

import (
	"strings"
	"unicode"

	"golang.org/x/net/html"
)

// Plain is the text of a formatted message, as much of it as a reader sees.
func Plain(formatted string) string {
	var b strings.Builder
	z := html.NewTokenizer(strings.NewReader(formatted))
	hidden := 0
	for {
		switch z.Next() {
		case html.ErrorToken:
			return strings.TrimSpace(b.String())
		case html.TextToken:
			if hidden == 0 {
				b.Write(z.Text())
			}
		case html.StartTagToken, html.SelfClosingTagToken:
			switch name, _ := z.TagName(); string(name) {
			case "br", "p", "li", "div", "blockquote", "pre", "tr", "h1", "h2", "h3", "h4", "h5", "h6":
				if b.Len() > 0 {
					b.WriteByte('\n')
				}
			case "mx-reply", "script", "style":
				hidden++
			}
		case html.EndTagToken:
			switch name, _ := z.TagName(); string(name) {
			case "mx-reply", "script", "style":
				hidden = max(0, hidden-1)
			}
		case html.CommentToken, html.DoctypeToken:
		}
	}
}

// letters are what of a text says something, without what only formats it.
func letters(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || strings.ContainsRune("*_~`#>-+|[]()\\", r) || unicode.Is(unicode.Cf, r) {
			return -1
		}
		return unicode.ToLower(r)
	}, s)
}

// Formatted is the text that members saw, where a message has another text with formatting than without: clients show the former, most searches the latter.
func Formatted(body, formatted string) string {
	if formatted == "" {
		return ""
	}
	plain := Plain(formatted)
	shown, said := letters(plain), letters(body)
	if shown == said || strings.Contains(said, shown) && len(said) < len(shown)*2+200 { // links have their addresses in the plain text
		return ""
	}
	return plain
}
