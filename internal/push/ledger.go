package push

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"slices"
	"sync"
	"sync/atomic"

	"conclave.chat/internal/fault"
	"conclave.chat/internal/mx"
	"conclave.chat/internal/store"
	"conclave.chat/internal/store/eventlog"
	"conclave.chat/internal/store/personal"
	"conclave.chat/internal/store/pushdata"
)

// Count is a number of notifications, and how many of them are highlights.
type Count struct{ Notifications, Highlights int }

// Unread is what a user has yet to read of a room: the main timeline, and the threads that have something.
type Unread struct {
	Main    Count
	Threads map[mx.EventID]Count
}

// Total counts the main timeline and all threads.
func (u Unread) Total() Count {
	n := u.Main
	for _, t := range u.Threads {
		n.Notifications += t.Notifications
		n.Highlights += t.Highlights
	}
	return n
}

type ledgerKey struct {
	user mx.UserID
	room mx.RoomID
}

// mark is one unread notification: twice the event's position, plus one for a highlight.
type mark int64

func (m mark) pos() store.Pos { return store.Pos(m >> 1) }

// maxMarks bounds the marks of one user in one room; beyond it the oldest are forgotten and the count stands still.
const maxMarks = 10_000

// checkpointEvery is how many events are counted before the count is kept in the database.
const checkpointEvery = 2000

// ledger is the unread notifications of one user in one room, counted up to a position. New events advance it, receipts shorten it.
type ledger struct {
	receiptsChanged atomic.Bool

	mu     sync.Mutex
	loaded bool
	away   bool      // the user has left and not come back, as far as counted
	joined store.Pos // the join that counting began at
	upTo   store.Pos
	kept   store.Pos // counted up to here in the database
	pruned store.Pos // messages up to here are not there any more
	whole  store.Pos // receipt for the whole room
	read   map[mx.EventID]store.Pos
	marks  map[mx.EventID][]mark // by thread; "" is the main timeline
	total  int
}

// Unread counts for the rooms that a user is in. Rooms without unread events are missing from the answer.
//
// Spec: cs#receiving-notifications
func (s *Service) Unread(ctx context.Context, user mx.UserID, rooms []mx.RoomID) (map[mx.RoomID]Unread, error) {
	cold, err := s.findCold(ctx, user, rooms)
	if err != nil {
		return nil, err
	}
	var answer map[mx.RoomID]Unread
	for _, room := range rooms {
		u, err := s.unread(ctx, ledgerKey{user, room}, cold)
		if err != nil {
			return nil, err
		}
		if u.Main == (Count{}) && len(u.Threads) == 0 {
			continue
		}
		if answer == nil {
			answer = make(map[mx.RoomID]Unread, len(rooms))
		}
		answer[room] = u
	}
	return answer, nil
}

func (s *Service) ledger(k ledgerKey) *ledger {
	if l, ok := s.ledgers.Get(k); ok {
		return l
	}
	l := &ledger{}
	if old, ok, _ := s.ledgers.PeekOrAdd(k, l); ok {
		return old
	}
	return l
}

func (s *Service) unread(ctx context.Context, k ledgerKey, cold map[*ledger]*found) (Unread, error) {
	l := s.ledger(k)
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := s.bringUpToDate(ctx, k, l, cold[l]); err != nil {
		return Unread{}, err
	}
	return l.count(), nil
}

// bringUpToDate loads a ledger, or adds what happened since. f is what was found for it already, or nil.
func (s *Service) bringUpToDate(ctx context.Context, k ledgerKey, l *ledger, f *found) error {
	now := s.position()
	if !l.loaded {
		if f == nil {
			all, err := s.find(ctx, k.user, []mx.RoomID{k.room})
			if err != nil {
				return err
			}
			f = all[k.room]
		}
		if err := l.load(f); err != nil {
			return err
		}
	}
	l.prune(s.pruned.of(k.room))
	if l.receiptsChanged.Swap(false) {
		list, err := personal.UserReceipts(ctx, s.db, k.user, []mx.RoomID{k.room})
		if err != nil {
			l.receiptsChanged.Store(true)
			return err
		}
		l.take(list)
	}
	if now <= l.upTo {
		return nil
	}
	return s.advance(ctx, k, l, now)
}

// found is what the database has for a ledger.
type found struct {
	history  []*eventlog.Event // the user's membership
	kept     *pushdata.Unread  // nil: nothing was counted
	receipts []personal.Receipt
}

// findCold finds what it takes to load those ledgers of a user that are not loaded, all at once: one by one it would be most of the work of
// a first sync.
func (s *Service) findCold(ctx context.Context, user mx.UserID, rooms []mx.RoomID) (map[*ledger]*found, error) {
	ledgers := map[mx.RoomID]*ledger{}
	var cold []mx.RoomID
	for _, room := range rooms {
		l := s.ledger(ledgerKey{user, room}) // from here on it hears of receipts
		l.mu.Lock()
		if !l.loaded {
			ledgers[room] = l
			cold = append(cold, room)
		}
		l.mu.Unlock()
	}
	if len(cold) == 0 {
		return nil, nil
	}
	all, err := s.find(ctx, user, cold)
	if err != nil {
		return nil, err
	}
	byLedger := make(map[*ledger]*found, len(all))
	for room, f := range all {
		byLedger[ledgers[room]] = f
	}
	return byLedger, nil
}

func (s *Service) find(ctx context.Context, user mx.UserID, rooms []mx.RoomID) (map[mx.RoomID]*found, error) {
	histories, err := eventlog.StateHistories(ctx, s.db, rooms, mx.TypeMember, string(user))
	if err != nil {
		return nil, err
	}
	kept, err := pushdata.FindUnread(ctx, s.db, user, rooms)
	if err != nil {
		return nil, err
	}
	receipts, err := personal.UserReceipts(ctx, s.db, user, rooms)
	if err != nil {
		return nil, err
	}
	all := make(map[mx.RoomID]*found, len(rooms))
	for _, room := range rooms {
		all[room] = &found{history: histories[room], kept: kept[room]}
	}
	for _, r := range receipts {
		all[r.Room].receipts = append(all[r.Room].receipts, r)
	}
	return all, nil
}

func (l *ledger) load(f *found) error {
	l.marks, l.read = map[mx.EventID][]mark{}, map[mx.EventID]store.Pos{}
	l.total, l.away = 0, false
	was := ""
	for _, e := range f.history {
		if now := e.Membership(); now != was {
			if now == mx.Join {
				l.joined = e.Pos
			}
			was = now
		}
	}
	l.upTo, l.kept = l.joined, l.joined
	if f.kept != nil && f.kept.Joined == l.joined {
		var err error
		if l.marks, l.total, err = decodeMarks(f.kept.Marks); err != nil {
			return err
		}
		l.upTo, l.kept = f.kept.Pos, f.kept.Pos
		l.pruned = 0
		l.prune(f.kept.Pruned)
	}
	l.take(f.receipts)
	l.upTo = max(l.upTo, l.whole) // what the whole-room receipt covers need not be counted
	l.loaded = true
	return nil
}

// take brings the user's receipts in.
func (l *ledger) take(list []personal.Receipt) {
	for _, r := range list {
		switch r.Thread {
		case "":
			l.whole = max(l.whole, r.EventPos)
		case "main":
			l.read[""] = max(l.read[""], r.EventPos)
		default:
			l.read[mx.EventID(r.Thread)] = max(l.read[mx.EventID(r.Thread)], r.EventPos)
		}
	}
	for thread := range l.marks {
		l.trim(thread)
	}
}

// trim removes the marks of a thread that a receipt covers.
func (l *ledger) trim(thread mx.EventID) {
	l.cut(thread, max(l.whole, l.read[thread]))
}

const pageEvents = 500

// advance counts the room's events up to a position.
func (s *Service) advance(ctx context.Context, k ledgerKey, l *ledger, now store.Pos) error {
	counted := 0
	for {
		list, whole := s.rooms.Recent(k.room, l.upTo, now)
		if !whole {
			var err error
			if list, err = eventlog.After(ctx, s.db, k.room, l.upTo, now, pageEvents); err != nil {
				return err
			}
		}
		for _, e := range list {
			if err := s.countEvent(ctx, k, l, e); err != nil {
				return err
			}
			l.upTo = e.Pos
		}
		counted += len(list)
		if whole || len(list) < pageEvents {
			break
		}
	}
	l.upTo = now
	if l.upTo-l.kept > checkpointEvery && counted > 0 {
		s.checkpoint(k, l)
	}
	return nil
}

func (s *Service) countEvent(ctx context.Context, k ledgerKey, l *ledger, e *eventlog.Event) error {
	if e.Is(mx.TypeMember, string(k.user)) {
		l.ownMembership(e)
	}
	if l.away || e.Pos <= l.joined {
		return nil
	}
	if e.Sender == k.user { // who writes has read what stands above
		l.read[e.Thread] = e.Pos
		l.trim(e.Thread)
		return nil
	}
	if e.Type == mx.TypeRedaction && l.total > 0 {
		return s.uncount(ctx, l, e)
	}
	if e.Pos <= max(l.whole, l.read[e.Thread]) || e.RedactedBy != "" {
		return nil
	}
	r, err := s.match(ctx, k.user, e)
	if err == nil && r.Notify {
		l.add(e, r.Highlight)
	}
	return err
}

// uncount forgets the notification of an event that was redacted: there is nothing left to read.
func (s *Service) uncount(ctx context.Context, l *ledger, redaction *eventlog.Event) error {
	e, err := eventlog.ByID(ctx, s.db, redaction.Redacts)
	if fault.Is(err, "M_NOT_FOUND") {
		return nil
	}
	if err != nil || e.RedactedBy == "" {
		return err
	}
	// What a redaction leaves of an event does not tell any more which thread it was in, but the log does.
	list := l.marks[e.Thread]
	at, found := slices.BinarySearchFunc(list, e.Pos, func(m mark, p store.Pos) int { return cmp.Compare(m.pos(), p) })
	if !found {
		return nil
	}
	l.total--
	if len(list) == 1 {
		delete(l.marks, e.Thread)
	} else {
		l.marks[e.Thread] = slices.Delete(slices.Clone(list), at, at+1)
	}
	return nil
}

// ownMembership begins to count anew when the user comes back into the room.
func (l *ledger) ownMembership(e *eventlog.Event) {
	joined := e.Membership() == mx.Join
	if joined && l.away {
		l.joined = e.Pos
	}
	if !joined || l.away {
		clear(l.marks)
		l.total = 0
	}
	l.away = !joined
}

func (l *ledger) add(e *eventlog.Event, highlight bool) {
	m := mark(e.Pos << 1)
	if highlight {
		m |= 1
	}
	l.marks[e.Thread] = append(l.marks[e.Thread], m)
	if l.total++; l.total > maxMarks {
		l.forgetOldest()
	}
}

// forgetOldest drops the oldest mark of the longest list.
func (l *ledger) forgetOldest() {
	var longest mx.EventID
	for t, list := range l.marks {
		if len(list) > len(l.marks[longest]) {
			longest = t
		}
	}
	l.marks[longest] = l.marks[longest][1:]
	l.total--
}

func (l *ledger) count() Unread {
	var u Unread
	for thread, list := range l.marks {
		c := Count{Notifications: len(list)}
		for _, m := range list {
			c.Highlights += int(m & 1)
		}
		if thread == "" {
			u.Main = c
			continue
		}
		if u.Threads == nil {
			u.Threads = make(map[mx.EventID]Count, len(l.marks))
		}
		u.Threads[thread] = c
	}
	return u
}

// checkpoint keeps a count in the database without waiting for it.
func (s *Service) checkpoint(k ledgerKey, l *ledger) {
	u := &pushdata.Unread{Pos: l.upTo, Joined: l.joined, Marks: encodeMarks(l.marks)}
	l.kept = l.upTo
	s.db.Enqueue(func(tx *store.Tx) error { return pushdata.PutUnread(tx, k.user, k.room, u) })
}

// Marks are stored as, for each thread: length of its id, id, number of marks, then the differences between marks; all numbers are
// unsigned varints.

func encodeMarks(marks map[mx.EventID][]mark) []byte {
	var b []byte
	for thread, list := range marks {
		b = binary.AppendUvarint(b, uint64(len(thread)))
		b = append(b, thread...)
		b = binary.AppendUvarint(b, uint64(len(list)))
		last := mark(0)
		for _, m := range list {
			b = binary.AppendUvarint(b, uint64(m-last))
			last = m
		}
	}
	return b
}

var errMarks = errors.New("push: kept counts cannot be read")

func decodeMarks(b []byte) (marks map[mx.EventID][]mark, total int, err error) {
	marks = map[mx.EventID][]mark{}
	next := func() uint64 {
		v, n := binary.Uvarint(b)
		if n <= 0 {
			err, b = errMarks, nil
			return 0
		}
		b = b[n:]
		return v
	}
	for len(b) > 0 && err == nil {
		n := next()
		if n > uint64(len(b)) {
			return nil, 0, errMarks
		}
		thread := mx.EventID(b[:n])
		b = b[n:]
		count := next()
		if count > uint64(len(b)) {
			return nil, 0, errMarks
		}
		list, last := make([]mark, count), mark(0)
		for i := range list {
			last += mark(next())
			list[i] = last
		}
		marks[thread] = list
		total += len(list)
	}
	return marks, total, err
}
