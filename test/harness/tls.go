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
	"time"
)

// TLS makes the server speak TLS, with a certificate that its clients trust.
func TLS() Option {
	return func(s *Server) {
		s.t.Helper()
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			s.t.Fatal(err)
		}
		cert := &x509.Certificate{
			SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
			IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
		}
		der, err := x509.CreateCertificate(rand.Reader, cert, cert, key.Public(), key)
		if err != nil {
			s.t.Fatal(err)
		}
		pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
		if err != nil {
			s.t.Fatal(err)
		}
		s.env = append(s.env, "CONCLAVE_TLS_CERTIFICATE="+s.writePEM("CERTIFICATE", der), "CONCLAVE_TLS_KEY="+s.writePEM("PRIVATE KEY", pkcs8))
		roots := x509.NewCertPool()
		roots.AppendCertsFromPEM(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
		s.roots, s.scheme = roots, "https"
		s.http.Transport = s.Transport()
	}
}

func (s *Server) writePEM(kind string, der []byte) (file string) {
	s.t.Helper()
	file = filepath.Join(s.Dir, kind+".pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		s.t.Fatal(err)
	}
	return file
}

// Transport is what one more client of the server may use: HTTP/1.1, with connections of its own.
func (s *Server) Transport() *http.Transport {
	t := &http.Transport{MaxIdleConnsPerHost: 100}
	if s.roots != nil {
		t.TLSClientConfig = &tls.Config{RootCAs: s.roots}
	}
	return t
}
