package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"

	"conclave.chat/internal/archive/access"
	"conclave.chat/internal/archive/casefile"
	"conclave.chat/internal/archive/depot"
	"conclave.chat/internal/archive/officer"
	"conclave.chat/internal/archive/show"
	"conclave.chat/internal/archive/unseal"
)

type archiveUnsealCmd struct {
	Dir       place    `arg:"" help:"The archive's folder, or s3://BUCKET/PREFIX."`
	Key       string   `help:"File with the log's public key." required:"" type:"path"`
	Share     []string `help:"File with an officer's share; as many as it takes." required:"" type:"path"`
	Case      string   `help:"The case's number: it goes into the access log." required:""`
	Reason    string   `help:"Why: it goes into the access log."`
	Access    string   `help:"Folder of the access log." required:"" type:"path"`
	AccessKey string   `help:"File with the access log's public key." required:"" type:"path"`
	Since     string   `help:"Only from this day on (2026-01-31), or this time (2026-01-31T08:00:00Z)."`
	Until     string   `help:"Only before this day or time."`
	Class     []string `help:"Only these retention classes."`
	Room      []string `help:"Only these rooms, by id."`
	Files     bool     `help:"Take attachments into the case." default:"true" negatable:""`
	Out       string   `help:"Folder for the case; it is made. If opening was interrupted, the same command goes on with it." required:"" type:"path"`
	places
}

func (u *archiveUnsealCmd) scope() (s unseal.Scope, err error) {
	if s.Since, err = moment(time.UTC, u.Since); err != nil {
		return s, err
	}
	if s.Until, err = moment(time.UTC, u.Until); err != nil {
		return s, err
	}
	s.Classes, s.Rooms = u.Class, u.Room
	return s, nil
}

// Run makes a case of the segments in scope, or goes on with one. The access log has its entry before the first of them is opened.
func (u *archiveUnsealCmd) Run(ctx context.Context) error {
	scope, err := u.scope()
	if err != nil {
		return err
	}
	isCase, isThere := casefile.Exists(u.Out)
	d, err := u.open(ctx, u.Dir)
	if err != nil {
		return err
	}
	info := casefile.Info{Number: u.Case, Reason: u.Reason, Opened: time.Now().UTC(), Scope: scope}
	accessKey, err := u.keys(&info)
	if err != nil {
		return err
	}
	in := bufio.NewReader(os.Stdin)
	id, err := u.quorum(in)
	if err != nil {
		return err
	}
	if accessKey.Name() != id.Access.Name() || accessKey.KeyHash() != id.Access.KeyHash() {
		return errors.New("the access log's public key is that of another archive")
	}
	info.Officers = id.Officers
	var c *casefile.Case
	if isCase {
		c, err = u.resume(ctx, in, info)
	} else {
		c, err = u.create(ctx, in, d, info, isThere)
	}
	if err != nil {
		return err
	}
	defer c.Close()
	if err := u.log(ctx, c, id, accessKey); err != nil {
		return err
	}
	bar := newProgress(os.Stderr)
	r, err := c.Fill(ctx, casefile.Source{Archive: d, Identity: id.Age, Files: u.Files, Progress: bar.show})
	bar.end()
	if errors.Is(err, context.Canceled) {
		return fmt.Errorf("interrupted: what is opened is in %s; the same command goes on with the rest", u.Out)
	}
	if err != nil {
		return err
	}
	printResult(u.Out, r)
	return nil
}

// keys reads the public keys, which the case keeps.
func (u *archiveUnsealCmd) keys(info *casefile.Info) (note.Verifier, error) {
	for path, to := range map[string]*string{u.Key: &info.LogKey, u.AccessKey: &info.AccessKey} {
		text, err := os.ReadFile(filepath.Clean(path))
		if err != nil {
			return nil, err
		}
		*to = strings.TrimSpace(string(text))
	}
	if _, err := readVerifier(u.Key); err != nil {
		return nil, err
	}
	return readVerifier(u.AccessKey)
}

func (u *archiveUnsealCmd) create(ctx context.Context, in *bufio.Reader, d depot.Reader, info casefile.Info, isThere bool) (*casefile.Case, error) {
	plan, strays, err := unseal.Plan(ctx, d, info.Scope)
	if err != nil {
		return nil, err
	}
	for _, name := range strays {
		fmt.Fprintf(os.Stderr, "Passed over: %s is no file of an archive.\n", show.Line(name))
	}
	msg, err := depot.ReadFile(ctx, d, depot.Checkpoint, 1<<20)
	if err != nil {
		return nil, fmt.Errorf("checkpoint: %w", err)
	}
	if isThere && !casefile.Unborn(u.Out) {
		return nil, fmt.Errorf("%s exists already", u.Out)
	}
	pass, err := askPassphrase(in, "New passphrase of the case", true)
	if err != nil {
		return nil, err
	}
	return casefile.Create(ctx, u.Out, casefile.New{Info: info, Passphrase: pass, Checkpoint: msg, Plan: plan})
}

func (u *archiveUnsealCmd) resume(ctx context.Context, in *bufio.Reader, info casefile.Info) (*casefile.Case, error) {
	pass, err := askPassphrase(in, "Passphrase of the case", false)
	if err != nil {
		return nil, err
	}
	return casefile.Resume(ctx, u.Out, pass, info)
}

// quorum asks each officer for their passphrase.
func (u *archiveUnsealCmd) quorum(in *bufio.Reader) (*officer.Identity, error) {
	var shares []*officer.Share
	for _, path := range u.Share {
		file, err := os.ReadFile(filepath.Clean(path))
		if err != nil {
			return nil, err
		}
		pass, err := askPassphrase(in, "Passphrase of "+filepath.Base(path), false)
		if err != nil {
			return nil, err
		}
		s, err := officer.OpenShare(file, pass)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		shares = append(shares, s)
	}
	return officer.Combine(shares)
}

// log writes the case's entry, unless it is written: it names the case's key, so that what the case signs is vouched for.
func (u *archiveUnsealCmd) log(ctx context.Context, c *casefile.Case, id *officer.Identity, accessKey note.Verifier) error {
	if c.Voucher() != nil {
		return nil
	}
	info := c.Info()
	v, err := access.Find(u.Access, accessKey, info.PublicKey)
	if err != nil {
		return err
	}
	if v == nil {
		segments, err := c.Segments(ctx)
		if err != nil {
			return err
		}
		_, tree := c.Checkpoint()
		s := info.Scope
		e := access.Entry{
			Time: time.Now(), Case: info.Number, Reason: info.Reason, Officers: id.Officers, Archive: tree.Origin, Size: tree.N, Root: tree.Hash.String(),
			Classes: s.Classes, Rooms: s.Rooms, Segments: append([]string{}, segments...), CaseKey: info.PublicKey,
		}
		if !s.Since.IsZero() {
			e.Since = &s.Since
		}
		if !s.Until.IsZero() {
			e.Until = &s.Until
		}
		if v, err = access.Append(u.Access, id.Access, accessKey, e); err != nil {
			return err
		}
	}
	return c.Vouch(ctx, v)
}

func printResult(dir string, r casefile.Result) {
	fmt.Printf("Opened %d segments: %d records, %d gaps and %d attachments are in the case %s\n", r.Segments, r.Records, r.Gaps, r.Files, dir)
	if r.Newer > 0 {
		fmt.Printf("%d of them are newer than the archive's checkpoint, and not proved by it.\n", r.Newer)
	}
	for _, id := range r.NoKey {
		fmt.Printf("Not opened: segment %s has no key in the archive any more.\n", id)
	}
	for _, name := range r.NoFile {
		fmt.Printf("Not opened: attachment %s has no key in the archive any more.\n", name)
	}
	for _, what := range r.Damaged {
		fmt.Printf("Damaged: %s\n", show.Line(what))
	}
	if len(r.Damaged) > 0 {
		fmt.Println("What could be read and proved is in the case. conclave archive verify says what else is wrong; open another case once the archive is restored from its bucket or a backup.")
	}
	fmt.Printf("Read it with conclave archive search and show; conclave archive case close %s destroys it.\n", dir)
}
