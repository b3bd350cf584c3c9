// Package precedence weighs what is claimed of a thing that people have written: a message, a file, an account, a segment of the sealed archive. Hold goes before erasure,
// erasure before retention, retention before a person's own deletion.
//
// It does no I/O and has no clock. The homeserver and the archive's tools, which import nothing of each other, both ask it, and nothing else decides.
package precedence

// Ground says why something goes, or stays.
type Ground string

// The grounds, strongest last.
const (
	Deletion  Ground = "deletion"  // somebody redacted it
	Retention Ground = "retention" // it is too old, or not old enough
	Erasure   Ground = "erasure"   // it was taken away as a whole: its room was deleted, or its sender is to be forgotten
	Hold      Ground = "hold"      // a legal hold keeps it
)

// Rule is how long something is kept, in milliseconds: at least Min, against people's wish too, and at most Max; 0 is no such bound.
type Rule struct{ Min, Max int64 }

// Claim is what is to be said of something.
type Claim struct {
	Age     int64 // milliseconds since it was sent, or closed
	Rule    Rule
	Deleted bool
	Erased  bool
	Held    bool // by a legal hold in force
}

// Verdict is what becomes of it. Wait is for how long a removal has to wait that somebody asked for; 0 where nobody did, and where it waits for
// the release of a hold.
type Verdict struct {
	Remove bool
	Ground Ground // "" where nothing is claimed
	Wait   int64
}

// Decide is the one place that weighs the claims, each before those below it. Whatever destroys content asks it at the moment when it destroys: on the homeserver
// in the same transaction, in the archive before each key.
func Decide(c Claim) Verdict {
	switch {
	case c.Held:
		return Verdict{Ground: Hold}
	case c.Erased:
		return Verdict{Remove: true, Ground: Erasure}
	case c.Rule.Max > 0 && c.Age >= c.Rule.Max:
		return Verdict{Remove: true, Ground: Retention}
	case c.Age < c.Rule.Min:
		v := Verdict{Ground: Retention}
		if c.Deleted {
			v.Wait = c.Rule.Min - c.Age
		}
		return v
	case c.Deleted:
		return Verdict{Remove: true, Ground: Deletion}
	}
	return Verdict{}
}
