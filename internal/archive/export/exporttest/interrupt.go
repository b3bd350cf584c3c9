package exporttest

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/go-json-experiment/json"

	"conclave.chat/internal/archive/export"
)

// mortal is a context that ends when it was asked so many times.
type mortal struct {
	context.Context
	left atomic.Int64
}

func (m *mortal) Err() error {
	if m.left.Add(-1) < 0 {
		return context.Canceled
	}
	return m.Context.Err()
}

// Interrupted compares an export that is made at once with one that is interrupted again and again, each time somewhat later, and each time as if by a kill.
func (c *Case) Interrupted(format string, make func(*export.Job) export.Format) {
	c.Helper()
	o := c.Options(format, make)
	o.Attachments = format != "rsmf" && format != "eml"
	whole := c.Export(o)
	o = c.Options(format, make)
	o.Attachments = format != "rsmf" && format != "eml"
	for n := int64(1); ; n++ {
		if o.Every = time.Nanosecond; n%3 == 0 {
			o.Every = 0 // it loses more
		}
		o.Manifest.Made = at(59 + int(n)) // that of the first stays
		ctx := &mortal{Context: context.Background()}
		ctx.left.Store(n)
		_, err := export.Run(ctx, c, o, c.Voucher, c.Signer)
		if err == nil {
			if n < 10 {
				c.Errorf("it was interrupted %d times only", n)
			}
			break
		}
		if !errors.Is(err, context.Canceled) {
			c.Fatal(err)
		}
		part, is := export.Unfinished(o.Dir)
		if !is {
			c.Fatal("nothing is left to go on with")
		}
		c.kill(part)
	}
	same(c, whole, o.Dir)
	if left, _ := filepath.Glob(o.Dir + ".part*"); len(left) > 0 {
		c.Errorf("it left %v", left)
	}
}

// kill adds what a kill may leave besides: files and a line of the journal that nothing vouches for.
func (c *Case) kill(part string) {
	c.Helper()
	journal := filepath.Join(part, "journal")
	raw, err := os.ReadFile(journal) //nolint:gosec // the test's own
	if err != nil {
		c.Fatal(err)
	}
	var last struct{ Open []struct{ Name string } }
	lines := bytes.Split(bytes.TrimSuffix(raw, []byte("\n")), []byte("\n"))
	_, text, _ := bytes.Cut(lines[len(lines)-1], []byte(" "))
	if err := json.Unmarshal(text, &last); err != nil {
		c.Fatalf("%s: %v", text, err)
	}
	torn := map[string][]byte{journal: lines[0][:len(lines[0])/2], filepath.Join(part, "files", "stray"): []byte("x")}
	for _, f := range last.Open {
		torn[filepath.Join(part, "files", filepath.FromSlash(f.Name))] = []byte("not to be seen again")
	}
	for path, data := range torn {
		f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600) //nolint:gosec // the test's own
		if err == nil {
			_, err = f.Write(data)
			err = errors.Join(err, f.Close())
		}
		if err != nil {
			c.Fatal(err)
		}
	}
}

// same compares two folders byte for byte.
func same(c *Case, a, b string) {
	c.Helper()
	files := func(dir string) map[string][]byte {
		out := map[string][]byte{}
		err := filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
			if err != nil || e.IsDir() {
				return err
			}
			name, _ := filepath.Rel(dir, path)
			out[name], err = os.ReadFile(path) //nolint:gosec // the test's own
			return err
		})
		if err != nil {
			c.Fatal(err)
		}
		return out
	}
	x, y := files(a), files(b)
	for name, want := range x {
		got, is := y[name]
		if !is || !bytes.Equal(got, want) {
			c.Errorf("%s: %d bytes at once, %d when interrupted; there %v; differ", name, len(want), len(got), is)
		}
	}
	if len(x) != len(y) {
		c.Errorf("%d files at once, %d when interrupted", len(x), len(y))
	}
}
