package ident

import (
	"fmt"
	"runtime"
	"slices"
	"time"
)

// Config is the configuration of accounts.
type Config struct {
	Registration Registration `yaml:"registration"`
	Passwords    Passwords    `yaml:"passwords"`
	Sessions     Sessions     `yaml:"sessions"`
	Profiles     string       `yaml:"profiles" doc:"Who may read a profile: organisation (everyone with an account), shared (who shares a room, or when the user is in a public room), public (anyone on the network)."`
	Directory    string       `yaml:"directory" doc:"Whom a search for users finds: organisation (every account), shared (users in rooms that the searcher shares or could join)."`
	ProfileEdits bool         `yaml:"profile_edits" doc:"Whether users may change their own display name, avatar and other profile fields."`
}

// Registration says who may register.
type Registration struct {
	Mode         string `yaml:"mode" doc:"closed (accounts are made by administrators), token (who has a registration token may register) or open (anyone may)."`
	SharedSecret string `yaml:"shared_secret" secret:"yes" doc:"When set, POST /_synapse/admin/v1/register makes accounts for whoever knows it."`
}

// Passwords is the password policy.
type Passwords struct {
	MinLength   int    `yaml:"min_length" doc:"Shortest password that is accepted."`
	MemoryKiB   uint32 `yaml:"memory_kib" doc:"Memory that Argon2id uses for one password, KiB."`
	Iterations  uint32 `yaml:"iterations" doc:"Passes of Argon2id over that memory."`
	Parallelism uint8  `yaml:"parallelism" doc:"Lanes of Argon2id."`
	Concurrency int    `yaml:"concurrency" doc:"Passwords hashed at the same time; 0 is one for each processor."`
}

// Sessions says how long tokens last.
type Sessions struct {
	AccessLifetime  time.Duration `yaml:"access_lifetime" doc:"Life of an access token where the client can refresh it."`
	RefreshLifetime time.Duration `yaml:"refresh_lifetime" doc:"How long a refresh token may lie unused; 0 is without limit."`
	MaxLifetime     time.Duration `yaml:"max_lifetime" doc:"Life of an access token that the client cannot refresh; then it must sign in again. 0 is without limit."`
	IdleDevices     time.Duration `yaml:"idle_devices" doc:"Devices unused for so long are signed out and removed with their keys; 0 keeps them."`
}

// DefaultConfig suits an organisation whose administrators make the accounts. Argon2id's parameters are those that OWASP recommends.
func DefaultConfig() Config {
	return Config{
		Registration: Registration{Mode: "closed"},
		Passwords:    Passwords{MinLength: 8, MemoryKiB: 19456, Iterations: 2, Parallelism: 1},
		Sessions:     Sessions{AccessLifetime: time.Hour, IdleDevices: 365 * 24 * time.Hour},
		Profiles:     "organisation",
		Directory:    "organisation",
		ProfileEdits: true,
	}
}

func (c *Config) check() error {
	for _, f := range []struct {
		name, value string
		allowed     []string
	}{
		{"accounts.registration.mode", c.Registration.Mode, []string{"closed", "token", "open"}},
		{"accounts.profiles", c.Profiles, []string{"organisation", "shared", "public"}},
		{"accounts.directory", c.Directory, []string{"organisation", "shared"}},
	} {
		if !slices.Contains(f.allowed, f.value) {
			return fmt.Errorf("%s: %q is none of %v", f.name, f.value, f.allowed)
		}
	}
	p := &c.Passwords
	if p.MemoryKiB < 8 || p.Iterations < 1 || p.Parallelism < 1 {
		return fmt.Errorf("accounts.passwords: Argon2id needs at least 8 KiB of memory, one iteration and one lane")
	}
	if p.Concurrency <= 0 {
		p.Concurrency = runtime.GOMAXPROCS(0)
	}
	if c.Sessions.AccessLifetime <= 0 {
		return fmt.Errorf("accounts.sessions.access_lifetime must be more than 0")
	}
	return nil
}
