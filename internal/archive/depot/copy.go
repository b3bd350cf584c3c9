package depot

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// ErrCopied means that a folder has an archive already.
var ErrCopied = errors.New("depot: there is an archive already")

// Copied is what Copy has done.
type Copied struct {
	Files int
	Bytes int64
}

// Copy brings an archive into a folder, the checkpoint last: without it the folder is no archive yet, and the next call goes on there. The archive may be written
// meanwhile if it is frozen. progress is told how many bytes there are; it may be nil.
func Copy(ctx context.Context, from Frozen, root string, progress func(int64)) (c Copied, err error) {
	if _, err := os.Stat(filepath.Join(root, Checkpoint)); err == nil {
		return c, ErrCopied
	}
	if err := MakeDir(root); err != nil {
		return c, err
	}
	w := &copying{ctx: ctx, from: from, root: root, progress: progress, dirs: map[string]bool{}}
	for _, kind := range kinds() {
		if err := w.forget(kind); err != nil {
			return w.Copied, err
		}
		for name, err := range from.List(ctx, kind) {
			if err == nil && !Unfinished(name) {
				err = w.file(name)
			}
			if err != nil {
				return w.Copied, err
			}
		}
	}
	for name := range from.held { // those may be listed no more
		if name == Checkpoint {
			continue
		}
		if err := w.file(name); err != nil {
			return w.Copied, err
		}
	}
	for dir := range w.dirs {
		if err := SyncDir(dir); err != nil {
			return w.Copied, err
		}
	}
	return w.Copied, Replace(root, Checkpoint, from.held[Checkpoint])
}

type copying struct {
	Copied
	ctx      context.Context //nolint:containedctx // of one call
	from     Frozen
	root     string
	progress func(int64)
	dirs     map[string]bool
}

// forget removes what an earlier call has brought and what has changed since.
func (w *copying) forget(kind string) error {
	root, err := os.OpenRoot(w.root)
	if err != nil {
		return fmt.Errorf("depot: %w", err)
	}
	defer root.Close()
	err = fs.WalkDir(root.FS(), strings.TrimSuffix(kind, "/"), func(name string, e fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil || e.IsDir() {
			return err
		}
		if changes(name) || Unfinished(name) {
			return root.Remove(name)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("depot: %w", err)
	}
	return nil
}

// file brings one file, unless it is there. An open segment may have been closed since it was listed.
func (w *copying) file(name string) error {
	in, err := w.from.Open(w.ctx, name)
	if closed, open := strings.CutSuffix(name, OpenSuffix); open && errors.Is(err, ErrNotFound) {
		name = closed
		in, err = w.from.Open(w.ctx, name)
	}
	if errors.Is(err, ErrNotFound) {
		return fmt.Errorf("%s has gone while the archive was copied: copy again", name)
	}
	if err != nil {
		return err
	}
	defer in.Close()
	path := filepath.Join(w.root, filepath.FromSlash(name))
	if _, err := os.Stat(path); err == nil {
		return nil
	}
	n, err := writeFrom(w.root, name, Until(w.ctx, in))
	if err != nil {
		return err
	}
	w.dirs[filepath.Dir(path)] = true
	w.Files++
	if w.Bytes += n; w.progress != nil {
		w.progress(w.Bytes)
	}
	return nil
}
