package mx

import (
	"strings"
	"testing"

	"conclave.chat/internal/fault"
)

// The examples of the specification.
//
// Spec: appendices#examples
var canonicalExamples = []struct{ in, out string }{
	{`{}`, `{}`},
	{"{\n    \"one\": 1,\n    \"two\": \"Two\"\n}", `{"one":1,"two":"Two"}`},
	{`{ "b": "2", "a": "1" }`, `{"a":"1","b":"2"}`},
	{`{"b":"2","a":"1"}`, `{"a":"1","b":"2"}`},
	{
		`{ "auth": { "success": true, "mxid": "@john.doe:example.com", "profile": { "display_name": "John Doe", "three_pids": [
		{ "medium": "email", "address": "john.doe@example.org" }, { "medium": "msisdn", "address": "123456789" } ] } } }`,
		`{"auth":{"mxid":"@john.doe:example.com","profile":{"display_name":"John Doe","three_pids":[{"address":"john.doe@example.org","medium":"email"},{"address":"123456789","medium":"msisdn"}]},"success":true}}`,
	},
	{`{"a": "日本語"}`, `{"a":"日本語"}`},
	{`{"本": 2, "日": 1}`, `{"日":1,"本":2}`},
	{`{"a": "\u65E5"}`, `{"a":"日"}`},
	{`{"a": null}`, `{"a":null}`},
	{`{"a": -0, "b": 1e10}`, `{"a":0,"b":10000000000}`},
}

func TestCanonicalExamples(t *testing.T) {
	for _, c := range canonicalExamples {
		got, err := Canonical([]byte(c.in))
		if err != nil || string(got) != c.out {
			t.Errorf("Canonical(%s) = %s, %v; want %s", c.in, got, err, c.out)
		}
	}
}

// Spec: appendices#canonical-json
func TestCanonicalForms(t *testing.T) {
	for _, c := range []struct{ in, out string }{
		{` [ ] `, `[]`},
		{`"\/\u002f\"\\\b\f\n\r\t\u0000\u001F\u007f\u0022\u005c\u0008\u000a"`, `"//\"\\\b\f\n\r\t\u0000\u001f` + "\x7f" + `\"\\\b\n"`},
		{`"\ud83d\ude00 \uD83D\uDE00"`, `"😀 😀"`},
		{`{"\uffff":1,"😀":2,"a":{"z":[3,{"y":1,"x":2}],"b":0}}`, "{\"a\":{\"b\":0,\"z\":[3,{\"x\":2,\"y\":1}]},\"\uffff\":1,\"😀\":2}"},
		{`{"]":1,"\\":2,"[":3,"Z":4}`, `{"Z":4,"[":3,"\\":2,"]":1}`},
		{`{"!":1,"\u0001":2,"\"":3,"#":4}`, `{"\u0001":2,"!":1,"\"":3,"#":4}`},
		{`9007199254740991`, `9007199254740991`},
		{`-9007199254740991`, `-9007199254740991`},
		{`1.0`, `1`},
		{`-1.50e1`, `-15`},
		{`0e999999999999`, `0`},
		{`-0.0`, `0`},
		{`100e-2`, `1`},
		{`9007199254740991.000`, `9007199254740991`},
		{`0.00123E5`, `123`},
		{strings.Repeat("[", MaxNesting) + strings.Repeat("]", MaxNesting), strings.Repeat("[", MaxNesting) + strings.Repeat("]", MaxNesting)},
	} {
		got, err := Canonical([]byte(c.in))
		if err != nil || string(got) != c.out {
			t.Errorf("Canonical(%s) = %s, %v; want %s", c.in, got, err, c.out)
		}
	}
}

func TestCanonicalRefuses(t *testing.T) {
	for code, inputs := range map[string][]string{
		"M_BAD_JSON": {
			`1.1`, `1e-1`, `1e16`, `1e400`, `9007199254740992`, `-9007199254740992`, `123456789012345678901234567890`, `9007199254740992.0`,
			`{"a":1,"a":2}`, `{"a":1,"b":2,"\u0061":3}`, `{"b":1,"a":{},"b":2}`, `"\ud800"`, `"\udc00\ud800"`, `"\ud800\u0041"`, `"\ud83dx"`,
			strings.Repeat("[", MaxNesting+1) + strings.Repeat("]", MaxNesting+1),
			strings.Repeat(`{"a":`, MaxNesting+1) + "1" + strings.Repeat("}", MaxNesting+1),
		},
		"M_NOT_JSON": {
			``, ` `, `{`, `[`, `"`, `"\`, `"\u`, `"\u12`, `"\x"`, `{"a"}`, `{"a":}`, `{"a":1,}`, `{,}`, `[1,]`, `[,1]`, `{1:2}`, `nul`, `nulll`,
			`tru`, `NaN`, `Infinity`, `-Infinity`, `-`, `+1`, `01`, `-01`, `1.`, `.1`, `1e`, `1e+`, `{} {}`, `{}x`, "\"\x01\"", "\"\n\"",
			"\"\xff\"", "\"\xc0\x80\"", "\"\xed\xa0\x80\"", "{\"\xff\":1}", "\ufeff{}", "'a'", "{\"a\":1;}", "\x00", "{}\x00",
		},
	} {
		for _, in := range inputs {
			got, err := Canonical([]byte(in))
			if !fault.Is(err, code) {
				t.Errorf("Canonical(%q) = %s, %v; want %s", in, got, err, code)
			}
		}
	}
}

func TestStrictRefusesForeignNumbers(t *testing.T) {
	for _, in := range []string{`-0`, `1.0`, `1e3`, `0e0`} {
		if _, err := appendCanonical(nil, []byte(in), 0, true); !fault.Is(err, "M_BAD_JSON") {
			t.Errorf("%s: %v", in, err)
		}
	}
}

func TestAppendKeepsPrefix(t *testing.T) {
	dst := []byte("prefix")
	got, err := AppendCanonical(dst, []byte(`{"b":1,"a":2}`))
	if err != nil || string(got) != `prefix{"a":2,"b":1}` {
		t.Fatalf("%s %v", got, err)
	}
	got, err = AppendCanonical(dst, []byte(`{"b":1,`))
	if err == nil || string(got) != "prefix" {
		t.Fatalf("%s %v", got, err)
	}
}
