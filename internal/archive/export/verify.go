package export

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"conclave.chat/internal/archive/access"
	"conclave.chat/internal/archive/depot"
	"conclave.chat/internal/archive/merkle"
	"conclave.chat/internal/archive/record"
	"conclave.chat/internal/archive/segment"
	"conclave.chat/internal/archive/verify"
)

// Keys are the public keys that an export is verified with.
type Keys struct {
	Policy merkle.Policy // of the archive's log
	Access note.Verifier // of the access log
	// Progress is told of bytes that were read.
	Progress func(bytes int64)
}

// Report is what was found.
type Report struct {
	Manifest Manifest
	Entry    access.Entry // of the access log
	Records  int
	Gaps     int
	Files    int
	Bytes    int64
	Problems []verify.Problem
}

// Limits of what is read into memory.
const (
	maxManifest = 512 << 20
	maxSmall    = 1 << 20
	maxLine     = 8 << 20
)

// Is tells whether a folder holds an export, finished or not, and not an archive.
func Is(ctx context.Context, d depot.Reader) bool {
	for _, name := range []string{SignedFile, ManifestFile, ProofsFile} {
		if f, err := d.Open(ctx, name); err == nil {
			_ = f.Close()
			return true
		}
	}
	return false
}

type run struct {
	Keys
	ctx    context.Context
	depot  depot.Reader
	report Report
	tree   merkle.Checkpoint
	bad    map[string]bool // files that have been complained of
	named  map[string]bool // SHA-256 of attachments that records name
}

// errStop ends a verification that cannot go on; the report says why.
var errStop = errors.New("stop")

// Verify verifies an export. The error is about the verification, not about the export: what is wrong with that is in the report.
func Verify(ctx context.Context, d depot.Reader, k Keys) (*Report, error) {
	r := &run{Keys: k, ctx: ctx, depot: d, bad: map[string]bool{}, named: map[string]bool{}}
	for _, step := range []func() error{r.voucher, r.manifest, r.records, r.files, r.strangers} {
		if err := step(); errors.Is(err, errStop) {
			break
		} else if err != nil {
			return nil, err
		}
	}
	return &r.report, nil
}

func (r *run) problem(place, what string, args ...any) {
	r.bad[place] = true
	r.report.Problems = append(r.report.Problems, verify.Problem{Place: place, What: fmt.Sprintf(what, args...)})
}

// stop complains and ends the verification.
func (r *run) stop(place, what string, args ...any) error {
	r.problem(place, what, args...)
	return errStop
}

// read reads a small file.
func (r *run) read(name string, limit int64) ([]byte, error) {
	f, err := r.depot.Open(r.ctx, name)
	if errors.Is(err, depot.ErrNotFound) {
		return nil, r.stop(name, "it is missing")
	}
	if err != nil {
		return nil, err
	}
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err = errors.Join(err, f.Close()); err != nil {
		return nil, err
	}
	if int64(len(data)) > limit {
		return nil, r.stop(name, "it is too large")
	}
	return data, nil
}

// voucher goes from the access log's key to the case's.
func (r *run) voucher() error {
	raw, err := r.read(VoucherFile, maxSmall)
	if err != nil {
		return err
	}
	var v access.Voucher
	if err := json.Unmarshal(raw, &v); err != nil {
		return r.stop(VoucherFile, "it is not an access log's entry with its proof")
	}
	e, err := v.Verify(r.Access)
	if err != nil {
		return r.stop(VoucherFile, "%v", err)
	}
	if r.report.Entry = *e; e.CaseKey == "" {
		return r.stop(VoucherFile, "the access log's entry names no key of a case")
	}
	return nil
}

// inTree checks an inclusion proof. The library takes only numbers that can be in the tree.
func inTree(p tlog.RecordProof, t tlog.Tree, n int64, h tlog.Hash) bool {
	return n >= 0 && n < t.N && tlog.CheckRecord(p, t.N, t.Hash, n, h) == nil
}

// manifest goes from the case's key to the manifest.
func (r *run) manifest() error {
	key, err := note.NewVerifier(r.report.Entry.CaseKey)
	if err != nil {
		return r.stop(VoucherFile, "the case's key in the access log's entry is not a key")
	}
	signed, err := r.read(SignedFile, maxSmall)
	if err != nil {
		return err
	}
	n, err := note.Open(signed, note.VerifierList(key))
	if err != nil {
		return r.stop(SignedFile, "it is not signed by the case's key: %v", err)
	}
	raw, err := r.read(ManifestFile, maxManifest)
	if err != nil {
		return err
	}
	if n.Text != signedText(raw) {
		return r.stop(ManifestFile, "it is not the one that was signed")
	}
	m := &r.report.Manifest
	if err := json.Unmarshal(raw, m); err != nil {
		return r.stop(ManifestFile, "it is not a manifest: %v", err)
	}
	if m.Version != Version {
		return r.stop(ManifestFile, "this program knows version %d of exports, and not %d", Version, m.Version)
	}
	if m.Case != r.report.Entry.Case || m.Archive != r.report.Entry.Archive {
		return r.stop(ManifestFile, "it is about case %s of %s; the access log's entry is about case %s of %s", m.Case, m.Archive, r.report.Entry.Case, r.report.Entry.Archive)
	}
	if r.tree, err = r.Policy.Open([]byte(m.Checkpoint)); err != nil {
		return r.stop(ManifestFile, "the archive's checkpoint: %v", err)
	}
	return nil
}

// lines reads a file line by line.
type lines struct {
	file io.ReadCloser
	buf  *bufio.Reader
	n    int
}

func (r *run) lines(name string) (*lines, error) {
	f, err := r.depot.Open(r.ctx, name)
	if errors.Is(err, depot.ErrNotFound) {
		return nil, r.stop(name, "it is missing")
	}
	if err != nil {
		return nil, err
	}
	return &lines{file: f, buf: bufio.NewReaderSize(f, 1<<16)}, nil
}

var errLong = errors.New("it is not a line")

// next gives the next line without its line feed, or io.EOF.
func (l *lines) next() ([]byte, error) {
	l.n++
	var line []byte
	for {
		part, err := l.buf.ReadSlice('\n')
		line = append(line, part...)
		switch {
		case len(line) > maxLine:
			return nil, errLong
		case err == nil:
			return line[:len(line)-1], nil
		case errors.Is(err, io.EOF) && len(line) > 0:
			return nil, errLong
		case !errors.Is(err, bufio.ErrBufferFull):
			return nil, err
		}
	}
}

// records checks each record against the archive's log.
func (r *run) records() error {
	proofs, err := r.lines(ProofsFile)
	if err != nil {
		return err
	}
	defer proofs.file.Close()
	var sealed *lines
	if r.report.Manifest.Records {
		if sealed, err = r.lines(RecordsFile); err != nil {
			return err
		}
		defer sealed.file.Close()
	}
	c := &checker{run: r, rooms: map[string]bool{}}
	for {
		if err := r.ctx.Err(); err != nil {
			return err
		}
		done, err := c.pair(proofs, sealed)
		if err != nil || done {
			return err
		}
	}
}

// checker goes through proofs and records together.
type checker struct {
	*run
	last     uint64
	any      bool
	rooms    map[string]bool
	segments map[string]bool // those that were opened
}

// pair checks a proof and its record. After the first thing that is wrong in a file, what follows in it says nothing.
func (c *checker) pair(proofs, sealed *lines) (done bool, err error) {
	raw, err := proofs.next()
	end := errors.Is(err, io.EOF)
	if errors.Is(err, errLong) {
		c.problem(ProofsFile, "line %d: %v", proofs.n, err)
		return true, nil
	}
	if err != nil && !end {
		return true, err
	}
	var line []byte
	if sealed != nil {
		line, err = sealed.next()
		switch over := errors.Is(err, io.EOF); {
		case over && end:
		case over:
			c.problem(RecordsFile, "line %d: the record is missing", sealed.n)
			return true, nil
		case errors.Is(err, errLong):
			c.problem(RecordsFile, "line %d: %v", sealed.n, err)
			return true, nil
		case err != nil:
			return true, err
		case end:
			c.problem(RecordsFile, "line %d: there is no proof for this record", sealed.n)
			return true, nil
		}
	}
	if end {
		c.counts()
		return true, nil
	}
	place, what := c.check(raw, line, sealed != nil)
	if what != "" {
		c.problem(place, "line %d: %s", proofs.n, what)
		return true, nil
	}
	return false, nil
}

// check says what is wrong with a proof, or with its record, and in which file.
func (c *checker) check(raw, line []byte, whole bool) (place, what string) {
	var p Proof
	if err := json.Unmarshal(raw, &p); err != nil {
		return ProofsFile, "it is not a proof"
	}
	e, err := segment.ParseEntry(p.Leaf)
	switch {
	case err != nil || e.Seq != p.Seq || e.Kind != segment.Record && e.Kind != segment.Gap && e.Kind != segment.Receipt:
		return ProofsFile, "it is not the entry of a record"
	case c.any && p.Seq <= c.last:
		return ProofsFile, fmt.Sprintf("record %d stands behind record %d", p.Seq, c.last)
	case p.Seq >= 1<<62 || !inTree(p.Proof, c.tree.Tree, int64(p.Seq), tlog.RecordHash(p.Leaf)):
		return ProofsFile, fmt.Sprintf("record %d is not proved to be in the archive", p.Seq)
	case segment.Subject(p.Room, p.EventID) != e.Subject:
		return ProofsFile, fmt.Sprintf("record %d is of another event than %s in %s", p.Seq, p.EventID, p.Room)
	case !c.opened(e.Segment, p.Room):
		return ProofsFile, fmt.Sprintf("record %d lies outside of what the case was opened for", p.Seq)
	}
	c.any, c.last = true, p.Seq
	c.rooms[p.Room] = true
	if e.Kind == segment.Gap {
		c.report.Gaps++
	} else {
		c.report.Records++
	}
	if !whole {
		return "", ""
	}
	if sha256.Sum256(line) != e.Commitment {
		return RecordsFile, fmt.Sprintf("record %d is not as it was sealed", p.Seq)
	}
	seq, rec, err := record.Decode(line)
	if err != nil || seq != p.Seq || rec.Room != p.Room || rec.EventID != p.EventID {
		return RecordsFile, fmt.Sprintf("record %d is of another event than its proof", p.Seq)
	}
	if !within(rec.Time, c.report.Entry.Since, c.report.Entry.Until) {
		return RecordsFile, fmt.Sprintf("record %d lies outside of what the case was opened for", p.Seq)
	}
	for _, a := range rec.Attachments {
		c.named[a.SHA256] = true
	}
	return "", ""
}

// opened tells whether the access log says that the officers opened a segment, and a room.
func (c *checker) opened(id segment.ID, room string) bool {
	e := &c.report.Entry
	if c.segments == nil {
		c.segments = map[string]bool{}
		for _, s := range e.Segments {
			c.segments[s] = true
		}
	}
	return c.segments[id.String()] && (len(e.Rooms) == 0 || slices.Contains(e.Rooms, room))
}

func within(at time.Time, since, until *time.Time) bool {
	return (since == nil || !at.Before(*since)) && (until == nil || at.Before(*until))
}

func (c *checker) counts() {
	if m := c.report.Manifest.Counts; m.Records != c.report.Records || m.Gaps != c.report.Gaps || m.Rooms != len(c.rooms) {
		c.problem(ProofsFile, "there are %d records and %d gaps of %d rooms; the manifest says %d, %d and %d", c.report.Records, c.report.Gaps, len(c.rooms), m.Records, m.Gaps, m.Rooms)
		c.bad[RecordsFile] = true // said already
	}
}

// files compares each file with the manifest.
func (r *run) files() error {
	m := &r.report.Manifest
	last := ""
	attached := map[string]bool{}
	for _, f := range m.Files {
		if err := r.ctx.Err(); err != nil {
			return err
		}
		if checkName(f.Name) != nil || f.Name <= last {
			return r.stop(ManifestFile, "its list of files is not right at %q", f.Name)
		}
		last = f.Name
		if err := r.file(f); err != nil {
			return err
		}
		if strings.HasPrefix(f.Name, Attachments) {
			attached[f.SHA256] = true
			if m.Records && !r.named[f.SHA256] && !r.bad[RecordsFile] && !r.bad[ProofsFile] {
				r.problem(f.Name, "no record names this attachment")
			}
		}
	}
	for _, name := range []string{ProofsFile, VoucherFile} {
		if !slices.ContainsFunc(m.Files, func(f File) bool { return f.Name == name }) {
			r.problem(ManifestFile, "it does not list %s", name)
		}
	}
	return nil
}

func (r *run) file(f File) error {
	in, err := r.depot.Open(r.ctx, f.Name)
	if errors.Is(err, depot.ErrNotFound) {
		if !r.bad[f.Name] {
			r.problem(f.Name, "it is missing")
		}
		return nil
	}
	if err != nil {
		return err
	}
	defer in.Close()
	h := sha256.New()
	n, err := io.Copy(io.MultiWriter(h, &progress{r}), depot.Until(r.ctx, in))
	if err != nil {
		return err
	}
	r.report.Files++
	if sum := hex.EncodeToString(h.Sum(nil)); (n != f.Size || sum != f.SHA256) && !r.bad[f.Name] {
		r.problem(f.Name, "it was altered")
	}
	return nil
}

type progress struct{ *run }

func (p *progress) Write(b []byte) (int, error) {
	p.report.Bytes += int64(len(b))
	if p.Progress != nil {
		p.Progress(int64(len(b)))
	}
	return len(b), nil
}

// strangers looks for files that the manifest does not list.
func (r *run) strangers() error {
	names := map[string]bool{ManifestFile: true, SignedFile: true}
	for _, f := range r.report.Manifest.Files {
		names[f.Name] = true
	}
	for name, err := range r.depot.List(r.ctx, "") {
		if err != nil {
			return err
		}
		if !names[name] {
			r.problem(name, "it does not belong to the export")
		}
	}
	return nil
}
