// Package doctor examines an installation and says what to do about what it finds.
//
// It reads configuration, keys, database, clock, disk and network, and changes no settings. Each check is one function; the command
// line prints their findings and the admin console will show them.
package doctor

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
)

// Level is how serious a finding is.
type Level uint8

// The levels. Only a Problem makes the examination fail.
const (
	OK Level = iota
	Warning
	Problem
)

// String is the word printed for a level.
func (l Level) String() string { return [...]string{"ok", "warning", "PROBLEM"}[l] }

// Finding is the result of one check.
type Finding struct {
	Check string // what was looked at
	Level Level
	Found string // what there is
	Do    string // what to do about it, unless all is well
}

// Check examines one thing.
type Check func(ctx context.Context) Finding

// Examine runs checks in order. It reports whether there is no problem.
func Examine(ctx context.Context, w io.Writer, checks []Check) (bool, error) {
	healthy := true
	for _, check := range checks {
		f := check(ctx)
		healthy = healthy && f.Level != Problem
		if _, err := fmt.Fprintf(w, "%-8s %-14s %s\n", f.Level, f.Check, line(f.Found)); err != nil {
			return false, err
		}
		if f.Do != "" {
			if _, err := fmt.Fprintf(w, "%23s → %s\n", "", f.Do); err != nil {
				return false, err
			}
		}
	}
	return healthy, nil
}

// line makes one line of what an error says in several.
func line(text string) string {
	var lines []string
	for l := range strings.Lines(text) {
		if l = strings.TrimSpace(l); l != "" && !slices.Contains(lines, l) {
			lines = append(lines, l)
		}
	}
	return strings.Join(lines, " ")
}
