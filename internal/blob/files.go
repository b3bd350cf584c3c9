package blob

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// partSuffix marks a file that is being written. Names have no dot, so no blob is called so.
const partSuffix = ".part"

// files keeps each blob in a file of its own, in folders by the first two characters of the name.
type files struct {
	dir string
}

func newFiles(dir string) (*files, error) {
	if dir == "" {
		return nil, errors.New("blob: no folder is configured")
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("blob: %w", err)
	}
	return &files{dir}, nil
}

func (s *files) path(name string) (dir, file string) {
	dir = filepath.Join(s.dir, name[:2])
	return dir, filepath.Join(dir, name)
}

// Put writes beside the final name, makes the bytes durable, gives them their name and makes that durable.
func (s *files) Put(_ context.Context, name string, r io.Reader, size int64) (err error) {
	if err := checkName(name); err != nil {
		return err
	}
	dir, path := s.path(name)
	if err := s.makeDir(dir); err != nil {
		return err
	}
	if _, err := os.Lstat(path); err == nil {
		return fmt.Errorf("blob: %w", fs.ErrExist)
	}
	part := path + partSuffix
	f, err := os.OpenFile(part, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600) //nolint:gosec // checkName admits letters and digits only
	if err != nil {
		return fmt.Errorf("blob: %w", err)
	}
	defer func() {
		if err != nil {
			_ = os.Remove(part)
		}
	}()
	if size >= 0 {
		r = &exactly{r, size}
	}
	n, err := io.Copy(f, r)
	if err == nil && n == 0 {
		err = ErrEmpty
	}
	if err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return fmt.Errorf("blob: write: %w", err)
	}
	if err := os.Rename(part, path); err != nil {
		return fmt.Errorf("blob: %w", err)
	}
	return syncDir(dir)
}

// makeDir makes one of the folders for names and sees to it that it survives a crash.
func (s *files) makeDir(dir string) error {
	err := os.Mkdir(dir, 0o700)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("blob: %w", err)
	}
	return syncDir(s.dir)
}

func syncDir(dir string) error {
	d, err := os.Open(dir) //nolint:gosec // a folder of ours
	if err != nil {
		return fmt.Errorf("blob: %w", err)
	}
	err = d.Sync()
	if cerr := d.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return fmt.Errorf("blob: %w", err)
	}
	return nil
}

// Open opens the file; it stays readable if the blob is deleted meanwhile.
func (s *files) Open(_ context.Context, name string, offset, n int64) (io.ReadCloser, error) {
	if err := checkName(name); err != nil {
		return nil, err
	}
	_, path := s.path(name)
	f, err := os.Open(path) //nolint:gosec // checkName admits letters and digits only
	if err != nil {
		return nil, fileError(err)
	}
	return &section{io.NewSectionReader(f, offset, n), f}, nil
}

type section struct {
	io.Reader
	io.Closer
}

// Stat asks the file system.
func (s *files) Stat(_ context.Context, name string) (int64, error) {
	if err := checkName(name); err != nil {
		return 0, err
	}
	_, path := s.path(name)
	info, err := os.Stat(path)
	if err != nil {
		return 0, fileError(err)
	}
	return info.Size(), nil
}

// Delete removes the file and what an unfinished Put left. The folder stays: another Put may be about to use it.
func (s *files) Delete(_ context.Context, name string) error {
	if err := checkName(name); err != nil {
		return err
	}
	_, path := s.path(name)
	for _, p := range []string{path + partSuffix, path} {
		if err := os.Remove(p); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("blob: %w", err)
		}
	}
	return nil
}

func fileError(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return ErrNotFound
	}
	return fmt.Errorf("blob: %w", err)
}
