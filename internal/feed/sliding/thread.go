package sliding

import (
	"strconv"

	"conclave.chat/internal/mx"
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
		e.json = append(strconv.AppendInt(e.json, int64(list[limit-1].Pos)-1, 10), '"')
	}
	e.json = append(e.json, '}')
	return e, nil
}

// AppendSubscriptions appends the members subscribed and unsubscribed.
//
// Spec: MSC4308
func AppendSubscriptions(dst []byte, list []Subscription) []byte {
	for i, subscribed := range []bool{true, false} {
		if i > 0 {
			dst = append(dst, ',')
		}
		if subscribed {
			dst = append(dst, `"subscribed":{`...)
		} else {
			dst = append(dst, `"unsubscribed":{`...)
		}
		byRoom := map[mx.RoomID][]Subscription{}
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
