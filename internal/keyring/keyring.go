// Package keyring owns the master key and what is derived from it or sealed with it.
//
// The master key is 32 random bytes. It enters from a file (base64, or the same in an age file that a passphrase opens), or from an
// environment variable, and never leaves: others get keys derived with HKDF-SHA-256 for one purpose each, or have small secrets
// sealed with AES-256-GCM. It refuses key files that other users of the machine can read.
//
// Sealed secrets are nonce (12 bytes) ‖ AES-256-GCM ciphertext, with the secret's name as additional data.
package keyring

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"filippo.io/age"
)

const keySize = 32

// EnvKey names the environment variable that may hold the master key in base64.
const EnvKey = "CONCLAVE_MASTER_KEY"

// Errors that an operator sees.
var (
	ErrNoKey        = errors.New("there is no master key")
	ErrWrongKey     = errors.New("the master key does not fit this installation: secrets in the database cannot be opened with it")
	ErrNoPassphrase = errors.New("the master key is protected by a passphrase and there is no terminal to ask for it")
)

// Keyring holds the master key.
type Keyring struct{ master []byte }

// Source says where the master key is.
type Source struct {
	// Env is the value of EnvKey; it wins where it is set.
	Env string
	// File is the key file.
	File string
	// Passphrase asks for the passphrase of a protected key file.
	Passphrase func() (string, error)
}

const ageHeader = "age-encryption.org/"

// Open reads the master key.
func Open(s Source) (*Keyring, error) {
	if s.Env != "" {
		k, err := parse(s.Env)
		if err != nil {
			return nil, fmt.Errorf("keyring: %s: %w", EnvKey, err)
		}
		return k, nil
	}
	data, err := readPrivate(s.File)
	if err != nil {
		return nil, err
	}
	if strings.HasPrefix(string(data), ageHeader) {
		if data, err = openWithPassphrase(data, s.Passphrase); err != nil {
			return nil, fmt.Errorf("keyring: %s: %w", s.File, err)
		}
	}
	k, err := parse(string(data))
	if err != nil {
		return nil, fmt.Errorf("keyring: %s: %w", s.File, err)
	}
	return k, nil
}

func readPrivate(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("keyring: %w: %s does not exist; run conclave init, or restore the file from your backup", ErrNoKey, path)
	}
	if err != nil {
		return nil, fmt.Errorf("keyring: %w", err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("keyring: other users can read %s: run chmod 600 on it", path)
	}
	data, err := os.ReadFile(filepath.Clean(path))
	if err != nil {
		return nil, fmt.Errorf("keyring: %w", err)
	}
	return data, nil
}

func openWithPassphrase(data []byte, ask func() (string, error)) ([]byte, error) {
	if ask == nil {
		return nil, ErrNoPassphrase
	}
	pass, err := ask()
	if err != nil {
		return nil, err
	}
	id, err := age.NewScryptIdentity(pass)
	if err != nil {
		return nil, err
	}
	r, err := age.Decrypt(strings.NewReader(string(data)), id)
	if err != nil {
		return nil, errors.New("the passphrase is wrong")
	}
	return io.ReadAll(r)
}

func parse(text string) (*Keyring, error) {
	key, err := base64.StdEncoding.DecodeString(strings.TrimSpace(text))
	if err != nil || len(key) != keySize {
		return nil, fmt.Errorf("a master key is %d bytes in base64, and this is not", keySize)
	}
	return &Keyring{key}, nil
}

// Create writes a new master key to a file that must not exist. With a passphrase the file is an age file that it opens.
func Create(path, passphrase string) (*Keyring, error) {
	key := make([]byte, keySize)
	if _, err := rand.Read(key); err != nil {
		return nil, fmt.Errorf("keyring: %w", err)
	}
	f, err := os.OpenFile(filepath.Clean(path), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, fmt.Errorf("keyring: %w", err)
	}
	err = write(f, base64.StdEncoding.EncodeToString(key)+"\n", passphrase)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return nil, fmt.Errorf("keyring: write %s: %w", path, err)
	}
	return &Keyring{key}, nil
}

func write(f io.Writer, text, passphrase string) error {
	if passphrase == "" {
		_, err := io.WriteString(f, text)
		return err
	}
	to, err := age.NewScryptRecipient(passphrase)
	if err != nil {
		return err
	}
	w, err := age.Encrypt(f, to)
	if err != nil {
		return err
	}
	if _, err := io.WriteString(w, text); err != nil {
		return err
	}
	return w.Close()
}

// Derive gives the 32-byte key for one purpose, e.g. "sqlite" or "media".
func (k *Keyring) Derive(purpose string) []byte {
	key, err := hkdf.Key(sha256.New, k.master, nil, "conclave "+purpose+" v1", keySize)
	if err != nil {
		panic(err) // only for impossible lengths
	}
	return key
}

func (k *Keyring) aead() (cipher.AEAD, error) {
	block, err := aes.NewCipher(k.Derive("secret"))
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}

// Seal encrypts a small secret for the database.
func (k *Keyring) Seal(name string, secret []byte) ([]byte, error) {
	a, err := k.aead()
	if err != nil {
		return nil, fmt.Errorf("keyring: %w", err)
	}
	return a.Seal(nil, nil, secret, []byte(name)), nil //nolint:gosec // NewGCMWithRandomNonce makes the nonce itself
}

// Unseal opens what Seal made under the same name.
func (k *Keyring) Unseal(name string, sealed []byte) ([]byte, error) {
	a, err := k.aead()
	if err != nil {
		return nil, fmt.Errorf("keyring: %w", err)
	}
	secret, err := a.Open(nil, nil, sealed, []byte(name))
	if err != nil {
		return nil, ErrWrongKey
	}
	return secret, nil
}
