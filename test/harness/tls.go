package harness

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TLS makes the server speak TLS, with a certificate that its clients trust.
func TLS() Option {
	return func(s *Server) {
		s.t.Helper()
		cert, key := Certificate(s.t, s.Dir, time.Now().Add(time.Hour))
		s.env = append(s.env, "CONCLAVE_TLS_CERTIFICATE="+cert, "CONCLAVE_TLS_KEY="+key)
		s.Authority, s.scheme = cert, "https"
		s.http.Transport = s.Transport()
	}
}

// Certificate makes a certificate for 127.0.0.1, which is its own authority, and its key, as files of a folder.
func Certificate(t testing.TB, dir string, until time.Time) (certFile, keyFile string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	if err != nil {
		t.Fatal(err)
	}
	cert := &x509.Certificate{
		SerialNumber: serial, NotBefore: time.Now().Add(-48 * time.Hour), NotAfter: until,
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, cert, cert, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	write := func(kind string, der []byte) string {
		file := filepath.Join(dir, kind+".pem")
		if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	return write("CERTIFICATE", der), write("PRIVATE KEY", pkcs8)
}

// Trusting is what a client may use that trusts the authority in a file alone.
func Trusting(t testing.TB, file string) *http.Transport {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(text)
	return &http.Transport{MaxIdleConnsPerHost: 100, TLSClientConfig: &tls.Config{RootCAs: roots}}
}

// Transport is what one more client of the server may use: HTTP/1.1, with connections of its own.
func (s *Server) Transport() *http.Transport {
	if s.Authority == "" {
		return &http.Transport{MaxIdleConnsPerHost: 100}
	}
	return Trusting(s.t, s.Authority)
}
