package sliding

import (
	"strconv"

	"conclave.chat/internal/clientevent"
	"conclave.chat/internal/feed"
	"conclave.chat/internal/mx"
	"conclave.chat/internal/store/eventlog"
)

// names are the keys that differ between the two forms.
type names struct{ expanded, stripped string }

func (r *Request) names() names {
	if r.Stable {
		return names{"expanded_timeline", "stripped_state"}
	}
	return names{"unstable_expanded_timeline", "invite_state"}
}

// encode writes the answer.
func (a *answer) encode() ([]byte, error) {
	if err := a.findReferences(); err != nil {
		return nil, err
	}
	dst := append(make([]byte, 0, 1024+2048*len(a.rooms)), `{"pos":`...)
	dst = mx.AppendString(dst, a.next.token)
	if a.r.Txn != "" && !a.r.Stable {
		dst = mx.AppendString(append(dst, `,"txn_id":`...), a.r.Txn)
	}
	dst = append(dst, `,"lists":{`...)
	n := 0
	for name, count := range a.counts {
		dst = append(key(dst, n, name), `{"count":`...)
		dst = append(strconv.AppendInt(dst, int64(count), 10), '}')
		n++
	}
	dst = append(dst, `},"rooms":{`...)
	for i, r := range a.rooms {
		dst = key(dst, i, string(r.room))
		dst = a.room(dst, r)
	}
	dst = append(dst, `},"extensions":{`...)
	for i, e := range a.ext {
		dst = append(key(dst, i, e.key), e.json...)
	}
	return append(dst, `}}`...), nil
}

// findReferences looks up what the events of the answer refer to, what relates to them, and what is unread.
func (a *answer) findReferences() error {
	var lists [][]*eventlog.Event
	var bundle []feed.Timeline
	var joined []mx.RoomID
	for _, r := range a.rooms {
		lists = append(lists, r.timeline, r.state)
		if r.limited || r.initial || r.expanded {
			bundle = append(bundle, feed.Timeline{Snap: r.snap, View: r.view, Events: r.timeline})
		}
		if r.member.Membership == mx.Join {
			joined = append(joined, r.room)
		}
	}
	if err := a.look.LoadReferences(lists...); err != nil {
		return err
	}
	var err error
	if a.bundles, err = a.look.Aggregations(bundle); err != nil || a.r.Stable {
		return err
	}
	counts, err := a.look.Unread(joined)
	for _, r := range a.rooms {
		r.unread = counts[r.room]
	}
	return err
}

// room writes one room.
func (a *answer) room(dst []byte, r *result) []byte {
	dst = append(dst, `{"initial":`...)
	dst = strconv.AppendBool(dst, r.initial)
	if r.was == nil || r.was.bump != r.bump {
		dst = strconv.AppendInt(append(dst, `,"bump_stamp":`...), int64(r.bump), 10)
	}
	if a.r.Stable {
		dst = mx.AppendString(append(dst, `,"membership":`...), r.member.Membership)
		if len(r.lists) > 0 {
			dst = append(dst, `,"lists":[`...)
			for i, l := range r.lists {
				if i > 0 {
					dst = append(dst, ',')
				}
				dst = mx.AppendString(dst, l)
			}
			dst = append(dst, ']')
		}
	}
	if r.outside {
		return append(a.stripped(dst, r), '}')
	}
	dst = a.facts(dst, r)
	dst = a.events(append(dst, `,"required_state":`...), r, r.state)
	dst = a.events(append(dst, `,"timeline":`...), r, r.timeline)
	dst = strconv.AppendBool(append(dst, `,"limited":`...), r.limited)
	dst = strconv.AppendInt(append(dst, `,"num_live":`...), int64(r.live), 10)
	if r.expanded {
		dst = append(append(append(dst, `,"`...), a.r.names().expanded...), `":true`...)
	}
	dst = mx.AppendString(append(dst, `,"prev_batch":`...), feed.PositionToken(r.start))
	if !a.r.Stable && r.member.Membership == mx.Join {
		total := r.unread.Total()
		dst = strconv.AppendInt(append(dst, `,"notification_count":`...), int64(total.Notifications), 10)
		dst = strconv.AppendInt(append(dst, `,"highlight_count":`...), int64(total.Highlights), 10)
	}
	return append(dst, '}')
}

// facts writes what a client shows of a room in a list.
func (a *answer) facts(dst []byte, r *result) []byte {
	name := roomName(r.snap)
	if r.name && (name != "" || !r.initial) {
		dst = appendText(append(dst, `,"name":`...), name)
	}
	if r.avatar {
		url := ""
		if e := r.snap.State(mx.TypeAvatar, ""); e != nil {
			url = e.Str("url")
		}
		if url != "" || !r.initial {
			dst = appendText(append(dst, `,"avatar":`...), url)
		}
	}
	if r.heroes && name == "" {
		dst = append(dst, `,"heroes":[`...)
		for i, u := range feed.Heroes(r.snap, a.r.User) {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = appendHero(dst, u, r.snap.State(mx.TypeMember, string(u)))
		}
		dst = append(dst, ']')
	}
	if direct := a.look.Direct(r.room); (r.initial && direct) || (!r.initial && !r.directSame) {
		dst = strconv.AppendBool(append(dst, `,"is_dm":`...), direct)
	}
	if r.members {
		dst = strconv.AppendInt(append(dst, `,"joined_count":`...), int64(r.snap.JoinedCount()), 10)
		dst = strconv.AppendInt(append(dst, `,"invited_count":`...), int64(r.snap.InvitedCount()), 10)
	}
	return dst
}

// appendText appends a string, or null for an empty one.
func appendText(dst []byte, s string) []byte {
	if s == "" {
		return append(dst, "null"...)
	}
	return mx.AppendString(dst, s)
}

func appendHero(dst []byte, u mx.UserID, member *mx.Event) []byte {
	dst = mx.AppendString(append(dst, `{"user_id":`...), string(u))
	for _, field := range [...]struct{ from, to string }{{"displayname", "displayname"}, {"avatar_url", "avatar_url"}} {
		if s := member.Str(field.from); s != "" {
			dst = append(append(append(dst, `,"`...), field.to...), `":`...)
			dst = mx.AppendString(dst, s)
		}
	}
	return append(dst, '}')
}

func (a *answer) events(dst []byte, r *result, list []*eventlog.Event) []byte {
	dst = append(dst, '[')
	for i, e := range list {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = a.look.AppendEvent(dst, e, r.view, a.bundles[e.ID])
	}
	return append(dst, ']')
}

// stripped writes what somebody who is not in the room may know of it.
func (a *answer) stripped(dst []byte, r *result) []byte {
	dst = append(append(append(dst, `,"`...), a.r.names().stripped...), `":[`...)
	n := 0
	inviter := mx.UserID("")
	if r.member.Membership == mx.Invite {
		inviter = r.member.Sender
	}
	for e := range feed.StrippedState(r.snap, a.r.User, inviter) {
		if n > 0 {
			dst = append(dst, ',')
		}
		dst = clientevent.AppendStripped(dst, e)
		n++
	}
	return append(dst, ']')
}
