// Package credential makes what nobody can guess: tokens, ids of devices, passwords for one use. It owns how tokens look and how they are kept.
package credential

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"

	"conclave.chat/internal/mx"
)

// Beginnings of tokens, which let scanners for leaked secrets recognise ours.
const (
	Access  = "conclave_at_"
	Refresh = "conclave_rt_"
	Login   = "conclave_lt_"
	OpenID  = "conclave_ot_"
)

// New makes a random token of 256 bits and its hash.
func New(prefix string) (token string, hash []byte) {
	token = prefix + Text(32)
	return token, Hash(token)
}

// Text is unguessable text of so many random bytes.
func Text(bytes int) string {
	b := make([]byte, bytes)
	_, _ = rand.Read(b) // never fails
	return base64.RawURLEncoding.EncodeToString(b)
}

// Hash is how a token is kept.
func Hash(token string) []byte {
	h := sha256.Sum256([]byte(token))
	return h[:]
}

// Letters makes n random letters of an alphabet of 2, 4, 8, 16 or 32 letters.
func Letters(n int, alphabet string) string {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails
	for i := range b {
		b[i] = alphabet[int(b[i])%len(alphabet)]
	}
	return string(b)
}

// DeviceID makes a device id that is easy to compare by eye.
func DeviceID() mx.DeviceID {
	return mx.DeviceID(Letters(10, "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"))
}

// Password makes a password for somebody to type once: some 100 bits, in groups.
func Password() string {
	p := Letters(20, "abcdefghijkmnpqrstuvwxyz23456789")
	return p[:5] + "-" + p[5:10] + "-" + p[10:15] + "-" + p[15:]
}
