package client

import (
	"strconv"

	"conclave.chat/internal/door"
	"conclave.chat/internal/mx"
)

// jsonObject writes a JSON object out of pieces that are JSON already, without encoding them again.
type jsonObject struct{ b []byte }

func (o *jsonObject) key(k string) {
	if o.b == nil {
		o.b = append(o.b, '{')
	} else {
		o.b = append(o.b, ',')
	}
	o.b = append(mx.AppendString(o.b, k), ':')
}

func (o *jsonObject) str(k, v string) {
	o.key(k)
	o.b = mx.AppendString(o.b, v)
}

func (o *jsonObject) int(k string, n int) {
	o.key(k)
	o.b = strconv.AppendInt(o.b, int64(n), 10)
}

func (o *jsonObject) raw(k string, v []byte) {
	o.key(k)
	o.b = append(o.b, v...)
}

func (o *jsonObject) list(k string, values [][]byte) {
	o.key(k)
	o.b = appendList(o.b, values)
}

func (o *jsonObject) done() door.Raw { return append(o.b, '}') }

func appendList(b []byte, values [][]byte) []byte {
	size := 2
	for _, v := range values {
		size += len(v) + 1
	}
	if b == nil {
		b = make([]byte, 0, size)
	}
	b = append(b, '[')
	for i, v := range values {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, v...)
	}
	return append(b, ']')
}
