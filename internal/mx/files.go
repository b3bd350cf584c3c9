package mx

import (
	"bytes"
	"slices"
)

// FilesIn gives the ids of the files of a server that a content names by mxc:// addresses, wherever they stand in it.
//
// Spec: cs#matrix-content-mxc-uris
func FilesIn(content []byte, server ServerName) (ids []string) {
	prefix := []byte("mxc://" + string(server) + "/")
	for {
		i := bytes.Index(content, prefix)
		if i < 0 {
			return ids
		}
		content = content[i+len(prefix):]
		n := 0
		for n < len(content) && isMediaIDByte(content[n]) {
			n++
		}
		if id := string(content[:n]); id != "" && !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
}

func isMediaIDByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '-'
}
