// Package picture makes thumbnails of JPEG, PNG, GIF and WebP files.
//
// It is pure: bytes come in, bytes go out. Inspect reads a header and says what decoding would cost, so that the caller can refuse a
// picture before a single pixel is unpacked; Render never makes a picture larger than it is.
package picture

import (
	"bytes"
	"errors"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"

	"golang.org/x/image/webp"
)

// ErrFormat means that the bytes are no picture that can be read.
var ErrFormat = errors.New("picture: not a JPEG, PNG, GIF or WebP picture that can be read")

// HeaderSize is how much of a file Inspect wants to see: bytes. Cameras put metadata before the dimensions.
const HeaderSize = 512 << 10

// maxSide bounds width and height: pixels. No format but PNG goes beyond it.
const maxSide = 65535

// Info is what a picture's header says.
type Info struct {
	Type     string // content type
	Width    int    // as shown, after the orientation
	Height   int
	Animated bool  // GIF: Inspect cannot tell from the header alone and says false; see Moves
	Memory   int64 // what decoding and scaling need beside the file itself: bytes, estimated high

	turn orientation
}

type format struct {
	name   string
	config func([]byte) (image.Config, error)
	decode func([]byte) (image.Image, error)
}

func sniff(b []byte) *format {
	switch {
	case bytes.HasPrefix(b, []byte("\xff\xd8\xff")):
		return &format{
			"image/jpeg",
			func(b []byte) (image.Config, error) { return jpeg.DecodeConfig(bytes.NewReader(b)) },
			func(b []byte) (image.Image, error) { return jpeg.Decode(bytes.NewReader(b)) },
		}
	case bytes.HasPrefix(b, []byte("\x89PNG\r\n\x1a\n")):
		return &format{
			"image/png",
			func(b []byte) (image.Config, error) { return png.DecodeConfig(bytes.NewReader(b)) },
			func(b []byte) (image.Image, error) { return png.Decode(bytes.NewReader(b)) },
		}
	case bytes.HasPrefix(b, []byte("GIF87a")), bytes.HasPrefix(b, []byte("GIF89a")):
		return &format{
			"image/gif",
			func(b []byte) (image.Config, error) { return gif.DecodeConfig(bytes.NewReader(b)) },
			func(b []byte) (image.Image, error) { return gif.Decode(bytes.NewReader(b)) },
		}
	case len(b) >= 12 && string(b[:4]) == "RIFF" && string(b[8:12]) == "WEBP":
		return &format{
			"image/webp",
			func(b []byte) (image.Config, error) { return webp.DecodeConfig(bytes.NewReader(b)) },
			decodeWebP,
		}
	}
	return nil
}

// Inspect reads the beginning of a file, HeaderSize bytes of it or all.
func Inspect(header []byte) (Info, error) {
	f := sniff(header)
	if f == nil {
		return Info{}, ErrFormat
	}
	c, err := f.config(header)
	if err != nil || c.Width < 1 || c.Height < 1 || c.Width > maxSide || c.Height > maxSide {
		return Info{}, ErrFormat
	}
	info := Info{Type: f.name, Width: c.Width, Height: c.Height, turn: orientationOf(f.name, header)}
	info.Memory = int64(c.Width) * int64(c.Height) * bytesPerPixel(f.name, header, c.ColorModel)
	if info.turn.swaps() {
		info.Width, info.Height = info.Height, info.Width
	}
	switch f.name {
	case "image/png":
		info.Animated = apng(header)
	case "image/webp":
		info.Animated = animatedWebP(header)
	}
	return info, nil
}

// Moves reports whether a whole file has more than one frame.
func Moves(info Info, data []byte) bool {
	if info.Type == "image/gif" {
		return gifFrames(data, 2) > 1
	}
	return info.Animated
}

// bytesPerPixel is what the standard decoders and the scaling hold per pixel, at the worst.
func bytesPerPixel(name string, header []byte, m color.Model) int64 {
	const scaling = 2
	switch {
	case name == "image/jpeg" && progressive(header):
		return 3 + 3*4 + scaling // coefficients of all three components
	case name == "image/jpeg":
		return 3 + 1 + scaling // CMYK has four
	case name == "image/webp":
		return 8 + scaling // lossless, or an alpha plane that is lossless
	case name == "image/gif":
		return 1 + scaling
	}
	per := int64(4)
	switch m {
	case color.Gray16Model:
		per = 2
	case color.RGBA64Model, color.NRGBA64Model:
		per = 8
	}
	if len(header) > 28 && header[28] != 0 { // interlaced: passes are put together from pictures of their own
		per *= 2
	}
	return per + scaling
}
