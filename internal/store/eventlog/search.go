package eventlog

import (
	"context"
	"strconv"
	"strings"

	"conclave.chat/internal/mx"
	"conclave.chat/internal/store"
)

// Kinds of text that search finds, as bits.
const (
	KindBody  = 1 // of a message
	KindName  = 2 // of a room
	KindTopic = 4
)

// Word is a word of an event, as a hash of the room and the word.
type Word struct {
	Hash int64
	Pos  store.Pos
	Kind int
}

// wordsPerInsert is how many rows one statement adds.
const wordsPerInsert = 64

// SearchProgress is the position up to which the log has been read for search.
func SearchProgress(ctx context.Context, r store.Reader) (store.Pos, error) {
	var at store.Pos
	err := r.QueryRow(ctx, "SELECT pos FROM search_progress WHERE one = 1").Scan(&at)
	return at, err
}

// Searchable is up to limit events after a position that search takes note of: those with text, and redactions.
func Searchable(ctx context.Context, r store.Reader, after store.Pos, limit int) ([]*Event, error) {
	return Collect(r.Query(ctx, "SELECT "+Columns+` FROM event
		WHERE type IN ('m.room.message', 'm.room.name', 'm.room.topic', 'm.room.redaction') AND pos > $1 ORDER BY pos LIMIT $2`,
		int64(after), limit))
}

// AdvanceSearch notes that the log was read from one position up to another. It reports false, having changed nothing, if somebody
// else has read on meanwhile.
func AdvanceSearch(tx *store.Tx, from, to store.Pos) (bool, error) {
	n, err := tx.Exec("UPDATE search_progress SET pos = $1 WHERE one = 1 AND pos = $2", int64(to), int64(from))
	return n > 0, err
}

// AddWords adds words to the index.
func AddWords(tx *store.Tx, words []Word) error {
	for len(words) > 0 {
		part := words[:min(wordsPerInsert, len(words))]
		words = words[len(part):]
		var b strings.Builder
		b.WriteString("INSERT INTO search_word (word, pos, kind) VALUES ")
		args := make([]any, 0, 3*wordsPerInsert)
		for i := range wordsPerInsert { // filled up with copies, so that there is one SQL text
			w := part[min(i, len(part)-1)]
			if i > 0 {
				b.WriteString(", ")
			}
			b.WriteString("(" + store.In(3, len(args)+1) + ")")
			args = append(args, w.Hash, int64(w.Pos), w.Kind)
		}
		b.WriteString(" ON CONFLICT (word, pos, kind) DO NOTHING")
		if _, err := tx.Exec(b.String(), args...); err != nil {
			return err
		}
	}
	return nil
}

// DropLostWords takes events between two positions out of the index that are not in the log any more: they were removed while they were read.
func DropLostWords(tx *store.Tx, after, upTo store.Pos) error {
	_, err := tx.Exec(`DELETE FROM search_word WHERE pos > $1 AND pos <= $2 AND NOT EXISTS (SELECT 1 FROM event e WHERE e.pos = search_word.pos)`, int64(after), int64(upTo))
	return err
}

// DropWords takes an event out of the index.
func DropWords(tx *store.Tx, id mx.EventID) error {
	_, err := tx.Exec("DELETE FROM search_word WHERE pos IN (SELECT pos FROM event WHERE event_id = $1)", string(id))
	return err
}

// WordCounts says how often words are in the index, counting no further than limit.
func WordCounts(ctx context.Context, r store.Reader, words []int64, limit int) (map[int64]int, error) {
	var b strings.Builder
	args := make([]any, 0, len(words)+1)
	for i, word := range words {
		if i > 0 {
			b.WriteString(" UNION ALL ")
		}
		n := strconv.Itoa(i + 1)
		b.WriteString("SELECT " + n + ", count(*) FROM (SELECT 1 FROM search_word WHERE word = $" + n + " LIMIT " + strconv.Itoa(limit) + ") w" + n)
		args = append(args, word)
	}
	rows, err := r.Query(ctx, b.String(), args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	counts := make(map[int64]int, len(words))
	for rows.Next() {
		var i, n int
		if err := rows.Scan(&i, &n); err != nil {
			return nil, err
		}
		counts[words[i-1]] = n
	}
	return counts, rows.Err()
}

// FindWords gives the positions of up to limit events that have all the words, latest first, of those between two positions. There
// must be a word; the first should be the rarest.
func FindWords(ctx context.Context, r store.Reader, words []int64, kinds int, from, to store.Pos, limit int) ([]store.Pos, error) {
	var b strings.Builder
	var args []any
	arg := func(v any) string {
		args = append(args, v)
		return "$" + strconv.Itoa(len(args))
	}
	b.WriteString("SELECT w.pos FROM search_word w")
	for i, word := range words[1:] {
		t := "w" + strconv.Itoa(i+1)
		b.WriteString(" JOIN search_word " + t + " ON " + t + ".pos = w.pos AND " + t + ".word = " + arg(word))
	}
	b.WriteString(" WHERE w.word = " + arg(words[0]) + " AND (w.kind & " + arg(kinds) + ") <> 0")
	b.WriteString(" AND w.pos >= " + arg(int64(from)) + " AND w.pos <= " + arg(int64(to)))
	b.WriteString(" ORDER BY w.pos DESC LIMIT " + arg(limit))
	rows, err := r.Query(ctx, b.String(), args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var found []store.Pos
	for rows.Next() {
		var at store.Pos
		if err := rows.Scan(&at); err != nil {
			return nil, err
		}
		found = append(found, at)
	}
	return found, rows.Err()
}
