package account

import (
	"context"
	"strconv"
	"strings"

	"conclave.chat/internal/mx"
	"conclave.chat/internal/store"
)

// SetWords replaces the words under which the directory finds a user; none hide the user.
func SetWords(tx *store.Tx, user mx.UserID, words []string) error {
	if _, err := tx.Exec("DELETE FROM directory_word WHERE user_id = $1", user); err != nil {
		return err
	}
	for _, w := range words {
		if _, err := tx.Exec("INSERT INTO directory_word (word, user_id) VALUES ($1, $2) ON CONFLICT DO NOTHING", []byte(w), user); err != nil {
			return err
		}
	}
	return nil
}

// FindByWords reads, in the order of their ids and after one id, the users who have a word that begins with each of the prefixes.
func FindByWords(ctx context.Context, r store.Reader, prefixes []string, after mx.UserID, limit int) ([]mx.UserID, error) {
	args := []any{}
	arg := func(v any) string {
		args = append(args, v)
		return "$" + strconv.Itoa(len(args))
	}
	word := func(alias, prefix string) string {
		from := arg([]byte(prefix))
		return alias + ".word >= " + from + " AND " + alias + ".word < " + arg(endOf(prefix))
	}
	var q strings.Builder
	q.WriteString("SELECT DISTINCT w.user_id FROM directory_word w WHERE " + word("w", prefixes[0]))
	for _, p := range prefixes[1:] {
		q.WriteString(" AND EXISTS (SELECT 1 FROM directory_word x WHERE x.user_id = w.user_id AND " + word("x", p) + ")")
	}
	q.WriteString(" AND w.user_id > " + arg(after) + " ORDER BY w.user_id LIMIT " + arg(limit))
	rows, err := r.Query(ctx, q.String(), args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []mx.UserID
	for rows.Next() {
		var u mx.UserID
		if err := rows.Scan(&u); err != nil {
			return nil, err
		}
		list = append(list, u)
	}
	return list, rows.Err()
}

// endOf is the first word after all that begin with a prefix. No UTF-8 has the byte 0xFF.
func endOf(prefix string) []byte { return append([]byte(prefix), 0xFF) }
