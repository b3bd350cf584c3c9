package expiry

import (
	"fmt"
	"regexp"
	"strconv"
	"time"
)

// Term is how long what a retention class holds is kept, in calendar years or days. The zero value is for ever.
type Term struct{ Years, Days int }

var termForm = regexp.MustCompile(`^([1-9][0-9]{0,5})([yd])$`)

const (
	forever  = "forever"
	maxYears = 1000
)

// ParseTerm reads a term: 6y, 90d or forever.
func ParseTerm(s string) (Term, error) {
	if s == forever {
		return Term{}, nil
	}
	m := termForm.FindStringSubmatch(s)
	if m == nil {
		return Term{}, fmt.Errorf("%q is not a term such as 6y, 90d or forever", s)
	}
	n, err := strconv.Atoi(m[1])
	if err != nil || m[2] == "y" && n > maxYears {
		return Term{}, fmt.Errorf("%q is too long a term: say forever", s)
	}
	if m[2] == "y" {
		return Term{Years: n}, nil
	}
	return Term{Days: n}, nil
}

// String writes what ParseTerm reads.
func (t Term) String() string {
	switch {
	case t.Years > 0:
		return strconv.Itoa(t.Years) + "y"
	case t.Days > 0:
		return strconv.Itoa(t.Days) + "d"
	}
	return forever
}

// Forever tells whether the term has no end.
func (t Term) Forever() bool { return t == Term{} }

// Over gives the moment at which the term is over for what was written at a time.
func (t Term) Over(at time.Time) time.Time { return at.UTC().AddDate(t.Years, 0, t.Days) }

// Shorter tells whether a term ends before another one.
func (t Term) Shorter(than Term) bool {
	if t.Forever() || than.Forever() {
		return !t.Forever()
	}
	day := time.Date(2001, 3, 1, 0, 0, 0, 0, time.UTC)
	return t.Over(day).Before(than.Over(day))
}
