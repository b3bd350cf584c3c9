package picture

import (
	"bytes"
	"fmt"
	"image"
	"image/jpeg"
	"image/png"
	"math"

	"golang.org/x/image/draw"
)

// Box is the size that a thumbnail should have.
type Box struct {
	Width, Height int
	Crop          bool // fill the box and cut off what stands out, instead of fitting into it
}

// quality is a JPEG quality at which a thumbnail shows no artefacts.
const quality = 82

// Render decodes a file and makes a thumbnail, of its first frame if it moves: a JPEG, or a PNG if it is transparent anywhere.
func Render(data []byte, info Info, box Box) (thumb []byte, contentType string, err error) {
	f := sniff(data)
	if f == nil || f.name != info.Type {
		return nil, "", ErrFormat
	}
	src, err := f.decode(data)
	if err != nil {
		return nil, "", fmt.Errorf("%w: %w", ErrFormat, err)
	}
	if info.turn.swaps() {
		box.Width, box.Height = box.Height, box.Width
	}
	from, size := box.place(src.Bounds())
	out := turned(scale(src, from, size), info.turn)
	var b bytes.Buffer
	if out.Opaque() {
		err = jpeg.Encode(&b, out, &jpeg.Options{Quality: quality})
		return b.Bytes(), "image/jpeg", err
	}
	err = png.Encode(&b, out)
	return b.Bytes(), "image/png", err
}

// Covers reports whether the picture fits into the box as it is, so that a thumbnail would be the picture itself.
func (b Box) Covers(info Info) bool { return info.Width <= b.Width && info.Height <= b.Height }

// place gives the part of a picture that a thumbnail shows, and the thumbnail's size.
func (b Box) place(bounds image.Rectangle) (from image.Rectangle, size image.Point) {
	w, h := float64(bounds.Dx()), float64(bounds.Dy())
	bw, bh := float64(b.Width), float64(b.Height)
	from = bounds
	if b.Crop {
		cut := min(w/bw, h/bh)
		cw, ch := pixels(bw*cut, bounds.Dx()), pixels(bh*cut, bounds.Dy())
		from.Min = bounds.Min.Add(image.Pt((bounds.Dx()-cw)/2, (bounds.Dy()-ch)/2))
		from.Max = from.Min.Add(image.Pt(cw, ch))
		w, h = float64(cw), float64(ch)
	}
	f := min(1, bw/w, bh/h)
	if b.Crop { // rounding has moved the aspect a little: fall short on neither side
		f = min(1, max(bw/w, bh/h))
	}
	return from, image.Pt(pixels(w*f, from.Dx()), pixels(h*f, from.Dy()))
}

func pixels(f float64, most int) int { return max(1, min(most, int(math.Round(f)))) }

// scale shrinks part of a picture. It halves it first, as often as it can, which needs no memory beside the halves; the fine
// filter at the end holds 32 bytes for each pixel of its source's height times its target's width.
func scale(src image.Image, from image.Rectangle, size image.Point) *image.RGBA {
	for from.Dx() >= 2*size.X && from.Dy() >= 2*size.Y {
		half := image.NewRGBA(image.Rect(0, 0, from.Dx()/2, from.Dy()/2))
		draw.ApproxBiLinear.Scale(half, half.Rect, src, from, draw.Src, nil)
		src, from = half, half.Rect
	}
	dst := image.NewRGBA(image.Rectangle{Max: size})
	if from.Size() == size {
		draw.Draw(dst, dst.Rect, src, from.Min, draw.Src)
		return dst
	}
	draw.CatmullRom.Scale(dst, dst.Rect, src, from, draw.Src, nil)
	return dst
}
