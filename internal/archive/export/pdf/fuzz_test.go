package pdf

import (
	"bytes"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"strings"
	"testing"
	"unicode"
)

// Whatever is said to be a picture: what comes of it is a small JPEG, or nothing.
func FuzzPicture(f *testing.F) {
	img := image.NewPaletted(image.Rect(0, 0, 9, 7), color.Palette{color.White, color.Black})
	for _, encode := range []func(*bytes.Buffer) error{
		func(b *bytes.Buffer) error { return png.Encode(b, img) },
		func(b *bytes.Buffer) error { return jpeg.Encode(b, img, nil) },
		func(b *bytes.Buffer) error { return gif.Encode(b, img, nil) },
	} {
		var b bytes.Buffer
		if err := encode(&b); err != nil {
			f.Fatal(err)
		}
		f.Add(b.Bytes())
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if c, _, err := image.DecodeConfig(bytes.NewReader(data)); err == nil && c.Width > 0 && c.Height > 1<<20/c.Width {
			t.Skip("it only takes long")
		}
		out, w, h := shrink(data)
		if out == nil {
			return
		}
		c, err := jpeg.DecodeConfig(bytes.NewReader(out))
		if err != nil || c.Width != w || c.Height != h || w > edge || h > edge || w < 1 || h < 1 {
			t.Fatalf("%d × %d: %+v, %v", w, h, c, err)
		}
	})
}

// Whatever officers give as a font: it is refused, or what was written with it comes out.
func FuzzFont(f *testing.F) {
	built, err := unpack()
	if err != nil {
		f.Fatal(err)
	}
	// A font of some glyphs alone, so that the fuzzer comes further.
	for _, t := range built {
		f.Add(t.raw[:4096])
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		own, err := parse("own", data)
		if err != nil {
			return
		}
		if try(own) != nil {
			return
		}
		face, err := open(own)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range face.runs("abc 你 ☺") {
			if len(r.said) != len(r.drawn) || len(r.said) == 0 {
				t.Fatalf("%q is drawn as %q", r.said, r.drawn)
			}
		}
	})
}

// Whatever is written, it is drawn in full, on lines that fit.
func FuzzLines(f *testing.F) {
	face, err := open(nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Add("买入四十二手，价格 a long word 42 👍", 7.0)
	f.Fuzz(func(t *testing.T, s string, most float64) {
		if !(most >= 3 && most < 100) || len(s) > 1<<12 {
			t.Skip()
		}
		text := face.printable(s)
		rest := strings.NewReplacer("\n", "").Replace(text)
		joined := ""
		for _, line := range face.lines(rest, most) {
			if w := face.em(strings.TrimRightFunc(line, unicode.IsSpace)); w > most && !strings.ContainsFunc(line, unicode.IsMark) && !strings.ContainsAny(line, closing) {
				t.Fatalf("%q takes %v of %v", line, w, most)
			}
			joined += line
			drawn := 0
			for _, r := range face.runs(line) {
				drawn += len(r.said)
			}
			if drawn != len([]rune(line)) {
				t.Fatalf("%q is not drawn in full", line)
			}
		}
		if strings.Join(strings.Fields(joined), "") != strings.Join(strings.Fields(rest), "") {
			t.Fatalf("%q became %q", rest, joined)
		}
	})
}
