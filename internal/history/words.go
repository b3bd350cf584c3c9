package history

import (
	"hash/fnv"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"conclave.chat/internal/mx"
	"conclave.chat/internal/roomstate"
	"conclave.chat/internal/store/eventlog"
)

// maxWords bounds how many different words of one event are found, and of one search are looked for.
const maxWords = 1024

// words cuts a text into words: runs of letters, digits and marks, in lower case. Scripts that are written without spaces are cut into
// pairs of characters, each beginning with the second of the one before it.
func words(text string) []string {
	var list []string
	var word []rune
	var previous rune // the character before, if it is of a script without spaces
	alone := false    // and the beginning of its run
	flush := func() {
		if len(word) > 0 {
			list = append(list, string(word))
			word = word[:0]
		}
		if alone {
			list = append(list, string(previous))
		}
		previous, alone = 0, false
	}
	for _, r := range norm.NFKC.String(text) {
		r = unicode.ToLower(r)
		switch {
		case unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar):
			if len(word) > 0 {
				flush()
			}
			if previous != 0 {
				list = append(list, string([]rune{previous, r}))
			}
			alone = previous == 0
			previous = r
		case unicode.IsLetter(r), unicode.IsDigit(r), unicode.IsMark(r):
			if previous != 0 {
				flush()
			}
			word = append(word, r)
		default:
			flush()
		}
	}
	flush()
	return list
}

// distinct leaves of a list each word once, in order, up to the limit.
func distinct(list []string) []string {
	seen := make(map[string]bool, len(list))
	var out []string
	for _, w := range list {
		if !seen[w] && len(out) < maxWords {
			seen[w] = true
			out = append(out, w)
		}
	}
	return out
}

// hash names a word of a room in the index. Two words may have the same: who finds an event by it looks whether the word is there.
func hash(room mx.RoomID, word string) int64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(room))
	_, _ = h.Write([]byte{0})
	_, _ = h.Write([]byte(word))
	return int64(h.Sum64())
}

// text is what search reads of an event, and of which kind it is; 0 if there is nothing.
//
// Spec: cs#room_events
func text(e *eventlog.Event) (string, int) {
	switch e.Type {
	case mx.TypeMessage:
		if !e.IsState() {
			return e.Str("body"), eventlog.KindBody
		}
	case mx.TypeName:
		if e.IsState() {
			return e.Str("name"), eventlog.KindName
		}
	case mx.TypeTopic:
		if e.IsState() {
			return e.Str("topic") + "\n" + roomstate.Topic(e.Event), eventlog.KindTopic
		}
	}
	return "", 0
}
