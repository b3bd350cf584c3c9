package depot

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"strings"
)

// Dir is an archive in a folder.
type Dir struct{ root string }

// OpenDir reads the archive in a folder.
func OpenDir(root string) (Dir, error) {
	info, err := os.Stat(root)
	if err != nil {
		return Dir{}, fmt.Errorf("depot: %w", err)
	}
	if !info.IsDir() {
		return Dir{}, fmt.Errorf("depot: %s is not a folder", root)
	}
	return Dir{root}, nil
}

// Open opens a file.
func (d Dir) Open(_ context.Context, name string) (io.ReadCloser, error) {
	if !filepath.IsLocal(name) {
		return nil, fmt.Errorf("depot: %q: %w", name, fs.ErrInvalid)
	}
	f, err := os.Open(filepath.Join(d.root, filepath.FromSlash(name)))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("depot: %w", err)
	}
	return f, nil
}

func (d Dir) parts(ctx context.Context, name string) (Parts, int64, error) {
	f, err := d.Open(ctx, name)
	if err != nil {
		return nil, 0, err
	}
	file := f.(*os.File) //nolint:forcetypeassert // what Open opens
	info, err := file.Stat()
	if err != nil {
		return nil, 0, errors.Join(fmt.Errorf("depot: %w", err), file.Close())
	}
	return file, info.Size(), nil
}

// List gives all files below a folder, in order.
func (d Dir) List(_ context.Context, prefix string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		err := filepath.WalkDir(filepath.Join(d.root, filepath.FromSlash(prefix)), func(path string, e fs.DirEntry, err error) error {
			if errors.Is(err, fs.ErrNotExist) {
				return nil
			}
			if err != nil || e.IsDir() {
				return err
			}
			name, err := filepath.Rel(d.root, path)
			if err != nil {
				return err
			}
			if !yield(filepath.ToSlash(name), nil) {
				return fs.SkipAll
			}
			return nil
		})
		if err != nil {
			yield("", fmt.Errorf("depot: %w", err))
		}
	}
}

// partSuffix marks a file that is being written.
const partSuffix = ".part"

// MakeDir makes a folder and those above it, and makes that durable.
func MakeDir(path string) error {
	if _, err := os.Stat(path); err == nil {
		return nil
	}
	parent := filepath.Dir(path)
	if parent != path {
		if err := MakeDir(parent); err != nil {
			return err
		}
	}
	if err := os.Mkdir(path, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("depot: %w", err)
	}
	return SyncDir(parent)
}

// SyncDir makes the names in a folder durable.
func SyncDir(path string) error {
	d, err := os.Open(path) //nolint:gosec // a folder of ours
	if err == nil {
		err = errors.Join(d.Sync(), d.Close())
	}
	if err != nil {
		return fmt.Errorf("depot: %w", err)
	}
	return nil
}

// SyncDirs does that for folders below a root.
func SyncDirs(root string, names []string) error {
	for _, name := range names {
		if err := SyncDir(filepath.Join(root, filepath.FromSlash(name))); err != nil {
			return err
		}
	}
	return nil
}

// Write makes a file whose bytes are durable, or replaces it; its name is durable after SyncDirs.
func Write(root, name string, data []byte) error {
	_, err := writeFrom(root, name, bytes.NewReader(data))
	return err
}

// writeFrom is Write of what a reader gives.
func writeFrom(root, name string, in io.Reader) (n int64, err error) {
	path := filepath.Join(root, filepath.FromSlash(name))
	if err := MakeDir(filepath.Dir(path)); err != nil {
		return 0, err
	}
	f, err := os.OpenFile(path+partSuffix, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600) //nolint:gosec // a folder of ours
	if err != nil {
		return 0, fmt.Errorf("depot: %w", err)
	}
	if n, err = io.Copy(f, in); err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(path+partSuffix, path)
	}
	if err != nil {
		return n, fmt.Errorf("depot: write %s: %w", name, err)
	}
	return n, nil
}

// Replace is Write and the durable name.
func Replace(root, name string, data []byte) error {
	if err := Write(root, name, data); err != nil {
		return err
	}
	return SyncDir(filepath.Dir(filepath.Join(root, filepath.FromSlash(name))))
}

// Replace makes a file of the archive, or replaces it, durably.
func (d Dir) Replace(name string, data []byte) error { return Replace(d.root, name, data) }

// Remove removes a file for good. One that is not there is removed already.
func (d Dir) Remove(_ context.Context, name string) error {
	if !filepath.IsLocal(name) {
		return fmt.Errorf("depot: %q: %w", name, fs.ErrInvalid)
	}
	path := filepath.Join(d.root, filepath.FromSlash(name))
	if err := os.Remove(path); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return fmt.Errorf("depot: %w", err)
	}
	return SyncDir(filepath.Dir(path))
}

// Unfinished tells whether a file is one that a crash left while it was being written.
func Unfinished(name string) bool { return strings.HasSuffix(name, partSuffix) }
