package ident

import (
	"context"
	"fmt"

	"github.com/alexedwards/argon2id"

	"conclave.chat/internal/fault"
)

// maxPassword bounds what is hashed, bytes.
const maxPassword = 512

// hasher hashes passwords, a few at a time: each takes memory and tens of milliseconds.
type hasher struct {
	params *argon2id.Params
	slots  chan struct{}
	decoy  string // checked where there is no account, so that the time taken tells nothing
}

func newHasher(p Passwords) (*hasher, error) {
	h := &hasher{
		params: &argon2id.Params{Memory: p.MemoryKiB, Iterations: p.Iterations, Parallelism: p.Parallelism, SaltLength: 16, KeyLength: 32},
		slots:  make(chan struct{}, p.Concurrency),
	}
	var err error
	h.decoy, err = argon2id.CreateHash(RandomText(24), h.params)
	return h, err
}

func (h *hasher) enter(ctx context.Context) error {
	select {
	case h.slots <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (h *hasher) leave() { <-h.slots }

// hash makes the hash to store.
func (h *hasher) hash(ctx context.Context, password string) (string, error) {
	if err := h.enter(ctx); err != nil {
		return "", err
	}
	defer h.leave()
	return argon2id.CreateHash(password, h.params)
}

// match checks a password against a hash. stale reports that the hash was made with other parameters than today's. Where there is
// no hash it works as long and says no.
func (h *hasher) match(ctx context.Context, password, hash string) (ok, stale bool, err error) {
	if err := h.enter(ctx); err != nil {
		return false, false, err
	}
	defer h.leave()
	real := hash != "" && len(password) <= maxPassword
	if !real {
		hash, password = h.decoy, password[:min(len(password), maxPassword)]
	}
	ok, params, err := argon2id.CheckHash(password, hash)
	if err != nil {
		return false, false, fmt.Errorf("ident: check password: %w", err)
	}
	return ok && real, *params != *h.params, nil
}

// CheckNewPassword applies the password policy.
func (s *Service) CheckNewPassword(password string) error {
	switch {
	case len(password) > maxPassword:
		return fault.InvalidParam("The password is longer than %d bytes", maxPassword)
	case len([]rune(password)) < s.Config.Passwords.MinLength:
		return fault.New(fault.BadRequest, "M_WEAK_PASSWORD", "The password is shorter than %d characters", s.Config.Passwords.MinLength)
	}
	return nil
}
