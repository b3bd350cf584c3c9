package history

import (
	"strconv"
	"strings"

	"conclave.chat/internal/fault"
	"conclave.chat/internal/store"
)

var errToken = fault.InvalidParam("Unknown pagination token")

// token is a position between events: after the event at it, if there is one.
func token(at store.Pos) string { return "t" + strconv.FormatInt(int64(at), 10) }

// parseToken reads a token of ours (t), or the position in one of /sync (s) or of sliding sync (p).
func parseToken(text string) (store.Pos, error) {
	if len(text) < 2 {
		return 0, errToken
	}
	digits, _, more := strings.Cut(text[1:], "_")
	n, err := strconv.ParseInt(digits, 10, 64)
	switch {
	case err != nil, digits[0] < '0', digits[0] > '9':
	case text[0] == 't' && !more, (text[0] == 's' || text[0] == 'p') && more:
		return store.Pos(n), nil
	}
	return 0, errToken
}

// bounds is a stretch of the log, both ends included, and the direction to read it in.
type bounds struct {
	from, to  store.Pos
	backwards bool
}

// between makes the stretch from one token to another in a direction. An empty token is the end of the log on its side.
func between(from, to string, backwards bool, end store.Pos) (bounds, error) {
	b := bounds{from: 1, to: end, backwards: backwards}
	low, high := from, to
	if backwards {
		low, high = to, from
	}
	if low != "" {
		at, err := parseToken(low)
		if err != nil {
			return b, err
		}
		b.from = min(at, end) + 1
	}
	if high != "" {
		at, err := parseToken(high)
		if err != nil {
			return b, err
		}
		b.to = min(at, end)
	}
	return b, nil
}

// start is the token that the stretch begins at, in its direction.
func (b bounds) start() string {
	if b.backwards {
		return token(b.to)
	}
	return token(b.from - 1)
}

// after is the token to go on from once the event at a position was given.
func (b bounds) after(at store.Pos) string {
	if b.backwards {
		return token(at - 1)
	}
	return token(at)
}

// direction reads the parameter dir.
func direction(dir string) (backwards bool, err error) {
	switch dir {
	case "b":
		return true, nil
	case "f":
		return false, nil
	case "":
		return false, fault.MissingParam("dir must be given: b or f")
	}
	return false, fault.InvalidParam("dir must be b or f")
}
