package segment

import (
	"bytes"
	"crypto/sha256"
	"io"
)

const (
	closingSize = headSize + 17 + sha256.Size
	maxOpening  = len(Magic) + headSize + 8 + sha256.Size + 1 + MaxClass + sha256.Size
)

// Ends gives a segment's opening and closing without reading what lies between. The second is nil where the file does not end with one.
func Ends(r io.ReaderAt, size int64) (opening, closing *Block, err error) {
	head := make([]byte, min(size, int64(maxOpening)))
	if _, err := r.ReadAt(head, 0); err != nil {
		return nil, nil, err
	}
	if opening, err = NewScanner(bytes.NewReader(head)).Next(); err != nil {
		return nil, nil, err
	}
	at := size - closingSize
	if at < int64(opening.Offset+opening.Size) {
		return opening, nil, nil
	}
	tail := make([]byte, closingSize)
	if _, err := r.ReadAt(tail, at); err != nil {
		return nil, nil, err
	}
	raw := tail[:len(tail)-sha256.Size]
	b := &Block{Offset: uint64(at), Size: closingSize, Digest: sha256.Sum256(raw)}
	if b.Digest != Digest(tail[len(raw):]) || raw[0] != TypeClosing || b.parse(raw) != "" || b.Segment != opening.Segment {
		return opening, nil, nil
	}
	return opening, b, nil
}
