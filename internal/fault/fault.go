// Package fault owns the one error type that crosses package borders.
//
// Services return *Error for everything a caller can understand and act upon; Code is the Matrix errcode and Msg is safe to show
// to that caller. Err carries the cause for the log and is never shown. Any other error is an internal one: the door answers it with
// 500 M_UNKNOWN and a request id. Only the door package turns an Error into HTTP.
package fault

import (
	"errors"
	"fmt"
	"net/http"
)

// Kind is the class of an error; it decides the HTTP status and nothing else.
type Kind uint8

// The kinds, in the order of their HTTP status.
const (
	Internal Kind = iota
	BadRequest
	Unauthorized
	Forbidden
	NotFound
	NotAllowed
	Conflict
	Gone
	PreconditionFailed
	TooLarge
	RangeUnsatisfiable
	Limited
	Unavailable
	BadGateway
	GatewayTimeout
)

// Status is the HTTP status of the kind.
func (k Kind) Status() int {
	switch k {
	case BadRequest:
		return http.StatusBadRequest
	case Unauthorized:
		return http.StatusUnauthorized
	case Forbidden:
		return http.StatusForbidden
	case NotFound:
		return http.StatusNotFound
	case NotAllowed:
		return http.StatusMethodNotAllowed
	case Conflict:
		return http.StatusConflict
	case Gone:
		return http.StatusGone
	case PreconditionFailed:
		return http.StatusPreconditionFailed
	case TooLarge:
		return http.StatusRequestEntityTooLarge
	case RangeUnsatisfiable:
		return http.StatusRequestedRangeNotSatisfiable
	case Limited:
		return http.StatusTooManyRequests
	case Unavailable:
		return http.StatusServiceUnavailable
	case BadGateway:
		return http.StatusBadGateway
	case GatewayTimeout:
		return http.StatusGatewayTimeout
	case Internal:
	}
	return http.StatusInternalServerError
}

// Error is what a service says of a request that it does not fulfil.
type Error struct {
	Kind Kind
	Code string         // Matrix errcode, e.g. M_FORBIDDEN
	Msg  string         // for the caller: no secrets, no internals
	Body map[string]any // further members of the JSON answer, e.g. retry_after_ms, soft_logout
	Err  error          // for the log
}

// New makes an Error; the helpers below read better at call sites.
func New(kind Kind, code, format string, args ...any) *Error {
	msg := format
	if len(args) > 0 {
		msg = fmt.Sprintf(format, args...)
	}
	return &Error{Kind: kind, Code: code, Msg: msg}
}

// Error is the text for logs.
func (e *Error) Error() string {
	if e.Err != nil {
		return e.Code + ": " + e.Msg + ": " + e.Err.Error()
	}
	return e.Code + ": " + e.Msg
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// With returns a copy that carries one more member in its JSON answer.
func (e *Error) With(key string, value any) *Error {
	c := *e
	c.Body = make(map[string]any, len(e.Body)+1)
	for k, v := range e.Body {
		c.Body[k] = v
	}
	c.Body[key] = value
	return &c
}

// Because returns a copy that carries the cause.
func (e *Error) Because(err error) *Error {
	c := *e
	c.Err = err
	return &c
}

// Of returns the Error in err's chain, or nil.
func Of(err error) *Error {
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	return nil
}

// Is reports whether err is an Error with this errcode.
func Is(err error, code string) bool {
	e := Of(err)
	return e != nil && e.Code == code
}

// NotJSON is for bytes that are no JSON at all.
func NotJSON(format string, args ...any) *Error {
	return New(BadRequest, "M_NOT_JSON", format, args...)
}

// BadJSON is for JSON of the wrong shape.
func BadJSON(format string, args ...any) *Error {
	return New(BadRequest, "M_BAD_JSON", format, args...)
}

// InvalidParam is for a parameter with a value it may not have.
func InvalidParam(format string, args ...any) *Error {
	return New(BadRequest, "M_INVALID_PARAM", format, args...)
}

// MissingParam is for a parameter that must be there and is not.
func MissingParam(format string, args ...any) *Error {
	return New(BadRequest, "M_MISSING_PARAM", format, args...)
}

// Denied is for what the caller may not do.
func Denied(format string, args ...any) *Error {
	return New(Forbidden, "M_FORBIDDEN", format, args...)
}

// Missing is for what is not there, or what the caller may not know to be there.
func Missing(format string, args ...any) *Error {
	return New(NotFound, "M_NOT_FOUND", format, args...)
}

// Unrecognized is for an endpoint that this server does not have.
func Unrecognized(format string, args ...any) *Error {
	return New(NotFound, "M_UNRECOGNIZED", format, args...)
}

// Oversize is for a body or event over the limit.
func Oversize(format string, args ...any) *Error {
	return New(TooLarge, "M_TOO_LARGE", format, args...)
}
