// Package query is the language in which officers search, and what it means: how texts are taken apart into words, how a query is read, and how both become
// an expression for SQLite's FTS5. It knows nothing of a database.
//
//	invoice bonus          both words, anywhere
//	"sell at 41"           these words, one after the other
//	bonus*                 words that begin so
//	bonus OR premium       one of them; AND may be written, too
//	bonus NOT christmas    not this one; -christmas is the same
//	(a OR b) c             in this order
//
// Case, accents and full width do not matter. Chinese, Japanese, Korean, Thai, Lao, Khmer and Burmese are found by any part of a text. An emoji is a word.
// Whatever is typed is a query: a bracket or a quotation mark without its other half, or an operator without its operand, is taken for nothing. So no
// error of a grammar that nobody has to know comes back.
package query

import (
	"strings"
	"unicode"
)

// Query is what is looked for.
type Query struct{ root *node }

type op uint8

const (
	opTerm op = iota
	opAnd
	opOr
	opNot
)

type node struct {
	op    op
	kids  []*node
	words []string // of a term, one after the other
	open  bool     // the last of them is how a word begins
}

const (
	maxLength = 4096 // bytes that are read
	maxDepth  = 20   // of brackets
)

// Parse reads a query.
func Parse(s string) Query {
	if len(s) > maxLength {
		s = strings.ToValidUTF8(s[:maxLength], "")
	}
	p := &parser{rest: s}
	p.next()
	q := Query{root: p.any(0)}
	for p.token != end { // a bracket that nothing has opened
		p.next()
		if more := p.any(0); more != nil {
			q.root = join(opAnd, q.root, more)
		}
	}
	return q
}

// Empty tells whether the query asks for nothing.
func (q Query) Empty() bool { return q.root == nil }

type lexeme uint8

const (
	end lexeme = iota
	term
	left
	right
	and
	or
	not
)

type parser struct {
	rest  string
	token lexeme
	text  string // of a term
	quote bool
	star  bool
}

// next reads one token.
func (p *parser) next() {
	p.rest = strings.TrimLeftFunc(p.rest, unicode.IsSpace)
	p.text, p.quote, p.star = "", false, false
	if p.rest == "" {
		p.token = end
		return
	}
	r := strings.NewReader(p.rest)
	c, n, _ := r.ReadRune()
	switch {
	case c == '(':
		p.token, p.rest = left, p.rest[n:]
		return
	case c == ')':
		p.token, p.rest = right, p.rest[n:]
		return
	case c == '-' && len(p.rest) > 1 && !strings.ContainsAny(p.rest[1:2], " \t-"):
		p.token, p.rest = not, p.rest[n:]
		return
	case isQuote(c):
		p.token, p.quote = term, true
		p.text = p.rest[n:]
		p.rest = ""
		if i := strings.IndexFunc(p.text, isQuote); i >= 0 {
			_, n, _ := strings.NewReader(p.text[i:]).ReadRune()
			p.text, p.rest = p.text[:i], p.text[i+n:]
		}
		if strings.HasPrefix(p.rest, "*") {
			p.star, p.rest = true, p.rest[1:]
		}
		return
	}
	i := strings.IndexFunc(p.rest, func(c rune) bool { return unicode.IsSpace(c) || c == '(' || c == ')' || isQuote(c) })
	if i < 0 {
		i = len(p.rest)
	}
	p.token, p.text, p.rest = term, p.rest[:i], p.rest[i:]
	switch p.text {
	case "AND":
		p.token = and
	case "OR":
		p.token = or
	case "NOT":
		p.token = not
	}
	p.star = strings.HasSuffix(p.text, "*")
}

// isQuote knows the quotation marks that keyboards and editors make, in pairs that do not matter.
func isQuote(r rune) bool {
	return r == '"' || r == '“' || r == '”' || r == '„' || r == '«' || r == '»'
}

// any reads alternatives up to a closing bracket.
func (p *parser) any(depth int) *node {
	n := p.all(depth)
	for p.token == or {
		p.next()
		n = join(opOr, n, p.all(depth))
	}
	return n
}

// all reads what has to be there together.
func (p *parser) all(depth int) *node {
	var n *node
	for {
		switch p.token {
		case end, or, right:
			return n
		case and:
			p.next()
		case term, left, not:
			n = join(opAnd, n, p.one(depth))
		}
	}
}

func (p *parser) one(depth int) *node {
	negated := false
	for p.token == not {
		negated = !negated
		p.next()
	}
	var n *node
	switch p.token {
	case left:
		p.next()
		if depth >= maxDepth {
			return nil
		}
		n = p.any(depth + 1)
		if p.token == right {
			p.next()
		}
	case term:
		n = newTerm(p.text, p.star)
		p.next()
	case end, right, and, or, not:
		return nil
	}
	if negated && n != nil {
		return &node{op: opNot, kids: []*node{n}}
	}
	return n
}

func join(o op, a, b *node) *node {
	switch {
	case a == nil:
		return b
	case b == nil:
		return a
	case a.op == o:
		a.kids = append(a.kids, b)
		return a
	}
	return &node{op: o, kids: []*node{a, b}}
}

// newTerm makes a phrase of what was typed; one word is a phrase too.
func newTerm(text string, star bool) *node {
	tokens := Tokens(text)
	if len(tokens) == 0 {
		return nil
	}
	n := &node{open: star}
	if last := tokens[len(tokens)-1]; last.run > 0 {
		// The text may go on where the query ends: pairs say all but for one character alone, which begins pairs.
		n.open = last.run == 1
		if last.run > 1 {
			tokens = tokens[:len(tokens)-1]
		}
	}
	for _, t := range tokens {
		n.words = append(n.words, t.Word)
	}
	return n
}

// All is the word in the second column of the index that every text has.
const All = "all"

// FTS is the query as FTS5 reads it, over the columns body and mark. Empty gives nothing.
func (q Query) FTS() string {
	if q.root == nil {
		return ""
	}
	var b strings.Builder
	q.root.fts(&b)
	return b.String()
}

// fts writes an expression. Words are letters, digits and marks alone, so nothing in them means anything to FTS5 within quotation marks.
func (n *node) fts(b *strings.Builder) {
	switch n.op {
	case opTerm:
		b.WriteString(`body : "` + strings.Join(n.words, " ") + `"`)
		if n.open {
			b.WriteString(" *")
		}
	case opOr:
		list(b, " OR ", n.kids)
	case opNot:
		b.WriteString("(mark : \"" + All + "\" NOT ")
		n.kids[0].fts(b)
		b.WriteByte(')')
	case opAnd:
		var yes, no []*node
		for _, k := range n.kids {
			if k.op == opNot {
				no = append(no, k.kids[0])
			} else {
				yes = append(yes, k)
			}
		}
		if len(no) == 0 {
			list(b, " AND ", yes)
			return
		}
		b.WriteByte('(')
		if len(yes) == 0 {
			b.WriteString("mark : \"" + All + "\"")
		} else {
			list(b, " AND ", yes)
		}
		b.WriteString(" NOT ")
		list(b, " OR ", no)
		b.WriteByte(')')
	}
}

func list(b *strings.Builder, between string, kids []*node) {
	b.WriteByte('(')
	for i, k := range kids {
		if i > 0 {
			b.WriteString(between)
		}
		k.fts(b)
	}
	b.WriteByte(')')
}

// Span is a part of a text, in bytes.
type Span struct {
	Start int `json:"start"`
	End   int `json:"end"`
}

// Find gives the parts of a text that the query's terms mean, in order; what must not be there is not looked for.
func (q Query) Find(text string) (out []Span) {
	if q.root == nil {
		return nil
	}
	tokens := Tokens(text)
	hit := make([]int, len(text)+1) // where a part begins, how far it goes
	q.root.terms(func(n *node) {
		for i := range tokens {
			if end, ok := n.at(tokens[i:]); ok {
				hit[tokens[i].Start] = max(hit[tokens[i].Start], end)
			}
		}
	})
	for start := 0; start < len(text); start++ {
		if hit[start] <= start {
			continue
		}
		if n := len(out); n > 0 && out[n-1].End >= start {
			out[n-1].End = max(out[n-1].End, hit[start])
			continue
		}
		out = append(out, Span{start, hit[start]})
	}
	return out
}

func (n *node) terms(f func(*node)) {
	switch n.op {
	case opTerm:
		f(n)
	case opAnd, opOr:
		for _, k := range n.kids {
			k.terms(f)
		}
	case opNot: // it marks nothing
	}
}

// at tells whether the term stands at the beginning of tokens, and where it ends in the text.
func (n *node) at(tokens []Token) (int, bool) {
	if len(tokens) < len(n.words) {
		return 0, false
	}
	for i, w := range n.words {
		if last := i == len(n.words)-1; tokens[i].Word != w && (!last || !n.open || !strings.HasPrefix(tokens[i].Word, w)) {
			return 0, false
		}
	}
	t := tokens[len(n.words)-1]
	if n.open && t.run > 1 && !t.last { // one character of a pair
		return t.mid, true
	}
	return t.End, true
}

// Match tells whether a text is what the query means.
func (q Query) Match(text string) bool {
	if q.root == nil {
		return false
	}
	return q.root.match(Tokens(text))
}

func (n *node) match(tokens []Token) bool {
	switch n.op {
	case opTerm:
		for i := range tokens {
			if _, ok := n.at(tokens[i:]); ok {
				return true
			}
		}
		return false
	case opNot:
		return !n.kids[0].match(tokens)
	case opOr:
		for _, k := range n.kids {
			if k.match(tokens) {
				return true
			}
		}
		return false
	case opAnd:
		for _, k := range n.kids {
			if !k.match(tokens) {
				return false
			}
		}
	}
	return true
}
