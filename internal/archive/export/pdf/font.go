package pdf

import (
	"bytes"
	"compress/gzip"
	_ "embed"
	"fmt"
	"io"
	"strings"
	"sync"
	"unicode"

	"golang.org/x/image/font/sfnt"
	"golang.org/x/text/unicode/bidi"
	"golang.org/x/text/unicode/norm"
	"golang.org/x/text/unicode/runenames"
)

//go:embed font/DejaVuSans.ttf.gz
var packed []byte

// face is the font, and what it can show.
type face struct {
	raw   []byte
	font  *sfnt.Font
	buf   sfnt.Buffer
	known map[rune]bool
}

//nolint:gochecknoglobals // it is unpacked once
var unpack = sync.OnceValues(func() ([]byte, error) {
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(z)
})

func openFace() (*face, error) {
	raw, err := unpack()
	if err != nil {
		return nil, fmt.Errorf("pdf: font: %w", err)
	}
	f, err := sfnt.Parse(raw)
	if err != nil {
		return nil, fmt.Errorf("pdf: font: %w", err)
	}
	return &face{raw: raw, font: f, known: map[rune]bool{}}, nil
}

// has tells whether the font shows a character. The writer of PDF knows those of the first plane alone.
func (f *face) has(r rune) bool {
	if r > 0xfffe || r < 0x20 {
		return false
	}
	ok, seen := f.known[r]
	if !seen {
		i, err := f.font.GlyphIndex(&f.buf, r)
		ok = err == nil && i != 0
		f.known[r] = ok
	}
	return ok
}

// printable replaces what the font cannot show by its name or number, so that nothing is lost without a word.
func (f *face) printable(s string) string {
	var b strings.Builder
	for _, r := range norm.NFC.String(strings.ToValidUTF8(s, "\ufffd")) {
		switch {
		case r == '\n':
			b.WriteByte('\n')
		case r == '\t':
			b.WriteString("    ")
		case r == '\r', r == 0xfe0e, r == 0xfe0f, r == 0x200d, r == 0x200c: // they only choose between shapes of what stands beside them
		case unicode.Is(unicode.Cf, r) || !f.has(r):
			b.WriteString(called(r))
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

func called(r rune) string {
	name := runenames.Name(r)
	if name == "" || name[0] == '<' || unicode.IsLetter(r) || unicode.IsMark(r) {
		return fmt.Sprintf("[U+%04X]", r)
	}
	return "[" + strings.ToLower(name) + "]"
}

// forms are the shapes of an Arabic letter: alone, at the end, at the beginning, within a word. Those that do not join to what follows have two.
type forms []rune

// shapes gives them by letter. The blocks of presentation forms list them in this order.
//
//nolint:gochecknoglobals // it is made once
var shapes = sync.OnceValue(func() map[string]forms {
	out := map[string]forms{}
	for _, span := range [][2]rune{{0xfe80, 0xfefc}, {0xfb56, 0xfbb1}, {0xfbfc, 0xfbff}} {
		for r := span[0]; r <= span[1]; r++ {
			if base := norm.NFKC.String(string(r)); base != string(r) {
				out[base] = append(out[base], r)
			}
		}
	}
	return out
})

// shape joins the letters of Arabic words, which plain characters leave apart.
func (f *face) shape(s string) string {
	in := []rune(s)
	table := shapes()
	joins := func(i int) bool { // to what follows
		return i >= 0 && i < len(in) && len(table[string(in[i])]) == 4
	}
	joined := func(i int) bool { // to what stands before
		return i < len(in) && len(table[string(in[i])]) > 1
	}
	var out []rune
	for i := 0; i < len(in); i++ {
		letter := string(in[i])
		width := 1
		if in[i] == 'ل' && i+1 < len(in) && len(table[letter+string(in[i+1])]) == 2 { // lam and alef are one
			letter, width = letter+string(in[i+1]), 2
		}
		shapes := table[letter]
		before := i > 0 && joins(i-1)
		after := width == 1 && len(shapes) == 4 && joined(i+1)
		n := 0
		switch {
		case before && after:
			n = 3
		case after:
			n = 2
		case before:
			n = 1
		}
		if n < len(shapes) && f.has(shapes[n]) {
			out = append(out, shapes[n])
		} else {
			out = append(out, in[i:i+width]...)
		}
		i += width - 1
	}
	return string(out)
}

// visual puts a line into the order in which it is drawn, from left to right, and tells whether it is one of a script that runs from right to left.
func (f *face) visual(line string) (drawn string, rtl bool) {
	if !strings.ContainsFunc(line, func(r rune) bool { return r >= 0x590 && r <= 0x8ff || r >= 0xfb1d && r <= 0xfefc }) {
		return line, false
	}
	line = f.shape(line)
	var p bidi.Paragraph
	if _, err := p.SetString(line); err != nil {
		return line, false
	}
	o, err := p.Order()
	if err != nil {
		return line, false
	}
	rtl = !p.IsLeftToRight()
	var b strings.Builder
	for i := range o.NumRuns() {
		n := i
		if rtl {
			n = o.NumRuns() - 1 - i
		}
		run := o.Run(n)
		if run.Direction() == bidi.RightToLeft {
			b.WriteString(bidi.ReverseString(run.String()))
		} else {
			b.WriteString(run.String())
		}
	}
	return b.String(), rtl
}
