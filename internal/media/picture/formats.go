package picture

import (
	"bytes"
	"encoding/binary"
	"image"
	"image/draw"

	"golang.org/x/image/webp"
)

// jpegSegments calls f for each marker segment before the picture's data, until f says stop.
func jpegSegments(b []byte, f func(marker byte, payload []byte) (goOn bool)) {
	for i := 2; i+4 <= len(b) && b[i] == 0xff; {
		marker := b[i+1]
		if marker == 0xff { // fill byte
			i++
			continue
		}
		n := int(binary.BigEndian.Uint16(b[i+2:]))
		if marker == 0xda || n < 2 || i+2+n > len(b) { // start of scan, or nonsense
			return
		}
		if !f(marker, b[i+4:i+2+n]) {
			return
		}
		i += 2 + n
	}
}

func progressive(b []byte) (yes bool) {
	jpegSegments(b, func(marker byte, _ []byte) bool {
		yes = marker == 0xc2
		return !yes
	})
	return yes
}

// pngChunks calls f for each chunk that lies within b, until f says stop.
func pngChunks(b []byte, f func(kind string, payload []byte) (goOn bool)) {
	for i := 8; i+12 <= len(b); {
		n := int64(binary.BigEndian.Uint32(b[i:]))
		end := int64(i) + 12 + n
		if end > int64(len(b)) {
			return
		}
		if !f(string(b[i+4:i+8]), b[i+8:end-4]) {
			return
		}
		i = int(end)
	}
}

// apng reports whether a PNG is an animation: the chunk that says so comes before the picture's data.
func apng(b []byte) (yes bool) {
	pngChunks(b, func(kind string, payload []byte) bool {
		if kind == "acTL" && len(payload) == 8 {
			yes = binary.BigEndian.Uint32(payload) > 1
		}
		return kind != "IDAT" && !yes
	})
	return yes
}

// riffChunks calls f for each chunk that lies within b, until f says stop.
func riffChunks(b []byte, f func(kind string, payload []byte) (goOn bool)) {
	for i := 0; i+8 <= len(b); {
		n := int64(binary.LittleEndian.Uint32(b[i+4:]))
		end := int64(i) + 8 + n
		if end > int64(len(b)) {
			return
		}
		if !f(string(b[i:i+4]), b[i+8:end]) {
			return
		}
		i = int(end + n&1)
	}
}

const (
	webpAnimation = 1 << 1
	webpAlpha     = 1 << 4
)

func animatedWebP(b []byte) (yes bool) {
	riffChunks(b[12:], func(kind string, payload []byte) bool {
		yes = kind == "VP8X" && len(payload) == 10 && payload[0]&webpAnimation != 0
		return false // VP8X comes first
	})
	return yes
}

// decodeWebP decodes a picture, or the first frame of an animation: x/image/webp reads none, so the frame is handed to it as a
// picture of its own.
func decodeWebP(b []byte) (image.Image, error) {
	if !animatedWebP(b) {
		return webp.Decode(bytes.NewReader(b))
	}
	canvas := uint24Pair(b[24:]) // RIFF header 12, chunk header 8, flags 4
	var frame image.Image
	var at image.Point
	err := ErrFormat
	riffChunks(b[12:], func(kind string, p []byte) bool {
		if kind != "ANMF" || len(p) < 16 {
			return kind != "ANMF"
		}
		at = uint24Pair(p).Sub(image.Pt(1, 1)).Mul(2)
		size := uint24Pair(p[6:])
		if at.X+size.X > canvas.X || at.Y+size.Y > canvas.Y {
			return false
		}
		frame, err = webp.Decode(bytes.NewReader(stillWebP(p[6:12], p[16:])))
		return false
	})
	if err != nil {
		return nil, err
	}
	if at == (image.Point{}) && frame.Bounds().Size() == canvas {
		return frame, nil
	}
	whole := image.NewNRGBA(image.Rectangle{Max: canvas})
	draw.Draw(whole, frame.Bounds().Add(at), frame, frame.Bounds().Min, draw.Src)
	return whole, nil
}

// stillWebP makes a WebP file of one frame's chunks. size is as in the frame's header, which is as VP8X wants it.
func stillWebP(size, chunks []byte) []byte {
	var flags byte
	var body []byte
	riffChunks(chunks, func(kind string, p []byte) bool {
		if kind != "ALPH" && kind != "VP8 " && kind != "VP8L" {
			return true
		}
		if kind == "ALPH" {
			flags = webpAlpha
		}
		body = append(body, kind...)
		body = binary.LittleEndian.AppendUint32(body, uint32(len(p)))
		body = append(body, p...)
		if len(p)%2 == 1 {
			body = append(body, 0)
		}
		return kind == "ALPH"
	})
	head := append([]byte("WEBPVP8X\x0a\x00\x00\x00"), flags, 0, 0, 0)
	head = append(head, size...)
	file := binary.LittleEndian.AppendUint32([]byte("RIFF"), uint32(len(head)+len(body)))
	return append(append(file, head...), body...)
}

// uint24Pair reads two 24-bit numbers that are stored less one.
func uint24Pair(b []byte) image.Point {
	u := func(b []byte) int { return int(b[0]) | int(b[1])<<8 | int(b[2])<<16 }
	return image.Pt(u(b)+1, u(b[3:])+1)
}

// gifFrames counts the frames of a GIF, up to a limit, without unpacking any.
func gifFrames(b []byte, limit int) int {
	if len(b) < 13 {
		return 0
	}
	i := 13 + colorTable(b[10])
	for n := 0; ; {
		if i >= len(b) || n >= limit {
			return n
		}
		switch b[i] {
		case 0x21: // extension: label, then blocks
			i = skipBlocks(b, i+2)
		case 0x2c: // frame: descriptor, colours, minimum code size, then blocks
			if i+10 > len(b) {
				return n
			}
			n++
			i = skipBlocks(b, i+10+colorTable(b[i+9])+1)
		default: // the trailer, or nonsense
			return n
		}
	}
}

func colorTable(flags byte) int {
	if flags&0x80 == 0 {
		return 0
	}
	return 3 << (flags&7 + 1)
}

func skipBlocks(b []byte, i int) int {
	for i < len(b) && b[i] != 0 {
		i += 1 + int(b[i])
	}
	return i + 1
}
