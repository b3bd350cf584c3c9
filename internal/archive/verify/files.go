package verify

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"strings"

	"golang.org/x/sync/errgroup"

	"conclave.chat/internal/archive/depot"
	"conclave.chat/internal/archive/merkle"
	"conclave.chat/internal/archive/segment"
)

// readSegments reads all segments, several at a time.
func (r *run) readSegments() error {
	g, ctx := errgroup.WithContext(r.ctx)
	g.SetLimit(r.Workers)
	for name, err := range r.depot.List(ctx, "segment/") {
		if err != nil {
			return errors.Join(err, g.Wait())
		}
		parts := strings.Split(name, "/")
		if len(parts) != 3 {
			r.problem(name, "it is not a file of an archive")
			continue
		}
		id, err := segment.ParseID(strings.TrimSuffix(parts[2], depot.OpenSuffix))
		if err != nil {
			r.problem(name, "it is not a file of an archive")
			continue
		}
		g.Go(func() error { return r.readSegment(name, parts[1], id) })
	}
	return g.Wait()
}

// info gives what the log says of a segment; the second result is false for a second file of the same segment.
func (r *run) info(id segment.ID) (s *info, first bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s = r.segments[id]
	if s == nil {
		s = &info{}
		r.segments[id] = s
	}
	first = !s.found
	s.found = true
	r.report.Segments++
	return s, first
}

func (r *run) readSegment(name, class string, id segment.ID) (err error) {
	s, first := r.info(id)
	if !first {
		r.problem(name, "there are two files of this segment")
		return nil
	}
	f, err := r.depot.Open(r.ctx, name)
	if errors.Is(err, depot.ErrNotFound) { // it got its final name meanwhile
		f, err = r.depot.Open(r.ctx, strings.TrimSuffix(name, depot.OpenSuffix))
	}
	if errors.Is(err, depot.ErrNotFound) && s.shredded {
		return nil // it ended meanwhile
	}
	if err != nil {
		return err
	}
	defer f.Close()
	scan := segment.NewScanner(bufio.NewReaderSize(f, 1<<18))
	c := &comparison{run: r}
	complain := func(what string, args ...any) {
		s.bad = true
		r.problem(name, what, args...)
	}
	for {
		if err := r.ctx.Err(); err != nil {
			return err
		}
		b, err := scan.Next()
		var damage *segment.DamageError
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case errors.As(err, &damage):
			if damage.Torn && c.newer {
				return nil // it is being written
			}
			complain("%v", damage)
			return nil
		case err != nil:
			return err
		}
		r.count(int64(b.Size))
		if b.Segment != id || b.Type == segment.TypeOpening && b.Opening.Class != class {
			complain("it holds segment %s of class %s", b.Segment, b.Opening.Class)
			return nil
		}
		what, err := c.block(b)
		if err != nil {
			return err
		}
		if what != "" {
			complain("offset %d: %s", b.Offset, what)
			return nil
		}
		if b.Type == segment.TypeOpening {
			if err := r.checkKey(depot.KeyPath(class, id.String()), b.Opening.Key, s.shredded); err != nil {
				return err
			}
		}
	}
}

func (r *run) count(n int64) {
	r.mu.Lock()
	r.report.Bytes += n
	r.mu.Unlock()
	if r.Progress != nil {
		r.Progress(n)
	}
}

// comparison compares a segment's blocks with the log. It keeps the last bundle: blocks follow one another.
type comparison struct {
	*run
	bundle  int64
	entries [][]byte
	buf     []byte
	newer   bool // beyond the checkpoint
}

func (c *comparison) block(b *segment.Block) (what string, err error) {
	first, leaves := b.Seq, b.Leaves()
	if first >= uint64(c.size) {
		c.newer = true
		c.mu.Lock()
		c.report.Newer += int64(leaves)
		if c.stated != nil {
			for e := range b.Entries() {
				if a := c.stated[e.Subject]; a != nil {
					a.newer = true
				}
			}
		}
		c.mu.Unlock()
		return "", nil
	}
	if first+leaves > uint64(c.size) {
		return "the checkpoint ends within the group", nil
	}
	for e := range b.Entries() {
		raw, err := c.entry(int64(e.Seq))
		if err != nil {
			return "", err
		}
		if raw == nil {
			continue // the bundle is damaged, and has been reported
		}
		c.buf = e.Append(c.buf[:0])
		if !bytes.Equal(c.buf, raw) {
			return "the block is not the one that the log holds", nil
		}
	}
	if !c.seen.set(first, int(leaves)) {
		return "the log's entries for it belong to another block too", nil
	}
	return "", nil
}

// entry gives an entry of the log that was verified, or nil.
func (r *comparison) entry(n int64) ([]byte, error) {
	bundle := n / merkle.Width
	if r.badTiles[bundle] {
		return nil, nil
	}
	if r.entries == nil || r.bundle != bundle {
		var err error
		if r.entries, err = merkle.ReadBundle(r.ctx, r.depot, bundle, r.size); err != nil {
			return nil, err
		}
		r.bundle = bundle
	}
	return r.entries[n%merkle.Width], nil
}

// checkKey compares a key file with the digest that the log has of it. That of something whose end is in the log may be gone.
func (r *run) checkKey(path string, want segment.Digest, ended bool) error {
	data, err := r.read(path)
	switch {
	case errors.Is(err, depot.ErrNotFound) && ended:
	case errors.Is(err, depot.ErrNotFound):
		r.problem(path, "it is missing: nobody can open what it belongs to")
	case err != nil:
		return err
	case sha256.Sum256(data) != want:
		r.problem(path, "it was altered")
	}
	return nil
}

// findMissing looks for entries that no segment gave, and names each segment once.
func (r *run) findMissing() error {
	c := &comparison{run: r}
	var err error
	r.seen.missing(func(n int64) bool {
		var raw []byte
		if raw, err = c.entry(n); err != nil || raw == nil {
			return err == nil
		}
		e, perr := segment.ParseEntry(raw)
		if perr != nil {
			return true // it has been reported
		}
		s := r.segments[e.Segment]
		name := depot.SegmentPath(s.class, e.Segment.String())
		switch {
		case s.bad:
		case s.shredded && !s.found:
			r.report.Shredded++
		case s.found:
			r.problem(name, "its end is missing, from offset %d (block %d, entry %d) on", e.Offset, e.Number, e.Seq)
		default:
			r.problem(name, "it is missing (entry %d)", e.Seq)
		}
		s.bad = true
		return true
	})
	return err
}

// ended tells which attachments may be gone: those that only segments name whose end is in the log.
func (r *run) ended() map[string]bool {
	out := map[string]bool{}
	for _, b := range r.blobs {
		path := depot.BlobPath(b.class, b.name)
		was, known := out[path]
		out[path] = r.segments[b.segment].shredded && (was || !known)
	}
	return out
}

// readBlobs reads all attachments, several at a time.
func (r *run) readBlobs() error {
	known := r.ended()
	read := map[string]bool{}
	var g errgroup.Group
	g.SetLimit(r.Workers)
	for _, b := range r.blobs {
		path := depot.BlobPath(b.class, b.name)
		if read[path] {
			continue
		}
		read[path] = true
		ended := known[path]
		g.Go(func() error {
			if raw, err := hex.DecodeString(b.key); err == nil && len(raw) == sha256.Size {
				if err := r.checkKey(depot.KeyPath(b.class, b.name), segment.Digest(raw), ended); err != nil {
					return err
				}
			}
			return r.readBlob(path, b.name, ended)
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	r.report.Blobs = int64(len(read))
	for name, err := range r.depot.List(r.ctx, "blob/") {
		if err != nil {
			return err
		}
		if !read[name] {
			r.report.Strays = append(r.report.Strays, name)
		}
	}
	return nil
}

func (r *run) readBlob(path, sum string, ended bool) error {
	f, err := r.depot.Open(r.ctx, path)
	if errors.Is(err, depot.ErrNotFound) && ended {
		return nil
	}
	if errors.Is(err, depot.ErrNotFound) {
		r.problem(path, "it is missing")
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	h := sha256.New()
	n, err := io.Copy(h, f)
	if err != nil {
		return err
	}
	r.count(n)
	if hex.EncodeToString(h.Sum(nil)) != sum {
		r.problem(path, "it was altered")
	}
	return nil
}
