// Package filehead reads and writes the HTTP headers that go with files: Range, If-None-Match and Content-Disposition.
//
// It is pure and serves nothing itself; what comes from clients is judged here and leaves as numbers or as a header value that no
// name can break out of.
package filehead

import (
	"errors"
	"mime"
	"strconv"
	"strings"
)

// inlineTypes are the content types that browsers show without running anything.
//
// Spec: cs#serving-inline-content
var inlineTypes = map[string]bool{ //nolint:gochecknoglobals // table
	"text/css": true, "text/plain": true, "text/csv": true, "application/json": true, "application/ld+json": true,
	"image/jpeg": true, "image/gif": true, "image/png": true, "image/apng": true, "image/webp": true, "image/avif": true,
	"video/mp4": true, "video/webm": true, "video/ogg": true, "video/quicktime": true,
	"audio/mp4": true, "audio/webm": true, "audio/aac": true, "audio/mpeg": true, "audio/ogg": true, "audio/wave": true,
	"audio/wav": true, "audio/x-wav": true, "audio/x-pn-wav": true, "audio/flac": true, "audio/x-flac": true,
}

// Disposition is the Content-Disposition of a file.
func Disposition(contentType, name string) string {
	kind := "attachment"
	if t, _, err := mime.ParseMediaType(contentType); err == nil && inlineTypes[t] {
		kind = "inline"
	}
	if name == "" {
		return kind
	}
	return mime.FormatMediaType(kind, map[string]string{"filename": name})
}

// Matches reports whether a list of entity tags has this one.
func Matches(header, tag string) bool {
	for t := range strings.SplitSeq(header, ",") {
		if t = strings.TrimPrefix(strings.TrimSpace(t), "W/"); t == tag || t == "*" {
			return true
		}
	}
	return false
}

// Span is N bytes from an offset.
type Span struct{ From, N int64 }

// ParseRange reads a Range header. ok is false where the whole file is to be sent: no header, one that is malformed, another unit,
// or several ranges, which would cost more to send than the file. A range that lies outside of the file is ok and empty.
//
// Spec: rfc9110#section-14.2
func ParseRange(header string, size int64) (s Span, ok bool) {
	unit, set, found := strings.Cut(header, "=")
	if !found || !strings.EqualFold(strings.TrimSpace(unit), "bytes") {
		return s, false
	}
	first, last, found := strings.Cut(strings.TrimSpace(set), "-")
	if !found {
		return s, false
	}
	from, hasFirst := digits(first)
	to, hasLast := digits(last)
	switch {
	case first == "" && hasLast: // the last so many bytes
		n := min(to, size)
		return Span{size - n, n}, true
	case !hasFirst || (last != "" && !hasLast) || (hasLast && to < from):
		return s, false
	case from >= size:
		return Span{}, true
	case !hasLast:
		to = size - 1
	}
	to = min(to, size-1)
	return Span{from, to - from + 1}, true
}

// digits reads a number without sign. One too large for any file counts as the largest there is.
func digits(s string) (int64, bool) {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return 0, false
		}
	}
	n, err := strconv.ParseInt(s, 10, 64)
	return n, s != "" && (err == nil || errors.Is(err, strconv.ErrRange))
}
