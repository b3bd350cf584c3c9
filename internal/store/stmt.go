package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"

	"conclave.chat/internal/fault"
)

// preparer is a *sql.DB or a *sql.Conn.
type preparer interface {
	PrepareContext(ctx context.Context, query string) (*sql.Stmt, error)
}

// stmtCache keeps one prepared statement for each SQL text. SQLite compiles a text each time otherwise; pgx keeps its own cache,
// so with PostgreSQL the cache only remembers which texts were checked.
type stmtCache struct {
	on    preparer // nil: do not prepare
	known sync.Map // SQL text -> *sql.Stmt, nil if not prepared
}

func (c *stmtCache) get(ctx context.Context, query string) (*sql.Stmt, error) {
	if s, ok := c.known.Load(query); ok {
		stmt, _ := s.(*sql.Stmt)
		return stmt, nil
	}
	if err := checkPlaceholders(query); err != nil {
		panic(err)
	}
	var stmt *sql.Stmt
	if c.on != nil {
		var err error
		if stmt, err = c.on.PrepareContext(ctx, query); err != nil {
			return nil, fmt.Errorf("store: prepare %q: %w", query, err)
		}
	}
	if s, raced := c.known.LoadOrStore(query, stmt); raced && stmt != nil {
		_ = stmt.Close()
		stmt, _ = s.(*sql.Stmt)
	}
	return stmt, nil
}

func (c *stmtCache) close() error {
	var errs []error
	c.known.Range(func(_, s any) bool {
		if stmt, _ := s.(*sql.Stmt); stmt != nil {
			errs = append(errs, stmt.Close())
		}
		return true
	})
	return errors.Join(errs...)
}

var placeholder = regexp.MustCompile(`\$([0-9]+)`)

// checkPlaceholders refuses a text whose placeholders are not numbered by first appearance: SQLite binds by appearance,
// PostgreSQL by number, and the difference would swap values silently.
func checkPlaceholders(query string) error {
	next := 1
	for _, m := range placeholder.FindAllStringSubmatch(query, -1) {
		n, err := strconv.Atoi(m[1])
		if err != nil || n > next {
			return fmt.Errorf("store: placeholder $%s comes before $%d in %q", m[1], next, query)
		}
		if n == next {
			next++
		}
	}
	return nil
}

// checkArgs refuses strings that PostgreSQL cannot store, on both engines alike.
func checkArgs(args []any) error {
	for _, a := range args {
		var s string
		switch v := a.(type) {
		case string:
			s = v
		case *string:
			if v != nil {
				s = *v
			}
		case []byte, int64, int, bool, nil:
			continue
		default:
			s = underlyingString(a)
		}
		if strings.IndexByte(s, 0) >= 0 {
			return fault.InvalidParam("a value contains a NUL character")
		}
		if !utf8.ValidString(s) {
			return fault.InvalidParam("a value is not valid UTF-8")
		}
	}
	return nil
}

// In gives n placeholders for an IN list that starts at $first: "$3,$4,$5". Callers send lists of at most 500 at a time.
func In(n, first int) string {
	var b strings.Builder
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteByte('$')
		b.WriteString(strconv.Itoa(first + i))
	}
	return b.String()
}

// Strings turns a list into arguments.
func Strings[T ~string](list []T) []any {
	args := make([]any, len(list))
	for i, s := range list {
		args[i] = string(s)
	}
	return args
}
