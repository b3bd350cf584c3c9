package prose

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	"conclave.chat/internal/archive/transcript"
)

// Slice is a part of a conversation: a day of it, or a part of a day that is too large.
type Slice struct {
	Day         string // in the zone
	Part, Parts int    // from 1
	Messages    []*transcript.Message
}

// Limits of a slice. One message stays whole, whatever its size.
type Limits struct {
	Messages int
	Bytes    int64 // of attachments
}

// Slices cuts a conversation into days, and those into parts within the limits.
func (c Clock) Slices(conv *transcript.Conversation, l Limits) (out []Slice) {
	for _, day := range c.Days(conv.Messages) {
		var parts [][]*transcript.Message
		size := int64(0)
		for _, m := range day {
			more := int64(0)
			for _, a := range Files(m) {
				more += a.Size
			}
			last := len(parts) - 1
			if last < 0 || len(parts[last]) >= l.Messages || size+more > l.Bytes && len(parts[last]) > 0 {
				parts, size, last = append(parts, nil), 0, last+1
			}
			parts[last] = append(parts[last], m)
			size += more
		}
		for i, p := range parts {
			out = append(out, Slice{Day: c.Day(p[0].Sent), Part: i + 1, Parts: len(parts), Messages: p})
		}
	}
	return out
}

// Suffix is what tells a slice's file from the others of its conversation.
func (s Slice) Suffix() string {
	if s.Parts == 1 {
		return s.Day
	}
	return fmt.Sprintf("%s-%d", s.Day, s.Part)
}

// Short names a thing by its hash, in 16 characters.
func Short(parts ...string) string {
	h := sha256.Sum256([]byte(strings.Join(parts, "\n")))
	return hex.EncodeToString(h[:8])
}

// Names gives the names of people by their ids.
func Names(c *transcript.Conversation) map[string]string {
	out := map[string]string{}
	for _, p := range c.Participants {
		out[p.UserID] = p.Name
	}
	return out
}
