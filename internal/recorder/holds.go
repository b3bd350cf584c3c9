package recorder

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"golang.org/x/sys/unix"

	"conclave.chat/internal/archive/depot"
	"conclave.chat/internal/archive/expiry"
	"conclave.chat/internal/archive/tag"
	"conclave.chat/internal/mx"
)

// Hold keeps what the archive has of a room, or of what a custodian could see, in a period, from being destroyed. What is empty does not narrow it.
type Hold struct {
	ID        string    `json:"id"`
	Case      string    `json:"case"`
	Reason    string    `json:"reason,omitempty"`
	Custodian string    `json:"custodian,omitempty"`
	Room      string    `json:"room,omitempty"`
	Since     time.Time `json:"since,omitzero"` // what was sent then or later
	Until     time.Time `json:"until,omitzero"` // what was sent before
	Created   time.Time `json:"created"`
	By        string    `json:"by,omitempty"`
	Released  time.Time `json:"released,omitzero"`
	// ReleasedBy says who released it.
	ReleasedBy string `json:"released_by,omitempty"`
}

// check refuses a hold that says nothing.
func (h *Hold) check() error {
	switch {
	case strings.TrimSpace(h.Case) == "":
		return errors.New("a hold needs the number or name of its case")
	case h.Room != "" && !strings.HasPrefix(h.Room, "!"):
		return fmt.Errorf("%q is not the id of a room", h.Room)
	case !h.Since.IsZero() && !h.Until.IsZero() && !h.Since.Before(h.Until):
		return errors.New("the hold's period ends before it begins")
	}
	if h.Custodian != "" {
		if _, err := mx.ParseUserID(h.Custodian); err != nil {
			return fmt.Errorf("%q is not a user id", h.Custodian)
		}
	}
	return nil
}

// derive makes a key for one purpose from the recorder's secrets.
func (s *secrets) derive(purpose string) ([]byte, error) {
	return hkdf.Key(sha256.New, s.Database, nil, "conclave recorder "+purpose, 32)
}

// newTags are the notes of who and what occurs in each sealed segment.
func newTags(c *Config, s *secrets) (*tag.Tags, error) {
	key, err := s.derive("tags v1")
	if err != nil {
		return nil, fmt.Errorf("recorder: %w", err)
	}
	return tag.New(filepath.Join(c.DataDir, tagsFolder), key), nil
}

const tagsFolder = "segments"

// Occurs tells whether any closed segment is known to hold something of a hold's room, and of its custodian.
func Occurs(c *Config, h Hold) (room, custodian bool, err error) {
	s, err := c.secrets()
	if err != nil {
		return false, false, err
	}
	t, err := newTags(c, s)
	if err != nil {
		return false, false, err
	}
	return t.Occur(h.Room, h.Custodian)
}

// clocks is by how much the homeserver's clock, which says when something was sent, may differ from the recorder's.
const clocks = time.Hour

// covers tells whether a segment may hold something of what is held. Of one without tags nothing is known but when it was closed.
func (h *Hold) covers(s *expiry.Segment, t *tag.Tags, known *tag.Tagged) bool {
	if known == nil || known.First.IsZero() {
		if !h.Since.IsZero() && s.Closed.Add(clocks).Before(h.Since) {
			return false
		}
	} else if !h.Until.IsZero() && !known.First.Before(h.Until) || !h.Since.IsZero() && known.Last.Before(h.Since) {
		return false
	}
	return known == nil || (h.Room == "" || known.Has(t.Room(h.Room))) && (h.Custodian == "" || known.Has(t.User(h.Custodian)) || known.Has(t.User(tag.Everybody)))
}

// Holds are those that are placed here, out of reach of the homeserver's administrators. They lie in one file that is encrypted with the recorder's
// secrets.
type Holds struct {
	dir  string
	aead cipher.AEAD
	now  func() time.Time
}

const (
	holdsFile = "holds"
	holdsLock = "holds.lock"
)

// OpenHolds opens the holds of a configuration's recorder.
func OpenHolds(c *Config) (*Holds, error) {
	s, err := c.secrets()
	if err != nil {
		return nil, err
	}
	return newHolds(c, s)
}

func newHolds(c *Config, s *secrets) (*Holds, error) {
	key, err := s.derive("holds v1")
	if err != nil {
		return nil, fmt.Errorf("recorder: %w", err)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("recorder: %w", err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, fmt.Errorf("recorder: %w", err)
	}
	return &Holds{dir: c.DataDir, aead: aead, now: time.Now}, nil
}

// List gives all holds, those that were released too.
func (h *Holds) List() ([]Hold, error) {
	sealed, err := os.ReadFile(filepath.Join(h.dir, holdsFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("recorder: holds: %w", err)
	}
	plain, err := h.aead.Open(nil, nil, sealed, []byte(holdsFile))
	if err != nil {
		return nil, fmt.Errorf("recorder: %s is damaged, or belongs to other secrets: %w", filepath.Join(h.dir, holdsFile), err)
	}
	var list []Hold
	if err := json.Unmarshal(plain, &list); err != nil {
		return nil, fmt.Errorf("recorder: holds: %w", err)
	}
	return list, nil
}

// InForce gives the holds that were not released.
func (h *Holds) InForce() ([]Hold, error) {
	list, err := h.List()
	var out []Hold
	for _, x := range list {
		if x.Released.IsZero() {
			out = append(out, x)
		}
	}
	return out, err
}

// Add places a hold and gives it its id.
func (h *Holds) Add(hold Hold) (Hold, error) {
	if err := hold.check(); err != nil {
		return hold, err
	}
	hold.ID, hold.Created = strings.ToLower(rand.Text()[:10]), h.now().UTC()
	return hold, h.change(func(list []Hold) ([]Hold, error) { return append(list, hold), nil })
}

// Release ends a hold. Its case is asked for as a proof that it is the right one.
func (h *Holds) Release(id, matter, by string) (released Hold, err error) {
	err = h.change(func(list []Hold) ([]Hold, error) {
		for i := range list {
			if list[i].ID == id && list[i].Released.IsZero() {
				if list[i].Case != matter {
					return nil, fmt.Errorf("hold %s belongs to another case", id)
				}
				list[i].Released, list[i].ReleasedBy = h.now().UTC(), by
				released = list[i]
				return list, nil
			}
		}
		return nil, fmt.Errorf("there is no hold %q in force here", id)
	})
	return released, err
}

// change rewrites the file; one at a time, whichever process does.
func (h *Holds) change(f func([]Hold) ([]Hold, error)) error {
	lock, err := os.OpenFile(filepath.Join(h.dir, holdsLock), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return fmt.Errorf("recorder: holds: %w", err)
	}
	defer lock.Close()
	if err := unix.Flock(int(lock.Fd()), unix.LOCK_EX); err != nil {
		return fmt.Errorf("recorder: holds: %w", err)
	}
	list, err := h.List()
	if err != nil {
		return err
	}
	if list, err = f(list); err != nil {
		return err
	}
	plain, err := json.Marshal(list)
	if err != nil {
		return fmt.Errorf("recorder: holds: %w", err)
	}
	return depot.Replace(h.dir, holdsFile, h.aead.Seal(nil, nil, plain, []byte(holdsFile))) //nolint:gosec // the cipher draws the nonce itself
}
