package room

import (
	"conclave.chat/internal/mx"
	"conclave.chat/internal/roomstate"
)

// noticeRoom reports whether a room is one in which the server sends notices to a user.
func (e *Engine) noticeRoom(s *roomstate.Snapshot) bool {
	create := s.State(mx.TypeCreate, "")
	return create != nil && create.Sender == e.notices
}
