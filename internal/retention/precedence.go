package retention

import "conclave.chat/internal/store/mediameta"

// Ground says why something is removed, or stays.
type Ground = mediameta.Ground

// The grounds, strongest last.
const (
	Deletion  = mediameta.Deletion  // somebody redacted it
	Retention = mediameta.Retention // it is too old, or not old enough
	Erasure   = mediameta.Erasure   // it was taken away as a whole: its room was deleted, or its sender is to be forgotten
	Held      = mediameta.Hold      // a legal hold keeps it
)

// Claim is what is to be said of a message, or of a file by a message that showed it.
type Claim struct {
	Age     int64 // milliseconds since it was sent
	Rule    Rule  // of its room
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

// Decide is the one place that weighs the claims on what people have written, each before those below it: hold, erasure, retention, a person's
// own deletion. Whatever destroys content asks it, in the transaction that destroys.
func Decide(c Claim) Verdict {
	switch {
	case c.Held:
		return Verdict{Ground: Held}
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
