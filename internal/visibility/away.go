package visibility

import (
	"conclave.chat/internal/mx"
	"conclave.chat/internal/store"
)

// AwayIn reports whether there was an event in (after, upTo] after which the user was not in the room.
func (v *View) AwayIn(after, upTo store.Pos) bool {
	for _, c := range v.members {
		if c.Pos > after && c.Pos <= upTo && c.Value != mx.Join {
			return true
		}
	}
	return false
}
