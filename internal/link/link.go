// Package link is how the programs of one installation meet over TLS: which addresses they may use, whose certificates they trust, and the certificate that
// they show, read again when it was renewed. Homeserver and recorder are on two machines, and what goes between them is encrypted whatever lies between those.
//
// It refuses addresses without TLS, but for the machine itself.
package link

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Check refuses what is no address of the other program, and addresses of other machines without TLS.
func Check(addr string) error {
	u, err := url.Parse(addr)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return fmt.Errorf("%q is no address such as https://host.example.org:8090", addr)
	}
	if u.Scheme == "http" && !local(u.Hostname()) {
		return fmt.Errorf("%s is an address without TLS, which is for the same machine alone: give %s a certificate, and write https", addr, u.Hostname())
	}
	return nil
}

// local reports whether a host is this machine, whatever a name server says.
func local(host string) bool {
	if ip, err := netip.ParseAddr(host); err == nil {
		return ip.Unmap().IsLoopback()
	}
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	return host == "localhost" || strings.HasSuffix(host, ".localhost")
}

// Roots reads the authorities that a program trusts, from a PEM file. Without a name they are the system's, and nil.
func Roots(file string) (*x509.CertPool, error) {
	if file == "" {
		return nil, nil //nolint:nilnil // as crypto/tls takes it
	}
	text, err := os.ReadFile(filepath.Clean(file))
	if err != nil {
		return nil, fmt.Errorf("ca_file: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("ca_file: %s holds no certificate", file)
	}
	return pool, nil
}

// Transport reaches the other program; the oldest TLS that it takes is least. It trusts the authorities in a file, or the system's.
func Transport(addr, file string, least uint16) (*http.Transport, error) {
	if err := Check(addr); err != nil {
		return nil, err
	}
	roots, err := Roots(file)
	if err != nil {
		return nil, err
	}
	return &http.Transport{
		DialContext:  (&net.Dialer{Timeout: 30 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
		MaxIdleConns: 256, MaxIdleConnsPerHost: 256, IdleConnTimeout: time.Minute, TLSHandshakeTimeout: 10 * time.Second,
		TLSClientConfig: &tls.Config{MinVersion: least, RootCAs: roots},
	}, nil
}

// Untrusted reports whether an error says that the other program's certificate was not taken.
func Untrusted(err error) bool {
	var bad *tls.CertificateVerificationError
	return errors.As(err, &bad)
}

// Pair is a certificate and its key in two files.
type Pair struct {
	certificate, key string
	boxes            chan box // of one: whoever holds it may replace it
}

type box struct {
	cert    *tls.Certificate
	checked time.Time
}

const checkEvery = time.Minute

// Load reads a certificate and its key.
func Load(certificate, key string) (*Pair, error) {
	cert, err := tls.LoadX509KeyPair(certificate, key)
	if err != nil {
		return nil, fmt.Errorf("tls: %w", err)
	}
	p := &Pair{certificate, key, make(chan box, 1)}
	p.boxes <- box{&cert, time.Now()}
	return p, nil
}

// Get gives the certificate; it reads the files again when it has not for a while.
func (p *Pair) Get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	b := <-p.boxes
	defer func() { p.boxes <- b }()
	if now := time.Now(); now.Sub(b.checked) > checkEvery {
		b.checked = now
		if cert, err := tls.LoadX509KeyPair(p.certificate, p.key); err == nil { // half-written files: keep the old one
			b.cert = &cert
		}
	}
	return b.cert, nil
}

// Host is a name under which the certificate is taken, or an address, or "" where it names neither alone.
func (p *Pair) Host() string {
	cert, _ := p.Get(nil)
	for _, name := range cert.Leaf.DNSNames {
		if !strings.HasPrefix(name, "*") {
			return name
		}
	}
	for _, ip := range cert.Leaf.IPAddresses {
		return ip.String()
	}
	return ""
}
