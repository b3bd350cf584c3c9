package recording

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"slices"

	"github.com/go-json-experiment/json"

	"conclave.chat/internal/mx"
	"conclave.chat/internal/roomstate"
)

// becauseKey is the key in what a room's policy says of its recording under which it is noted why it is recorded. Members see the marks, and cannot read them:
// whom an organisation looks at is not theirs to know.
const becauseKey = "because"

// maxMarks is how many reasons are noted of a room.
const maxMarks = 64

// mark is how a reason is noted.
func (s *Service) mark(w reason) string {
	if m, ok := s.marks.Load(w); ok {
		return m.(string) //nolint:forcetypeassert // nothing else is stored
	}
	h := hmac.New(sha256.New, s.reasons)
	h.Write([]byte(w.kind + " " + w.id))
	m := base64.RawURLEncoding.EncodeToString(h.Sum(nil)[:9])
	s.marks.Store(w, m)
	return m
}

// noted gives the marks of a room's reasons. Of a room that has been recorded since before there were any, it is not known: known is then false.
func noted(room *roomstate.Snapshot) (marks []string, known bool) {
	policy := room.Policy()
	if !says(policy) {
		return nil, true
	}
	own := mx.Event{Content: policy.Get(marker)}
	raw := own.Get(becauseKey)
	if raw == nil {
		return nil, false
	}
	_ = json.Unmarshal(raw, &marks) // this server has written it
	return marks, true
}

// wasFor reports of each reason whether a room has been recorded for it.
func (s *Service) wasFor(room *roomstate.Snapshot) func(reason) bool {
	marks, known := noted(room)
	return func(w reason) bool { return !known || slices.Contains(marks, s.mark(w)) }
}

// because is what a room is to note. Where everything is recorded, what was noted before stays: it matters again once that is not so.
func (s *Service) because(room *roomstate.Snapshot, rule Rule) []string {
	marks, known := noted(room)
	if (rule.Scope == All || rule.Scope == Except) && len(marks) > 0 {
		return marks
	}
	var list, fresh []string
	for _, w := range rule.names() {
		switch m := s.mark(w); {
		case slices.Contains(marks, m):
			list = append(list, m)
		case w.holds(room, s.Groups):
			fresh = append(fresh, m)
		}
	}
	if list = append(list, fresh...); len(list) == 0 && !known {
		for _, w := range rule.names() {
			list = append(list, s.mark(w))
		}
	}
	list = slices.Clone(list[:min(len(list), maxMarks)])
	slices.Sort(list)
	return list
}
