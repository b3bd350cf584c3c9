package verify

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"conclave.chat/internal/archive/depot"
	"conclave.chat/internal/archive/segment"
	"conclave.chat/internal/archive/statement"
)

// accepted is an event that the homeserver says it accepted.
type accepted struct {
	room, id string
	seq      uint64
	other    bool // it is in the log of another recorder
	recorded bool
	gap      bool
	newer    bool // its record is durable, and not covered by the checkpoint
}

// readStatements reads what the homeserver says. A statement that is not right is no problem of the archive, but ends the verification.
func (r *run) readStatements() error {
	if len(r.Statements) == 0 {
		return nil
	}
	r.stated = map[segment.Digest]*accepted{}
	rooms := map[string]map[uint64]string{}
	for i, in := range r.Statements {
		_, err := statement.Read(in, r.Server, func(e statement.Event) error {
			seqs := rooms[e.Room]
			if seqs == nil {
				seqs = map[uint64]string{}
				rooms[e.Room] = seqs
			}
			if id, ok := seqs[e.Seq]; ok && id != e.ID {
				r.problem("room "+e.Room, "statements name two events, %s and %s, as number %d", id, e.ID, e.Seq)
			}
			seqs[e.Seq] = e.ID
			r.state(e)
			return nil
		})
		if err != nil {
			return fmt.Errorf("statement %d: %w", i+1, err)
		}
	}
	for room, seqs := range rooms {
		sorted := slices.Sorted(maps.Keys(seqs))
		for i := 1; i < len(sorted); i++ {
			if sorted[i] != sorted[i-1]+1 {
				r.problem("room "+room, "the statements leave out events %d to %d", sorted[i-1]+1, sorted[i]-1)
			}
		}
	}
	for _, a := range r.stated {
		if !a.other {
			r.report.Stated++
		}
	}
	return nil
}

// state notes an event that a statement names, and in whose log it is.
func (r *run) state(e statement.Event) {
	a := &accepted{room: e.Room, id: e.ID, seq: e.Seq, other: e.Log != "" && e.Log != r.Policy.Log.Name()}
	subject := segment.Subject(e.Room, e.ID)
	if was := r.stated[subject]; was != nil && was.other != a.other {
		r.problem("room "+e.Room, "statements name two logs for event %s, number %d", e.ID, e.Seq)
	}
	r.stated[subject] = a
	if a.other {
		if r.report.Elsewhere == nil {
			r.report.Elsewhere = map[string]int64{}
		}
		r.report.Elsewhere[e.Log]++
	}
}

// accepted notes that the log has an event, and gives what the homeserver says of it.
func (w *walk) accepted(e *segment.Entry, path string) *accepted {
	a := w.stated[e.Subject]
	if a == nil {
		return nil
	}
	if e.Kind == segment.Gap {
		a.gap = true
		return a
	}
	if a.other && !a.recorded {
		w.report.Unused++ // it was asked too, and another one's answer came first
	}
	if a.recorded {
		w.problem(path, "entry %d is a second record of %s in %s", e.Seq, a.id, a.room)
	}
	a.recorded = true
	return a
}

// maxLines is how many events are named; a line says how many more there are.
const maxLines = 100

func (r *run) compareStatements() error {
	var missing []*accepted
	newer := 0
	for _, a := range r.stated {
		switch {
		case a.recorded || a.gap || a.other:
		case a.newer:
			newer++
		default:
			missing = append(missing, a)
		}
	}
	if newer > 0 && !r.Live {
		r.problem(depot.Checkpoint, "%d accepted events come after it, and nothing proves that they are archived: take the statement first, and the archive once it has its next checkpoint", newer)
	}
	slices.SortFunc(missing, func(a, b *accepted) int {
		return cmp.Or(cmp.Compare(a.room, b.room), cmp.Compare(a.seq, b.seq))
	})
	for i, a := range missing {
		if i == maxLines {
			r.problem("room "+a.room, "and %d more events, here and in other rooms", len(missing)-i)
			break
		}
		r.problem("room "+a.room, "event %s, number %d, was accepted and is neither archived nor a gap", a.id, a.seq)
	}
	return nil
}
