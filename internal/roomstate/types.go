package roomstate

import "iter"

// Types goes over the types of events in the state, in no order.
func (s *Snapshot) Types() iter.Seq[string] {
	return func(yield func(string) bool) {
		for typ := range s.types {
			if !yield(typ) {
				return
			}
		}
	}
}
