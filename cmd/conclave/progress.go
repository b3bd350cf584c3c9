package main

import (
	"fmt"
	"os"
	"strings"
	"time"

	"golang.org/x/term"
)

// progress tells how far long work is: a bar on a terminal, and otherwise a line for each tenth.
type progress struct {
	to       *os.File
	terminal bool
	last     time.Time
	shown    string // what the line says
	tenth    int64
	what     string
}

func newProgress(to *os.File) *progress {
	return &progress{to: to, terminal: term.IsTerminal(int(to.Fd())), tenth: -1}
}

const (
	barWidth  = 30
	barPeriod = 100 * time.Millisecond
)

// show tells what is being done and how much of it; a total of 0 is not known.
func (p *progress) show(what string, done, total int64) {
	percent := int64(0)
	if total > 0 {
		percent = min(done*100/total, 100)
	}
	fresh := what != p.what
	p.what = what
	if !p.terminal {
		if tenth := percent / 10; fresh || tenth != p.tenth {
			p.tenth = tenth
			fmt.Fprintln(p.to, line(what, percent, total))
		}
		return
	}
	if now := time.Now(); fresh || percent == 100 || now.Sub(p.last) >= barPeriod {
		p.last = now
		text := line(what, percent, total)
		if total > 0 {
			full := int(percent * barWidth / 100)
			text = fmt.Sprintf("[%s%s] %s", strings.Repeat("#", full), strings.Repeat(".", barWidth-full), text)
		}
		if text != p.shown {
			fmt.Fprintf(p.to, "\r%s\x1b[K", text)
			p.shown = text
		}
	}
}

func line(what string, percent, total int64) string {
	if total == 0 {
		return what + " …"
	}
	return fmt.Sprintf("%s %d%%", what, percent)
}

// end leaves the line.
func (p *progress) end() {
	if p.terminal && p.shown != "" {
		fmt.Fprintln(p.to)
	}
}
