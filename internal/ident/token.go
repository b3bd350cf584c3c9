package ident

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"

	"conclave.chat/internal/mx"
)

// The prefixes let scanners for leaked secrets recognise ours.
const (
	accessPrefix  = "conclave_at_"
	refreshPrefix = "conclave_rt_"
	loginPrefix   = "conclave_lt_"
	openIDPrefix  = "conclave_ot_"
)

// newToken makes a random token of 256 bits and its hash.
func newToken(prefix string) (token string, hash []byte) {
	token = prefix + RandomText(32)
	return token, HashToken(token)
}

// RandomText is unguessable text of so many random bytes.
func RandomText(bytes int) string {
	b := make([]byte, bytes)
	_, _ = rand.Read(b) // never fails
	return base64.RawURLEncoding.EncodeToString(b)
}

// HashToken is how a token is kept.
func HashToken(token string) []byte {
	h := sha256.Sum256([]byte(token))
	return h[:]
}

// randomLetters makes n random letters of an alphabet of 2, 4, 8, 16 or 32 letters.
func randomLetters(n int, alphabet string) string {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails
	for i := range b {
		b[i] = alphabet[int(b[i])%len(alphabet)]
	}
	return string(b)
}

// newDeviceID makes a device id that is easy to compare by eye.
func newDeviceID() mx.DeviceID {
	return mx.DeviceID(randomLetters(10, "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"))
}

// newPassword makes a password for somebody to type once: some 100 bits, in groups.
func newPassword() string {
	p := randomLetters(20, "abcdefghijkmnpqrstuvwxyz23456789")
	return p[:5] + "-" + p[5:10] + "-" + p[10:15] + "-" + p[15:]
}
