// Package unseal opens the segments that a case is about. It decides by what a segment's own blocks say without a key (retention class, first and last time)
// which ones those are, and gives the lines that lie in the scope; keys of other segments are not touched.
package unseal

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"filippo.io/age"

	"conclave.chat/internal/archive/depot"
	"conclave.chat/internal/archive/record"
	"conclave.chat/internal/archive/segment"
)

// Scope says what a case is about. Empty fields do not narrow it.
type Scope struct {
	Since, Until time.Time // Until itself is outside
	Classes      []string
	Rooms        []string
}

// Segment is one that may hold something of the scope.
type Segment struct {
	Name  string // in the archive
	Class string
	ID    segment.ID
	Size  int64 // bytes, as it lies there
}

// DamageError says that something of the archive is not what it should be. What else is there can be read all the same.
type DamageError struct {
	Place string
	Err   error
}

func (e *DamageError) Error() string { return e.Place + ": " + e.Err.Error() }

// Unwrap gives what is wrong there.
func (e *DamageError) Unwrap() error { return e.Err }

// ErrKey means that a segment's key file does not open with the officers' identity: it is damaged, or made for others.
var ErrKey = errors.New("the key does not open with this identity")

// Plan finds the segments of a scope, without a key, and names files among them that are none. Of a damaged one it goes by what can be read: in doubt it is in.
func Plan(ctx context.Context, d depot.Reader, s Scope) (plan []Segment, strays []string, err error) {
	for name, err := range d.List(ctx, "segment/") {
		if err != nil {
			return nil, nil, err
		}
		parts := strings.Split(name, "/")
		id, err := segment.ParseID(strings.TrimSuffix(parts[len(parts)-1], depot.OpenSuffix))
		if err != nil || len(parts) != 3 {
			strays = append(strays, name)
			continue
		}
		if len(s.Classes) > 0 && !slices.Contains(s.Classes, parts[1]) {
			continue
		}
		first, last, size, err := span(ctx, d, name)
		var damage *DamageError
		if err != nil && !errors.As(err, &damage) {
			return nil, nil, fmt.Errorf("%s: %w", name, err)
		}
		if !s.Until.IsZero() && !first.Before(s.Until) || !s.Since.IsZero() && !last.IsZero() && last.Before(s.Since) {
			continue
		}
		plan = append(plan, Segment{Name: name, Class: parts[1], ID: id, Size: size})
	}
	return plan, strays, nil
}

// clocks is by how much an event's time may lie before the opening of its segment: it is taken when the recorder sees the event, before it waits for keys
// and for its commit.
const clocks = time.Hour

// span gives the times between which a segment was written, and its size; the end is zero if it is not closed.
func span(ctx context.Context, d depot.Reader, name string) (first, last time.Time, size int64, err error) {
	if !strings.HasSuffix(name, depot.OpenSuffix) {
		return ends(ctx, d, name)
	}
	err = blocks(ctx, d, name, func(b *segment.Block) error {
		size += int64(b.Size)
		switch b.Type {
		case segment.TypeOpening:
			first = b.Opening.Time.Add(-clocks)
		case segment.TypeClosing:
			last = b.Closing.Time
		}
		return nil
	})
	return first, last, size, err
}

// ends is span of a segment that got its final name, which is read at its ends alone.
func ends(ctx context.Context, d depot.Reader, name string) (first, last time.Time, size int64, err error) {
	f, size, err := depot.OpenParts(ctx, d, name)
	if err != nil {
		return first, last, 0, err
	}
	defer f.Close()
	opening, closing, err := segment.Ends(f, size)
	if err != nil {
		return first, last, 0, err
	}
	first = opening.Opening.Time.Add(-clocks)
	if closing != nil {
		last = closing.Closing.Time
	}
	return first, last, size, nil
}

func blocks(ctx context.Context, d depot.Reader, name string, f func(*segment.Block) error) error {
	file, err := d.Open(ctx, name)
	if err != nil {
		return err
	}
	defer file.Close()
	scan := segment.NewScanner(bufio.NewReaderSize(file, 1<<18))
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		b, err := scan.Next()
		var damage *segment.DamageError
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case errors.As(err, &damage) && damage.Torn && strings.HasSuffix(name, depot.OpenSuffix):
			return nil
		case errors.As(err, &damage):
			return &DamageError{name, err}
		case err != nil:
			return err
		}
		if err := f(b); err != nil {
			return err
		}
	}
}

// Line is one line of the archive, as sealed.
type Line struct {
	Entry  segment.Entry // its leaf in the Merkle log
	Text   []byte
	Record *record.Record
}

// Open gives the lines of a segment that lie in the scope, in order: those before the damage, if it ends with a DamageError.
func Open(ctx context.Context, d depot.Reader, seg Segment, s Scope, id age.Identity, f func(Line) error) error {
	path := depot.KeyPath(seg.Class, seg.ID.String())
	key, err := depot.ReadFile(ctx, d, path, 1<<20)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	secret, err := segment.Unwrap(key, id)
	if err != nil {
		return &DamageError{path, fmt.Errorf("%w: %w", ErrKey, err)}
	}
	defer clear(secret)
	o, err := segment.NewOpener(secret, seg.ID)
	if err != nil {
		return &DamageError{path, err}
	}
	defer o.Close()
	return blocks(ctx, d, seg.Name, func(b *segment.Block) error {
		damaged := func(format string, args ...any) error {
			return &DamageError{seg.Name, fmt.Errorf("offset %d: "+format, append([]any{b.Offset}, args...)...)}
		}
		if b.Segment != seg.ID {
			return damaged("it belongs to segment %s", b.Segment)
		}
		if b.Type != segment.TypeGroup {
			return nil
		}
		lines, err := o.Open(b)
		if err != nil {
			return damaged("%w", err)
		}
		for e := range b.Entries() {
			l := Line{Entry: e, Text: lines[e.Index]}
			seq, r, err := record.Decode(l.Text)
			if err == nil && seq != e.Seq {
				err = fmt.Errorf("it is numbered %d", seq)
			}
			if err != nil {
				return damaged("line %d is not a record: %w", e.Index, err)
			}
			l.Record = r
			if s.holds(l) {
				if err := f(l); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

func (s Scope) holds(l Line) bool {
	return l.Record.Within(s.Since, s.Until) && (len(s.Rooms) == 0 || slices.Contains(s.Rooms, l.Record.Room))
}
