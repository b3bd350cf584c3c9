package mx

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"slices"
	"unicode/utf8"

	"conclave.chat/internal/fault"
)

// MaxNesting is how many objects and arrays may lie in each other. The protocol names no limit; 65,536 bytes of "[" must not decide
// how deep this process recurses.
const MaxNesting = 100

// MaxInteger is the largest integer that canonical JSON can hold; the smallest is its negative.
const MaxInteger = 1<<53 - 1

// Canonical gives the canonical form of one JSON value: no white space, keys sorted by code point, the shortest escapes. A number
// that is written with a fraction or an exponent but is an integer becomes that integer, and -0 becomes 0. What canonical JSON
// cannot say is refused with M_BAD_JSON: other numbers, integers beyond ±(2^53-1), duplicate keys, lone surrogates, nesting deeper
// than MaxNesting. What is no JSON in valid UTF-8 is refused with M_NOT_JSON.
//
// Spec: appendices#canonical-json, appendices#examples
func Canonical(raw []byte) ([]byte, error) {
	return appendCanonical(make([]byte, 0, len(raw)), raw, 0, false)
}

// AppendCanonical appends the canonical form of raw to dst; see Canonical. On an error dst is unchanged up to its length.
func AppendCanonical(dst, raw []byte) ([]byte, error) { return appendCanonical(dst, raw, 0, false) }

// appendCanonical starts at a nesting depth and, if strict, refuses numbers that are not in canonical form already: room versions
// from 6 on demand that of events which other servers made.
func appendCanonical(dst, raw []byte, depth int, strict bool) ([]byte, error) {
	c := canonicalizer{src: raw, dst: dst, strict: strict}
	c.space()
	if err := c.value(depth); err != nil {
		return dst, err
	}
	c.space()
	if c.pos != len(c.src) {
		return dst, fault.NotJSON("data after the JSON value")
	}
	return c.dst, nil
}

// canonicalizer reads src once and writes to dst. Members are written in the order in which they come; only an object whose keys
// turn out unsorted is put in order at its end.
type canonicalizer struct {
	src    []byte
	pos    int
	dst    []byte
	strict bool

	// For objects that must be sorted; kept from one to the next.
	members []place
	scratch []byte
}

// place is where one member of an object lies in the scratch buffer: its key without the quotes, and the whole.
type place struct{ key, keyEnd, end int }

func (c *canonicalizer) space() {
	for c.pos < len(c.src) {
		switch c.src[c.pos] {
		case ' ', '\t', '\n', '\r':
			c.pos++
		default:
			return
		}
	}
}

func (c *canonicalizer) peek() byte {
	if c.pos < len(c.src) {
		return c.src[c.pos]
	}
	return 0
}

func (c *canonicalizer) value(depth int) error {
	switch b := c.peek(); b {
	case '"':
		return c.str()
	case '{':
		if depth >= MaxNesting {
			return fault.BadJSON("JSON nested deeper than %d", MaxNesting)
		}
		return c.object(depth + 1)
	case '[':
		if depth >= MaxNesting {
			return fault.BadJSON("JSON nested deeper than %d", MaxNesting)
		}
		return c.array(depth + 1)
	case 't':
		return c.literal("true")
	case 'f':
		return c.literal("false")
	case 'n':
		return c.literal("null")
	case '-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9':
		return c.number()
	}
	return c.bad()
}

func (c *canonicalizer) bad() error {
	if c.pos >= len(c.src) {
		return fault.NotJSON("JSON ends early")
	}
	return fault.NotJSON("invalid JSON at byte %d", c.pos)
}

func (c *canonicalizer) literal(s string) error {
	if !bytes.HasPrefix(c.src[c.pos:], []byte(s)) {
		return c.bad()
	}
	c.pos += len(s)
	c.dst = append(c.dst, s...)
	return nil
}

func (c *canonicalizer) array(depth int) error {
	c.pos++
	c.dst = append(c.dst, '[')
	c.space()
	if c.peek() == ']' {
		c.pos++
		c.dst = append(c.dst, ']')
		return nil
	}
	for {
		if err := c.value(depth); err != nil {
			return err
		}
		c.space()
		b := c.peek()
		if b != ',' && b != ']' {
			return c.bad()
		}
		c.pos++
		c.dst = append(c.dst, b)
		if b == ']' {
			return nil
		}
		c.space()
	}
}

func (c *canonicalizer) object(depth int) error {
	c.pos++
	begin, sorted := len(c.dst), true
	c.dst = append(c.dst, '{')
	c.space()
	if c.peek() == '}' {
		c.pos++
		c.dst = append(c.dst, '}')
		return nil
	}
	for last, lastEnd := 0, 0; ; {
		if c.peek() != '"' {
			return c.bad()
		}
		key := len(c.dst) + 1
		if err := c.str(); err != nil {
			return err
		}
		keyEnd := len(c.dst) - 1
		sorted = sorted && (last == 0 || compareKeys(c.dst[last:lastEnd], c.dst[key:keyEnd]) < 0)
		last, lastEnd = key, keyEnd
		c.space()
		if c.peek() != ':' {
			return c.bad()
		}
		c.pos++
		c.dst = append(c.dst, ':')
		c.space()
		if err := c.value(depth); err != nil {
			return err
		}
		c.space()
		b := c.peek()
		if b != ',' && b != '}' {
			return c.bad()
		}
		c.pos++
		c.dst = append(c.dst, b)
		if b == '}' {
			break
		}
		c.space()
	}
	if sorted {
		return nil
	}
	return c.sort(begin)
}

// sort puts the members of the object that begins at dst[begin] and ends with dst in order.
func (c *canonicalizer) sort(begin int) error {
	if c.scratch == nil {
		c.scratch, c.members = make([]byte, 0, len(c.src)), make([]place, 0, 16)
	}
	c.scratch = append(c.scratch[:0], c.dst[begin:]...)
	obj, ms := c.scratch, c.members[:0]
	for i := 1; i < len(obj); {
		keyEnd := skipString(obj, i) - 1
		end := skipValue(obj, keyEnd+2)
		ms = append(ms, place{i + 1, keyEnd, end})
		i = end + 1
	}
	slices.SortFunc(ms, func(a, b place) int { return compareKeys(obj[a.key:a.keyEnd], obj[b.key:b.keyEnd]) })
	out := c.dst[:begin+1]
	for i, m := range ms {
		if i > 0 {
			if compareKeys(obj[ms[i-1].key:ms[i-1].keyEnd], obj[m.key:m.keyEnd]) == 0 {
				return fault.BadJSON("duplicate key in a JSON object")
			}
			out = append(out, ',')
		}
		out = append(out, obj[m.key-1:m.end]...)
	}
	c.dst, c.members = append(out, '}'), ms
	return nil
}

// compareKeys orders two canonical strings, without their quotes, by code point. The order of UTF-8 bytes is that order, except
// that an escape stands for another byte than the backslash that begins it.
func compareKeys(a, b []byte) int {
	if bytes.IndexByte(a, '\\') < 0 && bytes.IndexByte(b, '\\') < 0 {
		return bytes.Compare(a, b)
	}
	return bytes.Compare(unescape(nil, a), unescape(nil, b))
}

// str copies one string, in the shortest form.
func (c *canonicalizer) str() error {
	c.pos++
	c.dst = append(c.dst, '"')
	for {
		run := c.pos
		i := plainRun(c.src, run)
		if i > run {
			if !utf8.Valid(c.src[run:i]) {
				return fault.NotJSON("invalid UTF-8 in a JSON string")
			}
			c.dst = append(c.dst, c.src[run:i]...)
			c.pos = i
		}
		switch c.peek() {
		case '"':
			c.pos++
			c.dst = append(c.dst, '"')
			return nil
		case '\\':
			if err := c.escape(); err != nil {
				return err
			}
		default: // a control character, or the end
			return c.bad()
		}
	}
}

// plainRun is the index of the first byte from i on that is a quote, a backslash, a control character, or the end.
func plainRun(b []byte, i int) int {
	// Eight bytes at a time. Subtracting makes the high bit of a byte that is looked for 1; a borrow may do the same to bytes above
	// it, but the lowest bit that is set is right, and only that one is used.
	const ones, high = 0x0101010101010101, 0x8080808080808080
	for ; i+8 <= len(b); i += 8 {
		w := binary.LittleEndian.Uint64(b[i:])
		quote, slash := w^ones*'"', w^ones*'\\'
		if m := ((quote-ones)&^quote | (slash-ones)&^slash | (w-ones*' ')&^w) & high; m != 0 {
			return i + bits.TrailingZeros64(m)/8
		}
	}
	for i < len(b) && b[i] >= ' ' && b[i] != '"' && b[i] != '\\' {
		i++
	}
	return i
}

// escape reads one escape sequence and appends what canonical JSON writes in its place.
func (c *canonicalizer) escape() error {
	if c.pos+1 >= len(c.src) {
		c.pos = len(c.src)
		return c.bad()
	}
	switch b := c.src[c.pos+1]; b {
	case '"', '\\', 'b', 'f', 'n', 'r', 't':
		c.dst = append(c.dst, '\\', b)
		c.pos += 2
	case '/':
		c.dst = append(c.dst, '/')
		c.pos += 2
	case 'u':
		r, ok := hex4(c.src[c.pos+2:])
		if !ok {
			return c.bad()
		}
		c.pos += 6
		if r >= 0xD800 && r <= 0xDFFF {
			low, ok := rune(0), false
			if r < 0xDC00 && c.peek() == '\\' && c.pos+1 < len(c.src) && c.src[c.pos+1] == 'u' {
				low, ok = hex4(c.src[c.pos+2:])
			}
			if !ok || low < 0xDC00 || low > 0xDFFF {
				return fault.BadJSON("lone surrogate in a JSON string")
			}
			c.pos += 6
			r = 0x10000 + (r-0xD800)<<10 + (low - 0xDC00)
		}
		c.dst = appendRune(c.dst, r)
	default:
		return c.bad()
	}
	return nil
}

func hex4(b []byte) (rune, bool) {
	if len(b) < 4 {
		return 0, false
	}
	var r rune
	for _, c := range b[:4] {
		switch {
		case c >= '0' && c <= '9':
			r = r<<4 | rune(c-'0')
		case c >= 'a' && c <= 'f':
			r = r<<4 | rune(c-'a'+10)
		case c >= 'A' && c <= 'F':
			r = r<<4 | rune(c-'A'+10)
		default:
			return 0, false
		}
	}
	return r, true
}

// appendRune appends a code point as canonical JSON has it inside a string.
func appendRune(dst []byte, r rune) []byte {
	const hex = "0123456789abcdef"
	switch r {
	case '"', '\\':
		return append(dst, '\\', byte(r))
	case '\b':
		return append(dst, '\\', 'b')
	case '\t':
		return append(dst, '\\', 't')
	case '\n':
		return append(dst, '\\', 'n')
	case '\f':
		return append(dst, '\\', 'f')
	case '\r':
		return append(dst, '\\', 'r')
	}
	if r < ' ' {
		return append(dst, '\\', 'u', '0', '0', hex[r>>4], hex[r&15])
	}
	return utf8.AppendRune(dst, r)
}

// number copies an integer and refuses what is none.
func (c *canonicalizer) number() error {
	start := c.pos
	if c.peek() == '-' {
		c.pos++
	}
	whole := c.digits()
	if len(whole) == 0 || (len(whole) > 1 && whole[0] == '0') {
		return c.bad()
	}
	if b := c.peek(); b == '.' || b|0x20 == 'e' {
		return c.decimal(start, whole)
	}
	if !safeInteger(whole) {
		return fault.BadJSON("number out of the range of canonical JSON")
	}
	if whole[0] == '0' {
		if c.strict && c.src[start] == '-' {
			return fault.BadJSON("negative zero")
		}
		c.dst = append(c.dst, '0')
		return nil
	}
	c.dst = append(c.dst, c.src[start:c.pos]...)
	return nil
}

func (c *canonicalizer) digits() []byte {
	start := c.pos
	for c.pos < len(c.src) && c.src[c.pos] >= '0' && c.src[c.pos] <= '9' {
		c.pos++
	}
	return c.src[start:c.pos]
}

// decimal reads the fraction and exponent that follow whole. The value must be an integer, as in 1.0 or 1e10.
func (c *canonicalizer) decimal(start int, whole []byte) error {
	var frac []byte
	if c.peek() == '.' {
		c.pos++
		if frac = c.digits(); len(frac) == 0 {
			return c.bad()
		}
	}
	exp := 0
	if c.peek()|0x20 == 'e' {
		c.pos++
		neg := c.peek() == '-'
		if neg || c.peek() == '+' {
			c.pos++
		}
		ds := c.digits()
		if len(ds) == 0 {
			return c.bad()
		}
		for _, d := range ds {
			exp = min(exp*10+int(d-'0'), 1<<30)
		}
		if neg {
			exp = -exp
		}
	}
	if c.strict {
		return fault.BadJSON("number with a fraction or an exponent")
	}
	ds := append(append(make([]byte, 0, 32), whole...), frac...)
	exp -= len(frac)
	for len(ds) > 0 && ds[len(ds)-1] == '0' {
		ds, exp = ds[:len(ds)-1], exp+1
	}
	ds = bytes.TrimLeft(ds, "0")
	switch {
	case len(ds) == 0:
		c.dst = append(c.dst, '0')
		return nil
	case exp < 0:
		return fault.BadJSON("number with a fraction")
	case len(ds)+exp > 16:
		return fault.BadJSON("number out of the range of canonical JSON")
	}
	for range exp {
		ds = append(ds, '0')
	}
	if !safeInteger(ds) {
		return fault.BadJSON("number out of the range of canonical JSON")
	}
	if c.src[start] == '-' {
		c.dst = append(c.dst, '-')
	}
	c.dst = append(c.dst, ds...)
	return nil
}

// safeInteger reports whether the digits are at most MaxInteger.
func safeInteger(ds []byte) bool {
	if len(ds) > 16 {
		return false
	}
	n := int64(0)
	for _, d := range ds {
		n = n*10 + int64(d-'0')
	}
	return n <= MaxInteger
}
