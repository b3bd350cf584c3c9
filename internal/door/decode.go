package door

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"conclave.chat/internal/fault"
)

// maxNesting bounds the depth of request bodies; jsontext itself stops at 10,000.
const maxNesting = 128

// Decode reads the body as JSON into v. Duplicate keys, invalid UTF-8 and anything after the value are refused; members that v
// does not have are ignored, as the specification asks of servers.
func (r *Request) Decode(v any) error {
	data, err := r.ReadBody()
	if err != nil {
		return err
	}
	return Decode(data, v)
}

// DecodeOptional is Decode for endpoints whose body may be missing.
func (r *Request) DecodeOptional(v any) error {
	data, err := r.ReadBody()
	if err != nil {
		return err
	}
	if len(bytes.TrimSpace(data)) == 0 {
		return nil
	}
	return Decode(data, v)
}

// ReadBody reads the whole body, up to the route's limit.
func (r *Request) ReadBody() ([]byte, error) {
	if n := r.HTTP.ContentLength; n > 0 && n <= DefaultMaxBody {
		buf := make([]byte, n)
		_, err := io.ReadFull(r.HTTP.Body, buf)
		return buf, err
	}
	return io.ReadAll(r.HTTP.Body)
}

// Object reads the body as one JSON object and returns it as it is: event content, account data.
func (r *Request) Object() ([]byte, error) {
	data, err := r.ReadBody()
	if err != nil {
		return nil, err
	}
	var raw jsontext.Value
	if err := Decode(data, &raw); err != nil {
		return nil, err
	}
	if raw.Kind() != '{' {
		return nil, fault.BadJSON("The body must be a JSON object")
	}
	return raw, nil
}

// Decode is Request.Decode for bytes.
func Decode(data []byte, v any) error {
	if err := checkDepth(data); err != nil {
		return err
	}
	err := json.Unmarshal(data, v)
	if err == nil {
		return nil
	}
	var syntax *jsontext.SyntacticError
	if errors.As(err, &syntax) {
		if errors.Is(err, jsontext.ErrDuplicateName) {
			return fault.BadJSON("The body has a duplicate key at %s", pointer(syntax.JSONPointer))
		}
		return fault.NotJSON("The body is not valid JSON").Because(err)
	}
	var semantic *json.SemanticError
	if errors.As(err, &semantic) {
		return fault.BadJSON("The body has a value of the wrong type at %s", pointer(semantic.JSONPointer)).Because(err)
	}
	if f := fault.Of(err); f != nil {
		return f
	}
	return fault.BadJSON("The body cannot be read").Because(err)
}

func pointer(p jsontext.Pointer) string {
	if p == "" {
		return "the top level"
	}
	return string(p[:min(len(p), 100)])
}

// checkDepth refuses deep nesting before anything recursive sees it.
func checkDepth(data []byte) error {
	depth, inString := 0, false
	for i := 0; i < len(data); i++ {
		switch c := data[i]; {
		case inString && c == '\\':
			i++
		case c == '"':
			inString = !inString
		case inString:
		case c == '{' || c == '[':
			if depth++; depth > maxNesting {
				return fault.BadJSON("The body is nested deeper than %d levels", maxNesting)
			}
		case c == '}' || c == ']':
			depth--
		}
	}
	return nil
}

// Int reads a query parameter as a number within bounds; def where it is absent.
func (r *Request) Int(name string, def, low, high int) (int, error) {
	s := r.Param(name)
	if s == "" {
		return def, nil
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < low {
		return 0, fault.InvalidParam("%s must be a number of at least %d", name, low)
	}
	return min(n, high), nil
}

// Bool reads a query parameter that is true or false; def where it is absent.
func (r *Request) Bool(name string, def bool) (bool, error) {
	switch s := r.Param(name); s {
	case "":
		return def, nil
	case "true":
		return true, nil
	case "false":
		return false, nil
	default:
		return false, fault.InvalidParam("%s must be true or false", name)
	}
}

// Choice reads a query parameter that has one of the given values; the first is the default.
func (r *Request) Choice(name string, values ...string) (string, error) {
	s := r.Param(name)
	if s == "" {
		return values[0], nil
	}
	for _, v := range values {
		if s == v {
			return s, nil
		}
	}
	return "", fault.InvalidParam("%s must be one of %s", name, fmt.Sprint(values))
}
