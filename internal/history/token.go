package history

import (
	"strconv"
	"strings"

	"conclave.chat/internal/fault"
	"conclave.chat/internal/store"
)

// token is a position between events: after the event at it, if there is one.
func token(at store.Pos) string { return "t" + strconv.FormatInt(int64(at), 10) }

// parseToken reads a token of ours (t) or of either kind of sync (s and p): the number after the letter is the position.
func parseToken(text string) (store.Pos, error) {
	if len(text) < 2 || strings.IndexByte("tsp", text[0]) < 0 {
		return 0, errToken
	}
	rest, whole := text[1:], text[0] != 'p'
	if text[0] != 't' {
		var cut bool
		rest, _, cut = strings.Cut(rest, "_")
		whole = whole || cut
	}
	n, err := strconv.ParseInt(rest, 10, 64)
	if err != nil || n < 0 || rest[0] == '+' || !whole {
		return 0, errToken
	}
	return store.Pos(n), nil
}

var errToken = fault.InvalidParam("Unknown pagination token")

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
