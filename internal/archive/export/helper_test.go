package export_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"

	"conclave.chat/internal/archive/export"
)

func sumOf(b []byte) string {
	s := sha256.Sum256(b)
	return hex.EncodeToString(s[:])
}

// sameMeaning allows more signatures on the signed note: those of keys that nobody asked about.
func sameMeaning(name string, got, was []byte) bool {
	return name == export.SignedFile && bytes.HasPrefix(got, was[:bytes.LastIndexByte(was[:len(was)-1], '\n')])
}
