// Package walbuffer makes a commit on encrypted SQLite cheaper. SQLite writes each page of a commit to the write-ahead log as a header
// of 24 bytes and a page, which lie across the cipher's blocks: each piece makes the cipher read, decrypt, encrypt and write blocks again.
// This package gathers the pieces of one commit and gives the cipher one write; whole encrypted blocks go to the system in one call too.
// What lies on disk is what the VFS "adiantum" alone would have written.
//
// It owns a VFS and, for each open write-ahead log, the bytes of the commit that is being written. All other files it hands on unwrapped.
//
// Why nobody misses the bytes that are held back. Readers, checkpoints and other processes look at frames that the wal-index names, and
// SQLite names frames there at the end of a commit, after it has synced the log (synchronous=FULL). The rules are:
//
//   - Bytes are held back only while Committer.Commit runs the COMMIT, that is, by the connection that holds SQLite's write lock, and
//     no later than the sync. A transaction that ends in another way (rollback, a crash) never leaves bytes behind that could be
//     written once somebody else has the lock. This is why pages that SQLite spills before the commit are not gathered: a
//     rollback does not touch the log, so nothing would tell that they are stale; a commit that follows a spill also reads and
//     rewrites frames, so it is not gathered either.
//   - What comes after the sync passes straight through. That is needed: as encryption rewrites whole blocks, SQLite pads a commit with
//     copies of its last frame up to a block, syncs, writes the rest of that copy, and names it in the wal-index.
//   - A failed write drops what is held back and stops gathering; SQLite learns of it from the sync at the latest, and rolls back.
//   - Blocks that also hold bytes of earlier commits are written by the cipher at once, as it locks them against readers. Only
//     blocks that are all new go through the second buffer; nobody reads them yet.
//
// It refuses connections that are not in WAL mode with synchronous=FULL.
package walbuffer

import (
	"errors"
	"fmt"

	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/util/vfsutil"
	"github.com/ncruces/go-sqlite3/vfs"
	"github.com/ncruces/go-sqlite3/vfs/adiantum"
)

// Name is the name of the VFS for connection strings. It takes the parameters of the VFS "adiantum".
const Name = "conclave"

const (
	maxHeld     = 1 << 20 // bytes of a commit held back at most
	frameHeader = 24      // bytes before each page in the log; nothing else that SQLite writes there has this size
)

// Register makes the VFS known to SQLite. It may be called more than once.
func Register() { vfs.Register(Name, wrap(vfs.Find(""))) }

func wrap(base vfs.VFS) vfs.VFS { return logVFS{adiantum.Wrap(blockVFS{base}, nil)} }

// Committer begins and commits the transactions of one connection.
type Committer struct {
	conn          *sqlite3.Conn
	begin, commit *sqlite3.Stmt
}

// NewCommitter serves one connection; Close it before the connection.
func NewCommitter(conn *sqlite3.Conn) (*Committer, error) {
	for pragma, want := range map[string]string{"journal_mode": "wal", "synchronous": "2"} {
		stmt, _, err := conn.Prepare("PRAGMA " + pragma)
		if err != nil {
			return nil, err
		}
		got := ""
		if stmt.Step() {
			got = stmt.ColumnText(0)
		}
		if err := stmt.Close(); err != nil {
			return nil, err
		}
		if got != want {
			return nil, fmt.Errorf("walbuffer: %s is %q, must be %q", pragma, got, want)
		}
	}
	begin, _, err := conn.PrepareFlags("BEGIN IMMEDIATE", sqlite3.PREPARE_PERSISTENT)
	if err != nil {
		return nil, err
	}
	commit, _, err := conn.PrepareFlags("COMMIT", sqlite3.PREPARE_PERSISTENT)
	if err != nil {
		return nil, errors.Join(err, begin.Close())
	}
	return &Committer{conn, begin, commit}, nil
}

// Close frees the committer, not its connection.
func (c *Committer) Close() error { return errors.Join(c.begin.Close(), c.commit.Close()) }

// Begin starts a transaction that holds the write lock from the start.
func (c *Committer) Begin() error { return c.begin.Exec() }

// Commit ends the connection's transaction as COMMIT does.
func (c *Committer) Commit() error {
	file, err := c.conn.FileControl("main", sqlite3.FCNTL_JOURNAL_POINTER)
	if err != nil {
		return err
	}
	if log, ok := file.(*logFile); ok {
		log.gathering = !log.spilled
		defer log.drop()
	}
	return c.commit.Exec()
}

// logVFS sits on top of the cipher: it sees the log as SQLite writes it.
type logVFS struct{ vfs.VFS }

func (v logVFS) OpenFilename(name *vfs.Filename, flags vfs.OpenFlag) (vfs.File, vfs.OpenFlag, error) {
	f, flags, err := vfsutil.WrapOpenFilename(v.VFS, name, flags)
	if err != nil || flags&vfs.OPEN_WAL == 0 {
		return f, flags, err
	}
	blocks, ok := vfsutil.UnwrapFile[*blockFile](f)
	if !ok {
		return nil, flags, errors.Join(errors.New("walbuffer: the cipher hides its file"), f.Close())
	}
	return &logFile{File: f, blocks: blocks, block: int64(f.SectorSize())}, flags, nil
}

// logFile is a write-ahead log. SQLite uses no optional method of a log's file: shared memory and locks belong to the database's file.
type logFile struct {
	vfs.File
	blocks    *blockFile
	block     int64 // the cipher's block, or a multiple of it
	gathering bool
	spilled   bool // frames came outside of a commit since the last sync
	held      []byte
	at        int64 // place of held in the file
}

func (f *logFile) WriteAt(p []byte, off int64) (int, error) {
	if f.gathering && len(f.held) > 0 && off != f.at+int64(len(f.held)) {
		if err := f.settle(); err != nil {
			return 0, err
		}
	}
	if !f.gathering {
		f.spilled = f.spilled || len(p) == frameHeader
		return f.File.WriteAt(p, off)
	}
	if len(f.held) == 0 {
		f.at = off
	}
	f.held = append(f.held, p...)
	if len(f.held) >= maxHeld {
		if err := f.flush(); err != nil {
			return 0, err
		}
	}
	return len(p), nil
}

// flush writes what is held back: the blocks at both ends, which hold other bytes too, alone, and those between in one call.
func (f *logFile) flush() error {
	p, off := f.held, f.at
	if len(p) == 0 {
		return nil
	}
	f.held = f.held[:0]
	head := min(int64(len(p)), -off&(f.block-1))
	middle := head + (int64(len(p))-head)&^(f.block-1)
	err := f.writePart(p[:head], off)
	if err == nil {
		f.blocks.gathering = true
		err = f.writePart(p[head:middle], off+head)
		err = errors.Join(err, f.blocks.flush())
	}
	if err == nil {
		err = f.writePart(p[middle:], off+middle)
	}
	if err != nil {
		f.gathering = false
	}
	return err
}

func (f *logFile) writePart(p []byte, off int64) error {
	if len(p) == 0 {
		return nil
	}
	_, err := f.File.WriteAt(p, off)
	return err
}

// settle writes what is held back and ends gathering.
func (f *logFile) settle() error {
	f.gathering = false
	return f.flush()
}

func (f *logFile) drop() { f.gathering, f.held = false, f.held[:0] }

func (f *logFile) Sync(flags vfs.SyncFlag) error {
	f.spilled = false
	if err := f.settle(); err != nil {
		return err
	}
	return f.File.Sync(flags)
}

func (f *logFile) ReadAt(p []byte, off int64) (int, error) {
	if len(f.held) > 0 { // not so in a commit
		if err := f.settle(); err != nil {
			return 0, err
		}
	}
	return f.File.ReadAt(p, off)
}

func (f *logFile) Size() (int64, error) {
	if err := f.settle(); err != nil {
		return 0, err
	}
	return f.File.Size()
}

func (f *logFile) Truncate(size int64) error {
	return errors.Join(f.settle(), f.File.Truncate(size))
}
