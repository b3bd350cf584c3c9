package sliding

import (
	"container/list"
	"crypto/rand"
	"encoding/hex"
	"math"
	"strconv"
	"sync"

	"conclave.chat/internal/fault"
	"conclave.chat/internal/mx"
	"conclave.chat/internal/store"
)

// Limits of connections: what is beyond is forgotten, the longest unused first, and its client begins anew.
const (
	maxConns     = 1 << 15
	maxPerDevice = 8
	maxRooms     = 1 << 20 // rooms in all connections
)

var errUnknownPos = fault.New(fault.BadRequest, "M_UNKNOWN_POS", "This connection is not known any more; begin anew")

// connKey names a connection.
type connKey struct {
	user   mx.UserID
	device mx.DeviceID
	id     string
}

// conn is one connection. What a client has confirmed, by sending the token of an answer, lies in acked and rooms; what the last answer
// would add to it lies in pending until then. So a request may be sent again, with other parameters too, if its answer got lost.
type conn struct {
	key  connKey
	name string // in tokens: no two connections have the same

	counted int // rooms, as far as conns has counted them; under its lock

	mu      sync.Mutex // held while an answer is made
	turn    uint64     // counts requests: a newer one takes the connection from one that waits
	seq     uint64
	acked   state
	rooms   map[mx.RoomID]*sent
	pending *state
}

// state is what a client knows beside the rooms.
type state struct {
	token     string
	upto      store.Pos
	ephemeral int64
	window    map[mx.RoomID]struct{} // rooms that the lists and subscriptions matched
	changed   map[mx.RoomID]*sent    // rooms that differ from those of the state before
}

// allEvents is how many of a room's newest events a client has that has all.
const allEvents = math.MaxInt

// sent is what a client knows of a room. It is immutable.
type sent struct {
	upto       store.Pos // events
	beside     store.Pos // account data and receipts; counts while the room is outside of the window
	have       int       // how many of the newest events, without a gap
	config     *Config
	members    map[mx.UserID]bool // whose membership was sent because the timeline needed it
	membership string
	direct     bool
	bump       store.Pos
}

// conns are the connections of all devices.
type conns struct {
	mu      sync.Mutex
	byKey   map[connKey]*list.Element
	devices map[deviceOf]int
	recent  *list.List // of *conn, the longest unused last
	rooms   int
}

type deviceOf struct {
	user   mx.UserID
	device mx.DeviceID
}

func newConns() *conns {
	return &conns{byKey: map[connKey]*list.Element{}, devices: map[deviceOf]int{}, recent: list.New()}
}

// find finds a connection; nil if there is none.
func (cs *conns) find(k connKey) *conn {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	e := cs.byKey[k]
	if e == nil {
		return nil
	}
	cs.recent.MoveToFront(e)
	return value(e)
}

func value(e *list.Element) *conn {
	c, _ := e.Value.(*conn)
	return c
}

// open makes a connection, instead of one of the same key.
func (cs *conns) open(k connKey) *conn {
	var name [6]byte
	_, _ = rand.Read(name[:])
	c := &conn{key: k, name: hex.EncodeToString(name[:]), rooms: map[mx.RoomID]*sent{}}
	cs.mu.Lock()
	defer cs.mu.Unlock()
	if e := cs.byKey[k]; e != nil {
		cs.drop(e)
	}
	d := deviceOf{k.user, k.device}
	for cs.devices[d] >= maxPerDevice {
		cs.drop(cs.oldestOf(d))
	}
	for len(cs.byKey) >= maxConns {
		cs.drop(cs.recent.Back())
	}
	cs.byKey[k] = cs.recent.PushFront(c)
	cs.devices[d]++
	return c
}

func (cs *conns) oldestOf(d deviceOf) *list.Element {
	for e := cs.recent.Back(); e != nil; e = e.Prev() {
		if k := value(e).key; k.user == d.user && k.device == d.device {
			return e
		}
	}
	return cs.recent.Back()
}

func (cs *conns) drop(e *list.Element) {
	c := value(e)
	cs.recent.Remove(e)
	delete(cs.byKey, c.key)
	cs.rooms -= c.counted
	d := deviceOf{c.key.user, c.key.device}
	if cs.devices[d]--; cs.devices[d] <= 0 {
		delete(cs.devices, d)
	}
}

// grew notes that a connection has got more rooms, and makes place for them.
func (cs *conns) grew(c *conn, by int) {
	if by == 0 {
		return
	}
	cs.mu.Lock()
	defer cs.mu.Unlock()
	if e := cs.byKey[c.key]; e == nil || value(e) != c {
		return // dropped meanwhile
	}
	cs.rooms += by
	c.counted += by
	for cs.rooms > maxRooms && cs.recent.Len() > 1 {
		e := cs.recent.Back()
		if value(e) == c {
			break
		}
		cs.drop(e)
	}
}

// begin goes to the state that a client has confirmed by its token. The caller holds mu.
func (c *conn) begin(token string) (grew int, err error) {
	switch {
	case c.pending != nil && token == c.pending.token:
		before := len(c.rooms)
		for room, s := range c.pending.changed {
			c.rooms[room] = s
		}
		c.acked, c.pending = *c.pending, nil
		c.acked.changed = nil
		return len(c.rooms) - before, nil
	case token == c.acked.token:
		c.pending = nil
		return 0, nil
	}
	return 0, errUnknownPos
}

// next begins the state that an answer leads to.
func (c *conn) next(upto store.Pos, ephemeral int64) *state {
	c.seq++
	token := "p" + strconv.FormatInt(int64(upto), 10) + "_" + c.name + "_" + strconv.FormatUint(c.seq, 10)
	return &state{token: token, upto: upto, ephemeral: ephemeral, window: map[mx.RoomID]struct{}{}, changed: map[mx.RoomID]*sent{}}
}
