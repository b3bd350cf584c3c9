package pushrule

import (
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// expression is a pattern as a regular expression: slow, but plainly what the specification says.
func expression(before, pattern, after string) *regexp.Regexp {
	var b strings.Builder
	b.WriteString(`(?is)` + before)
	for _, r := range pattern {
		switch r {
		case '*':
			b.WriteString(`.*`)
		case '?':
			b.WriteString(`.`)
		default:
			b.WriteString(regexp.QuoteMeta(string(r)))
		}
	}
	return regexp.MustCompile(b.String() + after)
}

// Spec: appendices#glob-style-matching
// Spec: cs#conditions-1
func TestGlobsAreRegularExpressions(t *testing.T) {
	some := func(letters string) *rapid.Generator[string] {
		return rapid.StringOfN(rapid.SampledFrom([]rune(letters)), 0, 12, -1)
	}
	rapid.Check(t, func(t *rapid.T) {
		pattern, text := some("aBkſ_ é*?").Draw(t, "pattern"), some("AbKKs_ É-\n").Draw(t, "text")
		g, folded := newGlob(pattern), fold(text)
		if got, want := g.all(folded), expression(`^`, pattern, `$`).MatchString(text); got != want {
			t.Errorf("all: %v, want %v", got, want)
		}
		words := expression(`(?:^|[^A-Za-z0-9_])`, pattern, `(?:$|[^A-Za-z0-9_])`)
		if got, want := g.inWords(folded), words.MatchString(text); got != want {
			t.Errorf("in words: %v, want %v", got, want)
		}
	})
}

// A pattern takes time that is bounded by the product of the lengths, not more.
func TestGlobsEnd(t *testing.T) {
	text := fold(strings.Repeat("a ", 30_000))
	for _, pattern := range []string{strings.Repeat("*a", 500) + "b", strings.Repeat("a*", 500) + "b", strings.Repeat("?", 1000) + "b", "*b"} {
		if newGlob(pattern).inWords(text) || newGlob(pattern).all(text) {
			t.Errorf("%.20s matches", pattern)
		}
	}
}
