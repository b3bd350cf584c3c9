package sheet

import (
	"encoding/csv"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// The list of beginnings is OWASP's, on CSV injection.
func TestFormulas(t *testing.T) {
	for text, want := range map[string]string{
		"": "", "Alice": "Alice", "=1+1": "'=1+1", "+1+1": "'+1+1", "-1+1": "'-1+1", "@SUM(1+1)": "'@SUM(1+1)", "\t=1": "'\t=1", "\r=1": "'\r=1",
		"@alice:example.org": "@alice:example.org", "-12": "-12", "3.5": "3.5", "@cmd|'/C calc'!A0": "'@cmd|'/C calc'!A0", "a=b": "a=b", "'quoted": "'quoted",
		"@alice:example.org\n=1": "'@alice:example.org\n=1",
	} {
		if got := Cell(text); got != want {
			t.Errorf("%q became %q, want %q", text, got, want)
		}
	}
}

// What is written is CSV by another's reading, no cell is a formula, and the text can be had back.
func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		row := rapid.SliceOfN(rapid.OneOf(rapid.StringMatching(`['=+@-]{0,3}[a-z",;\n]{0,6}`), rapid.StringMatching(`[^\r]{0,8}`)), 2, 5).Draw(t, "row")
		var b strings.Builder
		w := NewWriter(&b)
		if err := w.Row(row...); err != nil {
			t.Fatal(err)
		}
		if err := w.Flush(); err != nil {
			t.Fatal(err)
		}
		got, err := csv.NewReader(strings.NewReader(b.String())).ReadAll()
		if err != nil || len(got) != 1 || len(got[0]) != len(row) {
			t.Fatalf("%q: %q %v", b.String(), got, err)
		}
		for i, cell := range got[0] {
			if strings.ContainsAny(cell[:min(1, len(cell))], "=+") {
				t.Fatalf("%q is a formula", cell)
			}
			if back := Plain(cell); back != row[i] && Plain(row[i]) == row[i] {
				t.Fatalf("%q came back as %q", row[i], back)
			}
		}
	})
}
