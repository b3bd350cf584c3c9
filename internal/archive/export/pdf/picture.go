package pdf

import (
	"bytes"
	"image"
	"image/color"
	_ "image/gif" // these are read
	"image/jpeg"
	_ "image/png"
	"io"
	"strings"

	"codeberg.org/go-pdf/fpdf"
	"golang.org/x/image/draw"
	_ "golang.org/x/image/webp" // too

	"conclave.chat/internal/archive/transcript"
)

// What of a picture is read into memory, and how large it is drawn.
const (
	maxPicture = 32 << 20
	maxPixels  = 50 << 20
	edge       = 640
)

// picture shows an attachment that is one. What cannot be read is no error: the file's name stands there already.
func (d *document) picture(a transcript.Attachment) error {
	if !strings.HasPrefix(a.Type, "image/") || a.Size > maxPicture {
		return nil
	}
	in, err := d.job.Open(a.Attachment)
	if err != nil {
		return err
	}
	data, err := io.ReadAll(io.LimitReader(in, maxPicture+1))
	_ = in.Close()
	if err != nil {
		return err
	}
	small, w, h := shrink(data)
	if small == nil {
		return nil
	}
	width := float64(w) * 0.2646 // at 96 dots an inch
	tall := float64(h) * 0.2646
	if tall > picture {
		width, tall = width*picture/tall, picture
	}
	if width > 120 {
		width, tall = 120, tall*120/width
	}
	d.keep(tall + 4)
	name := a.SHA256
	options := fpdf.ImageOptions{ImageType: "JPEG"}
	if d.GetImageInfo(name) == nil {
		d.RegisterImageOptionsReader(name, options, bytes.NewReader(small))
	}
	d.ImageOptions(name, margin+indent, d.GetY()+1, width, tall, false, options, 0, "")
	d.SetY(d.GetY() + tall + 2)
	return d.Error()
}

// shrink makes a small JPEG of a picture on white, or nothing of what is none.
func shrink(data []byte) (out []byte, w, h int) {
	c, _, err := image.DecodeConfig(bytes.NewReader(data))
	if err != nil || c.Width <= 0 || c.Height <= 0 || c.Width > maxPixels/c.Height {
		return nil, 0, 0
	}
	src, _, err := image.Decode(bytes.NewReader(data))
	if err != nil {
		return nil, 0, 0
	}
	w, h = c.Width, c.Height
	if long := max(w, h); long > edge {
		w, h = max(1, w*edge/long), max(1, h*edge/long)
	}
	dst := image.NewRGBA(image.Rect(0, 0, w, h))
	draw.Draw(dst, dst.Bounds(), image.NewUniform(color.White), image.Point{}, draw.Src)
	draw.ApproxBiLinear.Scale(dst, dst.Bounds(), src, src.Bounds(), draw.Over, nil)
	var buf bytes.Buffer
	if err := jpeg.Encode(&buf, dst, &jpeg.Options{Quality: 85}); err != nil {
		return nil, 0, 0
	}
	return buf.Bytes(), w, h
}
