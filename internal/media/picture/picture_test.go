package picture

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"os"
	"path/filepath"
	"testing"
)

// The WebP files and the animated GIF in testdata were made with libwebp's cwebp, gif2webp and webpmux: 64×48, red growing with x
// and green with y; alpha*.webp are transparent for x < 8. The animations begin with a frame of that size.

func pattern(w, h int) *image.NRGBA {
	m := image.NewNRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			m.Set(x, y, color.NRGBA{uint8(255 * x / w), uint8(255 * y / h), 128, 255})
		}
	}
	return m
}

func asJPEG(t testing.TB, m image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, m, &jpeg.Options{Quality: 95}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func asPNG(t testing.TB, m image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func testFile(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func thumb(t *testing.T, data []byte, box Box) (image.Image, string) {
	t.Helper()
	info, err := Inspect(data)
	if err != nil {
		t.Fatal(err)
	}
	out, contentType, err := Render(data, info, box)
	if err != nil {
		t.Fatal(err)
	}
	m, name, err := image.Decode(bytes.NewReader(out))
	if err != nil || "image/"+name != contentType {
		t.Fatalf("the thumbnail is no %s: %s %v", contentType, name, err)
	}
	return m, contentType
}

// Spec: cs#thumbnails
func TestSizes(t *testing.T) {
	for _, c := range []struct {
		w, h int
		box  Box
		want image.Point
	}{
		{640, 480, Box{320, 240, false}, image.Pt(320, 240)},
		{640, 480, Box{320, 320, false}, image.Pt(320, 240)},
		{480, 640, Box{320, 240, false}, image.Pt(180, 240)},
		{640, 480, Box{96, 96, true}, image.Pt(96, 96)},
		{480, 640, Box{96, 48, true}, image.Pt(96, 48)},
		{640, 480, Box{32, 32, true}, image.Pt(32, 32)},
		{100, 40, Box{96, 96, true}, image.Pt(40, 40)},     // never upscaled
		{100, 40, Box{96, 96, false}, image.Pt(96, 38)},    // fits
		{100, 40, Box{800, 600, false}, image.Pt(100, 40)}, // as it is
		{3, 2000, Box{32, 32, false}, image.Pt(1, 32)},
		{2000, 3, Box{32, 32, true}, image.Pt(3, 3)},
		{5, 1000, Box{96, 32, true}, image.Pt(5, 2)},
	} {
		m, _ := thumb(t, asJPEG(t, pattern(c.w, c.h)), c.box)
		if got := m.Bounds().Size(); got != c.want {
			t.Errorf("%d×%d into %+v gives %v, want %v", c.w, c.h, c.box, got, c.want)
		}
	}
}

func near(a, b color.Color, by int) bool {
	r1, g1, b1, a1 := a.RGBA()
	r2, g2, b2, a2 := b.RGBA()
	for _, d := range []int{int(r1>>8) - int(r2>>8), int(g1>>8) - int(g2>>8), int(b1>>8) - int(b2>>8), int(a1>>8) - int(a2>>8)} {
		if d > by || d < -by {
			return false
		}
	}
	return true
}

func TestEveryFormat(t *testing.T) {
	gray := image.NewGray16(image.Rect(0, 0, 64, 48))
	deep := image.NewNRGBA64(image.Rect(0, 0, 64, 48))
	clear := pattern(64, 48)
	for y := range 48 {
		for x := range 64 {
			deep.Set(x, y, pattern(64, 48).At(x, y))
			if x < 8 {
				clear.SetNRGBA(x, y, color.NRGBA{})
			}
		}
	}
	for name, c := range map[string]struct {
		data         []byte
		kind, result string
		moves        bool
	}{
		"jpeg":             {asJPEG(t, pattern(64, 48)), "image/jpeg", "image/jpeg", false},
		"png":              {asPNG(t, pattern(64, 48)), "image/png", "image/jpeg", false},
		"png, transparent": {asPNG(t, clear), "image/png", "image/png", false},
		"png, 16 bit":      {asPNG(t, deep), "image/png", "image/jpeg", false},
		"png, gray 16 bit": {asPNG(t, gray), "image/png", "image/jpeg", false},
		"apng":             {animate(asPNG(t, pattern(64, 48))), "image/png", "image/jpeg", true},
		"gif, animated":    {testFile(t, "anim.gif"), "image/gif", "image/jpeg", true},
		"webp, lossy":      {testFile(t, "lossy.webp"), "image/webp", "image/jpeg", false},
		"webp, lossless":   {testFile(t, "lossless.webp"), "image/webp", "image/png", false},
		"webp, alpha":      {testFile(t, "alpha.webp"), "image/webp", "image/png", false},
		"webp, animated":   {testFile(t, "anim.webp"), "image/webp", "", true},
		"webp, animated 2": {testFile(t, "anim-lossless.webp"), "image/webp", "", true},
		"webp, animated 3": {testFile(t, "animalpha.webp"), "image/webp", "image/png", true},
	} {
		info, err := Inspect(c.data)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if info.Type != c.kind || info.Width != 64 || info.Height != 48 || Moves(info, c.data) != c.moves {
			t.Errorf("%s: %+v, moves %v", name, info, Moves(info, c.data))
		}
		if info.Memory < 64*48*3 {
			t.Errorf("%s: %d bytes are too few for its pixels", name, info.Memory)
		}
		m, contentType := thumb(t, c.data, Box{32, 32, false})
		if m.Bounds().Size() != image.Pt(32, 24) || (c.result != "" && contentType != c.result) {
			t.Errorf("%s: thumbnail %v %s", name, m.Bounds(), contentType)
		}
		if c.result == "image/png" {
			if _, _, _, a := m.At(1, 10).RGBA(); a != 0 {
				t.Errorf("%s: the transparent part is not", name)
			}
		}
		if name == "gif, animated" || name == "png, gray 16 bit" || c.moves && c.kind == "image/webp" && c.result == "" {
			continue
		}
		if want := pattern(64, 48).At(41, 21); !near(m.At(20, 10), want, 14) {
			t.Errorf("%s: colour %v, want about %v", name, m.At(20, 10), want)
		}
	}
	if m, _ := thumb(t, testFile(t, "anim.webp"), Box{32, 32, false}); !near(m.At(10, 3), color.RGBA{0, 60, 0, 255}, 40) {
		t.Errorf("the first frame of the animation has colour %v", m.At(10, 3))
	}
}

func chunk(kind string, payload []byte) []byte {
	b := binary.BigEndian.AppendUint32(nil, uint32(len(payload)))
	b = append(append(b, kind...), payload...)
	return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b[4:]))
}

const pngHead = 8 + 25 // signature and IHDR

// animate makes a PNG say that it has two frames (APNG specification, acTL).
func animate(b []byte) []byte {
	return bytes.Join([][]byte{b[:pngHead], chunk("acTL", []byte{0, 0, 0, 2, 0, 0, 0, 0}), b[pngHead:]}, nil)
}

// exif is a TIFF header with one directory: a tag before the orientation, and the orientation (Exif 2.32, 4.6.4).
func exif(order binary.AppendByteOrder, o uint16) []byte {
	b := []byte("II*\x00")
	if order == binary.AppendByteOrder(binary.BigEndian) {
		b = []byte("MM\x00*")
	}
	b = order.AppendUint32(b, 8)
	b = order.AppendUint16(b, 2)
	for _, tag := range [][2]uint16{{0x0100, 64}, {0x0112, o}} {
		b = order.AppendUint16(order.AppendUint16(b, tag[0]), 3)
		b = order.AppendUint16(order.AppendUint16(order.AppendUint32(b, 1), tag[1]), 0)
	}
	return order.AppendUint32(b, 0)
}

func jpegWithExif(b, exif []byte) []byte {
	seg := append([]byte("Exif\x00\x00"), exif...)
	head := binary.BigEndian.AppendUint16([]byte{0xff, 0xd8, 0xff, 0xe1}, uint16(len(seg)+2))
	return bytes.Join([][]byte{head, seg, b[2:]}, nil)
}

// What each orientation does to the four corners, by the Exif standard: which corner of the stored picture is shown top left and
// top right.
func TestOrientation(t *testing.T) {
	red, green, blue, white := color.RGBA{255, 0, 0, 255}, color.RGBA{0, 255, 0, 255}, color.RGBA{0, 0, 255, 255}, color.RGBA{255, 255, 255, 255}
	src := image.NewRGBA(image.Rect(0, 0, 64, 32)) // stored: red green / blue white
	for y := range 32 {
		for x := range 64 {
			src.Set(x, y, []color.RGBA{red, green, blue, white}[x/32+y/16*2])
		}
	}
	for o, want := range map[uint16][2]color.RGBA{
		1: {red, green}, 2: {green, red}, 3: {white, blue}, 4: {blue, white},
		5: {red, blue}, 6: {blue, red}, 7: {white, green}, 8: {green, white},
	} {
		for name, data := range map[string][]byte{
			"jpeg, little endian": jpegWithExif(asJPEG(t, src), exif(binary.LittleEndian, o)),
			"jpeg, big endian":    jpegWithExif(asJPEG(t, src), exif(binary.BigEndian, o)),
			"png":                 bytes.Join([][]byte{asPNG(t, src)[:pngHead], chunk("eXIf", exif(binary.BigEndian, o)), asPNG(t, src)[pngHead:]}, nil),
		} {
			info, err := Inspect(data)
			if err != nil {
				t.Fatal(err)
			}
			size := image.Pt(64, 32)
			if o >= 5 {
				size = image.Pt(32, 64)
			}
			if info.Width != size.X || info.Height != size.Y {
				t.Errorf("%s, orientation %d: shown as %d×%d, want %v", name, o, info.Width, info.Height, size)
			}
			m, _ := thumb(t, data, Box{size.X / 2, size.Y / 2, o%2 == 0})
			b := m.Bounds()
			if b.Size() != size.Div(2) {
				t.Errorf("%s, orientation %d: thumbnail %v, want %v", name, o, b.Size(), size.Div(2))
			}
			if l, r := m.At(2, 2), m.At(b.Max.X-3, 2); !near(l, want[0], 30) || !near(r, want[1], 30) {
				t.Errorf("%s, orientation %d: top left %v, top right %v, want %v", name, o, l, r, want)
			}
		}
	}
}

func TestNotPictures(t *testing.T) {
	good := asPNG(t, pattern(64, 48))
	huge := bytes.Clone(good[:pngHead])
	binary.BigEndian.PutUint32(huge[16:], 100_000)
	copy(huge[8:], chunk("IHDR", huge[16:29]))
	for name, data := range map[string][]byte{
		"nothing": {}, "text": []byte("hello"), "svg": []byte("<svg xmlns='http://www.w3.org/2000/svg'/>"), "only a signature": good[:8],
		"jpeg signature": []byte("\xff\xd8\xff\xe0"), "riff": []byte("RIFF\x04\x00\x00\x00WEBP"), "100,000 pixels wide": huge,
		"bmp": []byte("BM\x00\x00"),
	} {
		if info, err := Inspect(data); !errors.Is(err, ErrFormat) {
			t.Errorf("%s: %+v %v", name, info, err)
		}
	}
	info, err := Inspect(good)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := Render(good[:len(good)/2], info, Box{32, 32, false}); !errors.Is(err, ErrFormat) {
		t.Errorf("half a file: %v", err)
	}
}

// A bomb is small as a file and large in memory: its header must say so before anything is unpacked.
func TestBombsAreSeenInTheHeader(t *testing.T) {
	head := func(w, h uint32, depth, colour, interlace byte) []byte {
		b := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, w), h)
		return append([]byte("\x89PNG\r\n\x1a\n"), chunk("IHDR", append(b, depth, colour, 0, 0, interlace))...)
	}
	for _, c := range []struct {
		data []byte
		want int64
	}{
		{head(30000, 30000, 8, 2, 0), 30000 * 30000 * 4},
		{head(30000, 30000, 16, 6, 0), 30000 * 30000 * 8},
		{head(20000, 20000, 8, 6, 1), 20000 * 20000 * 8},
		{head(65535, 65535, 1, 0, 0), 65535 * 65535},
		{append([]byte("GIF89a"), 0xff, 0xff, 0xff, 0xff, 0, 0, 0), 65535 * 65535},
	} {
		if info, err := Inspect(c.data); err != nil || info.Memory < c.want {
			t.Errorf("%x: %+v %v, want %d bytes or more", c.data[:20], info, err, c.want)
		}
	}
}

func TestProgressiveCostsMore(t *testing.T) {
	base := asJPEG(t, pattern(64, 48))
	i := bytes.Index(base, []byte{0xff, 0xc0})
	prog := bytes.Clone(base)
	prog[i+1] = 0xc2
	a, err := Inspect(base)
	if err != nil {
		t.Fatal(err)
	}
	b, err := Inspect(prog)
	if err != nil || b.Memory < 2*a.Memory {
		t.Errorf("baseline %d, progressive %d bytes: %v", a.Memory, b.Memory, err)
	}
}

func TestGIFFrames(t *testing.T) {
	still := &bytes.Buffer{}
	if err := gif.Encode(still, pattern(8, 8), nil); err != nil {
		t.Fatal(err)
	}
	anim := testFile(t, "anim.gif")
	for _, c := range []struct {
		data        []byte
		limit, want int
	}{{still.Bytes(), 10, 1}, {anim, 10, 3}, {anim, 2, 2}, {anim[:20], 10, 0}, {nil, 10, 0}} {
		if got := gifFrames(c.data, c.limit); got != c.want {
			t.Errorf("%d frames, want %d", got, c.want)
		}
	}
}

// FuzzPicture: whatever the bytes, no panic, no endless loop, and nothing larger than the box.
func FuzzPicture(f *testing.F) {
	for _, name := range []string{"lossy.webp", "alpha.webp", "anim.webp", "animalpha.webp", "anim.gif"} {
		f.Add(testFile(f, name))
	}
	f.Add(animate(asPNG(f, pattern(20, 20))))
	f.Add(jpegWithExif(asJPEG(f, pattern(20, 20)), exif(binary.BigEndian, 6)))
	f.Fuzz(func(t *testing.T, data []byte) {
		info, err := Inspect(data)
		if err != nil || info.Memory > 4<<20 {
			return
		}
		Moves(info, data)
		out, contentType, err := Render(data, info, Box{32, 32, false})
		if err != nil {
			return
		}
		c, name, err := image.DecodeConfig(bytes.NewReader(out))
		if err != nil || "image/"+name != contentType || c.Width > 32 || c.Height > 32 {
			t.Errorf("%s %s %+v %v", name, contentType, c, err)
		}
	})
}

func BenchmarkRender(b *testing.B) {
	data := asJPEG(b, pattern(4000, 3000))
	info, err := Inspect(data)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := Render(data, info, Box{800, 640, false}); err != nil {
			b.Fatal(err)
		}
	}
}
