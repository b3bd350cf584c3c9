package recorder

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"conclave.chat/internal/archive/expiry"
	"conclave.chat/internal/archive/segment"
)

// Retention says how long what is recorded is kept. Without classes it is kept for ever.
type Retention struct {
	Classes map[string]string `yaml:"classes,omitempty"` // terms by class: 6y, 90d or forever
	Rooms   map[string]string `yaml:"rooms,omitempty"`   // classes by room id
	Lock    bool              `yaml:"lock,omitempty"`    // Object Lock in the bucket for as long as each class's term

	terms   map[string]expiry.Term
	longest string // the class that is kept longest
}

// load reads the terms, and refuses what contradicts itself.
func (r *Retention) load(c *Config) error {
	if err := segment.CheckClass(c.Class); err != nil {
		return fmt.Errorf("class: %w", err)
	}
	if len(r.Classes) == 0 {
		if len(r.Rooms) > 0 || r.Lock {
			return errors.New("retention: there are no classes")
		}
		return nil
	}
	r.terms = map[string]expiry.Term{}
	for _, class := range slices.Sorted(maps.Keys(r.Classes)) {
		if err := segment.CheckClass(class); err != nil {
			return fmt.Errorf("retention: %w", err)
		}
		if class == expiry.Class {
			return fmt.Errorf("retention: the class %s is the archive's own", class)
		}
		term, err := expiry.ParseTerm(r.Classes[class])
		if err != nil {
			return fmt.Errorf("retention: class %s: %w", class, err)
		}
		r.terms[class] = term
		if r.longest == "" || r.terms[r.longest].Shorter(term) {
			r.longest = class
		}
		if lock := (expiry.Term{Days: int(c.RetainDays)}); c.RetainDays > 0 && term.Shorter(lock) {
			return fmt.Errorf("retention: what is in class %s ends after %s, and retain_days keeps it for %d days in the bucket", class, term, c.RetainDays)
		}
	}
	if _, ok := r.terms[c.Class]; !ok {
		return fmt.Errorf("class: retention has no class %s", c.Class)
	}
	for room, class := range r.Rooms {
		if !strings.HasPrefix(room, "!") {
			return fmt.Errorf("retention: %q is not the id of a room", room)
		}
		if _, ok := r.terms[class]; !ok {
			return fmt.Errorf("retention: room %s: there is no class %s", room, class)
		}
	}
	switch {
	case r.Lock && c.RetainDays > 0:
		return errors.New("retention: either lock or retain_days says how long the bucket keeps what it gets")
	case r.Lock && c.Bucket == nil:
		return errors.New("retention: lock needs a bucket")
	}
	return nil
}

// class gives the retention class of what is said in a room whose state names one, or none. The recorder's own rule for the room, or for one whose
// place it has taken (old, the last first), comes before that, for the homeserver's administrators do not write it. A class that is not known here is the longest one: known is then false.
func (c *Config) class(room string, old []string, named string) (class string, known bool) {
	r := &c.Retention
	for _, room := range append([]string{room}, old...) {
		if own, ok := r.Rooms[room]; ok {
			return own, true
		}
	}
	if named == "" || len(r.terms) == 0 {
		return c.Class, true
	}
	if _, ok := r.terms[named]; ok {
		return named, true
	}
	return r.longest, false
}

// locked says until when the bucket keeps a file of a class, or, for the empty name, one of the log.
func (c *Config) locked(class string, from time.Time) time.Time {
	r := &c.Retention
	switch {
	case c.RetainDays > 0:
		return from.AddDate(0, 0, int(c.RetainDays))
	case !r.Lock:
		return time.Time{}
	case class == "" || class == expiry.Class:
		class = r.longest
	}
	term, ok := r.terms[class]
	if !ok {
		term = r.terms[r.longest]
	}
	if term.Forever() {
		term = expiry.Term{Years: 100}
	}
	return term.Over(from)
}
