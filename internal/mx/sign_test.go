package mx

import (
	"crypto/ed25519"
	"crypto/sha256"
	"testing"
)

// tester is what *testing.T and *rapid.T have in common, as far as it is needed.
type tester interface {
	Helper()
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

// vectorSigner is the key of the test vectors in the appendices of the specification.
func vectorSigner(t tester) Signer {
	t.Helper()
	seed, err := DecodeBase64("YJDBA9Xnr2sVqXD9Vj7XVUnmFZcZrlw8Md7kMW+3XA1")
	if err != nil {
		t.Fatal(err)
	}
	return Signer{Server: "domain", KeyID: "ed25519:1", Key: ed25519.NewKeyFromSeed(seed)}
}

func public(s Signer) ed25519.PublicKey { return s.Key.Public().(ed25519.PublicKey) }

// Spec: appendices#json-signing
// Spec: appendices#signing-details
// Spec: appendices#checking-for-a-signature
// Spec: appendices#unpadded-base64
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

// Spec: appendices#event-signing
// Spec: ss#calculating-the-content-hash-for-an-event
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
