package walbuffer

import (
	"github.com/ncruces/go-sqlite3/util/vfsutil"
	"github.com/ncruces/go-sqlite3/vfs"
)

// blockVFS sits under the cipher: it sees the log as encrypted blocks.
type blockVFS struct{ vfs.VFS }

func (v blockVFS) OpenFilename(name *vfs.Filename, flags vfs.OpenFlag) (vfs.File, vfs.OpenFlag, error) {
	f, flags, err := vfsutil.WrapOpenFilename(v.VFS, name, flags)
	if err != nil || flags&vfs.OPEN_WAL == 0 {
		return f, flags, err
	}
	return &blockFile{File: f}, flags, nil
}

// blockFile joins the blocks of one write of the layer above. The cipher writes them in order and, as all are whole, reads none.
type blockFile struct {
	vfs.File
	gathering bool
	held      []byte
	at        int64
}

func (f *blockFile) WriteAt(p []byte, off int64) (int, error) {
	if !f.gathering {
		return f.File.WriteAt(p, off)
	}
	if len(f.held) == 0 {
		f.at = off
	}
	f.held = append(f.held, p...)
	return len(p), nil
}

// flush writes the blocks and ends gathering.
func (f *blockFile) flush() error {
	p := f.held
	f.gathering, f.held = false, f.held[:0]
	if len(p) == 0 {
		return nil
	}
	_, err := f.File.WriteAt(p, f.at)
	return err
}
