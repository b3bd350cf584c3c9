package merkle

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
	"pgregory.net/rapid"
)

func testKey(t testing.TB) (note.Signer, note.Verifier) {
	t.Helper()
	skey, vkey, err := GenerateKey(rand.Reader, "example.org/log")
	if err != nil {
		t.Fatal(err)
	}
	s, err := note.NewSigner(skey)
	if err != nil {
		t.Fatal(err)
	}
	v, err := ParseVerifier(vkey)
	if err != nil {
		t.Fatal(err)
	}
	return s, v
}

// Whatever was published when, and however often the log was opened again, it has the root that sumdb's package gives for its entries, proofs hold, and only
// the tiles of the specification are there.
func TestTheLogIsSumdbsTree(t *testing.T) {
	signer, verifier := testKey(t)
	rapid.Check(t, func(rt *rapid.T) {
		dir, err := os.MkdirTemp(t.TempDir(), "log")
		if err != nil {
			rt.Fatal(err)
		}
		l, err := Create(dir, signer)
		if err != nil {
			rt.Fatal(err)
		}
		var stored []tlog.Hash
		reader := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
			out := make([]tlog.Hash, len(indexes))
			for i, x := range indexes {
				out[i] = stored[x]
			}
			return out, nil
		})
		var roots []tlog.Tree
		n := int64(0)
		for range rapid.IntRange(1, 4).Draw(rt, "times") {
			for range rapid.SampledFrom([]int{0, 1, 7, 255, 256, 257, 600}).Draw(rt, "entries") {
				entry := fmt.Appendf(nil, "entry %d", n)
				hashes, err := tlog.StoredHashes(n, entry, reader)
				if err != nil {
					rt.Fatal(err)
				}
				stored = append(stored, hashes...)
				if at, err := l.Add(entry); err != nil || at != n {
					rt.Fatal(at, err)
				}
				n++
			}
			c, err := l.Publish(signer, nil)
			if err != nil {
				rt.Fatal(err)
			}
			if n > 0 {
				want, err := tlog.TreeHash(n, reader)
				if err != nil || c.Hash != want || c.N != n {
					rt.Fatalf("root %v of %d, want %v: %v", c.Hash, c.N, want, err)
				}
				roots = append(roots, c.Tree)
			}
			if rapid.Bool().Draw(rt, "crash") {
				_, _ = l.Add([]byte("lost"))
				if l, err = Open(dir, verifier); err != nil {
					rt.Fatal(err)
				}
			}
		}
		for _, r := range roots {
			if p, err := l.ProveGrowth(r.N); err != nil || tlog.CheckTree(p, n, l.Published().Hash, r.N, r.Hash) != nil {
				rt.Fatalf("growth from %d: %v", r.N, err)
			}
			if p, err := l.ProveEntry(r.N - 1); err != nil ||
				tlog.CheckRecord(p, n, l.Published().Hash, r.N-1, tlog.RecordHash(fmt.Appendf(nil, "entry %d", r.N-1))) != nil {
				rt.Fatalf("entry %d: %v", r.N-1, err)
			}
		}
		want := map[string]bool{"checkpoint": true}
		for _, tile := range tlog.NewTiles(Height, 0, n) {
			want[TilePath(tile)] = true
		}
		for i := int64(0); i*Width < n; i++ {
			want[TilePath(Bundle(i, n))] = true
		}
		_ = filepath.Walk(dir, func(path string, info os.FileInfo, err error) error {
			rel, _ := filepath.Rel(dir, path)
			if err == nil && !info.IsDir() {
				if !want[rel] {
					rt.Errorf("%s is there", rel)
				}
				delete(want, rel)
			}
			return nil
		})
		if len(want) > 0 {
			rt.Fatalf("missing: %v", want)
		}
	})
}

// Paths from the text of C2SP tlog-tiles.
func TestTilePaths(t *testing.T) {
	for path, want := range map[string]tlog.Tile{
		"tile/0/x001/x234/067":         {H: 8, L: 0, N: 1234067, W: 256},
		"tile/entries/x001/x234/067":   {H: 8, L: -1, N: 1234067, W: 256},
		"tile/1/x001/067.p/8":          {H: 8, L: 1, N: 1067, W: 8},
		"tile/entries/000.p/255":       {H: 8, L: -1, N: 0, W: 255},
		"tile/0/67":                    {},
		"tile/8/0/067":                 {},
		"tile/0/000.p/256":             {},
		"tile/0/000.p/0":               {},
		"tile/0/x000/001":              {},
		"tile/entries/../../etc/hosts": {},
		"0/000":                        {},
	} {
		got, err := ParseTilePath(path)
		if (err == nil) != (want.H != 0) || err == nil && (got != want || TilePath(got) != path) {
			t.Errorf("%s: %+v, %v", path, got, err)
		}
	}
}

// The example of C2SP tlog-checkpoint.
func TestCheckpointOfTheSpecification(t *testing.T) {
	const text = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
	c, err := parseCheckpoint(text)
	if err != nil || c.Origin != "example.com/behind-the-sofa" || c.N != 20852163 || c.Text() != text {
		t.Errorf("%+v, %v", c, err)
	}
	for _, bad := range []string{"", "o\n1\n", "o\n01\n" + c.Hash.String() + "\n", "o\n-1\n" + c.Hash.String() + "\n", "\n1\n" + c.Hash.String() + "\n", "o\n1\nAAAA\n", "o\n1\n" + c.Hash.String()} {
		if _, err := parseCheckpoint(bad); err == nil {
			t.Errorf("%q is a checkpoint", bad)
		}
	}
}

func TestCosignatures(t *testing.T) {
	signer, verifier := testKey(t)
	dir := t.TempDir()
	l, err := Create(dir, signer)
	if err != nil {
		t.Fatal(err)
	}
	_, key, _ := ed25519.GenerateKey(rand.Reader)
	at := time.Unix(1700000000, 0)
	w, err := NewWitness("witness.example", key, func() time.Time { return at })
	if err != nil {
		t.Fatal(err)
	}
	wv, err := ParseVerifier(w.Verifier())
	if err != nil {
		t.Fatal(err)
	}
	policy := Policy{Log: verifier, Witnesses: []note.Verifier{wv}, Quorum: 1}
	var last Checkpoint
	var history [][]byte
	for i := range 5 {
		if _, err := l.Add([]byte{byte(i)}); err != nil {
			t.Fatal(err)
		}
		from := last.N
		_, err := l.Publish(signer, func(_ Checkpoint, signed []byte) ([]byte, error) {
			var proof tlog.TreeProof
			if from > 0 {
				if proof, err = l.ProveGrowth(from); err != nil {
					return nil, err
				}
			}
			out, next, err := Cosign(w, verifier, last, signed, proof)
			last = next
			return out, err
		})
		if err != nil {
			t.Fatal(err)
		}
		msg, _ := os.ReadFile(filepath.Join(dir, "checkpoint"))
		if c, err := policy.Open(msg); err != nil || c.N != int64(i+1) {
			t.Fatalf("%+v, %v", c, err)
		}
		// The signature is over "cosignature/v1", the time and the text: C2SP tlog-cosignature.
		n, _ := note.Open(msg, note.VerifierList(verifier, wv))
		if !ed25519.Verify(key.Public().(ed25519.PublicKey), []byte("cosignature/v1\ntime 1700000000\n"+n.Text), lastSignature(t, msg)[12:]) {
			t.Error("the cosignature is over something else")
		}
		history = append(history, msg)
	}
	// What is older, or another history, is not signed.
	if _, _, err := Cosign(w, verifier, last, history[1], nil); !errors.Is(err, ErrInconsistent) {
		t.Errorf("an older one: %v", err)
	}
	other, err := Create(t.TempDir(), signer)
	if err != nil {
		t.Fatal(err)
	}
	for range 9 {
		_, _ = other.Add([]byte("x"))
	}
	if _, err := other.Publish(signer, nil); err != nil {
		t.Fatal(err)
	}
	forked, _ := os.ReadFile(filepath.Join(other.dir, "checkpoint"))
	proof, _ := other.ProveGrowth(last.N)
	if _, _, err := Cosign(w, verifier, last, forked, proof); !errors.Is(err, ErrInconsistent) {
		t.Errorf("a fork: %v", err)
	}
}

func lastSignature(t *testing.T, msg []byte) []byte {
	t.Helper()
	lines := strings.Split(strings.TrimSpace(string(msg)), "\n")
	fields := strings.Fields(lines[len(lines)-1])
	return decode(t, fields[2])
}

func decode(t *testing.T, s string) []byte {
	t.Helper()
	b, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestALogThatWasTamperedWithIsNotContinued(t *testing.T) {
	signer, verifier := testKey(t)
	for _, name := range []string{"checkpoint", "tile/0/000.p/3", "tile/entries/000.p/3"} {
		dir := t.TempDir()
		l, err := Create(dir, signer)
		if err != nil {
			t.Fatal(err)
		}
		for i := range 3 {
			_, _ = l.Add([]byte{byte(i)})
		}
		if _, err := l.Publish(signer, nil); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, name)
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		b[len(b)-2] ^= 1
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(dir, verifier); err == nil {
			t.Errorf("with another %s it opens", name)
		}
	}
	if _, err := Open(t.TempDir(), verifier); !errors.Is(err, ErrNoLog) {
		t.Errorf("nothing: %v", err)
	}
}

func FuzzBundle(f *testing.F) {
	f.Add(AppendEntry(AppendEntry(nil, []byte("one")), nil), 2)
	f.Fuzz(func(t *testing.T, data []byte, w int) {
		entries, err := SplitBundle(data, w)
		if err != nil {
			return
		}
		var again []byte
		for _, e := range entries {
			again = AppendEntry(again, e)
		}
		if !bytes.Equal(again, data) {
			t.Fatal("two forms of one bundle")
		}
	})
}

func FuzzCheckpoint(f *testing.F) {
	signer, verifier := testKey(f)
	signed := Checkpoint{Origin: signer.Name(), Tree: tlog.Tree{N: 7}}.Text()
	msg, _ := note.Sign(&note.Note{Text: signed}, signer)
	if _, err := (Policy{Log: verifier}).Open(msg); err != nil {
		f.Fatal(err)
	}
	f.Add(msg, true)
	f.Add([]byte("example.org/log\n7\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"), false)
	f.Fuzz(func(t *testing.T, data []byte, whole bool) {
		if whole {
			if c, err := (Policy{Log: verifier}).Open(data); err == nil && c.Text() != signed {
				t.Fatalf("a checkpoint that nobody signed: %s", c.Text())
			}
			return
		}
		if c, err := parseCheckpoint(string(data)); err == nil && !strings.HasPrefix(string(data), c.Text()) {
			t.Fatal("two forms of one checkpoint")
		}
	})
}

func FuzzVerifier(f *testing.F) {
	_, key, _ := ed25519.GenerateKey(rand.Reader)
	w, _ := NewWitness("witness.example", key, time.Now)
	f.Add(w.Verifier())
	f.Fuzz(func(t *testing.T, s string) {
		if v, err := ParseVerifier(s); err == nil && (v.Name() == "" || !strings.HasPrefix(s, v.Name()+"+")) {
			t.Fatalf("%q is the key of %q", s, v.Name())
		}
	})
}

func FuzzTilePath(f *testing.F) {
	for _, s := range []string{"tile/0/000", "tile/entries/x001/234.p/5", "tile/8/../000", "tile/-1/000"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, path string) {
		if tile, err := ParseTilePath(path); err == nil && (TilePath(tile) != path || strings.Contains(path, "..") || tile.N < 0 || tile.W < 1 || tile.W > Width) {
			t.Fatalf("%q is %+v", path, tile)
		}
	})
}

func BenchmarkAdd(b *testing.B) {
	signer, _ := testKey(b)
	l, err := Create(b.TempDir(), signer)
	if err != nil {
		b.Fatal(err)
	}
	entry := bytes.Repeat([]byte{1}, 140)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if _, err := l.Add(entry); err != nil {
			b.Fatal(err)
		}
		if i%10000 == 9999 {
			if _, err := l.Publish(signer, nil); err != nil {
				b.Fatal(err)
			}
		}
	}
}
