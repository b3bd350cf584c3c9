package access

import (
	"context"
	"crypto/rand"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"conclave.chat/internal/archive/depot"
	"conclave.chat/internal/archive/merkle"
)

func TestTheAccessLogShowsWhatWasChanged(t *testing.T) {
	skey, vkey, err := merkle.GenerateKey(rand.Reader, "example.org/archive/access")
	if err != nil {
		t.Fatal(err)
	}
	signer, _ := note.NewSigner(skey)
	verifier, _ := merkle.ParseVerifier(vkey)
	dir := t.TempDir()
	for i := range 260 {
		if _, err := Append(dir, signer, verifier, Entry{Time: time.Unix(int64(i), 0), Case: fmt.Sprint("case ", i), Officers: []string{"ann"}}); err != nil {
			t.Fatal(err)
		}
	}
	d, err := depot.OpenDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	list, err := Read(context.Background(), d, verifier)
	if err != nil || len(list) != 260 || list[259].Case != "case 259" {
		t.Fatalf("%d entries, %v", len(list), err)
	}
	for _, name := range []string{"checkpoint", "tile/entries/000", "tile/entries/001.p/4"} {
		path := filepath.Join(dir, filepath.FromSlash(name))
		was, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		bad := append([]byte{}, was...)
		for i := range bad { // another case
			if string(bad[i:min(len(bad), i+5)]) == "case " {
				bad[i+5] ^= 1
				break
			}
		}
		if name == "checkpoint" {
			bad[len(bad)-5] ^= 1
		}
		_ = os.WriteFile(path, bad, 0o600)
		if _, err := Read(context.Background(), d, verifier); err == nil {
			t.Errorf("with another %s it is right", name)
		}
		_ = os.Remove(path)
		if _, err := Read(context.Background(), d, verifier); err == nil {
			t.Errorf("without %s it is right", name)
		}
		_ = os.WriteFile(path, was, fs.FileMode(0o600))
	}
}
