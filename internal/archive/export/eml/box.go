package eml

import (
	"archive/zip"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/go-json-experiment/json"

	"conclave.chat/internal/archive/export"
)

// box is the zip. What an interrupted export has of it is kept: the headers of its entries, out of which its directory is made in the end.
type box struct {
	job  *export.Job
	out  export.Output
	skip int64 // bytes that are in the file already
	zip  *zip.Writer
	mail *zip.FileHeader // of the mail that is being written
}

func open(j *export.Job) (b *box, err error) {
	b = &box{job: j}
	if b.out, err = j.Create(Archive); err != nil {
		return nil, err
	}
	b.skip = b.out.Size()
	b.zip = zip.NewWriter(b)
	for _, kept := range j.Kept() {
		h := &zip.FileHeader{}
		if err := json.Unmarshal(kept, h); err != nil {
			return nil, fmt.Errorf("eml: %w", err)
		}
		if err := b.again(h); err != nil {
			return nil, fmt.Errorf("eml: %w", err)
		}
	}
	if err := b.flush(); err != nil {
		return nil, err
	}
	if b.skip != 0 {
		return nil, errors.New("eml: the zip is not as long as its entries")
	}
	return b, nil
}

// Write takes what the zip's writer writes, from where the file goes on.
func (b *box) Write(p []byte) (int, error) {
	skipped := int(min(int64(len(p)), b.skip))
	b.skip -= int64(skipped)
	if skipped == len(p) {
		return skipped, nil
	}
	n, err := b.out.Write(p[skipped:])
	return skipped + n, err
}

// again has the zip's writer count an entry that is in the file already: as many bytes, which go nowhere.
func (b *box) again(h *zip.FileHeader) error {
	w, err := b.zip.CreateRaw(h)
	if err != nil {
		return err
	}
	nothing := make([]byte, 1<<20)
	for left := h.CompressedSize64; left > 0; {
		n := min(left, uint64(len(nothing)))
		if _, err := w.Write(nothing[:n]); err != nil {
			return err
		}
		left -= n
	}
	return nil
}

// create begins a mail.
func (b *box) create(name string, at time.Time) (io.Writer, error) {
	if err := b.finish(); err != nil {
		return nil, err
	}
	b.mail = &zip.FileHeader{Name: name, Method: zip.Deflate, Modified: at.UTC().Truncate(2 * time.Second)}
	w, err := b.zip.CreateHeader(b.mail)
	if err != nil {
		return nil, fmt.Errorf("eml: %w", err)
	}
	return w, nil
}

// finish completes the mail that is being written. The zip's writer does that when it is asked for the next entry, also where it then cannot make one: there is no
// compression of this number.
func (b *box) finish() error {
	if _, err := b.zip.CreateHeader(&zip.FileHeader{Method: ^uint16(0)}); !errors.Is(err, zip.ErrAlgorithm) {
		return fmt.Errorf("eml: %w", err)
	}
	if b.mail == nil {
		return nil
	}
	h := b.mail
	b.mail = nil
	return b.job.Keep(h)
}

// flush has everything in the file.
func (b *box) flush() error {
	if err := b.finish(); err != nil {
		return err
	}
	if err := b.zip.Flush(); err != nil {
		return fmt.Errorf("eml: %w", err)
	}
	return nil
}

func (b *box) close() error {
	if err := b.finish(); err != nil {
		return err
	}
	if err := b.zip.Close(); err != nil {
		return fmt.Errorf("eml: %w", err)
	}
	return b.out.Close()
}
