package officer

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"filippo.io/age"

	"conclave.chat/internal/archive/merkle"
)

func generate(t testing.TB, q Quorum) *Keys {
	t.Helper()
	o := Options{Origin: "example.org/archive", Need: q.Need, Work: 2}
	for i := range q.Of {
		o.Officers = append(o.Officers, Officer{fmt.Sprint("officer-", i), fmt.Sprint("passphrase ", i)})
	}
	k, err := Generate(o)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func open(t testing.TB, k *Keys, of ...int) []*Share {
	t.Helper()
	var out []*Share
	for _, i := range of {
		s, err := OpenShare(k.Shares[i], fmt.Sprint("passphrase ", i))
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, s)
	}
	return out
}

func TestAnyQuorumOpensTheArchive(t *testing.T) {
	k := generate(t, Quorum{3, 5})
	to, err := age.ParseHybridRecipient(k.Recipient)
	if err != nil {
		t.Fatal(err)
	}
	var sealed bytes.Buffer
	w, _ := age.Encrypt(&sealed, to)
	_, _ = io.WriteString(w, "secret")
	_ = w.Close()
	access, err := merkle.ParseVerifier(k.Access)
	if err != nil {
		t.Fatal(err)
	}
	for a := range 5 {
		for b := range a {
			if _, err := Combine(open(t, k, a, b)); !errors.Is(err, ErrQuorum) {
				t.Errorf("two shares: %v", err)
			}
			for c := range b {
				id, err := Combine(open(t, k, a, b, c))
				if err != nil {
					t.Fatal(err)
				}
				r, err := age.Decrypt(bytes.NewReader(sealed.Bytes()), id.Age)
				if err != nil {
					t.Fatal(err)
				}
				if plain, _ := io.ReadAll(r); string(plain) != "secret" {
					t.Errorf("it opens as %q", plain)
				}
				sig, err := id.Access.Sign([]byte("x"))
				if err != nil || !access.Verify([]byte("x"), sig) {
					t.Errorf("the access log's keys do not fit: %v", err)
				}
			}
		}
	}
	if _, err := Combine(open(t, k, 0, 1, 2, 3, 4)); err != nil {
		t.Errorf("all shares: %v", err)
	}
}

func TestWrongSharesAreNamed(t *testing.T) {
	k, other := generate(t, Quorum{2, 3}), generate(t, Quorum{2, 3})
	if _, err := OpenShare(k.Shares[0], "wrong"); !errors.Is(err, ErrPassphrase) {
		t.Errorf("a wrong passphrase: %v", err)
	}
	if _, err := OpenShare(k.Shares[0], "passphrase 1"); !errors.Is(err, ErrPassphrase) {
		t.Errorf("another's passphrase: %v", err)
	}
	if _, err := Combine(open(t, k, 0, 0)); err == nil || !strings.Contains(err.Error(), "twice") {
		t.Errorf("twice the same: %v", err)
	}
	if _, err := Combine(append(open(t, k, 0), open(t, other, 1)...)); err == nil || !strings.Contains(err.Error(), "different archives") {
		t.Errorf("of different archives: %v", err)
	}
	bad := open(t, k, 0, 1)
	bad[1].scalars.Value.Add(bad[1].scalars.Value, bad[1].scalars.ID)
	if _, err := Combine(bad); err == nil || !strings.Contains(err.Error(), "altered") {
		t.Errorf("an altered share: %v", err)
	}
}

func TestQuorumsAreRead(t *testing.T) {
	for text, want := range map[string]Quorum{"3-of-5": {3, 5}, "2-of-2": {2, 2}, "1-of-3": {}, "6-of-5": {}, "3": {}, "3-of-101": {}, "-of-": {}} {
		var q Quorum
		err := q.UnmarshalText([]byte(text))
		if (err == nil) != (want.Of != 0) || err == nil && q != want {
			t.Errorf("%s: %v, %v", text, q, err)
		}
	}
}

func FuzzShare(f *testing.F) {
	k := generate(f, Quorum{2, 2})
	plain, err := Unlock(k.Shares[0], "passphrase 0")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(plain)
	f.Fuzz(func(t *testing.T, data []byte) {
		if s, err := parseShare(data); err == nil {
			if _, err := Combine([]*Share{s, s}); err == nil {
				t.Fatal("one officer is a quorum")
			}
		}
	})
}

func FuzzIdentity(f *testing.F) {
	f.Add(string("# access-key: x\nAGE-SECRET-KEY-PQ-1"))
	f.Fuzz(func(t *testing.T, text string) {
		id := &Identity{}
		if err := id.parse(text); err == nil && (id.Age == nil || id.Access == nil) {
			t.Fatal("half of an identity")
		}
	})
}

func FuzzQuorum(f *testing.F) {
	f.Add("3-of-5")
	f.Fuzz(func(t *testing.T, text string) {
		var q Quorum
		if err := q.UnmarshalText([]byte(text)); err == nil && (q.Need < 2 || q.Need > q.Of || q.Of > 100) {
			t.Fatalf("%q is %+v", text, q)
		}
	})
}
