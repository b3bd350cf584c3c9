package archive

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"

	"filippo.io/age"

	"conclave.chat/internal/archive/depot"
	"conclave.chat/internal/archive/segment"
)

// Blob is a sealed attachment: its name in the archive, and the digest of its key file.
type Blob struct {
	Class string
	Sum   segment.Digest // of the sealed file; in hexadecimal, its name
	Key   segment.Digest
	Size  int64 // of the sealed file
}

// Draft is what puts the blob into the log. The line tells what the file is, as a record of the event that names it does.
func (b Blob) Draft(line []byte) Draft {
	return Draft{Class: b.Class, Kind: segment.Blob, Subject: b.Sum, Note: b.Key.String(), Line: line}
}

// PutBlob seals a stream of any length with a key of its own and makes it durable. It is an age file in two parts, the header under key and the
// rest under blob: one after the other, age's own command opens them. Until its draft is appended, the log knows nothing of it.
func (l *Log) PutBlob(ctx context.Context, class string, r io.Reader) (b Blob, err error) {
	if err := segment.CheckClass(class); err != nil {
		return b, err
	}
	dir := filepath.Join(l.config.Dir, "blob", class)
	if err := depot.MakeDir(dir); err != nil {
		return b, err
	}
	part := filepath.Join(dir, rand.Text()+".part")
	f, err := os.OpenFile(part, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600) //nolint:gosec // a checked class and a random name
	if err != nil {
		return b, fmt.Errorf("archive: %w", err)
	}
	defer func() {
		_ = f.Close()
		if err != nil {
			_ = os.Remove(part)
		}
	}()
	s := &split{to: f, sum: sha256.New()}
	if err := s.seal(depot.Until(ctx, r), l.config.Recipients); err != nil {
		return b, fmt.Errorf("archive: blob: %w", err)
	}
	if err := f.Sync(); err != nil {
		return b, fmt.Errorf("archive: blob: %w", err)
	}
	b = Blob{Class: class, Sum: segment.Digest(s.sum.Sum(nil)), Key: sha256.Sum256(s.header), Size: s.size}
	if err := depot.Replace(l.config.Dir, depot.KeyPath(class, hex.EncodeToString(b.Sum[:])), s.header); err != nil {
		return b, err
	}
	if err := os.Rename(part, filepath.Join(dir, b.Sum.String())); err != nil {
		return b, fmt.Errorf("archive: blob: %w", err)
	}
	return b, depot.SyncDir(dir)
}

// split keeps an age file's header apart from its payload.
type split struct {
	to     io.Writer
	sum    hash.Hash
	size   int64
	header []byte
	first  bytes.Buffer
	begun  bool
}

func (s *split) seal(r io.Reader, to []age.Recipient) error {
	w, err := age.Encrypt(s, to...)
	if err != nil {
		return err
	}
	// What there is by now is the header and perhaps the beginning of the payload.
	if s.header, err = age.ExtractHeader(bytes.NewReader(s.first.Bytes())); err != nil {
		return err
	}
	s.begun = true
	if _, err := s.Write(s.first.Bytes()[len(s.header):]); err != nil {
		return err
	}
	_, err = io.Copy(w, r)
	if err != nil {
		return err
	}
	return w.Close()
}

func (s *split) Write(p []byte) (int, error) {
	if !s.begun {
		return s.first.Write(p)
	}
	n, err := s.to.Write(p)
	s.sum.Write(p[:n])
	s.size += int64(n)
	return n, err
}

// OpenBlob reads an attachment with the identities that may.
func OpenBlob(ctx context.Context, d depot.Reader, class, name string, ids ...age.Identity) (io.ReadCloser, error) {
	key, err := d.Open(ctx, depot.KeyPath(class, name))
	if err != nil {
		return nil, err
	}
	header, err := io.ReadAll(io.LimitReader(key, 1<<20))
	if err = errors.Join(err, key.Close()); err != nil {
		return nil, fmt.Errorf("archive: blob: %w", err)
	}
	body, err := d.Open(ctx, depot.BlobPath(class, name))
	if err != nil {
		return nil, err
	}
	plain, err := age.Decrypt(io.MultiReader(bytes.NewReader(header), body), ids...)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("archive: blob: %w", err), body.Close())
	}
	return struct {
		io.Reader
		io.Closer
	}{plain, body}, nil
}
