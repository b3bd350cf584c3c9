// Package listing is the SQL that all long lists share: filters, an order, pages and the number of all.
//
// Pages continue after the last row of the one before, by the value that they are sorted by and the row's id. So rows that come or go
// meanwhile make no other row appear twice or not at all. It owns no tables.
package listing

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"conclave.chat/internal/fault"
	"conclave.chat/internal/store"
)

// Key is something that a list can be sorted by. Its value is never NULL.
type Key struct {
	SQL    string
	Number bool
}

// Page says which part of a list is wanted.
type Page struct {
	Order string // name of a key, with - before it for the largest first
	From  string // where the page before ended: its Next
	Limit int
	// Uncounted leaves Total out: an export does not need it for each of its pages.
	Uncounted bool
}

// Found is one page of a list.
type Found[T any] struct {
	Items []T
	Next  string // empty on the last page
	Total int64
}

// Query is a list before it is read.
type Query struct {
	Columns string
	From    string
	ID      string // column that names a row; a number if the key of that name is one
	Keys    map[string]Key

	where []string
	args  []any
}

// Where adds a condition with ? for each argument.
func (q *Query) Where(condition string, args ...any) {
	var b strings.Builder
	for i, part := range strings.Split(condition, "?") {
		if i > 0 {
			q.args = append(q.args, args[i-1])
			b.WriteString("$" + strconv.Itoa(len(q.args)))
		}
		b.WriteString(part)
	}
	q.where = append(q.where, b.String())
}

// Escape makes a text match itself in LIKE with ESCAPE '!'.
func Escape(text string) string {
	return strings.NewReplacer("!", "!!", "%", "!%", "_", "!_").Replace(text)
}

// conditions is the WHERE clause.
func (q *Query) conditions() string {
	if len(q.where) == 0 {
		return ""
	}
	return " WHERE " + strings.Join(q.where, " AND ")
}

// Read reads one page. fields gives where the columns of a row go.
func Read[T any](ctx context.Context, r store.Reader, q *Query, p Page, fields func(*T) []any) (Found[T], error) {
	f := Found[T]{Items: []T{}}
	name, descending := strings.CutPrefix(p.Order, "-")
	key, ok := q.Keys[name]
	if !ok {
		return f, fault.InvalidParam("This list cannot be sorted by %q", name)
	}
	if !p.Uncounted {
		if err := r.QueryRow(ctx, "SELECT count(*) FROM "+q.From+q.conditions(), q.args...).Scan(&f.Total); err != nil {
			return f, err
		}
	}
	order, than := " ASC", ">"
	if descending {
		order, than = " DESC", "<"
	}
	if p.From != "" {
		at, err := q.resume(p)
		if err != nil {
			return f, err
		}
		q.Where("("+key.SQL+", "+q.ID+") "+than+" (?, ?)", at...)
	}
	args := append(q.args, p.Limit+1)
	rows, err := r.Query(ctx, "SELECT "+q.Columns+", "+key.SQL+", "+q.ID+" FROM "+q.From+q.conditions()+
		" ORDER BY "+key.SQL+order+", "+q.ID+order+" LIMIT $"+strconv.Itoa(len(args)), args...)
	if err != nil {
		return f, err
	}
	defer rows.Close()
	var at [2]string
	for rows.Next() {
		if len(f.Items) == p.Limit {
			f.Next = cursor(p.Order, at)
			break
		}
		var item T
		if err := rows.Scan(append(fields(&item), &at[0], &at[1])...); err != nil {
			return f, err
		}
		f.Items = append(f.Items, item)
	}
	return f, rows.Err()
}

func cursor(order string, at [2]string) string {
	data, _ := json.Marshal([3]string{order, at[0], at[1]}) // strings always can
	return base64.RawURLEncoding.EncodeToString(data)
}

var errCursor = fault.InvalidParam("from is not where a page of this list ended")

// resume gives the values after which a page begins.
func (q *Query) resume(p Page) ([]any, error) {
	data, err := base64.RawURLEncoding.DecodeString(p.From)
	if err != nil {
		return nil, errCursor
	}
	var at [3]string
	if json.Unmarshal(data, &at) != nil || at[0] != p.Order {
		return nil, errCursor
	}
	out := make([]any, 2)
	for i, k := range []Key{q.Keys[strings.TrimPrefix(p.Order, "-")], q.Keys[q.ID]} {
		out[i] = at[i+1]
		if k.Number {
			if out[i], err = strconv.ParseInt(at[i+1], 10, 64); err != nil {
				return nil, errCursor.Because(fmt.Errorf("listing: %w", err))
			}
		}
	}
	return out, nil
}
