// Package show writes conversations and what a search has found for people to read, on a terminal or into a file. Everything that members wrote is foreign: it can
// hold sequences that move the cursor, colour or erase what stands there, or turn the order of letters around. None of that comes through; it is made visible
// instead, so that an officer sees that something was there.
package show

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/width"
)

// harmless gives a character that does nothing but be seen.
func harmless(r rune) rune {
	switch {
	case r == '\n':
		return r
	case r < 0x20:
		return 0x2400 + r // the pictures of control characters
	case r == 0x7f:
		return 0x2421
	case r == 0x2028 || r == 0x2029:
		return '\n'
	case r == 0x200c || r == 0x200d || r == 0x200e || r == 0x200f || r == 0x061c || r == 0xad:
		return r // joiners of scripts and emoji, and marks of direction that reach no further than their place
	case unicode.In(r, unicode.Cc, unicode.Cf, unicode.Co, unicode.Cs, unicode.Zl, unicode.Zp, unicode.Other_Default_Ignorable_Code_Point):
		return utf8.RuneError
	}
	return r
}

// Text makes a foreign text harmless. Its lines stay lines.
func Text(s string) string {
	s = strings.ReplaceAll(s, "\r\n", "\n")
	return strings.Map(harmless, strings.ReplaceAll(strings.ToValidUTF8(s, "\ufffd"), "\t", "    "))
}

// Line makes a foreign text harmless, and one line.
func Line(s string) string {
	return strings.Join(strings.Fields(Text(s)), " ")
}

// JSON makes encoded JSON harmless: what does something else than be seen is written as an escape, which says the same.
func JSON(b []byte) string {
	var out strings.Builder
	for _, r := range string(b) {
		switch {
		case r == '\n' || harmless(r) == r:
			out.WriteRune(r)
		case r > 0xffff:
			hi, lo := utf16(r)
			escape(&out, hi)
			escape(&out, lo)
		default:
			escape(&out, r)
		}
	}
	return out.String()
}

func utf16(r rune) (hi, lo rune) {
	r -= 0x10000
	return 0xd800 + r>>10, 0xdc00 + r&0x3ff
}

func escape(b *strings.Builder, r rune) {
	const digits = "0123456789abcdef"
	b.WriteString(`\u`)
	for shift := 12; shift >= 0; shift -= 4 {
		b.WriteByte(digits[r>>shift&15])
	}
}

// columns is how wide a character is on a terminal.
func columns(r rune) int {
	switch {
	case r == 0x200c || r == 0x200d || r == 0x200e || r == 0x200f || r == 0x061c || unicode.In(r, unicode.Mn, unicode.Me):
		return 0
	case r < 0x300:
		return 1
	}
	if k := width.LookupRune(r).Kind(); k == width.EastAsianWide || k == width.EastAsianFullwidth {
		return 2
	}
	return 1
}

// wide is how wide a text is.
func wide(s string) (n int) {
	for _, r := range s {
		n += columns(r)
	}
	return n
}

// wrap breaks a harmless text into lines of at most so many columns, between words where it can.
func wrap(s string, most int) (lines []string) {
	most = max(most, 10)
	for _, line := range strings.Split(strings.TrimRight(s, "\n"), "\n") {
		for wide(line) > most {
			cut, used, space := 0, 0, -1
			for i, r := range line {
				if used += columns(r); used > most && i > 0 {
					cut = i
					break
				}
				if r == ' ' && i > 0 {
					space = i
				}
			}
			if space > 0 {
				cut = space
			}
			if cut == 0 {
				break
			}
			lines = append(lines, strings.TrimRight(line[:cut], " "))
			line = strings.TrimLeft(line[cut:], " ")
		}
		lines = append(lines, line)
	}
	return lines
}
