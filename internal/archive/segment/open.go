package segment

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"

	"filippo.io/age"
	"github.com/klauspost/compress/zstd"
)

// Opener reads the groups of one segment, in order, with its secret.
type Opener struct {
	chain *chain
	zstd  *zstd.Decoder
}

// ErrSealed means that a group cannot be opened with the key at hand, or was altered.
var ErrSealed = errors.New("segment: the group does not open with this key")

// Unwrap takes the secret out of a key file.
func Unwrap(keyFile []byte, ids ...age.Identity) ([]byte, error) {
	r, err := age.Decrypt(bytes.NewReader(keyFile), ids...)
	if err != nil {
		return nil, fmt.Errorf("segment: key file: %w", err)
	}
	secret, err := io.ReadAll(io.LimitReader(r, secretSize+1))
	if err != nil {
		return nil, fmt.Errorf("segment: key file: %w", err)
	}
	if len(secret) != secretSize {
		return nil, errors.New("segment: key file: it does not hold a segment's secret")
	}
	return secret, nil
}

// NewOpener takes the secret of the segment.
func NewOpener(secret []byte, id ID) (*Opener, error) {
	dec, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxLines))
	if err != nil {
		return nil, err
	}
	return &Opener{chain: newChain(secret, id), zstd: dec}, nil
}

// Open gives the lines of a group. Groups come in order; those between may be left out.
func (o *Opener) Open(b *Block) ([][]byte, error) {
	if b.Type != TypeGroup || o.chain.key == nil || b.Number < o.chain.number {
		return nil, ErrSealed
	}
	for o.chain.number < b.Number {
		o.chain.step()
	}
	aead, err := o.chain.group(b.salt)
	if err != nil {
		return nil, err
	}
	packed, err := aead.Open(nil, make([]byte, aead.NonceSize()), b.sealed, b.associated)
	if err != nil {
		return nil, ErrSealed
	}
	text, err := o.zstd.DecodeAll(packed, nil)
	if err != nil {
		return nil, fmt.Errorf("segment: %w", err)
	}
	lines := bytes.Split(text, []byte("\n"))
	if len(lines) != len(b.Items)+1 || len(lines[len(b.Items)]) != 0 {
		return nil, fmt.Errorf("segment: %d items with %d lines", len(b.Items), len(lines)-1)
	}
	lines = lines[:len(b.Items)]
	for i, line := range lines {
		if sha256.Sum256(line) != b.Items[i].Commitment {
			return nil, fmt.Errorf("segment: line %d is not the one that was committed to", i)
		}
	}
	return lines, nil
}

// Close forgets the key.
func (o *Opener) Close() {
	o.chain.wipe()
	o.zstd.Close()
}
