package casefile

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"filippo.io/age"
	"golang.org/x/mod/sumdb/tlog"

	"conclave.chat/internal/archive"
	"conclave.chat/internal/archive/depot"
	"conclave.chat/internal/archive/record"
	"conclave.chat/internal/archive/segment"
	"conclave.chat/internal/archive/unseal"
)

// Source is what a case is filled from.
type Source struct {
	Archive  depot.Reader
	Identity age.Identity
	// Files has attachments opened too.
	Files bool
	// Progress is told what is being done, and how much of it; it must be quick.
	Progress func(what string, done, total int64)
}

// Result is what came into the case, with what was in it already.
type Result struct {
	Segments, Records, Gaps, Files int
	// Newer records are not covered by the archive's checkpoint, so that nothing proves them.
	Newer int
	// NoKey are segments that cannot be opened any more, NoFile the attachments.
	NoKey, NoFile []string
	// Damaged are places of the archive that are not what they should be, each with what is wrong. What could be read and proved is in the case.
	Damaged []string
}

// ErrNotVouched means that the access log has no entry of the case.
var ErrNotVouched = errors.New("case: the access log has no entry of this case")

// Fill opens the segments that are still waiting, each as a whole or not at all.
func (c *Case) Fill(ctx context.Context, src Source) (r Result, err error) {
	if c.voucher == nil {
		return r, ErrNotVouched
	}
	if src.Progress == nil {
		src.Progress = func(string, int64, int64) {}
	}
	plan, err := c.plan(ctx)
	if err != nil {
		return r, err
	}
	read := &watched{Reader: src.Archive}
	src.Archive = read
	f := &filling{c: c, src: src, read: read, classes: map[string]bool{}, known: map[string]int64{}}
	for _, s := range plan {
		f.total += s.Size
		f.classes[s.Class] = true
		if s.state != waiting {
			f.opened += s.Size
		}
	}
	if err := f.edge(); err != nil {
		return r, err
	}
	if err := f.segments(ctx, plan); err != nil {
		return r, err
	}
	if err := f.finish(ctx); err != nil {
		return r, err
	}
	return c.result(ctx)
}

type planned struct {
	unseal.Segment
	state int
}

func (c *Case) plan(ctx context.Context) (list []planned, err error) {
	rows, err := c.db.QueryContext(ctx, "SELECT id, class, name, size, state FROM segment ORDER BY n")
	if err != nil {
		return nil, fmt.Errorf("case: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var p planned
		var id string
		if err := rows.Scan(&id, &p.Class, &p.Name, &p.Size, &p.state); err != nil {
			return nil, fmt.Errorf("case: %w", err)
		}
		if p.ID, err = segment.ParseID(id); err != nil {
			return nil, err
		}
		list = append(list, p)
	}
	return list, rows.Err()
}

// segments opens those that wait. Where none at all opens, it is the identity that is wrong.
func (f *filling) segments(ctx context.Context, plan []planned) error {
	locked := map[segment.ID]error{} // whose key does not open
	opened := false
	for _, s := range plan {
		if s.state != waiting {
			opened = true
			continue
		}
		err := f.segment(ctx, s)
		if errors.Is(err, unseal.ErrKey) && f.damage(err) != nil {
			locked[s.ID] = err
			continue
		}
		if err != nil {
			return err
		}
		opened = true
		f.opened += s.Size
	}
	for _, s := range plan {
		why := locked[s.ID]
		if why != nil && !opened {
			return why
		}
		if why == nil {
			continue
		}
		if err := f.lock(ctx, s.ID, why); err != nil {
			return err
		}
	}
	return nil
}

// lock notes that a segment's key does not open.
func (f *filling) lock(ctx context.Context, id segment.ID, why error) error {
	tx, err := f.c.db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("case: %w", err)
	}
	defer func() { _ = tx.Rollback() }()
	if err := errors.Join(keepDamage(ctx, tx, why), setState(ctx, tx, id, damaged)); err != nil {
		return err
	}
	return tx.Commit()
}

// keepDamage notes where the archive is damaged.
func keepDamage(ctx context.Context, tx *sql.Tx, err error) error {
	var d *unseal.DamageError
	if !errors.As(err, &d) {
		return err
	}
	_, err = tx.ExecContext(ctx, "INSERT INTO damage (place, what) VALUES (?, ?)", d.Place, d.Err.Error())
	return err
}

func setState(ctx context.Context, tx *sql.Tx, id segment.ID, state int) error {
	if _, err := tx.ExecContext(ctx, "UPDATE segment SET state = ? WHERE id = ?", state, id.String()); err != nil {
		return fmt.Errorf("case: %w", err)
	}
	return nil
}

// filling is one run of Fill.
type filling struct {
	c             *Case
	src           Source
	classes       map[string]bool
	known         map[string]int64 // numbers of rooms and people, by table and id
	opened, total int64
	tile          int64 // whose hashes are at hand
	leaves        []tlog.Hash
	ix            *index
	read          *watched // the archive
}

// watched is an archive that remembers what could not be read. That is a disk's or a network's fault, and may pass: it interrupts, and is no damage.
type watched struct {
	depot.Reader
	err error
}

func (w *watched) Open(ctx context.Context, name string) (io.ReadCloser, error) {
	f, err := w.Reader.Open(ctx, name)
	if err != nil {
		if !errors.Is(err, depot.ErrNotFound) {
			w.err = err
		}
		return nil, err
	}
	return &watchedFile{f, w}, nil
}

type watchedFile struct {
	io.ReadCloser
	w *watched
}

func (f *watchedFile) Read(p []byte) (int, error) {
	n, err := f.ReadCloser.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		f.w.err = err
	}
	return n, err
}

// damage gives what is damaged, if an error says so and all could be read.
func (f *filling) damage(err error) *unseal.DamageError {
	var d *unseal.DamageError
	if f.read.err == nil && errors.As(err, &d) {
		return d
	}
	return nil
}

// segment opens one in one transaction.
func (f *filling) segment(ctx context.Context, s planned) (err error) {
	tx, err := f.c.db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("case: %w", err)
	}
	defer func() {
		if err != nil {
			_ = tx.Rollback()
			clear(f.known)
		}
	}()
	if f.ix, err = newIndex(ctx, tx, f.known); err != nil {
		return fmt.Errorf("case: %w", err)
	}
	n, state := int64(0), done
	seg := s.Segment
	if file, err := f.src.Archive.Open(ctx, seg.Name); errors.Is(err, depot.ErrNotFound) {
		seg.Name = strings.TrimSuffix(seg.Name, depot.OpenSuffix) // it has been closed meanwhile
	} else if err == nil {
		_ = file.Close()
	}
	err = unseal.Open(ctx, f.src.Archive, seg, f.c.info.Scope, f.src.Identity, func(l unseal.Line) error {
		n += int64(len(l.Text)) / 2 // about what it weighs sealed
		f.src.Progress("opening", f.opened+min(n, s.Size), f.total)
		if l.Entry.Kind != segment.Record && l.Entry.Kind != segment.Gap && l.Entry.Kind != segment.Receipt {
			return nil
		}
		return f.line(ctx, s.Class, l)
	})
	switch {
	case errors.Is(err, depot.ErrNotFound):
		state, err = gone, nil // nobody has the key any more
	case f.damage(err) != nil && !errors.Is(err, unseal.ErrKey):
		state, err = damaged, keepDamage(ctx, tx, err)
	}
	if err != nil {
		return err
	}
	if err := setState(ctx, tx, s.ID, state); err != nil {
		return err
	}
	if err := errors.Join(f.ix.close(), tx.Commit()); err != nil {
		return fmt.Errorf("case: %w", err)
	}
	f.src.Progress("opening", f.opened+s.Size, f.total)
	return nil
}

// line takes one record in, after it has proved it.
func (f *filling) line(ctx context.Context, class string, l unseal.Line) error {
	entry := l.Entry.Append(nil)
	if int64(l.Entry.Seq) < f.c.tree.N {
		h, err := f.leaf(ctx, int64(l.Entry.Seq))
		if err != nil {
			return err
		}
		if h != tlog.RecordHash(entry) {
			return keepDamage(ctx, f.ix.tx, &unseal.DamageError{Place: fmt.Sprintf("record %d", l.Entry.Seq), Err: errNotCovered})
		}
	}
	if err := f.ix.add(ctx, l.Entry.Seq, l.Text, entry, l.Record); err != nil {
		return fmt.Errorf("case: %w", err)
	}
	if !f.src.Files {
		return nil
	}
	for _, a := range l.Record.Attachments {
		if err := f.file(ctx, class, a); err != nil {
			return err
		}
	}
	return nil
}

var errNotCovered = errors.New("it is not the one that the archive's checkpoint covers")

var blobForm = regexp.MustCompile(`^[0-9a-f]{64}$`)

// file takes an attachment in, once, encrypted to the case.
func (f *filling) file(ctx context.Context, class string, a record.Attachment) error {
	if !blobForm.MatchString(a.Blob) {
		return nil // a name that the recorder did not make
	}
	var state int
	err := f.ix.tx.QueryRowContext(ctx, "SELECT state FROM file WHERE blob = ?", a.Blob).Scan(&state)
	if err == nil {
		return nil
	}
	if !errors.Is(err, sql.ErrNoRows) {
		return fmt.Errorf("case: %w", err)
	}
	state = done
	in, err := f.blob(ctx, class, a.Blob)
	switch {
	case errors.Is(err, depot.ErrNotFound):
		state = gone
	case err == nil:
		err = errors.Join(f.copy(in, a), in.Close())
	case ctx.Err() == nil:
		err = &unseal.DamageError{Place: "attachment " + a.Blob, Err: err}
	}
	if f.damage(err) != nil {
		state, err = damaged, keepDamage(ctx, f.ix.tx, err)
	}
	if err != nil && state != gone {
		return fmt.Errorf("attachment %s: %w", a.Blob, err)
	}
	if _, err := f.ix.tx.ExecContext(ctx, "INSERT INTO file (blob, state) VALUES (?, ?)", a.Blob, state); err != nil {
		return fmt.Errorf("case: %w", err)
	}
	return nil
}

// blob opens an attachment. It lies with the retention class under which it was archived first.
func (f *filling) blob(ctx context.Context, class, name string) (io.ReadCloser, error) {
	in, err := archive.OpenBlob(ctx, f.src.Archive, class, name, f.src.Identity)
	for other := range f.classes {
		if !errors.Is(err, depot.ErrNotFound) {
			break
		}
		if other != class {
			in, err = archive.OpenBlob(ctx, f.src.Archive, other, name, f.src.Identity)
		}
	}
	return in, err
}

func (f *filling) copy(in io.Reader, a record.Attachment) (err error) {
	path := filepath.Join(f.c.dir, filesDir, a.Blob)
	if err := depot.MakeDir(filepath.Dir(path)); err != nil {
		return err
	}
	out, err := os.OpenFile(path+".part", os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600) //nolint:gosec // a hash in hexadecimal
	if err != nil {
		return err
	}
	sum, src := sha256.New(), &source{r: in}
	w, err := age.Encrypt(out, f.c.identity.Recipient())
	if err == nil {
		if _, err = io.Copy(io.MultiWriter(w, sum), src); err == nil {
			err = w.Close()
		}
	}
	if err == nil {
		err = out.Sync()
	}
	err = errors.Join(err, out.Close())
	got := hex.EncodeToString(sum.Sum(nil))
	switch {
	case src.err != nil:
		err = src.err
	case err != nil:
		return err
	case a.SHA256 == "" || got == a.SHA256:
		return os.Rename(path+".part", path)
	default:
		err = fmt.Errorf("its SHA-256 is %s, the record says %s", got, a.SHA256)
	}
	return errors.Join(&unseal.DamageError{Place: "attachment " + a.Blob, Err: err}, os.Remove(path+".part"))
}

// source remembers that reading failed: that is the archive's damage, while what fails in writing is this machine's.
type source struct {
	r   io.Reader
	err error
}

func (s *source) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		s.err = err
	}
	return n, err
}

// finish makes the index one piece, and the case complete.
func (f *filling) finish(ctx context.Context) error {
	f.src.Progress("indexing", 0, 0)
	for _, q := range []string{"INSERT INTO words (words) VALUES ('optimize')", "ANALYZE", "INSERT OR REPLACE INTO meta (name, value) VALUES ('complete', x'01')"} {
		if _, err := f.c.db.ExecContext(ctx, q); err != nil {
			return fmt.Errorf("case: %w", err)
		}
	}
	f.c.info.Complete = true
	return nil
}

// result counts what is in the case.
func (c *Case) result(ctx context.Context) (r Result, err error) {
	for q, to := range map[string]*int{
		"SELECT count(*) FROM segment WHERE state = 1":                    &r.Segments,
		"SELECT count(*) FROM message WHERE kind <> 'gap'":                &r.Records,
		"SELECT count(*) FROM message WHERE kind = 'gap'":                 &r.Gaps,
		"SELECT count(*) FROM file WHERE state = 1":                       &r.Files,
		fmt.Sprint("SELECT count(*) FROM record WHERE seq >= ", c.tree.N): &r.Newer,
	} {
		if err := c.db.QueryRowContext(ctx, q).Scan(to); err != nil {
			return r, fmt.Errorf("case: %w", err)
		}
	}
	for q, to := range map[string]*[]string{"SELECT id FROM segment WHERE state = 2": &r.NoKey, "SELECT blob FROM file WHERE state = 2": &r.NoFile, "SELECT place || ': ' || what FROM damage ORDER BY n": &r.Damaged} {
		if *to, err = c.texts(ctx, q); err != nil {
			return r, err
		}
	}
	return r, nil
}

func (c *Case) texts(ctx context.Context, q string, args ...any) (list []string, err error) {
	rows, err := c.db.QueryContext(ctx, q, args...)
	if err != nil {
		return nil, fmt.Errorf("case: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			return nil, fmt.Errorf("case: %w", err)
		}
		list = append(list, s)
	}
	return list, rows.Err()
}
