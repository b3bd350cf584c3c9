// Package passhash hashes passwords and checks them, with Argon2id. It bounds how many are hashed at once, and gives away by the time that it takes
// neither that there is no account nor that it has no password.
package passhash

import (
	"context"
	"crypto/rand"
	"fmt"

	"github.com/alexedwards/argon2id"
)

// Longest bounds what is hashed, bytes.
const Longest = 512

// Hasher hashes passwords, a few at a time: each takes memory and tens of milliseconds.
type Hasher struct {
	params *argon2id.Params
	slots  chan struct{}
	decoy  string // checked where there is no account, so that the time taken tells nothing
}

// Params are those of Argon2id, and how many passwords are hashed at once.
type Params struct {
	MemoryKiB   uint32
	Iterations  uint32
	Parallelism uint8
	Concurrency int
}

// New makes a Hasher.
func New(p Params) (*Hasher, error) {
	h := &Hasher{
		params: &argon2id.Params{Memory: p.MemoryKiB, Iterations: p.Iterations, Parallelism: p.Parallelism, SaltLength: 16, KeyLength: 32},
		slots:  make(chan struct{}, p.Concurrency),
	}
	var err error
	h.decoy, err = argon2id.CreateHash(rand.Text(), h.params)
	return h, err
}

func (h *Hasher) enter(ctx context.Context) error {
	select {
	case h.slots <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (h *Hasher) leave() { <-h.slots }

// Hash makes the hash to store.
func (h *Hasher) Hash(ctx context.Context, password string) (string, error) {
	if err := h.enter(ctx); err != nil {
		return "", err
	}
	defer h.leave()
	return argon2id.CreateHash(password, h.params)
}

// Match checks a password against a hash. stale reports that the hash was made with other parameters than today's. Where there is
// no hash it works as long and says no.
func (h *Hasher) Match(ctx context.Context, password, hash string) (ok, stale bool, err error) {
	if err := h.enter(ctx); err != nil {
		return false, false, err
	}
	defer h.leave()
	real := hash != "" && len(password) <= Longest
	if !real {
		hash, password = h.decoy, password[:min(len(password), Longest)]
	}
	ok, params, err := argon2id.CheckHash(password, hash)
	if err != nil {
		return false, false, fmt.Errorf("passhash: check password: %w", err)
	}
	return ok && real, *params != *h.params, nil
}
