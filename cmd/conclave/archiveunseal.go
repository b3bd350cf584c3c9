package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"conclave.chat/internal/archive"
	"conclave.chat/internal/archive/access"
	"conclave.chat/internal/archive/depot"
	"conclave.chat/internal/archive/merkle"
	"conclave.chat/internal/archive/officer"
	"conclave.chat/internal/archive/segment"
	"conclave.chat/internal/archive/unseal"
)

type archiveUnsealCmd struct {
	Dir       string   `arg:"" help:"The archive's folder." type:"path"`
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
	Files     bool     `help:"Open attachments too."`
	Out       string   `help:"Folder for what is opened; it is made." required:"" type:"path"`
}

func parseMoment(s string) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	if t, err := time.Parse(time.DateOnly, s); err == nil {
		return t, nil
	}
	return time.Parse(time.RFC3339, s)
}

func (u *archiveUnsealCmd) scope() (s unseal.Scope, err error) {
	if s.Since, err = parseMoment(u.Since); err != nil {
		return s, err
	}
	if s.Until, err = parseMoment(u.Until); err != nil {
		return s, err
	}
	s.Classes, s.Rooms = u.Class, u.Room
	return s, nil
}

// Run opens the segments in scope. The access log has its entry before the first of them is.
func (u *archiveUnsealCmd) Run(ctx context.Context) error {
	scope, err := u.scope()
	if err != nil {
		return err
	}
	if _, err := os.Stat(u.Out); err == nil {
		return fmt.Errorf("%s exists already", u.Out)
	}
	d, err := depot.OpenDir(u.Dir)
	if err != nil {
		return err
	}
	plan, err := unseal.Plan(ctx, d, scope)
	if err != nil {
		return err
	}
	id, err := u.quorum()
	if err != nil {
		return err
	}
	if err := u.log(ctx, d, id, scope, plan); err != nil {
		return err
	}
	if err := os.MkdirAll(u.Out, 0o700); err != nil {
		return err
	}
	total := 0
	for _, seg := range plan {
		n, err := u.open(ctx, d, seg, scope, id)
		if err != nil {
			return err
		}
		total += n
	}
	fmt.Printf("Opened %d segments: %d lines are in %s\n", len(plan), total, u.Out)
	return nil
}

// quorum asks each officer for their passphrase.
func (u *archiveUnsealCmd) quorum() (*officer.Identity, error) {
	in := bufio.NewReader(os.Stdin)
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

func (u *archiveUnsealCmd) log(ctx context.Context, d depot.Dir, id *officer.Identity, s unseal.Scope, plan []unseal.Segment) error {
	key, err := readVerifier(u.Key)
	if err != nil {
		return err
	}
	accessKey, err := readVerifier(u.AccessKey)
	if err != nil {
		return err
	}
	if accessKey.Name() != id.Access.Name() || accessKey.KeyHash() != id.Access.KeyHash() {
		return errors.New("the access log's public key is that of another archive")
	}
	f, err := d.Open(ctx, depot.Checkpoint)
	if err != nil {
		return err
	}
	msg, err := io.ReadAll(io.LimitReader(f, 1<<20))
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	c, err := merkle.Policy{Log: key}.Open(msg)
	if err != nil {
		return fmt.Errorf("checkpoint: %w", err)
	}
	e := access.Entry{
		Time: time.Now(), Case: u.Case, Reason: u.Reason, Officers: id.Officers, Archive: c.Origin, Size: c.N, Root: c.Hash.String(),
		Classes: s.Classes, Rooms: s.Rooms, Segments: make([]string, 0, len(plan)),
	}
	if !s.Since.IsZero() {
		e.Since = &s.Since
	}
	if !s.Until.IsZero() {
		e.Until = &s.Until
	}
	for _, seg := range plan {
		e.Segments = append(e.Segments, seg.ID.String())
	}
	return access.Append(u.Access, id.Access, accessKey, e)
}

// open writes a segment's lines, one JSON object each.
func (u *archiveUnsealCmd) open(ctx context.Context, d depot.Dir, seg unseal.Segment, s unseal.Scope, id *officer.Identity) (n int, err error) {
	f, err := os.OpenFile(filepath.Join(u.Out, seg.Class+"-"+seg.ID.String()+".jsonl"), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return 0, err
	}
	w := bufio.NewWriter(f)
	err = unseal.Open(ctx, d, seg, s, id.Age, func(l unseal.Line) error {
		n++
		if u.Files && l.Item.Kind == segment.Blob {
			if err := u.openFile(ctx, d, seg.Class, l.Item.Subject.String(), id); err != nil {
				return err
			}
		}
		_, err := w.Write(append(l.Text, '\n'))
		return err
	})
	return n, errors.Join(err, w.Flush(), f.Sync(), f.Close())
}

func (u *archiveUnsealCmd) openFile(ctx context.Context, d depot.Dir, class, name string, id *officer.Identity) error {
	r, err := archive.OpenBlob(ctx, d, class, name, id.Age)
	if err != nil {
		return err
	}
	defer r.Close()
	f, err := os.OpenFile(filepath.Join(u.Out, name), os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600) //nolint:gosec // a hash in hexadecimal
	if err != nil {
		return err
	}
	_, err = io.Copy(f, r)
	return errors.Join(err, f.Close())
}
