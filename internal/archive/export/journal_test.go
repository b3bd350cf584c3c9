package export_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"conclave.chat/internal/archive/export"
	"conclave.chat/internal/archive/export/exporttest"
	"conclave.chat/internal/archive/export/table"
	"conclave.chat/internal/archive/transcript"
)

// breaks is a format that fails in the middle.
type breaks struct{ cancel context.CancelFunc }

func (b breaks) Conversation(ctx context.Context, _ *transcript.Conversation, _ int) error {
	b.cancel()
	return ctx.Err()
}
func (breaks) Close() error { return nil }

// interrupted begins an export that does not come to its end.
func interrupted(t *testing.T, c *exporttest.Case) export.Options {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	o := c.Options("x", func(*export.Job) export.Format { return breaks{cancel} })
	o.Every = time.Nanosecond
	if _, err := export.Run(ctx, c, o, c.Voucher, c.Signer); !errors.Is(err, context.Canceled) {
		t.Fatalf("it went on: %v", err)
	}
	o.Format = table.New
	return o
}

func TestRecordsAloneGoOn(t *testing.T) {
	exporttest.New(t).Interrupted("jsonl", nil)
}

// What is not finished is nobody else's to read, and does not look like an export.
func TestAnUnfinishedExportIsProtected(t *testing.T) {
	c := exporttest.New(t)
	o := interrupted(t, c)
	if _, err := os.Lstat(o.Dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the folder is there: %v", err)
	}
	part, is := export.Unfinished(o.Dir)
	if !is {
		t.Fatal("nothing is left to go on with")
	}
	files := 0
	err := filepath.WalkDir(part, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		want := fs.FileMode(0o600)
		if e.IsDir() {
			want = 0o700
		} else {
			files++
		}
		if info.Mode().Perm() != want {
			t.Errorf("%s: %v", path, info.Mode())
		}
		return nil
	})
	if err != nil || files < 5 {
		t.Errorf("%d files, %v", files, err)
	}
}

func TestOnlyTheSameRequestGoesOn(t *testing.T) {
	c, other := exporttest.New(t), exporttest.New(t)
	for what, change := range map[string]struct {
		want string
		do   func(*export.Options)
	}{
		"another selection":  {"was begun for another case, selection, form or checkpoint", func(o *export.Options) { o.Selection.People = []string{exporttest.Bob} }},
		"another form":       {"was begun for another case, selection, form or checkpoint", func(o *export.Options) { o.Manifest.Format = "csv" }},
		"another variant":    {"was begun for another case, selection, form or checkpoint", func(o *export.Options) { o.Variant = "other" }},
		"another version":    {"was begun by another version, conclave test", func(o *export.Options) { o.Manifest.Tool = "conclave 9" }},
		"another checkpoint": {"was begun for another case, selection, form or checkpoint", func(o *export.Options) { o.Manifest.Checkpoint = "x" }},
	} {
		o := interrupted(t, c)
		change.do(&o)
		_, err := export.Run(context.Background(), c, o, c.Voucher, c.Signer)
		if !errors.Is(err, export.ErrUnfinished) || !strings.Contains(err.Error(), change.want) {
			t.Errorf("%s: %v", what, err)
		}
		if o.Anew = true; what != "another checkpoint" {
			if r := verifyDir(t, c.Export(o), c.Keys()); len(r.Problems) > 0 || o.Selection.People != nil && r.Records == 24 {
				t.Errorf("%s, anew: %+v", what, r)
			}
		}
	}
	o := interrupted(t, c)
	if _, err := export.Run(context.Background(), other, o, other.Voucher, other.Signer); !errors.Is(err, export.ErrUnfinished) {
		t.Errorf("another case's key: %v", err)
	}
}

// Nobody can have the officers sign what they did not write, by changing what an interrupted export has left.
func TestAnUnfinishedExportThatWasAltered(t *testing.T) {
	c := exporttest.New(t)
	attachment := export.AttachmentName("Prospectus «final».pdf", sumOf(c.Pdf))
	o := interrupted(t, c)
	part, _ := export.Unfinished(o.Dir)
	edit(filepath.Join("files", attachment), flip)(t, c, part)
	if r := verifyDir(t, c.Export(o), c.Keys()); len(r.Problems) != 1 || r.Problems[0].String() != attachment+": it was altered" {
		t.Errorf("an altered file: %v", r.Problems)
	}
	for what, damage := range map[string]func([]byte) []byte{
		"shorter": func(b []byte) []byte { return b[1:] },
		"gone":    nil,
	} {
		o := interrupted(t, c)
		part, _ := export.Unfinished(o.Dir)
		if damage == nil {
			if err := os.Remove(filepath.Join(part, "files", attachment)); err != nil {
				t.Fatal(err)
			}
		} else {
			edit(filepath.Join("files", attachment), damage)(t, c, part)
		}
		if _, err := export.Run(context.Background(), c, o, c.Voucher, c.Signer); !errors.Is(err, export.ErrUnfinished) || !strings.Contains(err.Error(), attachment) {
			t.Errorf("%s: %v", what, err)
		}
	}
	// A line that the case's key did not sign, and all behind it, count for nothing.
	for what, damage := range map[string]func([]byte) []byte{"a line of it": without(2), "a hash in it": replace(sumOf(c.Pdf)[32:], strings.Repeat("0", 32))} {
		o := interrupted(t, c)
		part, _ := export.Unfinished(o.Dir)
		edit("journal", damage)(t, c, part)
		if r := verifyDir(t, c.Export(o), c.Keys()); len(r.Problems) > 0 {
			t.Errorf("%s: %v", what, r.Problems)
		}
	}
}

func TestTwoDoNotMakeOneExport(t *testing.T) {
	c := exporttest.New(t)
	o := c.Options("x", nil)
	var inner error
	o.Format = func(*export.Job) export.Format {
		_, inner = export.Run(context.Background(), c, o, c.Voucher, c.Signer)
		return breaks{func() {}}
	}
	if _, err := export.Run(context.Background(), c, o, c.Voucher, c.Signer); err != nil {
		t.Fatal(err)
	}
	if inner == nil || !strings.Contains(inner.Error(), "another process makes this export") {
		t.Errorf("the second one: %v", inner)
	}
}

// Whatever lies in an unfinished export's journal, what comes of it verifies, or nothing does.
func FuzzJournal(f *testing.F) {
	c := exporttest.New(f)
	o := c.Options("jsonl", nil)
	f.Add([]byte(nil))
	f.Add([]byte("\n"))
	f.Add([]byte("AAAA {}\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		dir := filepath.Join(t.TempDir(), "out")
		if err := os.MkdirAll(filepath.Join(dir+".part", "files"), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir+".part", "journal"), data, 0o600); err != nil {
			t.Fatal(err)
		}
		o := o
		o.Dir = dir
		if _, err := export.Run(context.Background(), c, o, c.Voucher, c.Signer); !errors.Is(err, export.ErrUnfinished) {
			t.Fatalf("it went on with what nobody signed: %v", err)
		}
	})
}
