package retention

import (
	"strconv"
	"time"

	"github.com/tidwall/gjson"

	"conclave.chat/internal/fault"
	"conclave.chat/internal/mx"
	"conclave.chat/internal/precedence"
	"conclave.chat/internal/roomstate"
)

// Bounds are what the organisation says, in milliseconds; 0 is nothing.
type Bounds struct {
	Default int64 // greatest age in rooms that say nothing
	Min     int64 // least greatest age that a room may say
	Max     int64 // greatest
}

// Rule is how long the messages of a room are kept.
type Rule = precedence.Rule

// own is what a room says itself. What is not understood is not said.
//
// Spec: MSC1763
func own(content []byte) (r Rule) {
	for key, to := range map[string]*int64{"min_lifetime": &r.Min, "max_lifetime": &r.Max} {
		if v := gjson.GetBytes(content, key); v.Type == gjson.Number && v.Num >= 0 {
			*to = v.Int()
		}
	}
	return r
}

// For is the rule of a room with this content of m.room.retention, which may be nil.
func (b Bounds) For(content []byte) Rule {
	r := own(content)
	if r.Max == 0 {
		r.Max = b.Default
	} else {
		if r.Max = max(r.Max, b.Min); b.Max > 0 {
			r.Max = min(r.Max, b.Max)
		}
	}
	if r.Max > 0 {
		r.Min = min(r.Min, r.Max)
	}
	return r
}

// Policy keeps what rooms say within what the organisation says.
type Policy struct{ Bounds func() Bounds }

// Judge refuses times that are malformed, contradict each other, or are out of bounds. A room that takes another one's place may bring
// along what that one said.
func (p Policy) Judge(room *roomstate.Snapshot, ev *mx.Event) error {
	if !ev.Is(mx.TypeRetention, "") {
		return nil
	}
	for _, key := range []string{"min_lifetime", "max_lifetime"} {
		v := gjson.GetBytes(ev.Content, key)
		if v.Exists() && v.Type != gjson.Null && (v.Type != gjson.Number || v.Num < 0) {
			return fault.BadJSON("%s must be a number of milliseconds", key)
		}
	}
	r, b := own(ev.Content), p.Bounds()
	create := room.State(mx.TypeCreate, "")
	follows := create != nil && create.Has("predecessor") && room.State(mx.TypeRetention, "") == nil
	switch {
	case r.Max > 0 && r.Min > r.Max:
		return fault.InvalidParam("min_lifetime (%d) is more than max_lifetime (%d)", r.Min, r.Max)
	case !follows && r.Max == 0 && b.Default > 0 && r.Min > b.Default:
		return fault.InvalidParam("min_lifetime is more than the %s for which this organisation keeps messages", spell(b.Default))
	case follows || r.Max == 0:
		return nil
	case r.Max < b.Min:
		return fault.InvalidParam("This organisation keeps messages for %s at least", spell(b.Min))
	case b.Max > 0 && r.Max > b.Max:
		return fault.InvalidParam("This organisation keeps messages for %s at most", spell(b.Max))
	}
	return nil
}

const day = 24 * time.Hour

// spell writes a bound of the organisation, which is whole days.
func spell(ms int64) string {
	if n := ms / day.Milliseconds(); n != 1 {
		return strconv.FormatInt(n, 10) + " days"
	}
	return "1 day"
}

// InDays makes Bounds of days, as the organisation gives them.
func InDays(standard, least, most int64) Bounds {
	return Bounds{Default: Days(standard), Min: Days(least), Max: Days(most)}
}

// Days is so many days in milliseconds.
func Days(n int64) int64 { return n * day.Milliseconds() }
