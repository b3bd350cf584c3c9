package sliding

import (
	"sync"

	"conclave.chat/internal/feed"
	"conclave.chat/internal/mx"
	"conclave.chat/internal/roomstate"
	"conclave.chat/internal/store"
	"conclave.chat/internal/store/eventlog"
)

// bumpTypes are the events that move a room up in a client's list.
//
// Spec: MSC4186
func bumpTypes(typ string) bool {
	switch typ {
	case mx.TypeCreate, mx.TypeMessage, mx.TypeEncrypted, "m.sticker", "m.call.invite", "m.poll.start", "m.beacon_info",
		"org.matrix.msc3381.poll.start", "org.matrix.msc3672.beacon_info":
		return true
	}
	return false
}

// maxBumps bounds how many rooms are remembered.
const maxBumps = 1 << 14

// bumps remembers the last event of each room that moves it up.
type bumps struct {
	mu    sync.Mutex
	rooms map[mx.RoomID]bump
}

type bump struct{ pos, head store.Pos }

func newBumps() *bumps { return &bumps{rooms: map[mx.RoomID]bump{}} }

// of is the position of the last such event of a room. It looks at what is new since it was last asked.
func (bs *bumps) of(l *feed.Look, snap *roomstate.Snapshot) (store.Pos, error) {
	bs.mu.Lock()
	b := bs.rooms[snap.Room()]
	bs.mu.Unlock()
	if b.head >= snap.Head() {
		return b.pos, nil
	}
	list, _, err := l.Newest(snap.Room(), b.head, snap.Head(), 1, false, func(e *eventlog.Event) bool { return bumpTypes(e.Type) })
	if err != nil {
		return 0, err
	}
	if len(list) > 0 {
		b.pos = list[0].Pos
	}
	b.head = snap.Head()
	bs.mu.Lock()
	defer bs.mu.Unlock()
	for old := range bs.rooms {
		if len(bs.rooms) < maxBumps {
			break
		}
		delete(bs.rooms, old)
	}
	bs.rooms[snap.Room()] = b
	return b.pos, nil
}
