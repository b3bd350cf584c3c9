package ident

import (
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
	"pgregory.net/rapid"

	"conclave.chat/internal/mx"
	"conclave.chat/internal/store/account"
)

func TestBindingIgnoresFormAndAuth(t *testing.T) {
	hash := func(body string) string {
		_, h, err := splitAuth([]byte(body))
		if err != nil {
			t.Fatal(err)
		}
		return string(h)
	}
	if hash(`{"a":1,"b":{"c":2,"d":3}}`) != hash("{ \"b\" : {\"d\":3,\"c\":2},\n\"auth\":{\"session\":\"x\"},\"a\":1}") {
		t.Error("the same request has two hashes")
	}
	if hash(`{"a":1}`) == hash(`{"a":2}`) || hash(``) != hash(`{}`) {
		t.Error("hashes do not tell requests apart")
	}
}

// FuzzSplitAuth checks that no body makes it panic, and that what it accepts has one hash however it is written.
func FuzzSplitAuth(f *testing.F) {
	for _, s := range []string{``, `{}`, `{"auth":null}`, `{"auth":{"type":"m.login.password","identifier":{"type":"m.id.user","user":"a"}},"x":[1,2.5,"é"]}`, `[]`, `{"auth":1}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		_, h, err := splitAuth(body)
		if err != nil || len(body) == 0 {
			return
		}
		v := jsontext.Value(slices.Clone(body))
		if v.Canonicalize() != nil {
			return
		}
		if _, again, err := splitAuth(v); err != nil || !slices.Equal(h, again) {
			t.Errorf("%q has another hash in canonical form (%v)", body, err)
		}
	})
}

// TestEveryPrefixFinds checks the directory's words: whoever types the beginning of a part of a name, in any case, finds it.
func TestEveryPrefixFinds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.StringMatching(`[A-Za-zäöüÉßñ]{1,12}( [A-Za-zäöüÉßñ]{1,12}){0,3}`).Draw(t, "name")
		words := wordsOf(mx.UserID("@local.part:example.org"), name)
		part := rapid.SampledFrom(strings.Fields(name)).Draw(t, "part")
		runes := []rune(part)
		term := string(runes[:rapid.IntRange(1, len(runes)).Draw(t, "length")])
		if rapid.Bool().Draw(t, "upper") {
			term = strings.ToUpper(term)
		}
		if !slices.ContainsFunc(words, func(w string) bool { return strings.HasPrefix(w, account.Fold(term)) }) {
			t.Errorf("%q does not find %q: %q", term, name, words)
		}
	})
}
