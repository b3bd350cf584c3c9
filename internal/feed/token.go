package feed

import (
	"strconv"
	"strings"

	"conclave.chat/internal/fault"
	"conclave.chat/internal/store"
)

// Token says how far a client has read. Clients see one of these forms and treat it as opaque:
//
//	s<pos>_<ephemeral>            next_batch and since of /sync: everything up to position pos was answered, and of typing and
//	                              presence, which have no position, everything up to the number ephemeral
//	s<pos>_<ephemeral>_<todevice> the same, but of the messages for the device only those up to position todevice: there were more
//	                              than fit into one answer
//	t<pos>                        prev_batch, and from and to of /messages: the place in a room's timeline right after position pos
//	p<pos>_…                      pos of sliding sync; what follows the position is the connection's own
//
// All numbers are decimal, without sign, leading zeros or spaces. As rooms are linear and positions are unique, a position is a place
// in every room's timeline, so whoever takes a t token takes the others too and reads their position only.
type Token struct {
	Pos       store.Pos
	Ephemeral int64
	ToDevice  store.Pos // at most Pos
}

var errToken = fault.InvalidParam("This is not a token that this server gave out")

// ParseToken reads the since of /sync.
func ParseToken(s string) (Token, error) {
	rest, ok := strings.CutPrefix(s, "s")
	if !ok {
		return Token{}, errToken
	}
	parts := strings.Split(rest, "_")
	if len(parts) != 2 && len(parts) != 3 {
		return Token{}, errToken
	}
	var n [3]int64
	for i, p := range parts {
		if n[i], ok = number(p); !ok {
			return Token{}, errToken
		}
	}
	t := Token{Pos: store.Pos(n[0]), Ephemeral: n[1], ToDevice: store.Pos(n[0])}
	if len(parts) == 3 {
		if n[2] >= n[0] {
			return Token{}, errToken
		}
		t.ToDevice = store.Pos(n[2])
	}
	return t, nil
}

// String writes the token.
func (t Token) String() string { return string(t.append(make([]byte, 0, 48))) }

func (t Token) append(dst []byte) []byte {
	dst = strconv.AppendInt(append(dst, 's'), int64(t.Pos), 10)
	dst = strconv.AppendInt(append(dst, '_'), t.Ephemeral, 10)
	if t.ToDevice < t.Pos {
		dst = strconv.AppendInt(append(dst, '_'), int64(t.ToDevice), 10)
	}
	return dst
}

// ParsePosition reads a place in a room's timeline out of any token that this server gives out.
func ParsePosition(s string) (store.Pos, error) {
	if len(s) < 2 {
		return 0, errToken
	}
	kind, rest := s[0], s[1:]
	pos, _, more := strings.Cut(rest, "_")
	n, ok := number(pos)
	switch {
	case !ok:
	case kind == 's' && more:
		t, err := ParseToken(s)
		return t.Pos, err
	case kind == 't' && !more, kind == 'p' && more:
		return store.Pos(n), nil
	}
	return 0, errToken
}

// PositionToken writes the place in a room's timeline right after a position.
func PositionToken(p store.Pos) string { return string(appendPosition(nil, p)) }

func appendPosition(dst []byte, p store.Pos) []byte {
	return strconv.AppendInt(append(dst, 't'), int64(p), 10)
}

// number reads a number in the one form in which this package writes it.
func number(s string) (int64, bool) {
	if s == "" || len(s) > 19 || (s[0] == '0' && len(s) > 1) {
		return 0, false
	}
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return 0, false
		}
	}
	n, err := strconv.ParseInt(s, 10, 64)
	return n, err == nil
}
