package feed

import (
	"strconv"

	"conclave.chat/internal/clientevent"
	"conclave.chat/internal/mx"
	"conclave.chat/internal/store/eventlog"
	"conclave.chat/internal/store/personal"
)

// encode writes the answer.
func (b *build) encode() ([]byte, error) {
	if err := b.findReferences(); err != nil {
		return nil, err
	}
	counts, err := b.KeyCounts()
	if err != nil {
		return nil, err
	}
	e := encoder{b: b, dst: make([]byte, 0, b.size())}
	e.dst = append(e.dst, `{"next_batch":"`...)
	e.dst = b.next.append(e.dst)
	e.dst = append(append(e.dst, `",`...), counts...)
	if len(b.account) > 0 {
		e.accountData(`,"account_data":`, b.account)
	}
	if len(b.toDevice) > 0 {
		e.dst = append(e.dst, `,"to_device":{"events":[`...)
		for i := range b.toDevice {
			e.dst = append(e.comma(i), b.toDevice[i].Event...)
		}
		e.dst = append(e.dst, `]}`...)
	}
	if b.lists.Any() {
		e.dst = append(e.dst, `,"device_lists":{"changed":`...)
		e.users(b.lists.Changed)
		e.dst = append(e.dst, `,"left":`...)
		e.users(b.lists.Left)
		e.dst = append(e.dst, '}')
	}
	if len(b.presence) > 0 {
		e.presence()
	}
	if len(b.found) > 0 {
		e.rooms()
	}
	return append(e.dst, '}'), nil
}

// size guesses the length of the answer, so that the buffer rarely grows.
func (b *build) size() int {
	n := 512
	for _, sec := range b.found {
		n += 512
		for _, e := range sec.timeline {
			n += len(e.Raw) + 64
		}
		for _, e := range sec.state {
			n += len(e.Raw)
		}
		n += 128 * len(sec.receipts)
	}
	for i := range b.account {
		n += len(b.account[i].Content) + 64
	}
	for i := range b.toDevice {
		n += len(b.toDevice[i].Event)
	}
	return n + 48*(len(b.lists.Changed)+len(b.lists.Left)) + 192*len(b.presence)
}

// findReferences looks up what the events of the answer refer to and what relates to them.
func (b *build) findReferences() (err error) {
	var lists [][]*eventlog.Event
	var bundle []Timeline
	for _, sec := range b.found {
		lists = append(lists, sec.timeline, sec.state)
		if sec.limited || sec.whole { // otherwise the client has seen all that relates to these events
			bundle = append(bundle, Timeline{sec.snap, sec.view, sec.timeline})
		}
	}
	if err := b.LoadReferences(lists...); err != nil {
		return err
	}
	b.bundles, err = b.Aggregations(bundle)
	return err
}

// encoder writes JSON.
type encoder struct {
	b   *build
	dst []byte
	tmp []byte
}

func (e *encoder) comma(i int) []byte {
	if i > 0 {
		e.dst = append(e.dst, ',')
	}
	return e.dst
}

func (e *encoder) users(list []mx.UserID) { e.dst = AppendUsers(e.dst, list) }

// AppendUsers appends a list of users.
func AppendUsers(dst []byte, list []mx.UserID) []byte {
	dst = append(dst, '[')
	for i, u := range list {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = mx.AppendString(dst, string(u))
	}
	return append(dst, ']')
}

func (e *encoder) accountData(key string, list []personal.Datum) {
	e.dst = append(append(e.dst, key...), `{"events":`...)
	e.dst = append(AppendAccountData(e.dst, list), '}')
}

// AppendAccountData appends a list of account data, as events.
func AppendAccountData(dst []byte, list []personal.Datum) []byte {
	dst = append(dst, '[')
	for i := range list {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(append(dst, `{"content":`...), list[i].Content...)
		dst = mx.AppendString(append(dst, `,"type":`...), list[i].Type)
		dst = append(dst, '}')
	}
	return append(dst, ']')
}

// Spec: cs#mpresence
func (e *encoder) presence() {
	e.dst = append(e.dst, `,"presence":{"events":[`...)
	for i := range e.b.presence {
		p := &e.b.presence[i]
		e.dst = append(e.comma(i), `{"content":{"presence":"`...)
		e.dst = append(append(e.dst, p.State...), '"')
		if !p.LastActive.IsZero() {
			e.dst = append(e.dst, `,"last_active_ago":`...)
			e.dst = strconv.AppendInt(e.dst, max(0, e.b.Now-p.LastActive.UnixMilli()), 10)
			e.dst = append(e.dst, `,"currently_active":`...)
			e.dst = strconv.AppendBool(e.dst, p.CurrentlyActive)
		}
		if p.StatusMsg != "" {
			e.dst = mx.AppendString(append(e.dst, `,"status_msg":`...), p.StatusMsg)
		}
		e.dst = mx.AppendString(append(e.dst, `},"sender":`...), string(p.User))
		e.dst = append(e.dst, `,"type":"m.presence"}`...)
	}
	e.dst = append(e.dst, `]}`...)
}

// event writes one room event as the reader of a section sees it.
func (e *encoder) event(sec *section, ev *eventlog.Event) {
	b := e.b
	switch {
	case b.f.EventFormat == "federation":
		e.dst = clientevent.AppendFederation(e.dst, ev)
	case b.f.AllFields():
		e.dst = b.AppendEvent(e.dst, ev, sec.view, b.bundles[ev.ID])
	default:
		e.tmp = b.AppendEvent(e.tmp[:0], ev, sec.view, b.bundles[ev.ID])
		e.dst = b.f.AppendFields(e.dst, e.tmp)
	}
}

func (e *encoder) eventList(sec *section, list []*eventlog.Event) {
	e.dst = append(e.dst, `"events":[`...)
	for i, ev := range list {
		e.dst = e.comma(i)
		e.event(sec, ev)
	}
	e.dst = append(e.dst, ']')
}
