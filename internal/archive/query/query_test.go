package query

import (
	"slices"
	"strings"
	"testing"
	"unicode"
)

func TestFTS(t *testing.T) {
	for q, want := range map[string]string{
		"":                  "",
		`"" !? ()`:          "",
		"Börse":             `body : "borse"`,
		"a b":               `(body : "a" AND body : "b")`,
		`"a b" c*`:          `(body : "a b" AND body : "c" *)`,
		"„a b“ «c»":         `(body : "a b" AND body : "c")`,
		"a OR b c":          `(body : "a" OR (body : "b" AND body : "c"))`,
		"(a OR b) AND c":    `((body : "a" OR body : "b") AND body : "c")`,
		"a NOT b -c":        `((body : "a") NOT (body : "b" OR body : "c"))`,
		"NOT a":             `(mark : "all" NOT body : "a")`,
		"NOT NOT a":         `body : "a"`,
		"a OR NOT b":        `(body : "a" OR (mark : "all" NOT body : "b"))`,
		"OR a AND":          `body : "a"`,
		"(a":                `body : "a"`,
		"a) b":              `(body : "a" AND body : "b")`,
		`"a b`:              `body : "a b"`,
		"a-b":               `body : "a b"`,
		"well-known - fact": `(body : "well known" AND body : "fact")`,
		"卖出":                `body : "卖出"`,
		"卖":                 `body : "卖" *`,
		"卖出股":               `body : "卖出 出股"`,
		"not or and near":   `(body : "not" AND body : "or" AND body : "and" AND body : "near")`,
	} {
		if got := Parse(q).FTS(); got != want {
			t.Errorf("%s: %s, want %s", q, got, want)
		}
	}
}

func TestWords(t *testing.T) {
	for text, want := range map[string]string{
		"Größe STRASSE straße": "grosse strasse strasse",
		"Łódź smørrebrød":      "lodz smorrebrod",
		"ﬁnal Ｆｕｌｌ":            "final full",
		"don't e-mail a@b.com": "don t e mail a b com",
		"卖出股票":                 "卖出 出股 股票 票",
		"サーバー":                 "サー ーバ バー ー",
		"서울에서":                 "서울 울에 에서 서",
		"ok👍🏽 ☕":               "ok u1f44d u2615",
		"हिन्दी":               "हिन्दी",
		"a\x00b\xffc":          "a b c",
	} {
		if got := Words(text); got != want {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
}

func TestFind(t *testing.T) {
	for _, x := range []struct{ query, text, want string }{
		{"borse", "Die Börse, die BÖRSE!", "Börse|BÖRSE"},
		{`"at 41"`, "sell at 41 at 42", "at 41"},
		{"se*", "sell and sea", "sell|sea"},
		{"股票", "卖出股票吗", "股票"},
		{"股", "卖出股票吗", "股"},
		{"a NOT b", "a b", "a"},
		{"出股票", "卖出股票吗", "出股票"},
	} {
		var got []string
		for _, s := range Parse(x.query).Find(x.text) {
			got = append(got, x.text[s.Start:s.End])
		}
		if strings.Join(got, "|") != x.want {
			t.Errorf("%s in %s: %q, want %s", x.query, x.text, got, x.want)
		}
	}
}

func FuzzQuery(f *testing.F) {
	for _, s := range []string{`a "b c" OR (d NOT e*) -f`, "卖出 股", "((((", `"`, "NOT OR AND", "-", "*"} {
		f.Add(s, "a b c d e 卖出股票")
	}
	f.Fuzz(func(t *testing.T, q, text string) {
		if len(text) > 1<<16 {
			t.Skip("no event is so long")
		}
		p := Parse(q)
		if (p.FTS() == "") != p.Empty() {
			t.Fatal("an expression of nothing")
		}
		for _, tok := range Tokens(q) {
			// Nothing in a word may mean anything to the index, whose tokenizer divides at what is ASCII and neither letter nor digit.
			if tok.Word == "" || strings.ContainsFunc(tok.Word, func(r rune) bool { return r < 0x80 && !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
				t.Fatalf("%q is no word", tok.Word)
			}
		}
		spans := p.Find(text)
		if !slices.IsSortedFunc(spans, func(a, b Span) int { return a.Start - b.Start }) {
			t.Fatal(spans)
		}
		for _, s := range spans {
			if s.Start < 0 || s.End > len(text) || s.Start >= s.End {
				t.Fatalf("%v in %d", s, len(text))
			}
		}
	})
}
