package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"conclave.chat/internal/archive/depot"
	"conclave.chat/internal/archive/merkle"
)

type archiveCopyCmd struct {
	Archive place  `arg:"" help:"The archive: a folder, or s3://BUCKET/PREFIX."`
	To      string `arg:"" help:"Folder for the copy; it is made. A copy that was interrupted goes on there." type:"path"`
	places
}

// Run copies the archive as it is at its newest checkpoint.
func (a *archiveCopyCmd) Run(ctx context.Context) error {
	d, err := a.open(ctx, a.Archive)
	if err != nil {
		return err
	}
	frozen, ok := d.(depot.Frozen)
	if !ok {
		if frozen, err = depot.Freeze(ctx, d, merkle.Partial); err != nil {
			return err
		}
	}
	bar := newProgress(os.Stderr)
	c, err := depot.Copy(ctx, frozen, a.To, func(n int64) { bar.show(fmt.Sprintf("copied %d MB", n/100_000_000*100), 0, 0) })
	bar.end()
	switch {
	case errors.Is(err, depot.ErrCopied):
		return fmt.Errorf("%s has an archive already: copy to another folder", a.To)
	case errors.Is(err, context.Canceled):
		return errors.New("interrupted: the same command goes on with the rest")
	case err != nil:
		return err
	}
	fmt.Printf("Copied %d files, %d bytes, to %s. Verify it there: conclave archive verify %s --key log.public\n", c.Files, c.Bytes, a.To, a.To)
	return nil
}
