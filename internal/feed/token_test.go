package feed_test

import (
	"testing"

	"pgregory.net/rapid"

	"conclave.chat/internal/fault"
	"conclave.chat/internal/feed"
	"conclave.chat/internal/store"
)

func TestTokensComeBackAsTheyWere(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pos := rapid.Int64Range(0, 1<<62).Draw(t, "pos")
		want := feed.Token{Pos: store.Pos(pos), Ephemeral: rapid.Int64Range(0, 1<<62).Draw(t, "ephemeral"), ToDevice: store.Pos(rapid.Int64Range(0, pos).Draw(t, "device"))}
		got, err := feed.ParseToken(want.String())
		if err != nil || got != want {
			t.Fatalf("%+v became %q and that %+v, %v", want, want.String(), got, err)
		}
		at, err := feed.ParsePosition(want.String())
		if err != nil || at != want.Pos {
			t.Fatalf("position of %q: %d, %v", want.String(), at, err)
		}
		if at, err = feed.ParsePosition(feed.PositionToken(want.Pos)); err != nil || at != want.Pos {
			t.Fatalf("position of %q: %d, %v", feed.PositionToken(want.Pos), at, err)
		}
	})
}

func TestTokensRefused(t *testing.T) {
	for _, s := range []string{
		"", "s", "s1", "s_", "s1_", "s_1", "s01_1", "s1_01", "s+1_1", "s-1_1", "s1_1_", "s1_1_1", "s1_1_2", "s1_1_0_0", "t1", "p1_1", "x1_1",
		" s1_1", "s1_1 ", "s1_1\x00", "s99999999999999999999_1", "s9223372036854775808_1", "S1_1", "s١_1",
	} {
		if got, err := feed.ParseToken(s); !fault.Is(err, "M_INVALID_PARAM") {
			t.Errorf("%q: %+v, %v", s, got, err)
		}
	}
	for _, s := range []string{"", "t", "t1_1", "s1", "p1", "x1", "t01", "t-1", "1"} {
		if got, err := feed.ParsePosition(s); !fault.Is(err, "M_INVALID_PARAM") {
			t.Errorf("%q: %d, %v", s, got, err)
		}
	}
}

func FuzzParseToken(f *testing.F) {
	for _, s := range []string{"s1_2", "s10_2_3", "t5", "p5_1_x", "s0_0"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if got, err := feed.ParseToken(s); err == nil && got.String() != s {
			t.Errorf("%q is read as %+v, which is written %q", s, got, got.String())
		}
		if p, err := feed.ParsePosition(s); err == nil && p < 0 {
			t.Errorf("%q is read as %d", s, p)
		}
	})
}
