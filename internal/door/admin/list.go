package admin

import (
	"fmt"
	"net/http"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"conclave.chat/internal/door"
	"conclave.chat/internal/door/openapi"
	"conclave.chat/internal/fault"
	"conclave.chat/internal/sheet"
	"conclave.chat/internal/store/listing"
)

// Sizes of pages.
const (
	defaultPage = 50
	maxPage     = 500
)

// ms is a time in milliseconds since 1970. As CSV it is spelled for people.
type ms int64

// listed is a page of a list.
type listed[T any] struct {
	Items []T    `json:"items"`
	Total int64  `json:"total" doc:"Number of items that the filters let through, on all pages."`
	Next  string `json:"next,omitempty" doc:"Where the next page begins: give it as from. Absent on the last page."`
}

// SchemaName is how the document calls it.
func (listed[T]) SchemaName() string { return reflect.TypeFor[T]().Name() + "List" }

// page says what a list operation reads.
type page struct {
	*door.Request
	listing.Page
}

// list is an operation that reads a list: by pages as JSON, or whole as CSV. orders are the keys that it can be sorted by; the first is
// the default.
func list[T any](path, id, summary string, orders []string, read func(page) (listing.Found[T], error), filters ...openapi.Param) openapi.Operation {
	query := append([]openapi.Param{
		{Name: "limit", Type: "integer", Doc: fmt.Sprintf("Items on a page, %d at most. Default: %d.", maxPage, defaultPage)},
		{Name: "from", Doc: "The next of the page before."},
		{Name: "order", Doc: "What the list is sorted by, - for the largest first.", Enum: orders},
		{Name: "format", Doc: "csv answers with the whole list as CSV, as does Accept: text/csv.", Enum: []string{"json", "csv"}},
	}, filters...)
	op := get(path, id, summary, func(r *door.Request) (listed[T], error) { return listed[T]{}, nil }, query...)
	op.Also = []string{"text/csv"}
	op.Handle = func(r *door.Request) (any, error) {
		p := page{Request: r}
		var err error
		if p.Order, err = r.Choice("order", orders...); err != nil {
			return nil, err
		}
		format, err := r.Choice("format", "", "json", "csv")
		if err != nil {
			return nil, err
		}
		if format == "csv" || format == "" && strings.Contains(r.HTTP.Header.Get("Accept"), "text/csv") {
			p.Limit, p.Uncounted = maxPage, true
			first, err := read(p)
			return table[T]{id, p, first, read}, err
		}
		if p.Limit, err = r.Int("limit", defaultPage, 1, maxPage); err != nil {
			return nil, err
		}
		p.From = r.Param("from")
		f, err := read(p)
		return listed[T]{f.Items, f.Total, f.Next}, err
	}
	return op
}

// mapped turns the items of a page into those of an answer.
func mapped[F, T any](f listing.Found[F], err error, to func(*F) T) (listing.Found[T], error) {
	out := listing.Found[T]{Items: make([]T, len(f.Items)), Next: f.Next, Total: f.Total}
	for i := range f.Items {
		out.Items[i] = to(&f.Items[i])
	}
	return out, err
}

// table is a whole list as CSV, read page by page as it is written.
type table[T any] struct {
	name  string
	page  page
	first listing.Found[T]
	read  func(page) (listing.Found[T], error)
}

// Respond writes the table. A column is a member of the items.
func (t table[T]) Respond(w http.ResponseWriter, _ *http.Request) error {
	name := strings.ToLower(strings.TrimPrefix(t.name, "list")) + "-" + time.Now().UTC().Format(time.DateOnly) + ".csv"
	w.Header().Set("Content-Type", "text/csv; charset=utf-8; header=present")
	w.Header().Set("Content-Disposition", `attachment; filename="`+name+`"`)
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	out := sheet.NewWriter(w)
	columns := columnsOf(reflect.TypeFor[T]())
	head := make([]string, len(columns))
	for i, c := range columns {
		head[i] = c.name
	}
	if err := out.Row(head...); err != nil {
		return err
	}
	for found := t.first; ; {
		for i := range found.Items {
			row := make([]string, len(columns))
			v := reflect.ValueOf(&found.Items[i]).Elem()
			for k, c := range columns {
				var err error
				if row[k], err = cell(v.FieldByIndex(c.index)); err != nil {
					return err
				}
			}
			if err := out.Row(row...); err != nil {
				return err
			}
		}
		if err := out.Flush(); err != nil || found.Next == "" {
			return err
		}
		t.page.From = found.Next
		var err error
		if found, err = t.read(t.page); err != nil {
			return err
		}
	}
}

type tableColumn struct {
	name  string
	index []int
}

func columnsOf(t reflect.Type) (list []tableColumn) {
	for _, f := range reflect.VisibleFields(t) {
		if name, _, _ := strings.Cut(f.Tag.Get("json"), ","); name != "" && !f.Anonymous {
			list = append(list, tableColumn{name, f.Index})
		}
	}
	return list
}

// cell spells a value for people: times by the calendar, lists with spaces between, anything deeper as JSON.
func cell(v reflect.Value) (string, error) {
	switch x := v.Interface().(type) {
	case ms:
		if x == 0 {
			return "", nil
		}
		return time.UnixMilli(int64(x)).UTC().Format(time.RFC3339), nil
	case []string:
		return strings.Join(x, " "), nil
	case jsontext.Value:
		if x.Kind() == 'n' {
			return "", nil
		}
		return string(x), nil
	}
	switch v.Kind() {
	case reflect.String:
		return v.String(), nil
	case reflect.Bool:
		return strconv.FormatBool(v.Bool()), nil
	case reflect.Int, reflect.Int64:
		return strconv.FormatInt(v.Int(), 10), nil
	case reflect.Pointer:
		if v.IsNil() {
			return "", nil
		}
		return cell(v.Elem())
	default:
		data, err := json.Marshal(v.Interface(), json.Deterministic(true))
		return string(data), err
	}
}

// number reads a query parameter that is a number; 0 where it is absent.
func number(r *door.Request, name string) (int64, error) {
	text := r.Param(name)
	if text == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 {
		return 0, fault.InvalidParam("%s must be a number", name)
	}
	return n, nil
}
