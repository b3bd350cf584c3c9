package keyring

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"
)

func TestKeyFileRoundTrip(t *testing.T) {
	for _, pass := range []string{"", "correct horse"} {
		path := filepath.Join(t.TempDir(), "master.key")
		made, err := Create(path, pass)
		if err != nil {
			t.Fatal(err)
		}
		ask := func() (string, error) { return pass, nil }
		got, err := Open(Source{File: path, Passphrase: ask})
		if err != nil || !bytes.Equal(got.master, made.master) {
			t.Fatalf("passphrase %q: %v", pass, err)
		}
		if _, err := Create(path, pass); err == nil {
			t.Error("an existing key was overwritten")
		}
		if pass == "" {
			continue
		}
		if _, err := Open(Source{File: path, Passphrase: func() (string, error) { return "wrong", nil }}); err == nil {
			t.Error("a wrong passphrase opened the key")
		}
		if _, err := Open(Source{File: path}); !errors.Is(err, ErrNoPassphrase) {
			t.Errorf("without a terminal: %v", err)
		}
	}
}

func TestReadableKeyFileIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "master.key")
	if _, err := Create(path, ""); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(Source{File: path}); err == nil {
		t.Error("a key that everybody can read was taken")
	}
}

func TestSealIsBoundToNameAndKey(t *testing.T) {
	a, b := &Keyring{bytes.Repeat([]byte{1}, keySize)}, &Keyring{bytes.Repeat([]byte{2}, keySize)}
	sealed, err := a.Seal("signing", []byte("seed"))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := a.Unseal("signing", sealed); err != nil || string(got) != "seed" {
		t.Errorf("%q %v", got, err)
	}
	if _, err := a.Unseal("other", sealed); !errors.Is(err, ErrWrongKey) {
		t.Errorf("under another name: %v", err)
	}
	if _, err := b.Unseal("signing", sealed); !errors.Is(err, ErrWrongKey) {
		t.Errorf("with another key: %v", err)
	}
	if bytes.Equal(a.Derive("sqlite"), a.Derive("media")) {
		t.Error("two purposes share a key")
	}
}
