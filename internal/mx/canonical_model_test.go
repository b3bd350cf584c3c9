package mx

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
	"pgregory.net/rapid"
)

// model is canonical JSON as one writes it down who does not care for speed, on top of somebody else's JSON reader.
func model(in []byte) (string, error) {
	d := jsontext.NewDecoder(bytes.NewReader(in))
	v, err := modelValue(d, 0)
	if err != nil {
		return "", err
	}
	if _, err := d.ReadToken(); !errors.Is(err, io.EOF) {
		return "", errors.New("more data")
	}
	return v, nil
}

func modelValue(d *jsontext.Decoder, depth int) (string, error) {
	tok, err := d.ReadToken()
	if err != nil {
		return "", err
	}
	switch tok.Kind() {
	case '"':
		return modelString(tok.String()), nil
	case '0':
		return modelNumber(tok.String())
	case '[', '{':
		if depth == MaxNesting {
			return "", errors.New("too deep")
		}
		var list []string
		object := map[string]string{}
		for d.PeekKind() != ']' && d.PeekKind() != '}' {
			key := ""
			if tok.Kind() == '{' {
				k, err := d.ReadToken()
				if err != nil {
					return "", err
				}
				key = k.String()
			}
			v, err := modelValue(d, depth+1)
			if err != nil {
				return "", err
			}
			list = append(list, v)
			object[key] = v
		}
		if _, err := d.ReadToken(); err != nil {
			return "", err
		}
		if tok.Kind() == '[' {
			return "[" + strings.Join(list, ",") + "]", nil
		}
		list = nil
		for _, k := range slices.SortedFunc(maps.Keys(object), func(a, b string) int { return slices.Compare([]rune(a), []rune(b)) }) {
			list = append(list, modelString(k)+":"+object[k])
		}
		return "{" + strings.Join(list, ",") + "}", nil
	default:
		return tok.String(), nil
	}
}

func modelString(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		if i := strings.IndexRune("\b\t\n\f\r\"\\", r); i >= 0 {
			b.WriteString(`\` + string(`btnfr"\`[i]))
		} else if r < ' ' {
			fmt.Fprintf(&b, `\u%04x`, r)
		} else {
			b.WriteRune(r)
		}
	}
	return b.String() + `"`
}

func modelNumber(s string) (string, error) {
	mantissa, exp, _ := strings.Cut(strings.ToLower(s), "e")
	if strings.Trim(mantissa, "-0.") == "" {
		return "0", nil
	}
	if n, err := strconv.Atoi(exp); exp != "" && (err != nil || n > 10000 || n < -10000) {
		return "", errors.New("not an integer in range")
	}
	r, ok := new(big.Rat).SetString(s)
	if !ok || !r.IsInt() || new(big.Rat).Abs(r).Cmp(big.NewRat(MaxInteger, 1)) > 0 {
		return "", errors.New("not an integer in range")
	}
	return r.Num().String(), nil
}

func checkAgainstModel(t interface {
	Helper()
	Errorf(string, ...any)
}, in []byte,
) {
	t.Helper()
	got, err := Canonical(in)
	want, wantErr := model(in)
	if (err == nil) != (wantErr == nil) || (err == nil && string(got) != want) {
		t.Errorf("Canonical(%q) = %q, %v; the model says %q, %v", in, got, err, want, wantErr)
	}
	if err != nil {
		return
	}
	// What is canonical stays as it is, however strict one is.
	again, err := appendCanonical(nil, got, 0, true)
	if err != nil || !bytes.Equal(got, again) {
		t.Errorf("Canonical(%q) = %q, again: %q, %v", in, got, again, err)
	}
	if skipValue(got, 0) != len(got) {
		t.Errorf("%q is skipped up to %d only", got, skipValue(got, 0))
	}
	n := 0
	for k, v := range fields(got) {
		n += len(k) + len(v) + 4
		if !bytes.Equal(field(got, keyText(k)), v) && bytes.IndexByte(k, '\\') < 0 {
			t.Errorf("field %q of %q is %q", k, got, v)
		}
	}
	if got[0] == '{' && n != max(len(got)-1, 1) && len(got) > 2 {
		t.Errorf("the fields of %q make up %d bytes", got, n)
	}
}

func FuzzCanonical(f *testing.F) {
	for _, c := range canonicalExamples {
		f.Add([]byte(c.in))
	}
	for _, s := range []string{
		`{"\u005c":1,"[":2,"\"":3,"\u0000":4}`, `{"a":{"c":1,"b":{"z":1,"y":2}},"A":[{"q":1,"p":2}]}`, `"\ud83d\ude00\ud83d"`, `[-0,1E2,1.50e1,0.1e1,-9007199254740991]`,
		`{"b":1,"a":2,"b":3}`, "\"\xff\"", "\"plain text of more than eight bytes \x1f\"", `{"a":1}x`, strings.Repeat("[", 101) + strings.Repeat("]", 101),
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, in []byte) { checkAgainstModel(t, in) })
}

// anyJSON draws a JSON value, in any way of writing it.
func anyJSON(depth int) *rapid.Generator[string] {
	space := rapid.SampledFrom([]string{"", "", "", " ", "\n\t"})
	text := rapid.Custom(func(t *rapid.T) string {
		return `"` + strings.Join(rapid.SliceOfN(rapid.SampledFrom([]string{
			"a", "b", "Z", "[", "]", "{", " ", ":", ",", "é", "日", "😀", `\"`, `\\`, `\/`, `\n`, `\u0000`, `\u0041`, `\u00e9`, `\ud83d\ude00`, `\u001F`, `\u005c`, `\u0022`, "\u2028",
			"eight or more",
		}), 0, 4).Draw(t, "text"), "") + `"`
	})
	number := rapid.SampledFrom([]string{"0", "-0", "1", "-1", "1.0", "1e2", "12E-1", "9007199254740991", "-9007199254740991", "9007199254740992", "0.5", "100e-2"})
	leaf := rapid.OneOf(text, number, rapid.SampledFrom([]string{"true", "false", "null", "{}", "[]"}))
	if depth == 0 {
		return leaf
	}
	return rapid.Custom(func(t *rapid.T) string {
		kind := rapid.IntRange(0, 3).Draw(t, "kind")
		if kind == 0 {
			return leaf.Draw(t, "leaf")
		}
		var parts []string
		for range rapid.IntRange(0, 5).Draw(t, "n") {
			s := space.Draw(t, "space") + anyJSON(depth-1).Draw(t, "value") + space.Draw(t, "space")
			if kind > 1 {
				s = space.Draw(t, "space") + text.Draw(t, "key") + space.Draw(t, "space") + ":" + s
			}
			parts = append(parts, s)
		}
		if kind == 1 {
			return "[" + strings.Join(parts, ",") + "]"
		}
		return "{" + strings.Join(parts, ",") + "}"
	})
}

func TestCanonicalProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) { checkAgainstModel(t, []byte(anyJSON(3).Draw(t, "json"))) })
}

func TestAppendStringMendsUTF8(t *testing.T) {
	for in, want := range map[string]string{"a\xffb": "\"a\ufffdb\"", "\xed\xa0\x80": "\"\ufffd\ufffd\ufffd\"", "é\xc3": "\"é\ufffd\"", "\ufffd\n": "\"\ufffd\\n\""} {
		if got := string(AppendString(nil, in)); got != want {
			t.Errorf("%q becomes %q, want %q", in, got, want)
		}
	}
}

func TestAppendStringProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.String().Draw(t, "s")
		if got := string(AppendString(nil, s)); got != modelString(s) {
			t.Fatalf("%q becomes %s", s, got)
		}
		if back, ok := str(AppendString(nil, s)); !ok || back != s {
			t.Fatalf("%q comes back as %q", s, back)
		}
	})
}
