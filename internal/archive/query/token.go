package query

import (
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// Token is a word of a text, as the index has it.
type Token struct {
	Word       string
	Start, End int // in the text, in bytes
	run        int // length of the run of a script without spaces that the token is part of; 0: it is a word
	last       bool
	mid        int // end of its first character
}

// Fold makes texts alike that people take for the same: without case, accents, and differences of width.
func Fold(s string) string {
	ascii := true
	for i := range len(s) {
		if s[i] >= 0x80 {
			ascii = false
			break
		}
	}
	if ascii {
		return strings.ToLower(s)
	}
	s = cases.Fold().String(norm.NFKD.String(s))
	var b strings.Builder
	for _, r := range s {
		switch {
		case r >= 0x300 && r <= 0x36f: // combining accents
		case r == 'ø':
			b.WriteByte('o')
		case r == 'ł':
			b.WriteByte('l')
		case r == 'đ':
			b.WriteByte('d')
		case r == 'ı':
			b.WriteByte('i')
		case r == 'æ':
			b.WriteString("ae")
		case r == 'œ':
			b.WriteString("oe")
		default:
			b.WriteRune(r)
		}
	}
	return norm.NFC.String(b.String())
}

// spaceless are scripts whose words nothing separates. Their tokens are pairs of neighbours, and each run's last character.
var spaceless = []*unicode.RangeTable{ //nolint:gochecknoglobals // a constant
	unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Hangul, unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar,
}

type class uint8

const (
	gap class = iota
	word
	pair
	sign // an emoji or another symbol: a word of its own
)

func classify(r rune) class {
	switch {
	case r < 0x80:
		if r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' {
			return word
		}
		return gap
	case r == utf8.RuneError:
		return gap
	case unicode.In(r, spaceless...), r == 'ー', r == 'ｰ':
		return pair
	case unicode.IsLetter(r), unicode.IsNumber(r), unicode.IsMark(r) && r != 0xfe0f && r != 0x20e3: // not how an emoji is to be drawn
		return word
	case unicode.Is(unicode.So, r):
		return sign
	}
	return gap
}

// Tokens takes a text apart.
func Tokens(text string) (out []Token) {
	for i := 0; i < len(text); {
		r, n := utf8.DecodeRuneInString(text[i:])
		c := classify(r)
		if c == gap {
			i += n
			continue
		}
		start := i
		bounds := []int{i}
		for i += n; i < len(text) && c != sign; i += n {
			var next rune
			if next, n = utf8.DecodeRuneInString(text[i:]); classify(next) != c {
				break
			}
			if c == pair {
				bounds = append(bounds, i)
			}
		}
		switch c {
		case word:
			out = appendWord(out, Token{Word: Fold(text[start:i]), Start: start, End: i})
		case sign:
			out = append(out, Token{Word: "u" + strconv.FormatInt(int64(r), 16), Start: start, End: i})
		case pair, gap:
			out = appendPairs(out, text, append(bounds, i))
		}
	}
	return out
}

// appendWord adds a word, or the words that folding has made of it.
func appendWord(out []Token, t Token) []Token {
	for _, w := range strings.FieldsFunc(t.Word, func(r rune) bool { c := classify(r); return c != word && c != pair }) {
		t.Word = w
		out = append(out, t)
	}
	return out
}

// appendPairs adds the tokens of a run; bounds are where its characters begin, and its end.
func appendPairs(out []Token, text string, bounds []int) []Token {
	n := len(bounds) - 1
	for i := range n {
		t := Token{Start: bounds[i], End: bounds[min(i+2, n)], run: n, last: i == n-1, mid: bounds[i+1]}
		t.Word = strings.ReplaceAll(Fold(text[t.Start:t.End]), " ", "")
		out = append(out, t)
	}
	return out
}

// Words is what the index is given of a text: its tokens, with spaces between.
func Words(text string) string {
	var b strings.Builder
	for _, t := range Tokens(text) {
		if b.Len() > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(t.Word)
	}
	return b.String()
}

// Same tells whether two texts have the same words.
func Same(a, b string) bool {
	return slices.EqualFunc(Tokens(a), Tokens(b), func(x, y Token) bool { return x.Word == y.Word })
}
