package precedence

import "testing"

// Each claim against each other.
func TestDecide(t *testing.T) {
	rule, term := Rule{Min: 10, Max: 100}, Rule{Max: 100}
	held := Verdict{Ground: Hold}
	goes := func(g Ground) Verdict { return Verdict{Remove: true, Ground: g} }
	for _, c := range []struct {
		what  string
		claim Claim
		want  Verdict
	}{
		{"nothing is claimed", Claim{Age: 50, Rule: rule}, Verdict{}},
		{"kept for ever", Claim{Age: 1 << 50}, Verdict{}},
		{"a hold alone", Claim{Age: 50, Rule: rule, Held: true}, held},
		{"hold, deletion within the minimum", Claim{Age: 5, Rule: rule, Deleted: true, Held: true}, held},
		{"hold, deletion", Claim{Age: 50, Rule: rule, Deleted: true, Held: true}, held},
		{"hold, too old", Claim{Age: 100, Rule: rule, Held: true}, held},
		{"hold, too old, deletion", Claim{Age: 100, Rule: rule, Deleted: true, Held: true}, held},
		{"hold, erasure", Claim{Age: 50, Rule: rule, Erased: true, Held: true}, held},
		{"hold, all others", Claim{Age: 100, Rule: rule, Deleted: true, Erased: true, Held: true}, held},
		{"hold, erasure without a rule", Claim{Erased: true, Held: true}, held},
		{"erasure within the minimum", Claim{Age: 5, Rule: rule, Erased: true}, goes(Erasure)},
		{"erasure, too old", Claim{Age: 100, Rule: rule, Erased: true}, goes(Erasure)},
		{"erasure, deletion within the minimum", Claim{Age: 5, Rule: rule, Deleted: true, Erased: true}, goes(Erasure)},
		{"within the minimum", Claim{Age: 5, Rule: rule}, Verdict{Ground: Retention}},
		{"deletion within the minimum", Claim{Age: 5, Rule: rule, Deleted: true}, Verdict{Ground: Retention, Wait: 5}},
		{"deletion as the minimum ends", Claim{Age: 10, Rule: rule, Deleted: true}, goes(Deletion)},
		{"a moment before the maximum", Claim{Age: 99, Rule: rule}, Verdict{}},
		{"too old", Claim{Age: 100, Rule: rule}, goes(Retention)},
		{"too old, deletion", Claim{Age: 100, Rule: rule, Deleted: true}, goes(Retention)},
		{"deletion", Claim{Deleted: true}, goes(Deletion)},
		{"a segment whose term is not over", Claim{Age: 99, Rule: term}, Verdict{}},
		{"a segment whose term is over", Claim{Age: 100, Rule: term}, goes(Retention)},
		{"a segment whose term is over, hold", Claim{Age: 100, Rule: term, Held: true}, held},
		{"a segment without an end", Claim{Age: 1 << 50, Rule: Rule{}}, Verdict{}},
	} {
		if got := Decide(c.claim); got != c.want {
			t.Errorf("%s: %+v, want %+v", c.what, got, c.want)
		}
	}
}
