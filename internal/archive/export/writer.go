package export

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
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

// partSuffix marks a folder that is not whole yet.
const partSuffix = ".part"

// Writer writes an export. It does so in a folder beside the one that is asked for, which takes its name only when everything is there and durable: what was
// interrupted does not look like an export.
type Writer struct {
	dir, part string
	manifest  Manifest
	proofs    *output
	records   *output
	seen      map[string]bool
	dirs      map[string]bool
	done      bool
}

// Create begins an export in a folder that does not exist yet. What an earlier one left unfinished there is removed.
func Create(dir string, m Manifest) (*Writer, error) {
	if _, err := os.Lstat(dir); err == nil {
		return nil, fmt.Errorf("%s exists already", dir)
	}
	w := &Writer{dir: dir, part: dir + partSuffix, manifest: m, seen: map[string]bool{}, dirs: map[string]bool{}}
	w.manifest.Version = Version
	w.manifest.Files = nil
	if err := os.RemoveAll(w.part); err != nil {
		return nil, fmt.Errorf("export: %w", err)
	}
	if err := depot.MakeDir(w.part); err != nil {
		return nil, err
	}
	var err error
	if w.proofs, err = w.create(ProofsFile); err == nil && m.Records {
		w.records, err = w.create(RecordsFile)
	}
	if err != nil {
		w.Abort()
		return nil, err
	}
	return w, nil
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
	o.w.manifest.Files = append(o.w.manifest.Files, File{Name: o.name, Size: o.size, SHA256: hex.EncodeToString(o.sum.Sum(nil))})
	return nil
}

func (w *Writer) create(name string) (*output, error) {
	if err := checkName(name); err != nil {
		return nil, err
	}
	if w.seen[name] {
		return nil, fmt.Errorf("export: there are two files %q", name)
	}
	w.seen[name] = true
	path := filepath.Join(w.part, filepath.FromSlash(name))
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
	return &output{w: w, name: name, file: f, buf: bufio.NewWriterSize(f, 1<<16), sum: sha256.New()}, nil
}

// Create makes a file of the export's format. It is part of the export once it was closed.
func (w *Writer) Create(name string) (io.WriteCloser, error) {
	if name == ManifestFile || name == SignedFile || name == VoucherFile || name == RecordsFile {
		return nil, fmt.Errorf("%w: %q", errName, name)
	}
	return w.create(name)
}

// Record adds a record, as it was sealed, with its proof.
func (w *Writer) Record(p Proof, line []byte) error {
	raw, err := json.Marshal(&p, json.Deterministic(true), jsontext.EscapeForHTML(false))
	if err != nil {
		return fmt.Errorf("export: %w", err)
	}
	if _, err := w.proofs.Write(append(raw, '\n')); err != nil {
		return fmt.Errorf("export: %w", err)
	}
	if w.records == nil {
		return nil
	}
	if _, err := w.records.Write(append(slices.Clip(line), '\n')); err != nil {
		return fmt.Errorf("export: %w", err)
	}
	return nil
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
	closing := []*output{w.proofs, out}
	if w.records != nil {
		closing = append(closing, w.records)
	}
	for _, o := range closing {
		if err := o.Close(); err != nil {
			return nil, err
		}
	}
	slices.SortFunc(w.manifest.Files, func(a, b File) int { return strings.Compare(a.Name, b.Name) })
	w.manifest.Made = w.manifest.Made.UTC()
	raw, err = json.Marshal(&w.manifest, json.Deterministic(true), jsontext.EscapeForHTML(false), jsontext.WithIndent("  "))
	if err != nil {
		return nil, fmt.Errorf("export: %w", err)
	}
	raw = append(raw, '\n')
	signed, err := note.Sign(&note.Note{Text: signedText(raw)}, signer)
	if err != nil {
		return nil, fmt.Errorf("export: %w", err)
	}
	if err := depot.Replace(w.part, ManifestFile, raw); err != nil {
		return nil, err
	}
	if err := depot.Replace(w.part, SignedFile, signed); err != nil {
		return nil, err
	}
	for dir := range w.dirs {
		if err := depot.SyncDir(dir); err != nil {
			return nil, err
		}
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := os.Rename(w.part, w.dir); err != nil {
		return nil, fmt.Errorf("export: %w", err)
	}
	w.done = true
	return &w.manifest, depot.SyncDir(filepath.Dir(w.dir))
}

// Abort removes what is there of an export that was not finished. After Finish it does nothing.
func (w *Writer) Abort() {
	if !w.done {
		_ = os.RemoveAll(w.part)
	}
}
