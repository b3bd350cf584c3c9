package archive

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"conclave.chat/internal/archive/depot"
	"conclave.chat/internal/archive/merkle"
	"conclave.chat/internal/archive/segment"
)

// found is a segment that was not settled when the last writer ended.
type found struct {
	path    string // relative
	id      string
	class   string
	blocks  []span
	closing bool
}

// span is a whole block of a found segment.
type span struct {
	of      *found
	start   uint64
	end     uint64
	seq     uint64
	leaves  uint64
	entries []segment.Entry // of a block that no checkpoint covers
}

// recover brings the log to the last whole group that follows without a gap from the last checkpoint. What is cut off was never answered: a
// commit is answered only when all of its groups are durable, and the next one begins after that.
func (w *writer) recover() error {
	covered := uint64(w.log.Size())
	segs, err := w.findOpen(covered)
	if err != nil {
		return err
	}
	if err := w.readBack(segs); err != nil {
		return err
	}
	var spans []span
	for _, s := range segs {
		for _, b := range s.blocks {
			if b.seq < covered && b.seq+b.leaves > covered {
				return fmt.Errorf("%w: %s: the checkpoint ends within a group", ErrDamaged, s.path)
			}
			if b.seq >= covered {
				spans = append(spans, b)
			}
		}
	}
	slices.SortFunc(spans, func(a, b span) int { return cmp.Compare(a.seq, b.seq) })
	next := covered
	for i, b := range spans {
		if b.seq != next {
			for _, lost := range spans[i:] {
				lost.of.cut(lost.start)
			}
			break
		}
		next += b.leaves
		w.fresh = append(w.fresh, fresh{seq: b.seq, entries: b.entries})
	}
	for _, s := range segs {
		if next, err = w.finish(s, next); err != nil {
			return err
		}
	}
	if err := w.enter(); err != nil {
		return err
	}
	if len(segs) == 0 {
		return nil
	}
	// A witness that cannot be reached now does not keep the archive from opening: the next checkpoint asks again.
	if _, err := w.log.Publish(w.Signer, nil); err != nil {
		return err
	}
	return w.settle()
}

// cut leaves out the blocks from an offset on.
func (f *found) cut(offset uint64) {
	f.blocks = slices.DeleteFunc(f.blocks, func(b span) bool { return b.start >= offset })
}

// findOpen scans the segments that have not got their final name.
func (w *writer) findOpen(covered uint64) ([]*found, error) {
	paths, err := filepath.Glob(filepath.Join(w.Dir, "segment", "*", "*"+depot.OpenSuffix))
	if err != nil {
		return nil, fmt.Errorf("archive: %w", err)
	}
	slices.Sort(paths)
	var segs []*found
	for _, path := range paths {
		rel, err := filepath.Rel(w.Dir, path)
		if err != nil {
			return nil, fmt.Errorf("archive: %w", err)
		}
		s := &found{path: filepath.ToSlash(rel), id: strings.TrimSuffix(filepath.Base(path), depot.OpenSuffix), class: filepath.Base(filepath.Dir(path))}
		if err := s.read(path, covered); err != nil {
			return nil, err
		}
		segs = append(segs, s)
	}
	return segs, nil
}

func (f *found) read(path string, covered uint64) error {
	file, err := os.Open(path) //nolint:gosec // found in the archive's folder
	if err != nil {
		return fmt.Errorf("archive: %w", err)
	}
	defer file.Close()
	scan := segment.NewScanner(bufio.NewReaderSize(file, 1<<16))
	for {
		b, err := scan.Next()
		var damage *segment.DamageError
		switch {
		case errors.Is(err, io.EOF), errors.As(err, &damage):
			return nil // whether it may end here is decided by what the log covers
		case err != nil:
			return fmt.Errorf("archive: %w", err)
		case b.Segment.String() != f.id:
			return fmt.Errorf("%w: %s holds segment %s", ErrDamaged, f.path, b.Segment)
		}
		s := span{of: f, start: b.Offset, end: b.Offset + b.Size, seq: b.Seq, leaves: b.Leaves()}
		if b.Seq >= covered {
			s.entries = slices.Collect(b.Entries())
		}
		f.blocks = append(f.blocks, s)
	}
}

// readBack reads the newest entries of the log: to know recent events, and to see that what the checkpoint covers of the open segments is there.
func (w *writer) readBack(segs []*found) error {
	byID := map[string]*found{}
	first := uint64(w.log.Size())
	for _, s := range segs {
		byID[s.id] = s
		if len(s.blocks) > 0 {
			first = min(first, s.blocks[0].seq)
		} else {
			first = 0 // its opening may be anywhere
		}
	}
	size := w.log.Size()
	start := max(0, min(int64(first), size-int64(w.Recent)))
	for n := start / merkle.Width; n*merkle.Width < size; n++ {
		entries, err := w.log.Entries(n)
		if err != nil {
			return err
		}
		for _, raw := range entries {
			e, err := segment.ParseEntry(raw)
			if err != nil {
				return fmt.Errorf("archive: %w", err)
			}
			w.recent.add(&e)
			s := byID[e.Segment.String()]
			if s == nil {
				continue
			}
			i, ok := slices.BinarySearchFunc(s.blocks, e.Offset, func(b span, at uint64) int { return cmp.Compare(b.start, at) })
			if !ok || e.Seq-uint64(e.Index) != s.blocks[i].seq {
				return fmt.Errorf("%w: %s at offset %d: what a checkpoint covers is not there", ErrDamaged, s.path, e.Offset)
			}
		}
	}
	return nil
}

// finish cuts off what a crash left, and closes the segment.
func (w *writer) finish(s *found, seq uint64) (uint64, error) {
	path := filepath.Join(w.Dir, filepath.FromSlash(s.path))
	if len(s.blocks) == 0 {
		err := os.Remove(path)
		for _, name := range []string{s.id, s.id + ".part"} {
			if e := os.Remove(filepath.Join(w.Dir, filepath.FromSlash(depot.KeyPath(s.class, name)))); e != nil && !errors.Is(e, os.ErrNotExist) {
				err = errors.Join(err, e)
			}
		}
		if err != nil {
			return 0, fmt.Errorf("archive: %w", err)
		}
		return seq, nil
	}
	w.pending = append(w.pending, s.path)
	end := int64(s.blocks[len(s.blocks)-1].end)
	f, err := os.OpenFile(path, os.O_RDWR, 0o600) //nolint:gosec // found in the archive's folder
	if err != nil {
		return 0, fmt.Errorf("archive: %w", err)
	}
	defer f.Close()
	if err := f.Truncate(end); err != nil {
		return 0, fmt.Errorf("archive: %w", err)
	}
	scan := segment.NewScanner(bufio.NewReaderSize(f, 1<<16))
	for {
		b, err := scan.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return 0, fmt.Errorf("archive: %s: %w", s.path, err)
		}
		s.closing = b.Type == segment.TypeClosing
	}
	if !s.closing {
		block := scan.CloseAfterCrash(seq, w.Now())
		b, err := segment.Parse(block, uint64(end))
		if err != nil {
			return 0, err
		}
		if _, err := f.WriteAt(block, end); err != nil {
			return 0, fmt.Errorf("archive: %w", err)
		}
		w.fresh = append(w.fresh, fresh{seq: seq, entries: slices.Collect(b.Entries())})
		seq++
	}
	if err := f.Sync(); err != nil {
		return 0, fmt.Errorf("archive: %w", err)
	}
	return seq, nil
}
