package link

import (
	"bytes"
	"os"
	"testing"
	"time"

	"conclave.chat/test/harness"
)

// A certificate that is renewed in place is shown without a restart; files that are being written are not.
func TestARenewedCertificateIsReadAgain(t *testing.T) {
	dir := t.TempDir()
	cert, key := harness.Certificate(t, dir, time.Now().Add(time.Hour))
	p, err := Load(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	shown := func() []byte {
		t.Helper()
		c, err := p.Get(nil)
		if err != nil {
			t.Fatal(err)
		}
		return c.Certificate[0]
	}
	later := func() {
		b := <-p.boxes
		b.checked = b.checked.Add(-2 * checkEvery)
		p.boxes <- b
	}
	first := shown()
	harness.Certificate(t, dir, time.Now().Add(2*time.Hour))
	if !bytes.Equal(shown(), first) {
		t.Error("the files are read each time")
	}
	later()
	second := shown()
	if bytes.Equal(second, first) {
		t.Error("the old certificate is still shown")
	}
	if err := os.WriteFile(cert, []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	later()
	if !bytes.Equal(shown(), second) {
		t.Error("what is half written has replaced the certificate")
	}
}
