package casefile

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"conclave.chat/internal/archive/depot"
)

// Destroyed says what Destroy did.
type Destroyed struct {
	Number string
	Key    bool // the key was there until now
	Files  int
	Bytes  int64
	// Left are files in the folder that are none of the case's; they stay.
	Left []string
}

// Destroy ends a case: its key first, after which nothing of it can be read, then everything else. What was interrupted goes on when it is called again.
func Destroy(dir string) (d Destroyed, err error) {
	m, err := readMark(dir)
	if err != nil {
		return d, err
	}
	d.Number = m.Number
	lock, err := depot.Lock(filepath.Join(dir, databaseFile+".lock"), ErrBusy)
	if err != nil {
		return d, err
	}
	defer lock.Close()
	if d.Key, err = shred(filepath.Join(dir, keyFile)); err != nil {
		return d, err
	}
	if err := depot.SyncDir(dir); err != nil {
		return d, err
	}
	for _, name := range []string{filesDir, logDir} {
		if err := d.removeAll(filepath.Join(dir, name)); err != nil {
			return d, err
		}
	}
	own := []string{keyFile + ".part", markFile + ".part", databaseFile, databaseFile + "-journal", databaseFile + ".lock"}
	for _, name := range own {
		if err := d.remove(filepath.Join(dir, name)); err != nil {
			return d, err
		}
	}
	left, err := os.ReadDir(dir)
	if err != nil {
		return d, fmt.Errorf("case: %w", err)
	}
	for _, f := range left {
		if f.Name() != markFile && !slices.Contains(own, f.Name()) {
			d.Left = append(d.Left, f.Name())
		}
	}
	if err := d.remove(filepath.Join(dir, markFile)); err != nil { // last: until then the folder is a case to close
		return d, err
	}
	if len(d.Left) == 0 {
		if err := os.Remove(dir); err != nil {
			return d, fmt.Errorf("case: %w", err)
		}
		return d, depot.SyncDir(filepath.Dir(filepath.Clean(dir)))
	}
	return d, depot.SyncDir(dir)
}

// shred overwrites a small file before it is removed. That helps where a disk writes in place; elsewhere the passphrase still stands before what may be left of it.
func shred(path string) (bool, error) {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("case: %w", err)
	}
	if info.Mode().IsRegular() {
		f, err := os.OpenFile(path, os.O_WRONLY, 0) //nolint:gosec // the case's key
		if err != nil {
			return false, fmt.Errorf("case: %w", err)
		}
		noise := make([]byte, info.Size())
		_, err = rand.Read(noise)
		if err == nil {
			_, err = f.Write(noise)
		}
		if err == nil {
			err = f.Sync()
		}
		if err := errors.Join(err, f.Close()); err != nil {
			return false, fmt.Errorf("case: %w", err)
		}
	}
	if err := os.Remove(path); err != nil {
		return false, fmt.Errorf("case: %w", err)
	}
	return true, nil
}

func (d *Destroyed) removeAll(dir string) error {
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil || e.IsDir() {
			return err
		}
		return d.remove(path)
	})
	if err == nil {
		err = os.RemoveAll(dir)
	}
	if err != nil {
		return fmt.Errorf("case: %w", err)
	}
	return nil
}

func (d *Destroyed) remove(path string) error {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		err = os.Remove(path)
	}
	if err != nil {
		return fmt.Errorf("case: %w", err)
	}
	d.Files++
	d.Bytes += info.Size()
	return nil
}
