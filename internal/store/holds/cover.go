package holds

import (
	"cmp"
	"math"
	"slices"
)

// Span is a time from one millisecond on and before another.
type Span struct{ From, To int64 }

// Cover is when messages of one room were sent that are held: spans in order that do not touch.
type Cover []Span

// span is the period of a hold.
func (h *Hold) span() Span {
	s := Span{math.MinInt64, math.MaxInt64}
	if h.Since > 0 {
		s.From = h.Since
	}
	if h.Until > 0 {
		s.To = h.Until
	}
	return s
}

// At reports whether a message of that time is held.
func (c Cover) At(ts int64) bool {
	return slices.ContainsFunc(c, func(s Span) bool { return s.From <= ts && ts < s.To })
}

// merged puts spans in order and joins those that touch.
func (c Cover) merged() Cover {
	slices.SortFunc(c, func(a, b Span) int { return cmp.Compare(a.From, b.From) })
	var out Cover
	for _, s := range c {
		if n := len(out); n > 0 && s.From <= out[n-1].To {
			out[n-1].To = max(out[n-1].To, s.To)
			continue
		}
		out = append(out, s)
	}
	return out
}

// Gaps are the parts of a span that are not held.
func (c Cover) Gaps(in Span) []Span {
	var out []Span
	for _, s := range c {
		if s.From > in.From && in.From < in.To {
			out = append(out, Span{in.From, min(s.From, in.To)})
		}
		in.From = max(in.From, s.To)
	}
	if in.From < in.To {
		out = append(out, in)
	}
	return out
}
