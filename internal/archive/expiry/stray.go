package expiry

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"time"

	"conclave.chat/internal/archive/depot"
	"conclave.chat/internal/archive/segment"
	"conclave.chat/internal/precedence"
)

// A stray is a sealed attachment that nothing in the log names: its message was refused afterwards, or the recorder was killed before it had the record. Nobody was told that it
// is archived. It lies in its class's folder, and goes when the class's term is over since it was sealed, without a certificate: there is no entry that one could speak of.
type stray struct {
	class, name string
	made        time.Time
}

func (s stray) key() string  { return depot.KeyPath(s.class, s.name) }
func (s stray) file() string { return depot.BlobPath(s.class, s.name) }

// strays gives those whose time is over and that no hold keeps.
func (r *run) strays() ([]stray, error) {
	old, err := r.old()
	if err != nil || len(old) == 0 {
		return nil, err
	}
	if r.Log != nil { // what was appended until now is not passed over
		if _, err := r.Log.Checkpoint(r.ctx); err != nil {
			return nil, err
		}
	}
	// An attachment is named by its digest: in whichever class an entry has it, it stays. One that is about to be named was sealed minutes ago, and is not old.
	if _, err := r.entries(func(e *segment.Entry) {
		if e.Kind == segment.Blob {
			delete(old, e.Subject.String())
		}
	}); err != nil {
		return nil, err
	}
	classes := map[string]*Segment{} // as if all of a class were a segment of which nothing is known
	for _, s := range old {
		c := classes[s.class]
		if c == nil {
			c = &Segment{Class: s.class, Term: r.Terms[s.class], Opened: s.made, Closed: s.made}
			classes[s.class] = c
		}
		if s.made.Before(c.Opened) {
			c.Opened = s.made
		}
		if s.made.After(c.Closed) {
			c.Closed = s.made
		}
	}
	for class, c := range classes {
		c.Due = c.Term.Over(c.Closed)
		why, err := r.Job.Held(r.ctx, c)
		if err != nil {
			return nil, fmt.Errorf("expiry: nothing is destroyed, for it is not known what is held: %w", err)
		}
		if !precedence.Decide(c.claim(r.Now, why != "")).Remove {
			maps.DeleteFunc(old, func(_ string, s stray) bool { return s.class == class })
		}
	}
	list := slices.SortedFunc(maps.Values(old), func(a, b stray) int { return strings.Compare(a.file(), b.file()) })
	return list[:min(len(list), maxDue)], nil
}

// old gives the files of attachments whose term is over since they were written, by name, but for those that certificates speak of.
func (r *run) old() (map[string]stray, error) {
	out := map[string]stray{}
	young := map[string]bool{}
	for _, folder := range []string{"blob/", "key/"} {
		for path, err := range r.Dir.List(r.ctx, folder) {
			if err != nil {
				return nil, err
			}
			parts := strings.Split(path, "/")
			if len(parts) != 3 || r.ended[parts[1]+"/"+parts[2]] {
				continue
			}
			s := stray{class: parts[1], name: parts[2]}
			term, known := r.Terms[s.class]
			if sum, err := hex.DecodeString(s.name); !known || term.Forever() || (err != nil || len(sum) != len(segment.Digest{})) && (folder != "blob/" || !depot.Unfinished(s.name)) {
				continue
			}
			if s.made, err = r.written(path); errors.Is(err, depot.ErrNotFound) {
				continue
			} else if err != nil {
				return nil, err
			}
			if term.Over(s.made).After(r.Now) {
				young[s.name] = true
			}
			if was, both := out[s.name]; !both || was.made.Before(s.made) {
				out[s.name] = s
			}
		}
	}
	maps.DeleteFunc(out, func(name string, _ stray) bool { return young[name] })
	return out, nil
}

// written is when a file was.
func (r *run) written(path string) (time.Time, error) {
	f, err := r.Dir.Open(r.ctx, path)
	if err != nil {
		return time.Time{}, err
	}
	defer f.Close()
	file, ok := f.(interface{ Stat() (fs.FileInfo, error) })
	if !ok {
		return time.Time{}, errors.New("expiry: the archive is not in a folder")
	}
	info, err := file.Stat()
	if err != nil {
		return time.Time{}, fmt.Errorf("expiry: %w", err)
	}
	return info.ModTime(), nil
}

// tidy removes strays.
func (r *run) tidy() error {
	list, err := r.strays()
	if err != nil {
		return err
	}
	for _, s := range list {
		done, err := r.discard(s)
		if err != nil {
			return err
		}
		if done {
			r.Strays = append(r.Strays, s.file())
		}
		if err := r.at("stray"); err != nil {
			return err
		}
	}
	return nil
}

// discard removes a stray: what opens it first, and its file on the disk last, by which the next run finds what this one leaves.
func (r *run) discard(s stray) (bool, error) {
	if done, err := r.remove(s.key()); err != nil || !done {
		return false, err
	}
	if r.Bucket != nil {
		switch err := r.Bucket.Remove(r.ctx, s.file()); {
		case errors.Is(err, depot.ErrLocked):
			r.Waiting = append(r.Waiting, s.file())
			return false, nil
		case err != nil:
			return false, err
		}
	}
	return true, r.Dir.Remove(r.ctx, s.file())
}
