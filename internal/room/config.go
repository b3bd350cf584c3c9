package room

import (
	"fmt"
	"time"

	"conclave.chat/internal/mx"
)

// Config is the configuration of rooms.
type Config struct {
	DefaultVersion string        `yaml:"default_version" doc:"Version of new rooms whose maker asks for none."`
	Encrypt        bool          `yaml:"encrypt" doc:"Encrypt every new room end to end, and refuse unencrypted messages in encrypted rooms."`
	Notices        string        `yaml:"notices_user" doc:"Local part of the user who sends server notices."`
	MaxDelay       time.Duration `yaml:"max_delay" doc:"How far ahead clients may schedule events."`
	CacheEvents    int           `yaml:"cache_events" doc:"State events and recent events kept in memory, some 1.5 KiB each."`
}

// DefaultConfig suits an organisation that wants its conversations encrypted.
func DefaultConfig() Config {
	return Config{
		DefaultVersion: mx.DefaultVersion, Encrypt: true, Notices: "notices", MaxDelay: 24 * time.Hour, CacheEvents: 60_000,
	}
}

func (c Config) check() error {
	if _, ok := mx.Version(c.DefaultVersion); !ok {
		return fmt.Errorf("rooms.default_version: %q is none of %v", c.DefaultVersion, mx.Versions())
	}
	if !mx.ValidLocalpart(c.Notices) {
		return fmt.Errorf("rooms.notices_user: %q cannot be the local part of a user id", c.Notices)
	}
	if c.MaxDelay < 0 {
		return fmt.Errorf("rooms.max_delay: %s is negative", c.MaxDelay)
	}
	return nil
}
