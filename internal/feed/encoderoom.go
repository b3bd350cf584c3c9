package feed

import (
	"cmp"
	"slices"
	"strconv"

	"conclave.chat/internal/clientevent"
	"conclave.chat/internal/mx"
	"conclave.chat/internal/store/personal"
)

// rooms writes the rooms, by the user's membership.
func (e *encoder) rooms() {
	e.dst = append(e.dst, `,"rooms":{`...)
	groups := 0
	for _, g := range [...]struct {
		key   string
		write func(*section)
		of    [2]string
	}{
		{"join", e.joinedRoom, [2]string{mx.Join}},
		{"invite", e.invite, [2]string{mx.Invite}},
		{"knock", e.knock, [2]string{mx.Knock}},
		{"leave", e.leftRoom, [2]string{mx.Leave, mx.Ban}},
	} {
		n := 0
		for _, sec := range e.b.found {
			if m := sec.member.Membership; m != g.of[0] && m != g.of[1] {
				continue
			}
			if n == 0 {
				e.dst = append(e.comma(groups), '"')
				e.dst = append(append(e.dst, g.key...), `":{`...)
				groups++
			}
			e.dst = mx.AppendString(e.comma(n), string(sec.room))
			e.dst = append(e.dst, ':')
			g.write(sec)
			n++
		}
		if n > 0 {
			e.dst = append(e.dst, '}')
		}
	}
	e.dst = append(e.dst, '}')
}

func (e *encoder) joinedRoom(sec *section) {
	e.dst = append(e.dst, '{')
	e.timeline(sec)
	e.state(sec)
	if sec.changed {
		e.summary(sec)
	}
	if sec.typingSet || len(sec.receipts) > 0 {
		e.ephemeral(sec)
	}
	if len(sec.data) > 0 || sec.whole {
		e.accountData(`,"account_data":`, sec.data)
	}
	e.unread(sec)
	e.dst = append(e.dst, '}')
}

func (e *encoder) leftRoom(sec *section) {
	e.dst = append(e.dst, '{')
	e.timeline(sec)
	e.state(sec)
	if len(sec.data) > 0 {
		e.accountData(`,"account_data":`, sec.data)
	}
	e.dst = append(e.dst, '}')
}

func (e *encoder) timeline(sec *section) {
	e.dst = append(e.dst, `"timeline":{`...)
	e.eventList(sec, sec.timeline)
	e.dst = strconv.AppendBool(append(e.dst, `,"limited":`...), sec.limited)
	e.dst = append(e.dst, `,"prev_batch":"`...)
	e.dst = append(appendPosition(e.dst, sec.start), `"}`...)
}

// state goes out under its unstable name too to clients that asked by that.
//
// Spec: MSC4222
func (e *encoder) state(sec *section) {
	if !e.b.r.StateAfter {
		e.dst = append(e.dst, `,"state":{`...)
		e.eventList(sec, sec.state)
		e.dst = append(e.dst, '}')
		return
	}
	keys := []string{"state_after"}
	if e.b.r.Unstable {
		keys = append(keys, "org.matrix.msc4222.state_after")
	}
	for _, key := range keys {
		e.dst = append(append(append(e.dst, `,"`...), key...), `":{`...)
		e.eventList(sec, sec.state)
		e.dst = append(e.dst, '}')
	}
}

func (e *encoder) summary(sec *section) {
	e.dst = append(e.dst, `,"summary":{"m.joined_member_count":`...)
	e.dst = strconv.AppendInt(e.dst, int64(sec.snap.JoinedCount()), 10)
	e.dst = append(e.dst, `,"m.invited_member_count":`...)
	e.dst = strconv.AppendInt(e.dst, int64(sec.snap.InvitedCount()), 10)
	if !named(sec.snap) {
		e.dst = append(e.dst, `,"m.heroes":`...)
		e.users(Heroes(sec.snap, e.b.r.User))
	}
	e.dst = append(e.dst, '}')
}

func (e *encoder) ephemeral(sec *section) {
	e.dst = append(e.dst, `,"ephemeral":{"events":[`...)
	n := 0
	if sec.typingSet {
		e.dst = append(e.dst, `{"content":{"user_ids":`...)
		e.users(sec.typing)
		e.dst = append(e.dst, `},"type":"m.typing"}`...)
		n++
	}
	for left := sec.receipts; len(left) > 0; n++ {
		e.dst = append(e.comma(n), `{"content":`...)
		e.dst, left = AppendReceipts(e.dst, left)
		e.dst = append(e.dst, `,"type":"m.receipt"}`...)
	}
	e.dst = append(e.dst, `]}`...)
}

// AppendReceipts appends the content of an m.receipt. It has room for one receipt of each user, event and type; those that a second
// thread adds come back.
//
// Spec: cs#mreceipt
func AppendReceipts(dst []byte, list []personal.Receipt) ([]byte, []personal.Receipt) {
	slices.SortStableFunc(list, func(a, b personal.Receipt) int {
		return cmp.Or(cmp.Compare(a.Event, b.Event), cmp.Compare(a.Type, b.Type), cmp.Compare(a.User, b.User), cmp.Compare(a.Thread, b.Thread))
	})
	var left []personal.Receipt
	var last personal.Receipt
	dst = append(dst, '{')
	for i := range list {
		c := &list[i]
		switch {
		case c.Event != last.Event:
			if i > 0 {
				dst = append(dst, `}},`...)
			}
			dst = mx.AppendString(dst, string(c.Event))
			dst = append(dst, ':', '{')
			dst = mx.AppendString(dst, c.Type)
			dst = append(dst, ':', '{')
		case c.Type != last.Type:
			dst = append(dst, '}', ',')
			dst = mx.AppendString(dst, c.Type)
			dst = append(dst, ':', '{')
		case c.User == last.User:
			left = append(left, *c)
			continue
		default:
			dst = append(dst, ',')
		}
		last = *c
		dst = mx.AppendString(dst, string(c.User))
		dst = strconv.AppendInt(append(dst, `:{"ts":`...), c.TS, 10)
		if c.Thread != "" {
			dst = mx.AppendString(append(dst, `,"thread_id":`...), c.Thread)
		}
		dst = append(dst, '}')
	}
	if len(list) > 0 {
		dst = append(dst, '}', '}')
	}
	return append(dst, '}'), left
}

// unread writes the unread counts: threads apart if the client wants to know them so, else together with the main timeline.
//
// Spec: cs#receiving-notifications
func (e *encoder) unread(sec *section) {
	total := sec.unread.Count
	apart := e.b.f.Room.Timeline.UnreadThreadNotifications
	if !apart {
		total = sec.unread.Total()
	}
	e.dst = append(e.dst, `,"unread_notifications":`...)
	e.count(total)
	if !apart || len(sec.unread.Threads) == 0 {
		return
	}
	e.dst = append(e.dst, `,"unread_thread_notifications":{`...)
	n := 0
	for root, c := range sec.unread.Threads {
		e.dst = mx.AppendString(e.comma(n), string(root))
		e.dst = append(e.dst, ':')
		e.count(c)
		n++
	}
	e.dst = append(e.dst, '}')
}

func (e *encoder) count(c Count) {
	e.dst = strconv.AppendInt(append(e.dst, `{"highlight_count":`...), int64(c.Highlights), 10)
	e.dst = strconv.AppendInt(append(e.dst, `,"notification_count":`...), int64(c.Notifications), 10)
	e.dst = append(e.dst, '}')
}

func (e *encoder) invite(sec *section) { e.stripped(sec, "invite_state", sec.member.Sender) }

func (e *encoder) knock(sec *section) { e.stripped(sec, "knock_state", "") }

// stripped writes what somebody who is not in the room may know of it.
//
// Spec: cs#stripped-state
func (e *encoder) stripped(sec *section, key string, inviter mx.UserID) {
	e.dst = append(append(append(e.dst, `{"`...), key...), `":{"events":[`...)
	n := 0
	for ev := range StrippedState(sec.snap, e.b.r.User, inviter) {
		e.dst = clientevent.AppendStripped(e.comma(n), ev)
		n++
	}
	e.dst = append(e.dst, `]}}`...)
}
