package access

import (
	"context"
	"crypto/rand"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"golang.org/x/mod/sumdb/note"

	"conclave.chat/internal/archive/depot"
	"conclave.chat/internal/archive/merkle"
)

// log makes an access log of two entries and gives the second one's voucher.
func log(f *testing.F) (dir string, v note.Verifier, second *Voucher) {
	f.Helper()
	skey, vkey, err := merkle.GenerateKey(rand.Reader, "example.org/archive/access")
	if err != nil {
		f.Fatal(err)
	}
	signer, _ := note.NewSigner(skey)
	v, _ = merkle.ParseVerifier(vkey)
	dir = f.TempDir()
	for _, name := range []string{"one", "two"} {
		if second, err = Append(dir, signer, v, Entry{Time: time.Unix(1, 0), Case: name, Officers: []string{"ann"}}); err != nil {
			f.Fatal(err)
		}
	}
	return dir, v, second
}

// Whatever is shown as a voucher: what it vouches for is in the log.
func FuzzVoucher(f *testing.F) {
	_, key, v := log(f)
	raw, err := json.Marshal(v)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(raw)
	f.Fuzz(func(t *testing.T, data []byte) {
		var got Voucher
		if json.Unmarshal(data, &got) != nil {
			return
		}
		if e, err := got.Verify(key); err == nil && e.Case != "two" && e.Case != "one" {
			t.Fatalf("it vouches for %+v", e)
		}
	})
}

// Whatever lies in the place of one of the log's files: it is what was signed, or an error.
func FuzzRead(f *testing.F) {
	dir, key, _ := log(f)
	names := []string{depot.Checkpoint, "tile/entries/000.p/2"}
	d, err := depot.OpenDir(dir)
	if err != nil {
		f.Fatal(err)
	}
	want, err := Read(context.Background(), d, key)
	if err != nil || len(want) != 2 {
		f.Fatal(want, err)
	}
	files := make([][]byte, len(names))
	for i, name := range names {
		if files[i], err = os.ReadFile(filepath.Join(dir, filepath.FromSlash(name))); err != nil {
			f.Fatal(err)
		}
		f.Add(uint(i), files[i])
	}
	f.Fuzz(func(t *testing.T, which uint, data []byte) {
		which %= uint(len(names))
		path := filepath.Join(dir, filepath.FromSlash(names[which]))
		defer func() { _ = os.WriteFile(path, files[which], 0o600) }()
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		if list, err := Read(context.Background(), d, key); err == nil && !reflect.DeepEqual(list, want) {
			t.Fatalf("another %s is taken: %+v", names[which], list)
		}
	})
}
