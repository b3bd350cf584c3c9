package sliding

import (
	"strconv"
	"strings"

	"conclave.chat/internal/fault"
	"conclave.chat/internal/mx"
	"conclave.chat/internal/store"
	"conclave.chat/internal/store/personal"
)

// threads tells of changed thread subscriptions; what does not fit can be read with the token that comes along.
//
// Spec: MSC4308
func (a *answer) threads(name string, t *Threads) (extension, error) {
	e := extension{key: name}
	if a.s.threads == nil || (a.base.token != "" && !a.look.Changes.Threads) {
		return e, nil
	}
	limit := defaultToDevice
	if t.Limit != nil {
		limit = min(*t.Limit, maxThreads)
	}
	list, err := a.s.threads.Subscriptions(a.look.Context(), a.r.User, a.base.upto, a.look.Upto, limit+1)
	if err != nil || len(list) == 0 {
		return e, err
	}
	e.tells = true
	more := len(list) > limit
	if more {
		list = list[:limit]
	}
	e.json = AppendSubscriptions(append(e.json, '{'), list)
	if more {
		e.json = append(e.json, `,"prev_batch":"`...)
		e.json = append(append(e.json, Before(list)...), '"')
	}
	e.json = append(e.json, '}')
	return e, nil
}

// AppendSubscriptions appends the members subscribed and unsubscribed.
//
// Spec: MSC4308
func AppendSubscriptions(dst []byte, list []personal.Subscription) []byte {
	for i, subscribed := range []bool{true, false} {
		if i > 0 {
			dst = append(dst, ',')
		}
		if subscribed {
			dst = append(dst, `"subscribed":{`...)
		} else {
			dst = append(dst, `"unsubscribed":{`...)
		}
		byRoom := map[mx.RoomID][]personal.Subscription{}
		for _, s := range list {
			if s.Subscribed == subscribed {
				byRoom[s.Room] = append(byRoom[s.Room], s)
			}
		}
		n := 0
		for room, subs := range byRoom {
			dst = append(key(dst, n, string(room)), '{')
			n++
			for j, s := range subs {
				dst = append(key(dst, j, string(s.Root)), '{')
				if subscribed {
					dst = append(strconv.AppendBool(append(dst, `"automatic":`...), s.Automatic), ',')
				}
				dst = append(strconv.AppendInt(append(dst, `"bump_stamp":`...), int64(s.Pos), 10), '}')
			}
			dst = append(dst, '}')
		}
		dst = append(dst, '}')
	}
	return dst
}

// Before is the token for what changed before the subscriptions of a page.
func Before(list []personal.Subscription) string {
	return strconv.FormatInt(int64(list[len(list)-1].Pos)-1, 10)
}

// ParsePos reads a token of this package as a position: one of sliding sync itself, or one of the pages of subscriptions.
//
// Spec: MSC4308
func ParsePos(token string) (store.Pos, error) {
	digits, _, _ := strings.Cut(strings.TrimPrefix(token, "p"), "_")
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || n < 0 || digits[0] == '+' {
		return 0, fault.InvalidParam("%q is not a token of this server", token)
	}
	return store.Pos(n), nil
}
