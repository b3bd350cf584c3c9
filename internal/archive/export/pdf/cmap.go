package pdf

import (
	"encoding/binary"
	"errors"
	"maps"
	"slices"

	"golang.org/x/image/font/sfnt"
)

// withCharacters gives a TrueType font with another table of characters: one for Windows, format 4, of the first plane.
// The layout is in the OpenType specification, at cmap.
func withCharacters(raw []byte, glyphs map[rune]sfnt.GlyphIndex) ([]byte, error) {
	if len(raw) < 12 {
		return nil, errFont
	}
	n := int(binary.BigEndian.Uint16(raw[4:]))
	if len(raw) < 12+16*n {
		return nil, errFont
	}
	table, err := format4(glyphs)
	if err != nil {
		return nil, err
	}
	out := slices.Clone(raw)
	for len(out)%4 != 0 {
		out = append(out, 0)
	}
	at := len(out)
	out = append(out, table...)
	for i := range n {
		if e := out[12+16*i : 28+16*i]; string(e[:4]) == "cmap" {
			binary.BigEndian.PutUint32(e[8:], uint32(at))
			binary.BigEndian.PutUint32(e[12:], uint32(len(table)))
			return out, nil
		}
	}
	return nil, errFont
}

// span is characters in a row whose glyphs are in a row too.
type span struct {
	first, last rune
	glyph       sfnt.GlyphIndex
}

func format4(glyphs map[rune]sfnt.GlyphIndex) ([]byte, error) {
	var spans []span
	for _, r := range slices.Sorted(maps.Keys(glyphs)) {
		g := glyphs[r]
		if n := len(spans) - 1; n >= 0 && spans[n].last+1 == r && int(spans[n].glyph)+int(r-spans[n].first) == int(g) {
			spans[n].last = r
			continue
		}
		spans = append(spans, span{r, r, g})
	}
	spans = append(spans, span{0xffff, 0xffff, 0}) // the table ends so
	const most = (0xffff - 16) / 8                 // its length is 16 bits, too: the glyphs of such a font are in no order
	if len(spans) > most {
		return nil, errors.New("its characters are in no order that PDF can have")
	}
	be := binary.BigEndian
	var b []byte
	half := func(values ...int) {
		for _, v := range values {
			b = be.AppendUint16(b, uint16(v))
		}
	}
	half(0, 1, 3, 1, 0, 12) // one table, for Windows and its first plane, 12 bytes from the beginning
	log := 0
	for 2<<log <= len(spans) {
		log++
	}
	search := 2 << log
	half(4, 16+8*len(spans), 0, 2*len(spans), search, log, 2*len(spans)-search)
	for _, s := range spans {
		half(int(s.last))
	}
	half(0)
	for _, s := range spans {
		half(int(s.first))
	}
	for _, s := range spans {
		delta := int(s.glyph) - int(s.first)
		if s.first == 0xffff {
			delta = 1
		}
		half(delta)
	}
	for range spans {
		half(0)
	}
	return b, nil
}
