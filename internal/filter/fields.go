package filter

import (
	"bytes"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"conclave.chat/internal/fault"
)

// maxFields bounds how many event_fields a filter may name.
const maxFields = 256

// fieldSet is event_fields as a tree: a leaf keeps the whole value.
type fieldSet struct {
	below map[string]*fieldSet // nil: a leaf
}

// parseFields reads dot-separated property paths.
//
// Spec: appendices#dot-separated-property-paths
func parseFields(paths []string) (*fieldSet, error) {
	if paths == nil {
		return nil, nil //nolint:nilnil // no list means all fields
	}
	if len(paths) > maxFields {
		return nil, fault.InvalidParam("event_fields names more than %d fields", maxFields)
	}
	root := &fieldSet{below: map[string]*fieldSet{}}
	for _, p := range paths {
		at := root
		for _, key := range splitPath(p) {
			if at.below == nil {
				break // a shorter path keeps all of this already
			}
			next := at.below[key]
			if next == nil {
				next = &fieldSet{below: map[string]*fieldSet{}}
				at.below[key] = next
			}
			at = next
		}
		at.below = nil
	}
	return root, nil
}

// splitPath splits at dots. A backslash takes away the special meaning of a dot or a backslash and stays itself before anything else.
func splitPath(p string) []string {
	var keys []string
	var key strings.Builder
	for i := 0; i < len(p); i++ {
		switch c := p[i]; {
		case c == '\\' && i+1 < len(p) && (p[i+1] == '.' || p[i+1] == '\\'):
			i++
			key.WriteByte(p[i])
		case c == '.':
			keys = append(keys, key.String())
			key.Reset()
		default:
			key.WriteByte(c)
		}
	}
	return append(keys, key.String())
}

// AllFields reports whether events are shown whole.
func (f *Sync) AllFields() bool { return f.fields == nil }

// AppendFields appends an event that is a JSON object, reduced to the fields that the filter names. What a client cannot do without to
// tell events apart, event_id, stays in any case: a server may include more than was asked for.
func (f *Sync) AppendFields(dst, event []byte) []byte {
	if f.fields == nil {
		return append(dst, event...)
	}
	d := jsontext.NewDecoder(bytes.NewReader(event))
	out, ok := f.fields.project(dst, d, true)
	if !ok {
		return append(dst, event...)
	}
	return out
}

func (s *fieldSet) project(dst []byte, d *jsontext.Decoder, top bool) ([]byte, bool) {
	if d.PeekKind() != '{' {
		v, err := d.ReadValue()
		return append(dst, v...), err == nil
	}
	if _, err := d.ReadToken(); err != nil {
		return dst, false
	}
	dst = append(dst, '{')
	start := len(dst)
	for d.PeekKind() == '"' {
		name, err := d.ReadValue()
		if err != nil {
			return dst, false
		}
		quoted := string(name) // the decoder uses its buffer again
		key, err := jsontext.AppendUnquote(nil, quoted)
		if err != nil {
			return dst, false
		}
		sub := s.below[string(key)]
		if sub == nil && (!top || string(key) != "event_id") {
			if d.SkipValue() != nil {
				return dst, false
			}
			continue
		}
		if len(dst) > start {
			dst = append(dst, ',')
		}
		dst = append(append(dst, quoted...), ':')
		if sub != nil && sub.below != nil {
			var ok bool
			if dst, ok = sub.project(dst, d, false); !ok {
				return dst, false
			}
			continue
		}
		v, err := d.ReadValue()
		if err != nil {
			return dst, false
		}
		dst = append(dst, v...)
	}
	_, err := d.ReadToken()
	return append(dst, '}'), err == nil
}
