package history

import "testing"

// Whatever text comes, a token is refused or gives a position that its own token gives again.
func FuzzParseToken(f *testing.F) {
	for _, s := range []string{"t5", "s5_7", "s5_7_4", "p9_conn", "t", "", "t-1", "t+1", "s_", "t99999999999999999999", "t1_2", "é"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		at, err := parseToken(text)
		if err != nil {
			return
		}
		if again, err := parseToken(token(at)); at < 0 || err != nil || again != at {
			t.Fatalf("%q gives %d, its token %d, %v", text, at, again, err)
		}
	})
}

func FuzzParseSearchToken(f *testing.F) {
	for _, t := range []searchToken{{}, {Below: 5}, {UpTo: 9, Skip: 10, GroupBy: GroupRoom, Group: "!r:hs1"}} {
		f.Add(t.String())
	}
	f.Fuzz(func(t *testing.T, text string) {
		token, err := parseSearchToken(text)
		if err != nil {
			return
		}
		if again, err := parseSearchToken(token.String()); err != nil || again != token {
			t.Fatalf("%q gives %+v, its token %+v, %v", text, token, again, err)
		}
	})
}
