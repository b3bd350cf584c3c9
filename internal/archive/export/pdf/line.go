package pdf

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf16"
)

// em is how wide a line is in ems.
func (f *face) em(s string) (w float64) {
	for _, r := range s {
		if g := f.find(r); g != nil {
			w += g.width
		}
	}
	return w
}

// closing are signs of Chinese and Japanese that do not begin a line.
const closing = "、。，．：；！？）」』】〉》〕］｝ー々っゃゅょッャュョ"

// between tells whether a line may end between two characters: behind a space, and beside Chinese and Japanese ones, which are written without.
func between(a, b rune) bool {
	if unicode.IsSpace(b) || unicode.IsMark(b) || strings.ContainsRune(closing, b) {
		return false
	}
	return unicode.IsSpace(a) || unicode.In(a, unicode.Han, unicode.Hiragana, unicode.Katakana) || unicode.In(b, unicode.Han, unicode.Hiragana, unicode.Katakana) ||
		strings.ContainsRune(closing, a)
}

// lines cuts a text into lines that are not wider than so many ems. A word that is wider by itself is cut.
func (f *face) lines(s string, most float64) (out []string) {
	in := []rune(s)
	begin, cut := 0, 0 // of the line, and where it could end
	width, behind := 0.0, 0.0
	for i := 0; i < len(in); i++ {
		w := 0.0
		if g := f.find(in[i]); g != nil {
			w = g.width
		}
		if i > begin && between(in[i-1], in[i]) {
			cut, behind = i, width
		}
		for width+w > most && i > begin && !unicode.IsSpace(in[i]) { // spaces at the end do not show
			if cut <= begin && unicode.IsMark(in[i]) {
				break
			}
			if cut <= begin {
				cut, behind = i, width
			}
			out = append(out, strings.TrimRightFunc(string(in[begin:cut]), unicode.IsSpace))
			begin, width = cut, width-behind
		}
		width += w
	}
	return append(out, string(in[begin:]))
}

// run is characters of one font in a line, as they are drawn.
type run struct {
	face        *typeface
	said, drawn []rune
	width       float64 // in ems
}

func (f *face) runs(drawn string) (out []run) {
	for _, r := range drawn {
		g := f.find(r)
		if g == nil {
			continue // printable has left none
		}
		if n := len(out); n == 0 || out[n-1].face != g.face {
			out = append(out, run{face: g.face})
		}
		last := &out[len(out)-1]
		last.said, last.drawn, last.width = append(last.said, r), append(last.drawn, g.r), last.width+g.width
	}
	return out
}

const millimetres = 25.4 / 72 // a point

// put draws a line, one font after the other, from where the document is, and leaves it at the end of the line.
func (d *document) put(drawn string, size float64) {
	for _, r := range d.face.runs(drawn) {
		d.use(r.face, size)
		other := string(r.said) != string(r.drawn)
		if other { // programs that take text out of the page are told what it says
			var hex strings.Builder
			for _, u := range utf16.Encode(r.said) {
				fmt.Fprintf(&hex, "%04X", u)
			}
			d.RawWriteStr("/Span <</ActualText <FEFF" + hex.String() + ">>> BDC")
		}
		d.CellFormat(r.width*size*millimetres, height(size), string(r.drawn), "", 0, "L", false, 0, "")
		if other {
			d.RawWriteStr("EMC")
		}
	}
}

// use takes a font. A document has those alone that it uses.
func (d *document) use(t *typeface, size float64) {
	if !d.fonts[t.name] {
		d.AddUTF8FontFromBytes(t.name, "", t.raw)
		d.fonts[t.name] = true
	}
	d.SetFont(t.name, "", size)
}
