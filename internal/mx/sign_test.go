package mx

import (
	"crypto/ed25519"
	"crypto/sha256"
	"strings"
	"testing"

	"conclave.chat/internal/fault"
)

// tester is what *testing.T and *rapid.T have in common, as far as it is needed.
type tester interface {
	Helper()
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

// vectorSigner is the key of the specification's cryptographic test vectors.
func vectorSigner(t tester) Signer {
	t.Helper()
	seed, err := DecodeBase64("YJDBA9Xnr2sVqXD9Vj7XVUnmFZcZrlw8Md7kMW+3XA1")
	if err != nil {
		t.Fatal(err)
	}
	return Signer{Server: "domain", KeyID: "ed25519:1", Key: ed25519.NewKeyFromSeed(seed)}
}

func public(s Signer) ed25519.PublicKey { return s.Key.Public().(ed25519.PublicKey) }

// Spec: appendices#signing-details, appendices#checking-for-a-signature
func TestSignJSONVectors(t *testing.T) {
	s := vectorSigner(t)
	for _, c := range []struct{ in, out string }{
		{`{}`, `{"signatures":{"domain":{"ed25519:1":"K8280/U9SSy9IVtjBuVeLr+HpOB4BQFWbg+UZaADMtTdGYI7Geitb76LTrr5QV/7Xg4ahLwYGYZzuHGZKM5ZAQ"}}}`},
		{
			`{"two":"Two","one":1}`,
			`{"one":1,"signatures":{"domain":{"ed25519:1":"KqmLSbO39/Bzb0QIYE82zqLwsA+PDzYIpIRA2sRQ4sL53+sN6/fpNSoqE7BP7vBZhG6kYdD13EIMJpvhJI+6Bw"}},"two":"Two"}`,
		},
	} {
		got, err := SignJSON([]byte(c.in), s)
		if err != nil || string(got) != c.out {
			t.Errorf("SignJSON(%s) = %s, %v", c.in, got, err)
		}
		if err := VerifyJSON([]byte(c.out), "domain", "ed25519:1", public(s)); err != nil {
			t.Errorf("VerifyJSON(%s): %v", c.out, err)
		}
	}
}

// Spec: ss#adding-hashes-and-signatures-to-outgoing-events, ss#calculating-the-content-hash-for-an-event
// Spec: ss#validating-hashes-and-signatures-on-received-events
func TestSignEventVectors(t *testing.T) {
	s := vectorSigner(t)
	v, _ := Version("6")
	for _, c := range []struct{ in, hash, sig string }{
		{
			`{"room_id":"!x:domain","sender":"@a:domain","origin":"domain","origin_server_ts":1000000,"signatures":{},"hashes":{},"type":"X","content":{},"prev_events":[],"auth_events":[],"depth":3,"unsigned":{"age_ts":1000000}}`,
			"5jM4wQpv6lnBo7CLIghJuHdW+s2CMBJPUOGOC89ncos",
			"KxwGjPSDEtvnFgU00fwFz+l6d2pJM6XBIaMEn81SXPTRl16AqLAYqfIReFGZlHi5KLjAWbOoMszkwsQma+lYAg",
		},
		{
			`{"content":{"body":"Here is the message content"},"event_id":"$0:domain","origin":"domain","origin_server_ts":1000000,"type":"m.room.message","room_id":"!r:domain","sender":"@u:domain","signatures":{},"unsigned":{"age_ts":1000000}}`,
			"onLKD1bGljeBWQhWZ1kaP9SorVmRQNdN5aM2JYU2n/g",
			"Wm+VzmOUOz08Ds+0NTWb1d4CZrVsJSikkeRxh6aCcUwu6pNC78FunoD7KNWzqFn241eYHYMGCA5McEiVPdhzBA",
		},
	} {
		pdu, err := Canonical([]byte(c.in))
		if err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256(without(pdu, "hashes", "signatures", "unsigned"))
		if got := EncodeBase64(sum[:]); got != c.hash {
			t.Errorf("content hash %s, want %s", got, c.hash)
		}
		pdu = with(pdu, "hashes", []byte(`{"sha256":"`+c.hash+`"}`))
		e, err := SignEvent(v, &Event{Raw: pdu, ID: "$x"}, s)
		if err != nil {
			t.Fatal(err)
		}
		if got, _ := strField(field(field(e.Raw, "signatures"), "domain"), "ed25519:1"); got != c.sig {
			t.Errorf("signature %s, want %s", got, c.sig)
		}
		if !e.HashValid() || !e.Signed("domain") || e.Signed("other") {
			t.Error("the hash or the signature is not found again")
		}
		if err := VerifyEvent(v, e, "domain", "ed25519:1", public(s)); err != nil {
			t.Error(err)
		}
	}
}

// Spec: appendices#unpadded-base64
func TestBase64(t *testing.T) {
	for in, out := range map[string]string{"": "", "f": "Zg", "fo": "Zm8", "foo": "Zm9v", "foob": "Zm9vYg", "fooba": "Zm9vYmE", "foobar": "Zm9vYmFy"} {
		if got := EncodeBase64([]byte(in)); got != out {
			t.Errorf("%q becomes %q", in, got)
		}
		for _, s := range []string{out, out + strings.Repeat("=", -len(out)&3)} {
			if got, err := DecodeBase64(s); err != nil || string(got) != in {
				t.Errorf("%q is %q, %v", s, got, err)
			}
		}
	}
	for _, s := range []string{"-_-_", "+/+/"} {
		if got, err := DecodeBase64(s); err != nil || string(got) != "\xfb\xff\xbf" {
			t.Errorf("%q is %q, %v", s, got, err)
		}
	}
	for _, s := range []string{"Z", "Zm 9", "+_", "Zm9v\n", "=Zg"} {
		if got, err := DecodeBase64(s); !fault.Is(err, "M_INVALID_PARAM") {
			t.Errorf("%q is %q, %v", s, got, err)
		}
	}
}

// Spec: appendices#checking-for-a-signature
func TestVerifyRefuses(t *testing.T) {
	s := vectorSigner(t)
	good := `{"one":1,"signatures":{"domain":{"ed25519:1":"KqmLSbO39/Bzb0QIYE82zqLwsA+PDzYIpIRA2sRQ4sL53+sN6/fpNSoqE7BP7vBZhG6kYdD13EIMJpvhJI+6Bw"}},"two":"Two"}`
	for _, x := range []struct {
		old, new, server, key string
	}{
		{server: "other", key: "ed25519:1"},
		{server: "domain", key: "ed25519:2"},
		{server: "domain", key: "rsa:1"},
		{`"one":1`, `"one":2`, "domain", "ed25519:1"},
		{`"one":1`, `"one":1,"x":1`, "domain", "ed25519:1"},
		{`"Kqm`, `"Kqn`, "domain", "ed25519:1"},
		{`"Kqm`, `"!qm`, "domain", "ed25519:1"},
		{`"signatures"`, `"signature"`, "domain", "ed25519:1"},
		{`"one":1`, `"one":1.5`, "domain", "ed25519:1"},
	} {
		if err := VerifyJSON([]byte(strings.Replace(good, x.old, x.new, 1)), ServerName(x.server), x.key, public(s)); err == nil {
			t.Errorf("%+v is accepted", x)
		}
	}
	if VerifyJSON([]byte(good), "domain", "ed25519:1", nil) == nil {
		t.Error("no key, but accepted")
	}
	// Unsigned data and the signatures of others may change.
	more := strings.Replace(good, `{"domain"`, `{"other":{"ed25519:x":"y"},"domain"`, 1)
	if err := VerifyJSON([]byte(`{"unsigned":{"age":1},`+more[1:]), "domain", "ed25519:1", public(s)); err != nil {
		t.Error(err)
	}
}

// A second signature joins the first one, whatever the names are.
func TestSignaturesAdd(t *testing.T) {
	first, second := vectorSigner(t), vectorSigner(t)
	second.Server, second.KeyID = `a"b`, "ed25519:0"
	raw := []byte(`{"z":{},"a":[1,{"b":2}],"unsigned":{"x":1}}`)
	for _, s := range []Signer{first, second, {Server: "domain", KeyID: "ed25519:2", Key: first.Key}, first} {
		var err error
		if raw, err = SignJSON(raw, s); err != nil {
			t.Fatal(err)
		}
	}
	for _, s := range []Signer{first, second, {Server: "domain", KeyID: "ed25519:2"}} {
		if err := VerifyJSON(raw, s.Server, s.KeyID, public(first)); err != nil {
			t.Errorf("%s: %v", raw, err)
		}
	}
	if again, err := Canonical(raw); err != nil || string(again) != string(raw) {
		t.Errorf("%s is not canonical: %v", raw, err)
	}
	for _, in := range []string{`[]`, `{`, `{"signatures":1}`} {
		if got, err := SignJSON([]byte(in), first); err == nil {
			t.Errorf("%s: %s", in, got)
		}
	}
}
