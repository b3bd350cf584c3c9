package mx

import (
	"bytes"
	"iter"
	"strconv"
	"unicode/utf8"
)

// The functions in this file read and write canonical JSON that has been checked already. They look at no more bytes than they must.

// fields walks the members of a canonical object: keys without their quotes, still escaped, and raw values, which have no room to
// grow into what follows. It stops at the first thing that it does not understand, so for anything but an object it yields nothing.
func fields(obj []byte) iter.Seq2[[]byte, []byte] {
	return func(yield func(k, v []byte) bool) {
		if len(obj) < 2 || obj[0] != '{' {
			return
		}
		for i := 1; i < len(obj) && obj[i] == '"'; {
			end := skipString(obj, i)
			if end >= len(obj) || obj[end] != ':' {
				return
			}
			next := skipValue(obj, end+1)
			if !yield(obj[i+1:end-1:end-1], obj[end+1:next:next]) || next >= len(obj) || obj[next] != ',' {
				return
			}
			i = next + 1
		}
	}
}

// elements walks a canonical array.
func elements(arr []byte) iter.Seq[[]byte] {
	return func(yield func(v []byte) bool) {
		if len(arr) < 2 || arr[0] != '[' || arr[1] == ']' {
			return
		}
		for i := 1; i < len(arr); {
			next := skipValue(arr, i)
			if !yield(arr[i:next:next]) || next >= len(arr) || arr[next] != ',' {
				return
			}
			i = next + 1
		}
	}
}

// field is the raw value of a key in a canonical object, or nil.
func field(obj []byte, key string) []byte {
	for k, v := range fields(obj) {
		if string(k) == key {
			return v
		}
	}
	return nil
}

// strField is the string under a key in a canonical object.
func strField(obj []byte, key string) (string, bool) { return str(field(obj, key)) }

// skipString gives the index after the string that begins with the quote at b[i].
func skipString(b []byte, i int) int {
	for i++; i < len(b); i++ {
		j := bytes.IndexByte(b[i:], '"')
		if j < 0 {
			return len(b)
		}
		// The quote ends the string unless an odd number of backslashes comes before it.
		slashes := 0
		for k := i + j - 1; k >= i && b[k] == '\\'; k-- {
			slashes++
		}
		i += j
		if slashes%2 == 0 {
			return i + 1
		}
	}
	return len(b)
}

// skipValue gives the index after the value that begins at b[i].
func skipValue(b []byte, i int) int {
	depth := 0
	for i < len(b) {
		switch b[i] {
		case '"':
			i = skipString(b, i)
		case '{', '[':
			depth++
			i++
			continue
		case '}', ']':
			depth--
			i++
		case ',', ':':
			i++
			continue
		default:
			for i < len(b) && b[i] != ',' && b[i] != '}' && b[i] != ']' {
				i++
			}
		}
		if depth <= 0 {
			return i
		}
	}
	return len(b)
}

// isObject reports whether a raw value is an object.
func isObject(v []byte) bool { return len(v) > 0 && v[0] == '{' }

// isArray reports whether a raw value is an array.
func isArray(v []byte) bool { return len(v) > 0 && v[0] == '[' }

// isString reports whether a raw value is a string.
func isString(v []byte) bool { return len(v) > 1 && v[0] == '"' }

// isInteger reports whether a raw value is a number; canonical JSON has no others.
func isInteger(v []byte) bool {
	_, ok := integer(v)
	return ok
}

// str is the value of a raw string.
func str(v []byte) (string, bool) {
	if !isString(v) {
		return "", false
	}
	v = v[1 : len(v)-1]
	if bytes.IndexByte(v, '\\') >= 0 {
		v = unescape(nil, v)
	}
	return string(v), true
}

// integer is the value of a raw integer.
func integer(v []byte) (int64, bool) {
	if len(v) == 0 || (v[0] != '-' && (v[0] < '0' || v[0] > '9')) {
		return 0, false
	}
	n, err := strconv.ParseInt(string(v), 10, 64)
	return n, err == nil
}

// unescape appends the text of a canonical string without its quotes.
func unescape(dst, s []byte) []byte {
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' || i+1 >= len(s) {
			dst = append(dst, s[i])
			continue
		}
		i++
		switch s[i] {
		case 'b':
			dst = append(dst, '\b')
		case 'f':
			dst = append(dst, '\f')
		case 'n':
			dst = append(dst, '\n')
		case 'r':
			dst = append(dst, '\r')
		case 't':
			dst = append(dst, '\t')
		case 'u':
			r, _ := hex4(s[i+1:])
			dst = utf8.AppendRune(dst, r)
			i = min(i+4, len(s))
		default:
			dst = append(dst, s[i])
		}
	}
	return dst
}

// AppendString appends s as a canonical JSON string with its quotes. Bytes that are no UTF-8 become U+FFFD.
func AppendString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	run := 0
	for i := 0; i < len(s); {
		if b := s[i]; b < utf8.RuneSelf {
			if b < ' ' || b == '"' || b == '\\' {
				dst = append(dst, s[run:i]...)
				dst = appendRune(dst, rune(b))
				run = i + 1
			}
			i++
			continue
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && n == 1 {
			dst = append(dst, s[run:i]...)
			dst = utf8.AppendRune(dst, utf8.RuneError)
			run = i + 1
		}
		i += n
	}
	return append(append(dst, s[run:]...), '"')
}

// keyText is the text of a key that fields yields.
func keyText(key []byte) string {
	if bytes.IndexByte(key, '\\') < 0 {
		return string(key)
	}
	return string(unescape(nil, key))
}
