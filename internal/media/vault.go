package media

import (
	"bytes"
	"context"
	"crypto/hkdf"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"

	"github.com/minio/sio"
)

const (
	keySize = 32
	// packageSize is how much plaintext DARE seals at a time, and sealedSize what becomes of it: bytes.
	packageSize = 64 << 10
	sealedSize  = packageSize + 32
)

// vault seals what goes into the blob store and opens what comes out.
type vault struct {
	blobs Blobs
	key   []byte
}

func (v vault) config(blob string, firstPackage int64) (sio.Config, error) {
	key, err := hkdf.Key(sha256.New, v.key, nil, "conclave media 1 "+blob, keySize)
	if err != nil {
		return sio.Config{}, fmt.Errorf("media: derive key: %w", err)
	}
	return sio.Config{MinVersion: sio.Version20, MaxVersion: sio.Version20, Key: key, SequenceNumber: uint32(firstPackage)}, nil
}

// put seals a stream into a new blob and gives its length. An empty stream makes no blob. size is the length to come, or -1.
func (v vault) put(ctx context.Context, blob string, r io.Reader, size int64) (int64, error) {
	src := &source{r: r}
	var first [1]byte
	if _, err := io.ReadFull(src, first[:]); err == io.EOF && size <= 0 {
		return 0, nil
	} else if err != nil {
		return 0, err
	}
	cfg, err := v.config(blob, 0)
	if err != nil {
		return 0, err
	}
	sealed, err := sio.EncryptReader(io.MultiReader(bytes.NewReader(first[:]), src), cfg)
	if err != nil {
		return 0, fmt.Errorf("media: seal: %w", err)
	}
	sealedLen := int64(-1)
	if size >= 0 {
		n, err := sio.EncryptedSize(uint64(size))
		if err != nil {
			return 0, fmt.Errorf("media: seal: %w", err)
		}
		sealedLen = int64(n)
	}
	if err := v.blobs.Put(ctx, blob, sealed, sealedLen); err != nil {
		return 0, err
	}
	return src.n, nil
}

// open reads n bytes of plaintext from an offset. size is the length of the whole.
func (v vault) open(ctx context.Context, blob string, size, offset, n int64) (io.ReadCloser, error) {
	if n == 0 {
		return io.NopCloser(bytes.NewReader(nil)), nil
	}
	total, err := sio.EncryptedSize(uint64(size))
	if err != nil {
		return nil, fmt.Errorf("media: open: %w", err)
	}
	first, last := offset/packageSize, (offset+n-1)/packageSize
	from, to := first*sealedSize, min((last+1)*sealedSize, int64(total))
	cfg, err := v.config(blob, first)
	if err != nil {
		return nil, err
	}
	body, err := v.blobs.Open(ctx, blob, from, to-from)
	if err != nil {
		return nil, fmt.Errorf("media: open: %w", err)
	}
	plain, err := sio.DecryptReader(body, cfg)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("media: open: %w", err), body.Close())
	}
	if _, err := io.CopyN(io.Discard, plain, offset%packageSize); err != nil {
		return nil, errors.Join(fmt.Errorf("media: open: %w", err), body.Close())
	}
	return &opened{Reader: io.LimitReader(plain, n), Closer: body}, nil
}

type opened struct {
	io.Reader
	io.Closer
}

// source counts what is read, and hides io.ErrUnexpectedEOF, with which net/http reports a request that broke off: sio takes it
// for the end of the content, and half a file would be sealed as if it were whole.
type source struct {
	r io.Reader
	n int64
}

func (s *source) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	s.n += int64(n)
	if err != nil && err != io.EOF { // a wrapped io.EOF is no end
		err = &brokenOffError{err}
	}
	return n, err
}

type brokenOffError struct{ err error }

func (e *brokenOffError) Error() string { return "media: content broke off: " + e.err.Error() }
func (e *brokenOffError) Unwrap() error { return e.err }
