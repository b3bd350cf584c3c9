package export

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"golang.org/x/mod/sumdb/note"

	"conclave.chat/internal/archive/access"
	"conclave.chat/internal/archive/depot"
)

// Writer writes an export. It does so in a folder beside the one that is asked for (its name and ".part"), which holds the export's files, a journal of what of them
// is durable, and a lock. The export takes its name only when everything is there: what was interrupted does not look like one.
type Writer struct {
	dir, part string
	manifest  Manifest
	lock      *os.File
	journal   *journal
	resumed   bool
	past      step               // what an interrupted run has left
	written   step               // how much of the lists is in the journal
	open      map[string]*output // files under way
	again     map[string]bool    // of those, the ones that an interrupted run began
	seen      map[string]bool
	dirs      map[string]bool
	unsynced  map[string]bool
}

// begin begins an export in a folder that does not exist yet, or goes on with one that was interrupted there. With anew, what is left of that is removed.
func begin(dir string, r request, signer note.Signer, anew bool) (_ *Writer, err error) {
	if _, err := os.Lstat(dir); err == nil {
		return nil, fmt.Errorf("%s exists already", dir)
	}
	r.Manifest.Version, r.Manifest.Files = Version, nil
	r.Manifest.Made = r.Manifest.Made.UTC()
	w := &Writer{
		dir: dir, part: dir + PartSuffix, manifest: r.Manifest, open: map[string]*output{}, again: map[string]bool{}, seen: map[string]bool{}, dirs: map[string]bool{},
		unsynced: map[string]bool{},
	}
	if err := depot.MakeDir(w.part); err != nil {
		return nil, err
	}
	if w.lock, err = depot.Lock(filepath.Join(w.part, lockFile), errBusy); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			w.Abort()
		}
	}()
	if anew {
		if err := discard(w.part); err != nil {
			return nil, err
		}
	}
	if w.journal, w.past, err = openJournal(filepath.Join(w.part, journalFile), signer); err != nil {
		return nil, err
	}
	if w.past.Request != nil {
		return w, w.resume(r)
	}
	left, err := os.ReadDir(w.part)
	if err != nil {
		return nil, fmt.Errorf("export: %w", err)
	}
	if len(left) > 2 { // the lock and the journal
		return nil, fmt.Errorf("%w: %s is not this case's, or its journal is lost", ErrUnfinished, w.part)
	}
	if err := w.journal.write(step{Request: &r}); err != nil {
		return nil, err
	}
	return w, depot.MakeDir(w.path(""))
}

func (w *Writer) path(name string) string {
	return filepath.Join(w.part, filesFolder, filepath.FromSlash(name))
}

// resume takes over what an interrupted run has left. Files are as the journal says, or are removed: they were written after its last line. What finished files
// hold is not read again: the manifest has the hashes of what was written, so that verifying finds what became of them.
func (w *Writer) resume(r request) error {
	p := &w.past
	if why := r.refuse(*p.Request); why != "" {
		return fmt.Errorf("%w: %s %s", ErrUnfinished, w.part, why)
	}
	w.resumed = true
	w.manifest.Made, w.manifest.Counts, w.manifest.Files, w.manifest.Missing = p.Request.Manifest.Made, p.Counts, p.Files, p.Missing
	w.wrote(p)
	for _, f := range p.Files {
		if info, err := os.Lstat(w.path(f.Name)); err != nil || info.Size() != f.Size {
			return fmt.Errorf("%w: %s is damaged: %s is not as it was written", ErrUnfinished, w.part, f.Name)
		}
		w.seen[f.Name] = true
		w.dirs[filepath.Dir(w.path(f.Name))] = true
	}
	for _, u := range p.Open {
		if err := w.reopen(u); err != nil {
			return err
		}
	}
	if err := depot.MakeDir(w.path("")); err != nil {
		return err
	}
	return w.sweep()
}

// sweep removes files that the journal does not know.
func (w *Writer) sweep() error {
	root, err := os.OpenRoot(w.path(""))
	if err != nil {
		return fmt.Errorf("export: %w", err)
	}
	defer root.Close()
	return fs.WalkDir(root.FS(), ".", func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || w.seen[name] {
			return err
		}
		return root.Remove(name)
	})
}

// reopen goes on with a file under way, behind what the journal vouches for.
func (w *Writer) reopen(u under) error {
	if err := checkName(u.Name); err != nil {
		return err
	}
	f, err := os.OpenFile(w.path(u.Name), os.O_WRONLY, 0)
	if err != nil {
		return fmt.Errorf("%w: %s is damaged: %w", ErrUnfinished, w.part, err)
	}
	o := &output{w: w, name: u.Name, file: f, buf: bufio.NewWriterSize(f, 1<<16), sum: sha256.New(), size: u.Size}
	w.open[u.Name], w.again[u.Name], w.seen[u.Name] = o, true, true
	w.dirs[filepath.Dir(w.path(u.Name))] = true
	info, err := f.Stat()
	if err == nil && info.Size() < u.Size {
		return fmt.Errorf("%w: %s is damaged: %s is shorter than it was", ErrUnfinished, w.part, u.Name)
	}
	if err == nil {
		err = o.sum.(encoding.BinaryUnmarshaler).UnmarshalBinary(u.Hash) //nolint:forcetypeassert // the standard library's hashes are
	}
	if err == nil {
		err = f.Truncate(u.Size)
	}
	if err == nil {
		_, err = f.Seek(u.Size, io.SeekStart)
	}
	if err != nil {
		return fmt.Errorf("export: %s: %w", u.Name, err)
	}
	return nil
}

// wrote notes what of the lists the journal has.
func (w *Writer) wrote(all *step) {
	w.written = step{Files: w.manifest.Files, Missing: w.manifest.Missing, Newer: all.Newer, Rooms: all.Rooms, Kept: all.Kept}
}

// mark makes everything that is written durable and says in the journal how far the export has come. The lists of s are whole.
func (w *Writer) mark(s step) error {
	for _, name := range slices.Sorted(maps.Keys(w.open)) {
		o := w.open[name]
		if w.again[name] {
			continue // nobody has asked for it yet: it is as it was
		}
		if err := errors.Join(o.buf.Flush(), o.file.Sync()); err != nil {
			return fmt.Errorf("export: %s: %w", name, err)
		}
	}
	for dir := range w.unsynced {
		if err := depot.SyncDir(dir); err != nil {
			return err
		}
		delete(w.unsynced, dir)
	}
	n := s
	n.Counts = w.manifest.Counts
	for _, name := range slices.Sorted(maps.Keys(w.open)) {
		o := w.open[name]
		hash, err := o.sum.(encoding.BinaryMarshaler).MarshalBinary() //nolint:forcetypeassert // the standard library's hashes are
		if err != nil {
			return fmt.Errorf("export: %s: %w", name, err)
		}
		n.Open = append(n.Open, under{Name: name, Size: o.size, Hash: hash})
	}
	n.Files, n.Missing = w.manifest.Files[len(w.written.Files):], w.manifest.Missing[len(w.written.Missing):]
	n.Newer, n.Rooms, n.Kept = s.Newer[len(w.written.Newer):], s.Rooms[len(w.written.Rooms):], s.Kept[len(w.written.Kept):]
	if err := w.journal.write(n); err != nil {
		return err
	}
	w.wrote(&s)
	return nil
}

// output is a file of the export under way.
type output struct {
	w      *Writer
	name   string
	file   *os.File
	buf    *bufio.Writer
	sum    hash.Hash
	size   int64
	closed bool
}

// Size implements [Output].
func (o *output) Size() int64 { return o.size }

func (o *output) Write(p []byte) (int, error) {
	n, err := o.buf.Write(p)
	o.sum.Write(p[:n])
	o.size += int64(n)
	return n, err
}

// Close makes the file durable and lists it.
func (o *output) Close() error {
	if o.closed {
		return nil
	}
	o.closed = true
	if err := errors.Join(o.buf.Flush(), o.file.Sync(), o.file.Close()); err != nil {
		return fmt.Errorf("export: %s: %w", o.name, err)
	}
	delete(o.w.open, o.name)
	o.w.manifest.Files = append(o.w.manifest.Files, File{Name: o.name, Size: o.size, SHA256: hex.EncodeToString(o.sum.Sum(nil))})
	return nil
}

func (w *Writer) create(name string) (*output, error) {
	if err := checkName(name); err != nil {
		return nil, err
	}
	if w.again[name] {
		delete(w.again, name)
		return w.open[name], nil
	}
	if w.seen[name] {
		return nil, fmt.Errorf("export: there are two files %q", name)
	}
	w.seen[name] = true
	path := w.path(name)
	if dir := filepath.Dir(path); !w.dirs[dir] {
		if err := depot.MakeDir(dir); err != nil {
			return nil, err
		}
		w.dirs[dir] = true
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600) //nolint:gosec // a checked name in the export's own folder
	if err != nil {
		return nil, fmt.Errorf("export: %w", err)
	}
	w.unsynced[filepath.Dir(path)] = true
	o := &output{w: w, name: name, file: f, buf: bufio.NewWriterSize(f, 1<<16), sum: sha256.New()}
	w.open[name] = o
	return o, nil
}

// Create makes a file of the export's format. It is part of the export once it was closed.
func (w *Writer) Create(name string) (Output, error) {
	if name == ManifestFile || name == SignedFile || name == VoucherFile || name == RecordsFile {
		return nil, fmt.Errorf("%w: %q", errName, name)
	}
	return w.create(name)
}

// Output is a file that is being written. It is part of the export once it was closed.
type Output interface {
	io.WriteCloser
	// Size is how much is written: more than nothing where an interrupted export goes on with the file.
	Size() int64
}

// records are the files of records and of their proofs.
type records struct{ proofs, lines *output }

func (w *Writer) records() (r records, err error) {
	if r.proofs, err = w.create(ProofsFile); err == nil && w.manifest.Records {
		r.lines, err = w.create(RecordsFile)
	}
	return r, err
}

// add adds a record, as it was sealed, with its proof.
func (r records) add(p Proof, line []byte) error {
	raw, err := json.Marshal(&p, json.Deterministic(true), jsontext.EscapeForHTML(false))
	if err != nil {
		return fmt.Errorf("export: %w", err)
	}
	if _, err := r.proofs.Write(append(raw, '\n')); err != nil {
		return fmt.Errorf("export: %w", err)
	}
	if r.lines == nil {
		return nil
	}
	if _, err := r.lines.Write(append(slices.Clip(line), '\n')); err != nil {
		return fmt.Errorf("export: %w", err)
	}
	return nil
}

func (r records) close() error {
	if err := r.proofs.Close(); err != nil || r.lines == nil {
		return err
	}
	return r.lines.Close()
}

// Attachment writes a file that records name into the folder of attachments and gives its name there, always the same for the same file. The caller has it
// compared with what the record says.
func (w *Writer) Attachment(display, sum string, open func() (io.ReadCloser, error)) (name string, err error) {
	name = AttachmentName(display, sum)
	if w.seen[name] {
		return name, nil
	}
	in, err := open()
	if err != nil {
		return "", err
	}
	defer in.Close()
	out, err := w.create(name)
	if err != nil {
		return "", err
	}
	if _, err := io.Copy(out, in); err != nil {
		return "", errors.Join(fmt.Errorf("export: %s: %w", name, err), out.Close())
	}
	w.manifest.Counts.Attachments++
	return name, out.Close()
}

// AttachmentName is where an attachment lies in an export. Half of the hash is enough that nobody makes two files which would lie in one place.
func AttachmentName(display, sum string) string {
	return Attachments + sum[:min(32, len(sum))] + "-" + SafeName(display)
}

// SafeName makes a name of at most 100 bytes that any system can have for a file, and that none takes for something else.
func SafeName(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < 0x20 || r == 0x7f || strings.ContainsRune(`<>:"/\|?*`, r) || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 || r == 0xfffd {
			return '_'
		}
		return r
	}, strings.ToValidUTF8(s, "_"))
	s = strings.TrimRight(strings.TrimSpace(s), ". ")
	ext := filepath.Ext(s)
	if len(ext) > 16 {
		ext = ""
	}
	stem := strings.TrimSuffix(s, ext)
	if len(s) > 100 {
		for len(stem)+len(ext) > 100 {
			r := []rune(stem)
			stem = string(r[:len(r)-1])
		}
		s = stem + ext
	}
	if strings.Trim(s, ".") == "" {
		return "file"
	}
	return s
}

// Missing notes an attachment that could not be opened.
func (w *Writer) Missing(m Missing) { w.manifest.Missing = append(w.manifest.Missing, m) }

// Count gives the counts, for the caller to fill in.
func (w *Writer) Count() *Counts { return &w.manifest.Counts }

// Finish signs the export and gives it its name. The voucher is that of the signer.
func (w *Writer) Finish(ctx context.Context, v *access.Voucher, signer note.Signer) (*Manifest, error) {
	raw, err := json.Marshal(v, json.Deterministic(true))
	if err != nil {
		return nil, fmt.Errorf("export: %w", err)
	}
	out, err := w.create(VoucherFile)
	if err != nil {
		return nil, err
	}
	if _, err := out.Write(append(raw, '\n')); err != nil {
		return nil, fmt.Errorf("export: %w", err)
	}
	if err := out.Close(); err != nil {
		return nil, err
	}
	slices.SortFunc(w.manifest.Files, func(a, b File) int { return strings.Compare(a.Name, b.Name) })
	raw, err = json.Marshal(&w.manifest, json.Deterministic(true), jsontext.EscapeForHTML(false), jsontext.WithIndent("  "))
	if err != nil {
		return nil, fmt.Errorf("export: %w", err)
	}
	raw = append(raw, '\n')
	signed, err := note.Sign(&note.Note{Text: signedText(raw)}, signer)
	if err != nil {
		return nil, fmt.Errorf("export: %w", err)
	}
	if err := depot.Replace(w.path(""), ManifestFile, raw); err != nil {
		return nil, err
	}
	if err := depot.Replace(w.path(""), SignedFile, signed); err != nil {
		return nil, err
	}
	w.dirs[w.path("")] = true
	for dir := range w.dirs {
		if err := depot.SyncDir(dir); err != nil {
			return nil, err
		}
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := os.Rename(w.path(""), w.dir); err != nil {
		return nil, fmt.Errorf("export: %w", err)
	}
	if err := depot.SyncDir(filepath.Dir(w.dir)); err != nil {
		return nil, err
	}
	w.Abort()
	if err := os.RemoveAll(w.part); err != nil {
		return nil, fmt.Errorf("export: %w", err)
	}
	return &w.manifest, nil
}

// Abort leaves the export. What is written so far stays, for the next run to go on with.
func (w *Writer) Abort() {
	for _, o := range w.open {
		_ = o.file.Close()
	}
	clear(w.open)
	if w.journal != nil {
		_ = w.journal.file.Close()
		w.journal = nil
	}
	if w.lock != nil {
		_ = w.lock.Close()
		w.lock = nil
	}
}
