package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
	_ "time/tzdata" // officers' machines may have no list of time zones

	"golang.org/x/term"

	"conclave.chat/internal/app"
	"conclave.chat/internal/archive/casefile"
	"conclave.chat/internal/archive/depot"
	"conclave.chat/internal/archive/export"
	"conclave.chat/internal/archive/export/eml"
	"conclave.chat/internal/archive/export/page"
	"conclave.chat/internal/archive/export/pdf"
	"conclave.chat/internal/archive/export/rsmf"
	"conclave.chat/internal/archive/export/table"
	"conclave.chat/internal/archive/record"
	"conclave.chat/internal/archive/show"
)

type archiveExportCmd struct {
	Dir            string   `arg:"" help:"The case's folder." type:"path"`
	Format         string   `help:"rsmf (Relativity), eml (mail in a zip), jsonl (the records as sealed), csv, html or pdf." enum:"rsmf,eml,jsonl,csv,html,pdf" required:""`
	Out            string   `help:"Folder for the export; it is made when everything is in it. If an export was interrupted, the same command goes on with it." required:"" type:"path"`
	Anew           bool     `help:"Remove what an interrupted export has left there, and begin anew."`
	Room           []string `help:"Only these rooms, by id or name."`
	Person         []string `help:"Only what these people wrote or could read, by Matrix id."`
	Since          string   `help:"Only from this day on (2026-01-31), in the zone, or this time (2026-01-31T08:00:00Z)."`
	Until          string   `help:"Only before this day or time."`
	Zone           string   `help:"Time zone for days and times, such as Europe/Berlin." default:"UTC"`
	Mail           string   `help:"With eml: one mail for each room and day, or for each message." enum:"day,message" default:"day"`
	Font           string   `help:"With pdf: a TrueType font (.ttf) of your own, for scripts that the fonts of the program lack." type:"existingfile"`
	WithoutRecords bool     `help:"Leave the sealed records out. The export then proves which events are archived, not what they say."`
}

// Run makes an export. It takes the case's passphrase from the terminal or from standard input.
func (e *archiveExportCmd) Run(ctx context.Context) error {
	zone, err := time.LoadLocation(e.Zone)
	if err != nil || e.Zone == "Local" || e.Zone == "" {
		return fmt.Errorf("--zone: %q is not a time zone such as Europe/Berlin", e.Zone)
	}
	if e.Format == "jsonl" && e.WithoutRecords {
		return errors.New("--without-records leaves nothing of --format jsonl")
	}
	if e.Font != "" && e.Format != "pdf" {
		return errors.New("--font is for --format pdf")
	}
	if _, err := os.Lstat(e.Out); err == nil {
		return fmt.Errorf("%s exists already", e.Out)
	}
	c, err := openCase(ctx, e.Dir)
	if err != nil {
		return err
	}
	defer c.Close()
	if part, is := export.Unfinished(e.Out); is && !e.Anew {
		fmt.Fprintf(os.Stderr, "Going on with what is in %s\n", part)
	}
	m, err := e.export(ctx, c, zone)
	part, is := export.Unfinished(e.Out)
	switch {
	case errors.Is(err, context.Canceled) && is:
		return fmt.Errorf("interrupted: what is written is in %s; the same command goes on with the rest", part)
	case errors.Is(err, export.ErrUnfinished):
		return fmt.Errorf("%w; --anew removes it", err)
	case err != nil && is:
		return fmt.Errorf("%w; what is written is in %s, and the same command goes on with the rest", err, part)
	case err != nil:
		return err
	}
	printExport(e.Out, m)
	return nil
}

func (e *archiveExportCmd) export(ctx context.Context, c *casefile.Case, zone *time.Location) (*export.Manifest, error) {
	sel, err := e.selection(ctx, c, zone)
	if err != nil {
		return nil, err
	}
	msg, tree := c.Checkpoint()
	rooms, err := c.Rooms(ctx)
	if err != nil {
		return nil, err
	}
	steps := int64(0)
	for _, r := range rooms {
		steps += int64(r.Records)
	}
	if e.Format != "jsonl" {
		steps *= 2
	}
	form, variant, err := e.form()
	if err != nil {
		return nil, err
	}
	bar, done := newProgress(os.Stderr), int64(0)
	o := export.Options{
		Dir: e.Out, Anew: e.Anew, Variant: variant, Selection: sel, Zone: zone, Attachments: e.Format != "rsmf" && e.Format != "eml",
		Manifest: export.Manifest{
			Tool: "conclave " + app.Version(), Made: time.Now(), Case: c.Info().Number, Format: e.Format, Archive: tree.Origin, Checkpoint: string(msg),
			Records: !e.WithoutRecords,
		},
		Format: form,
		Progress: func(n int) {
			done += int64(n)
			bar.show("exporting", done, steps)
		},
	}
	m, err := export.Run(ctx, source{c}, o, c.Voucher(), c.Signer())
	bar.end()
	return m, err
}

// form gives the format, and what else than its name the result depends on.
func (e *archiveExportCmd) form() (form func(*export.Job) export.Format, variant string, err error) {
	switch e.Format {
	case "eml":
		variant = "mail=" + e.Mail
	case "pdf":
		if e.Font == "" {
			break
		}
		font, err := os.ReadFile(filepath.Clean(e.Font))
		if err != nil {
			return nil, "", err
		}
		if form, err = pdf.With(font); err != nil {
			return nil, "", fmt.Errorf("--font %s: %w", e.Font, err)
		}
		return form, fmt.Sprintf("font=%x", sha256.Sum256(font)), nil
	}
	return map[string]func(*export.Job) export.Format{
		"rsmf": rsmf.New, "csv": table.New, "html": page.New, "pdf": pdf.New, "eml": func(j *export.Job) export.Format { return eml.New(j, e.Mail == "message") },
	}[e.Format], variant, nil
}

// selection reads what to export. Days are those of the zone.
func (e *archiveExportCmd) selection(ctx context.Context, c *casefile.Case, zone *time.Location) (s export.Selection, err error) {
	if len(e.Room) > 0 {
		if s.Rooms, err = c.FindRooms(ctx, e.Room...); err != nil {
			return s, err
		}
	}
	for _, p := range e.Person {
		if !strings.HasPrefix(p, "@") || !strings.Contains(p, ":") {
			return s, fmt.Errorf("--person: %q is not a Matrix id such as @alice:example.org", p)
		}
	}
	s.People = e.Person
	if s.Since, err = moment(zone, e.Since); err != nil {
		return s, err
	}
	s.Until, err = moment(zone, e.Until)
	return s, err
}

// source is a case as an export reads it.
type source struct{ *casefile.Case }

func (s source) Records(ctx context.Context, room string, from uint64) iter.Seq2[export.Sealed, error] {
	f := casefile.Filter{From: from}
	if room != "" {
		f.Rooms = []string{room}
	}
	return func(yield func(export.Sealed, error) bool) {
		for r, err := range s.Case.Records(ctx, f) {
			if !yield(export.Sealed{Seq: r.Seq, Line: r.Line, Leaf: r.Entry, Record: r.Record}, err) {
				return
			}
		}
	}
}

func (s source) Prove(ctx context.Context, r export.Sealed) (export.Proof, error) {
	p, err := s.Case.Prove(ctx, r.Seq)
	if errors.Is(err, casefile.ErrNewer) {
		err = export.ErrNewer
	}
	return export.Proof{Leaf: r.Leaf, Proof: p}, err
}

func (s source) Open(_ context.Context, a record.Attachment) (io.ReadCloser, error) {
	return s.OpenFile(a.Blob)
}

func printExport(dir string, m *export.Manifest) {
	fmt.Printf("Exported %d records and %d gaps of %d rooms, with %d files, as %s to %s\n", m.Counts.Records, m.Counts.Gaps, m.Counts.Rooms, len(m.Files), m.Format, dir)
	for _, x := range m.Missing {
		fmt.Printf("Missing: attachment %s (SHA-256 %s): %s\n", show.Line(x.Name), x.SHA256, show.Line(x.Reason))
	}
	if m.Counts.Newer > 0 {
		fmt.Printf("Left out: %d records that are newer than the archive's checkpoint, so that nothing proves them.\n", m.Counts.Newer)
	}
	fmt.Printf("Anybody with the two public keys verifies it: conclave archive verify %s --key %s --access-key %s\n", dir, logPublicFile, accessFile)
}

// verifyExport verifies an export instead of an archive.
func (v *archiveVerifyCmd) verifyExport(ctx context.Context, dir place, d depot.Reader, k export.Keys) error {
	if v.AccessKey == "" {
		return fmt.Errorf("%s is an export: --access-key FILE is needed, with the public key of the access log", dir)
	}
	if len(v.Checkpoint) > 0 || len(v.Statement) > 0 {
		return errors.New("--checkpoint and --statement are for archives; this is an export")
	}
	var err error
	if k.Access, err = readVerifier(v.AccessKey); err != nil {
		return err
	}
	bar := newVerifyProgress(string(dir))
	k.Progress = bar.add
	r, err := export.Verify(ctx, d, k)
	bar.end()
	if err != nil {
		return err
	}
	return printExportReport(os.Stdout, r)
}

func printExportReport(w io.Writer, r *export.Report) error {
	for _, p := range r.Problems {
		fmt.Fprintf(w, "PROBLEM %s\n", p)
	}
	if n := len(r.Problems); n > 0 {
		return fmt.Errorf("the export is not right: %d problems, see above", n)
	}
	m := &r.Manifest
	what := "as they were sealed"
	if !m.Records {
		what = "without what they say"
	}
	fmt.Fprintf(w, "The export is right: %d records and %d gaps of %d rooms, %s, in %d files.\n", r.Records, r.Gaps, m.Counts.Rooms, what, r.Files)
	fmt.Fprintf(w, "Case %s, opened %s by %s; exported as %s %s with %s, times in %s.\n", m.Case, r.Entry.Time.Format(time.RFC3339), strings.Join(r.Entry.Officers, ", "), m.Format,
		m.Made.Format(time.RFC3339), m.Tool, m.Zone)
	for _, x := range m.Missing {
		fmt.Fprintf(w, "missing: attachment %s (SHA-256 %s): %s\n", show.Line(x.Name), x.SHA256, show.Line(x.Reason))
	}
	if m.Counts.Newer > 0 {
		fmt.Fprintf(w, "%d more records of the scope were newer than the checkpoint, and are not in the export.\n", m.Counts.Newer)
	}
	return nil
}

// verifyProgress is shown to who looks on; what a timer runs stays quiet.
type verifyProgress struct {
	mu          sync.Mutex // several goroutines read an archive
	bar         *progress
	done, total int64
}

func newVerifyProgress(dir string) *verifyProgress {
	p := &verifyProgress{}
	if !term.IsTerminal(int(os.Stderr.Fd())) {
		return p
	}
	p.bar = newProgress(os.Stderr)
	_ = filepath.WalkDir(dir, func(_ string, e fs.DirEntry, err error) error {
		if err == nil && e.Type().IsRegular() {
			if info, err := e.Info(); err == nil {
				p.total += info.Size()
			}
		}
		return nil
	})
	return p
}

func (p *verifyProgress) add(bytes int64) {
	if p.bar != nil {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.done += bytes
		p.bar.show("verifying", p.done, p.total)
	}
}

func (p *verifyProgress) end() {
	if p.bar != nil {
		p.bar.end()
	}
}
