package pushrule

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxPattern is how long a pattern may be, in bytes.
const maxPattern = 1024

// glob is a pattern with * and ?, folded. Nothing is compiled, so a pattern takes no more memory than its text.
//
// Spec: appendices#glob-style-matching
type glob string

func newGlob(pattern string) glob { return glob(fold(pattern)) }

func wild(pattern string) bool { return strings.ContainsAny(pattern, "*?") }

// fold makes texts equal that differ in case only.
func fold(s string) string {
	return strings.Map(func(r rune) rune {
		if r < utf8.RuneSelf {
			return unicode.ToUpper(r)
		}
		least := r
		for next := unicode.SimpleFold(r); next != r; next = unicode.SimpleFold(next) {
			least = min(least, next)
		}
		return least
	}, s)
}

// all reports whether the pattern matches the whole of a folded text.
func (g glob) all(text string) bool {
	ok, _ := g.at(text, func(rest string) bool { return rest == "" })
	return ok
}

// inWords reports whether the pattern matches a part of a folded text that begins and ends at borders of words.
func (g glob) inWords(text string) bool {
	if !wild(string(g)) {
		return containsWords(text, string(g))
	}
	for i := 0; i <= len(text); {
		if i == 0 || !wordByte(text[i-1]) {
			ok, starred := g.at(text[i:], endsWord)
			if ok || starred { // what could not be found after the first * is not there for a later beginning either
				return ok
			}
		}
		if i == len(text) {
			break
		}
		i += runeLen(text[i:])
	}
	return false
}

// containsWords reports whether a folded text contains another between borders of words.
func containsWords(text, words string) bool {
	for i := 0; i <= len(text); {
		n := strings.Index(text[i:], words)
		if n < 0 {
			return false
		}
		i += n
		if (i == 0 || !wordByte(text[i-1])) && endsWord(text[i+len(words):]) {
			return true
		}
		if i == len(text) {
			break
		}
		i += runeLen(text[i:])
	}
	return false
}

// at matches the pattern with the beginning of a text; end says whether the rest of the text may be left over. starred says that what
// stands before the first * did match.
func (g glob) at(text string, end func(rest string) bool) (ok, starred bool) {
	ti, gi, star, mark := 0, 0, -1, 0
	for {
		switch {
		case gi == len(g):
			if end(text[ti:]) {
				return true, star >= 0
			}
		case g[gi] == '*':
			star, mark = gi, ti
			gi++
			continue
		case ti == len(text):
		case g[gi] == '?':
			ti += runeLen(text[ti:])
			gi++
			continue
		case g[gi] == text[ti]:
			ti++
			gi++
			continue
		}
		if star < 0 || mark == len(text) {
			return false, star >= 0
		}
		mark += runeLen(text[mark:]) // the last * takes one more
		ti, gi = mark, star+1
	}
}

func runeLen(s string) int {
	_, n := utf8.DecodeRuneInString(s)
	return n
}

func endsWord(rest string) bool { return rest == "" || !wordByte(rest[0]) }

// wordByte reports whether a byte belongs to a word.
//
// Spec: cs#conditions-1
func wordByte(c byte) bool {
	return c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '_'
}
