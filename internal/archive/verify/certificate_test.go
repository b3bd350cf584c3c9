package verify_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"conclave.chat/internal/archive"
	"conclave.chat/internal/archive/certificate"
	"conclave.chat/internal/archive/depot"
	"conclave.chat/internal/archive/expiry"
	"conclave.chat/internal/archive/merkle"
	"conclave.chat/internal/archive/verify"
)

// What a certificate says is compared with the log and with what is there; each lie is one line that names the place.
func TestCertificatesAreVerified(t *testing.T) {
	m := lives(t, 60)
	ctx := context.Background()
	l, err := archive.Open(m.config)
	if err != nil {
		t.Fatal(err)
	}
	d, _ := depot.OpenDir(m.dir)
	stay := m.segments(t, "6y")[0]
	keep, err := os.ReadFile(filepath.Join(m.dir, depot.KeyPath("7y", m.segments(t, "7y")[0])))
	if err != nil {
		t.Fatal(err)
	}
	ends := m.segments(t, "7y")[0]
	job := &expiry.Job{
		Dir: d, Verifier: m.verifier, Signer: m.signer, Log: l, By: "a test", Now: time.Now().AddDate(8, 0, 0),
		Terms: map[string]expiry.Term{"6y": {}, "7y": {Years: 7}},
		Held:  func(context.Context, *expiry.Segment) (string, error) { return "", nil },
	}
	res, err := job.Run(ctx)
	if err != nil || len(res.Destroyed) == 0 || res.Attachments != 1 {
		t.Fatalf("%+v, %v", res, err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	r := m.verify(t, m.dir, verify.Options{})
	if len(r.Problems) > 0 || int(r.Certified) != len(res.Destroyed) || r.Records != 59 {
		t.Fatalf("%+v", r)
	}
	path := filepath.Join(m.dir, res.Certificate)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	c, err := certificate.Read(text, m.verifier)
	if err != nil || c.By != "a test" || len(c.Segments) != len(res.Destroyed) {
		t.Fatalf("%+v, %v", c, err)
	}
	signed := func(change func(c *certificate.Certificate)) []byte {
		t.Helper()
		c, err := certificate.Read(text, m.verifier)
		if err != nil {
			t.Fatal(err)
		}
		change(c)
		out, err := certificate.Sign(m.signer, *c)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	skey, _, _ := merkle.GenerateKey(rand.Reader, "example.org/archive")
	other, _ := note.NewSigner(skey)
	forged, _ := certificate.Sign(other, *c)
	for name, tt := range map[string]struct {
		cert []byte
		say  string
	}{
		"a byte":        {bytes.Replace(text, []byte(`"by":"a test"`), []byte(`"by":"a text"`), 1), "not a signed certificate"},
		"another key":   {forged, "not a signed certificate"},
		"cut short":     {text[:len(text)-2], "not a signed certificate"},
		"empty":         {nil, "not a signed certificate"},
		"a living one":  {signed(func(c *certificate.Certificate) { c.Segments[0].ID, c.Segments[0].Class = stay, "6y" }), "does not say that segment " + stay},
		"fewer":         {signed(func(c *certificate.Certificate) { c.Segments[0].Records-- }), "held"},
		"a key":         {signed(func(c *certificate.Certificate) { c.Segments[0].Key = strings.Repeat("00", 32) }), "another key file"},
		"an entry":      {signed(func(c *certificate.Certificate) { c.Segments[0].Entry++ }), "does not say that segment"},
		"an attachment": {signed(func(c *certificate.Certificate) { c.Attachments[0].Blob = strings.Repeat("00", 32) }), "does not say that attachment"},
		"a root":        {signed(func(c *certificate.Certificate) { c.Checkpoint.Hash[0] ^= 1 }), "written anew"},
		"a size":        {signed(func(c *certificate.Certificate) { c.Checkpoint.N += 1000 }), "the archive ends with"},
	} {
		if err := os.WriteFile(path, tt.cert, 0o600); err != nil {
			t.Fatal(err)
		}
		r := m.verify(t, m.dir, verify.Options{})
		if len(r.Problems) == 0 || !strings.Contains(r.Problems[0].What, tt.say) {
			t.Errorf("%s: %v", name, r.Problems)
		}
	}
	// Without the certificate the shreds stand, and nothing says that the keys are gone.
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if r := m.verify(t, m.dir, verify.Options{}); len(r.Problems) > 0 || r.Certified != 0 || int(r.Ending) != len(res.Destroyed)+1 {
		t.Errorf("without: %+v", r)
	}
	// A key that is there although a certificate says that it was destroyed.
	for name, data := range map[string][]byte{res.Certificate: text, depot.KeyPath("7y", ends): keep} {
		if err := depot.Replace(m.dir, name, data); err != nil {
			t.Fatal(err)
		}
	}
	if r := m.verify(t, m.dir, verify.Options{}); len(r.Problems) != 1 || r.Problems[0].Place != depot.KeyPath("7y", ends) {
		t.Errorf("with the key: %v", r.Problems)
	}
}

func FuzzCertificate(f *testing.F) {
	skey, vkey, _ := merkle.GenerateKey(rand.Reader, "example.org/archive")
	signer, _ := note.NewSigner(skey)
	key, _ := merkle.ParseVerifier(vkey)
	text, err := certificate.Sign(signer, certificate.Certificate{
		Time: time.Unix(1, 0), By: "x", Segments: []certificate.Segment{{ID: "a", Class: "6y"}}, Attachments: []certificate.Attachment{{Blob: "b", Class: "6y"}},
	})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Fuzz(func(t *testing.T, data []byte) {
		if c, err := certificate.Read(data, key); err == nil && !bytes.Equal(data, text) {
			t.Fatalf("another text is taken: %+v", c)
		}
	})
}
