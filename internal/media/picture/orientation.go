package picture

import (
	"bytes"
	"encoding/binary"
	"image"
)

// orientation is how a picture is to be turned before it is shown, numbered as in Exif: 1 as it is, 2 mirrored, 3 upside down …
type orientation uint8

// swaps reports whether width and height change places.
func (o orientation) swaps() bool { return o >= 5 }

// orientationOf finds the orientation in a file's Exif data; 1 if there is none.
func orientationOf(name string, b []byte) orientation {
	var exif []byte
	switch name {
	case "image/jpeg":
		jpegSegments(b, func(marker byte, p []byte) bool {
			if marker == 0xe1 && bytes.HasPrefix(p, []byte("Exif\x00\x00")) {
				exif = p[6:]
			}
			return exif == nil
		})
	case "image/png":
		pngChunks(b, func(kind string, p []byte) bool {
			if kind == "eXIf" {
				exif = p
			}
			return exif == nil && kind != "IDAT"
		})
	case "image/webp":
		riffChunks(b[12:], func(kind string, p []byte) bool {
			if kind == "EXIF" {
				exif = bytes.TrimPrefix(p, []byte("Exif\x00\x00"))
			}
			return exif == nil
		})
	}
	return tiffOrientation(exif)
}

// tiffOrientation reads the orientation tag from the first directory of a TIFF header.
func tiffOrientation(b []byte) orientation {
	const asIs, tagOrientation, typeShort = 1, 0x0112, 3
	if len(b) < 8 {
		return asIs
	}
	var order binary.ByteOrder
	switch string(b[:4]) {
	case "II*\x00":
		order = binary.LittleEndian
	case "MM\x00*":
		order = binary.BigEndian
	default:
		return asIs
	}
	at := int64(order.Uint32(b[4:]))
	if at+2 > int64(len(b)) {
		return asIs
	}
	n := int(order.Uint16(b[at:]))
	for entries := b[at+2:]; n > 0 && len(entries) >= 12; n, entries = n-1, entries[12:] {
		if order.Uint16(entries) != tagOrientation || order.Uint16(entries[2:]) != typeShort {
			continue
		}
		if o := order.Uint16(entries[8:]); o >= 1 && o <= 8 {
			return orientation(o)
		}
		return asIs
	}
	return asIs
}

// turned gives the picture as it is to be shown.
func turned(src *image.RGBA, o orientation) *image.RGBA {
	if o <= 1 {
		return src
	}
	w, h := src.Rect.Dx(), src.Rect.Dy()
	dst := image.NewRGBA(image.Rect(0, 0, w, h))
	if o.swaps() {
		dst = image.NewRGBA(image.Rect(0, 0, h, w))
	}
	for y := range h {
		for x := range w {
			dx, dy := x, y
			switch o {
			case 2: // mirrored
				dx = w - 1 - x
			case 3: // upside down
				dx, dy = w-1-x, h-1-y
			case 4: // mirrored, upside down
				dy = h - 1 - y
			case 5: // mirrored, then a quarter turn to the left
				dx, dy = y, x
			case 6: // needs a quarter turn to the right
				dx, dy = h-1-y, x
			case 7: // mirrored, then a quarter turn to the right
				dx, dy = h-1-y, w-1-x
			case 8: // needs a quarter turn to the left
				dx, dy = y, w-1-x
			}
			copy(dst.Pix[dst.PixOffset(dx, dy):][:4], src.Pix[src.PixOffset(x, y):][:4])
		}
	}
	return dst
}
