package archive

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"filippo.io/age"
	"golang.org/x/mod/sumdb/note"
	"pgregory.net/rapid"

	"conclave.chat/internal/archive/depot"
	"conclave.chat/internal/archive/merkle"
	"conclave.chat/internal/archive/record"
	"conclave.chat/internal/archive/segment"
)

type keys struct {
	id       *age.HybridIdentity
	signer   note.Signer
	verifier note.Verifier
}

var testKeys = sync.OnceValue(func() (k keys) {
	k.id, _ = age.GenerateHybridIdentity()
	skey, vkey, err := merkle.GenerateKey(rand.Reader, "example.org/archive")
	if err != nil {
		panic(err)
	}
	k.signer, _ = note.NewSigner(skey)
	k.verifier, _ = merkle.ParseVerifier(vkey)
	return k
})

func config(dir string) Config {
	k := testKeys()
	return Config{Dir: dir, Signer: k.signer, Verifier: k.verifier, Recipients: []age.Recipient{k.id.Recipient()}}
}

func draft(t fataler, class, event string) Draft {
	r := record.Record{Room: "!r", EventID: event, Time: time.Unix(1, 0)}
	line, err := r.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return Draft{Class: class, Kind: segment.Record, Subject: segment.Subject("!r", event), Line: line}
}

type fataler interface{ Fatal(args ...any) }

// readAll opens every segment and gives the events by sequence.
func readAll(t fataler, dir string) map[uint64]string {
	out := map[uint64]string{}
	d, err := depot.OpenDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for name, err := range d.List(context.Background(), "segment") {
		if err != nil {
			t.Fatal(err)
		}
		parts := strings.Split(strings.TrimSuffix(name, depot.OpenSuffix), "/")
		key, err := os.ReadFile(filepath.Join(dir, depot.KeyPath(parts[1], parts[2])))
		if err != nil {
			t.Fatal(err)
		}
		secret, err := segment.Unwrap(key, testKeys().id)
		if err != nil {
			t.Fatal(err)
		}
		id, err := segment.ParseID(parts[2])
		if err != nil {
			t.Fatal(err)
		}
		o, err := segment.NewOpener(secret, id)
		if err != nil {
			t.Fatal(err)
		}
		f, err := d.Open(context.Background(), name)
		if err != nil {
			t.Fatal(err)
		}
		s := segment.NewScanner(f)
		for {
			b, err := s.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(name, err)
			}
			if b.Type != segment.TypeGroup {
				continue
			}
			lines, err := o.Open(b)
			if err != nil {
				t.Fatal(name, err)
			}
			for i, line := range lines {
				seq, r, err := record.Decode(line)
				if err != nil || seq != b.Seq+uint64(i) {
					t.Fatal(name, seq, b.Seq, i, err)
				}
				out[seq] = r.EventID
			}
		}
		_ = f.Close()
	}
	return out
}

func TestRecordsComeBack(t *testing.T) {
	dir := t.TempDir()
	l, err := Open(config(dir))
	if err != nil {
		t.Fatal(err)
	}
	want := map[uint64]string{}
	var mu sync.Mutex
	var wg sync.WaitGroup
	for i := range 200 {
		wg.Go(func() {
			event := fmt.Sprintf("$%d", i)
			kind := []segment.Kind{segment.Record, segment.Record, segment.Receipt}[i%3]
			d := draft(t, []string{"3y", "7y"}[i%2], event)
			d.Kind = kind
			seqs, err := l.Append(context.Background(), d)
			if err != nil {
				t.Error(err)
				return
			}
			mu.Lock()
			want[seqs[0]] = event
			mu.Unlock()
			// The same event has one record, however often it comes.
			d = draft(t, "7y", event)
			d.Kind = kind
			again, err := l.Append(context.Background(), d)
			if err != nil || again[0] != seqs[0] {
				t.Errorf("%s is at %d and at %d: %v", event, seqs[0], again, err)
			}
		})
	}
	wg.Wait()
	if _, err := Open(config(dir)); !errors.Is(err, ErrLocked) {
		t.Errorf("a second writer: %v", err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Append(context.Background(), draft(t, "7y", "$late")); !errors.Is(err, ErrClosed) {
		t.Errorf("after the end: %v", err)
	}
	got := readAll(t, dir)
	if len(got) != len(want) || len(want) != 200 {
		t.Fatalf("%d records, want %d", len(got), len(want))
	}
	for seq, event := range want {
		if got[seq] != event {
			t.Errorf("%d is %q, want %q", seq, got[seq], event)
		}
	}
}

// A crash leaves any prefix of what each file got since the last answer. All that was answered must be there, in order, once; and nothing
// that a checkpoint covers may be missing without a word.
func TestAnsweredRecordsSurviveACrash(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		dir, err := os.MkdirTemp("", "archive")
		if err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(dir)
		answered := map[string]uint64{}
		event := 0
		for range rapid.IntRange(1, 4).Draw(t, "lives") {
			c := config(dir)
			c.SegmentBytes = int64(rapid.SampledFrom([]int{1, 4000, 64 << 20}).Draw(t, "segment bytes"))
			l, err := Open(c)
			if err != nil {
				t.Fatal(err)
			}
			for range rapid.IntRange(0, 8).Draw(t, "calls") {
				if rapid.IntRange(0, 5).Draw(t, "what") == 0 {
					if _, err := l.Checkpoint(context.Background()); err != nil {
						t.Fatal(err)
					}
					continue
				}
				var drafts []Draft
				first := event
				for range rapid.IntRange(1, 4).Draw(t, "drafts") {
					drafts = append(drafts, draft(t, rapid.SampledFrom([]string{"3y", "7y"}).Draw(t, "class"), fmt.Sprint("$", event)))
					event++
				}
				seqs, err := l.Append(context.Background(), drafts...)
				if err != nil {
					t.Fatal(err)
				}
				for i, seq := range seqs {
					answered[fmt.Sprint("$", first+i)] = seq
				}
			}
			if rapid.Bool().Draw(t, "clean end") {
				if err := l.Close(); err != nil {
					t.Fatal(err)
				}
				continue
			}
			crash(t, l, dir)
		}
		l, err := Open(config(dir))
		if err != nil {
			t.Fatal(err)
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		found := map[string]int{}
		for seq, e := range readAll(t, dir) {
			found[e]++
			if want, ok := answered[e]; ok && want != seq {
				t.Fatalf("%s was answered as %d and is %d", e, want, seq)
			}
		}
		for e := range answered {
			if found[e] != 1 {
				t.Fatalf("%s is there %d times", e, found[e])
			}
		}
		left, _ := filepath.Glob(filepath.Join(dir, "segment", "*", "*"+depot.OpenSuffix))
		if len(left) > 0 {
			t.Fatalf("still open: %v", left)
		}
	})
}

// crash ends the writer as a power cut does in the middle of a commit: groups of that commit are partly in the files.
func crash(t *rapid.T, l *Log, dir string) {
	paths, _ := filepath.Glob(filepath.Join(dir, "segment", "*", "*"+depot.OpenSuffix))
	before := map[string]int64{}
	for _, p := range paths {
		info, err := os.Stat(p)
		if err != nil {
			t.Fatal(err)
		}
		before[p] = info.Size()
	}
	_, err := l.Append(context.Background(), draft(t, "3y", "$lost1"+rapid.StringMatching("[a-z]{8}").Draw(t, "event")),
		draft(t, "7y", "$lost2"+rapid.StringMatching("[a-z]{8}").Draw(t, "event")))
	if err != nil {
		t.Fatal(err)
	}
	close(l.closed)
	<-l.done
	_ = l.w.release()
	paths, _ = filepath.Glob(filepath.Join(dir, "segment", "*", "*"+depot.OpenSuffix))
	for _, p := range paths {
		info, err := os.Stat(p)
		if err != nil {
			t.Fatal(err)
		}
		keep := rapid.Int64Range(before[p], info.Size()).Draw(t, "keep")
		if err := os.Truncate(p, keep); err != nil {
			t.Fatal(err)
		}
		if rapid.Bool().Draw(t, "zeroes") { // the file system had made room, and had not written it yet
			if err := os.Truncate(p, info.Size()); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// What a checkpoint covers must be there when the writer comes back: recovery never hides a loss.
func TestALossUnderTheCheckpointIsNotRecoveredFrom(t *testing.T) {
	for name, harm := range map[string]func(t *testing.T, path string){
		"truncated": func(t *testing.T, path string) {
			if err := os.Truncate(path, 300); err != nil {
				t.Fatal(err)
			}
		},
		"emptied": func(t *testing.T, path string) {
			if err := os.Truncate(path, 0); err != nil {
				t.Fatal(err)
			}
		},
		"altered": func(t *testing.T, path string) {
			b, _ := os.ReadFile(path)
			b[len(b)-40] ^= 1
			if err := os.WriteFile(path, b, 0o600); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			l, err := Open(config(dir))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := l.Append(context.Background(), draft(t, "3y", "$1")); err != nil {
				t.Fatal(err)
			}
			if _, err := l.Checkpoint(context.Background()); err != nil {
				t.Fatal(err)
			}
			close(l.closed)
			<-l.done
			_ = l.w.release()
			paths, _ := filepath.Glob(filepath.Join(dir, "segment", "3y", "*"))
			harm(t, paths[0])
			was, _ := os.ReadFile(paths[0])
			if _, err := Open(config(dir)); !errors.Is(err, ErrDamaged) {
				t.Fatalf("opened: %v", err)
			}
			if is, _ := os.ReadFile(paths[0]); !bytes.Equal(is, was) {
				t.Error("the evidence was altered")
			}
		})
	}
}

func TestBlobsAreAgeFilesInTwoParts(t *testing.T) {
	dir := t.TempDir()
	l, err := Open(config(dir))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	plain := bytes.Repeat([]byte("attachment "), 20000)
	b, err := l.PutBlob(context.Background(), "7y", bytes.NewReader(plain))
	if err != nil {
		t.Fatal(err)
	}
	header, _ := os.ReadFile(filepath.Join(dir, depot.KeyPath("7y", b.Sum.String())))
	body, _ := os.ReadFile(filepath.Join(dir, depot.BlobPath("7y", b.Sum.String())))
	r, err := age.Decrypt(io.MultiReader(bytes.NewReader(header), bytes.NewReader(body)), testKeys().id)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, plain) {
		t.Errorf("it came back different: %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := l.PutBlob(ctx, "7y", bytes.NewReader(plain)); !errors.Is(err, context.Canceled) {
		t.Errorf("broken off: %v", err)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "blob", "7y", "*.part")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}
