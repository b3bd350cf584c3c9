package roomstate

import (
	"github.com/tidwall/gjson"

	"conclave.chat/internal/mx"
)

// Topic is the plain text of an m.room.topic event: the text/plain representation of m.topic or, where there is no m.topic, of rooms
// older than that, topic. It is empty for nil.
//
// Spec: cs#mroomtopic
func Topic(e *mx.Event) string {
	if e == nil {
		return ""
	}
	block := gjson.ParseBytes(e.Get("m.topic"))
	if !block.IsObject() {
		return e.Str("topic")
	}
	for _, r := range block.Get(`m\.text`).Array() {
		if mime := r.Get("mimetype"); !mime.Exists() || mime.Str == "text/plain" {
			return r.Get("body").Str
		}
	}
	return ""
}
