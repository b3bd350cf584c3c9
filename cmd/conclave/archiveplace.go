package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/alecthomas/kong"
	"github.com/goccy/go-yaml"

	"conclave.chat/internal/archive/depot"
	"conclave.chat/internal/archive/merkle"
	"conclave.chat/internal/blob"
)

// place is where an archive lies: a folder, or s3://BUCKET/PREFIX.
type place string

// bucketScheme begins the place of an archive in a bucket.
const bucketScheme = "s3://"

// UnmarshalText takes an argument of the command line.
func (p *place) UnmarshalText(text []byte) error { //nolint:unparam // the interface wants it
	if *p = place(text); !p.bucket() {
		*p = place(kong.ExpandPath(string(text)))
	}
	return nil
}

func (p place) bucket() bool { return strings.HasPrefix(string(p), bucketScheme) }

// places are how the commands that read archives reach buckets.
type places struct {
	S3 string `help:"For s3://BUCKET/PREFIX: a YAML file with what the recorder's configuration has under bucket: endpoint, region, access_key, secret_key. Default: the environment, as AWS_ENDPOINT_URL, AWS_REGION and AWS_ACCESS_KEY_ID, and ~/.aws/credentials." name:"s3" type:"path"`
}

// open opens an archive for reading. One in a bucket is read as it was at its newest checkpoint: a recorder may be copying to it.
func (s *places) open(ctx context.Context, p place) (depot.Reader, error) {
	if !p.bucket() {
		return depot.OpenDir(string(p))
	}
	c, err := s.settings()
	if err != nil {
		return nil, err
	}
	c.Bucket, c.Prefix, _ = strings.Cut(strings.TrimPrefix(string(p), bucketScheme), "/")
	if c.Prefix != "" && !strings.HasSuffix(c.Prefix, "/") {
		c.Prefix += "/"
	}
	b, err := depot.OpenBucket(c)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", p, err)
	}
	switch _, err := depot.ReadFile(ctx, b, depot.Checkpoint, 1<<20); {
	case errors.Is(err, depot.ErrNotFound):
		return nil, fmt.Errorf("%s: there is no archive: it has no checkpoint", p)
	case err != nil:
		return nil, fmt.Errorf("%s: %w", p, err)
	}
	frozen, err := depot.Freeze(ctx, b, merkle.Partial)
	if err != nil {
		return b, nil //nolint:nilerr // what is wrong with the checkpoint is for who verifies it to say
	}
	return frozen, nil
}

// settings says how to reach the service: a file does, or the variables that other programs of S3 take.
func (s *places) settings() (c blob.S3, err error) {
	if s.S3 != "" {
		text, err := os.ReadFile(filepath.Clean(s.S3))
		if err != nil {
			return c, err
		}
		if err := yaml.UnmarshalWithOptions(text, &c, yaml.Strict()); err != nil {
			return c, fmt.Errorf("%s: %s", s.S3, yaml.FormatError(err, false, true))
		}
		return c, nil
	}
	first := func(names ...string) string {
		for _, n := range names {
			if v := os.Getenv(n); v != "" {
				return v
			}
		}
		return ""
	}
	c.Region = first("AWS_REGION", "AWS_DEFAULT_REGION")
	c.Endpoint = "s3.amazonaws.com"
	if c.Region != "" {
		c.Endpoint = "s3." + c.Region + ".amazonaws.com"
	}
	if addr := first("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"); addr != "" {
		u, err := url.Parse(addr)
		if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			return c, fmt.Errorf("AWS_ENDPOINT_URL: %q is no address such as https://s3.example.org", addr)
		}
		c.Endpoint, c.PlainHTTP = u.Host, u.Scheme == "http"
	}
	return c, nil
}
