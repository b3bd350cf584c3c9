package main

import (
	"context"
	"fmt"
	"time"

	"conclave.chat/internal/archive/expiry"
)

type archiveCertificatesCmd struct {
	Dir place  `arg:"" help:"The archive's folder, or s3://BUCKET/PREFIX."`
	Key string `help:"File with the log's public key." required:"" type:"path"`
	places
}

// Run lists certificates of destruction.
func (c *archiveCertificatesCmd) Run(ctx context.Context) error {
	key, err := readVerifier(c.Key)
	if err != nil {
		return err
	}
	d, err := c.open(ctx, c.Dir)
	if err != nil {
		return err
	}
	list, err := expiry.Certificates(ctx, d, key)
	if err != nil {
		return err
	}
	for _, cert := range list {
		fmt.Printf("%s  by %s  %d segments, %d attachments; log of %d entries\n", cert.Time.Format(time.RFC3339), cert.By, len(cert.Segments), len(cert.Attachments), cert.Checkpoint.N)
		for _, s := range cert.Segments {
			fmt.Printf("  segment %s  class %s, kept %s  %s to %s  %d records, %d gaps  entry %d  key %s\n",
				s.ID, s.Class, s.Term, s.Opened.Format(time.RFC3339), s.Closed.Format(time.RFC3339), s.Records, s.Gaps, s.Entry, s.Key)
		}
		for _, a := range cert.Attachments {
			fmt.Printf("  attachment %s  class %s  key %s\n", a.Blob, a.Class, a.Key)
		}
	}
	fmt.Printf("The signatures are right: %d certificates. conclave archive verify compares them with the log and the files.\n", len(list))
	return nil
}
