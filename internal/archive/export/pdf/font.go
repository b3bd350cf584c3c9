package pdf

import (
	"bytes"
	"compress/gzip"
	"embed"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"unicode"

	"golang.org/x/image/font"
	"golang.org/x/image/font/sfnt"
	"golang.org/x/image/math/fixed"
	"golang.org/x/text/unicode/bidi"
	"golang.org/x/text/unicode/norm"
	"golang.org/x/text/unicode/runenames"
)

//go:embed font/*.gz
var packed embed.FS

// typeface is a font, and what it can show.
type typeface struct {
	name   string
	raw    []byte // with a table of characters of the first plane alone: the writer of PDF knows no others
	font   *sfnt.Font
	buf    sfnt.Buffer
	glyphs map[rune]*glyph
	stand  map[rune]rune // what stands for characters of other planes in raw
}

// glyph is a character in a typeface.
type glyph struct {
	face  *typeface
	r     rune    // under which the typeface has it
	width float64 // in ems
}

// face is the fonts, in the order in which they are asked.
type face struct {
	fonts []*typeface
	known map[rune]*glyph // nil where no font has one
}

//nolint:gochecknoglobals // they are unpacked once
var unpack = sync.OnceValues(func() (out []*typeface, err error) {
	for _, name := range []string{"DejaVuSans", "DroidSansFallback", "NotoEmoji"} {
		data, err := packed.ReadFile("font/" + name + ".ttf.gz")
		if err != nil {
			return nil, err
		}
		z, err := gzip.NewReader(bytes.NewReader(data))
		if err != nil {
			return nil, err
		}
		raw, err := io.ReadAll(z)
		if err != nil {
			return nil, err
		}
		t, err := parse(name, raw)
		if err != nil {
			return nil, err
		}
		out = append(out, t)
	}
	return out, nil
})

// errFont is what is wrong with the officers' own font.
var errFont = errors.New("it is not a TrueType font (a file that ends in .ttf; others, such as .otf and .ttc, do not go into PDF)")

// parse reads a font, and gives its characters of other planes places in the first one that are for private use.
func parse(name string, raw []byte) (*typeface, error) {
	f, err := sfnt.Parse(raw)
	if err != nil || !bytes.HasPrefix(raw, []byte{0, 1, 0, 0}) && !bytes.HasPrefix(raw, []byte("true")) {
		return nil, errFont
	}
	t := &typeface{name: name, font: f, glyphs: map[rune]*glyph{}, stand: map[rune]rune{}}
	glyphs := map[rune]sfnt.GlyphIndex{}
	next := rune(0xe000)
	for r := rune(0x20); r <= 0x3ffff; r++ {
		i, err := f.GlyphIndex(&t.buf, r)
		switch private := r >= 0xe000 && r <= 0xf8ff; {
		case err != nil || i == 0 || private || r == 0xffff:
		case r < 0xffff:
			glyphs[r] = i
		case next <= 0xf8ff:
			t.stand[r], glyphs[next] = next, i
			next++
		}
	}
	if t.raw, err = withCharacters(raw, glyphs); err != nil {
		return nil, err
	}
	return t, nil
}

// open gives the fonts; own is asked before those that only fill gaps.
func open(own *typeface) (*face, error) {
	built, err := unpack()
	if err != nil {
		return nil, fmt.Errorf("pdf: font: %w", err)
	}
	f := &face{known: map[rune]*glyph{}}
	for i, t := range built {
		c := *t // a buffer and a memory of its own
		c.buf, c.glyphs = sfnt.Buffer{}, map[rune]*glyph{}
		f.fonts = append(f.fonts, &c)
		if i == 0 && own != nil {
			f.fonts = append(f.fonts, own)
		}
	}
	return f, nil
}

// glyph gives a character, if the typeface has it.
func (t *typeface) glyph(r rune) *glyph {
	if g, seen := t.glyphs[r]; seen {
		return g
	}
	var g *glyph
	drawn := r
	stand, other := t.stand[r]
	if other {
		drawn = stand
	}
	if r >= 0x20 && (r < 0xffff || other) && (r < 0xe000 || r > 0xf8ff) {
		if i, err := t.font.GlyphIndex(&t.buf, r); err == nil && i != 0 {
			em := fixed.Int26_6(t.font.UnitsPerEm())
			if w, err := t.font.GlyphAdvance(&t.buf, i, em<<6, font.HintingNone); err == nil {
				g = &glyph{face: t, r: drawn, width: float64(w) / 64 / float64(em)}
			}
		}
	}
	t.glyphs[r] = g
	return g
}

// find gives a character in the first font that has it.
func (f *face) find(r rune) *glyph {
	g, seen := f.known[r]
	for i := 0; !seen && g == nil && i < len(f.fonts); i++ {
		g = f.fonts[i].glyph(r)
	}
	f.known[r] = g
	return g
}

// has tells whether a font shows a character.
func (f *face) has(r rune) bool { return f.find(r) != nil }

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
