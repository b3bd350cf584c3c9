package app

import (
	"net/http"
	"net/url"
	"testing"
)

// Names of one or two dots are names: clients send them as they are, or escaped.
//
// Spec: cs#put_matrixclientv3roomsroomidstateeventtypestatekey
func TestPathsWithDots(t *testing.T) {
	s := newSite(t)
	alice := s.register("alice")
	state := "/_matrix/client/v3/rooms/" + url.PathEscape(s.room(alice)) + "/state/org.example.x/"
	for _, c := range []struct{ sent, read, value string }{
		{".", "%2E", "one"},
		{"%2e", ".", "one, escaped"},
		{"..", "%2E%2E", "two"},
		{"%2E%2e", "..", "two, escaped"},
		{".%2E", "..", "two, one of them escaped"},
		{"...", "...", "three"},
		{".a", ".a", "not only dots"},
	} {
		s.must("PUT", state+c.sent, alice.token, `{"value":"`+c.value+`"}`)
		if got := s.must("GET", state+c.read, alice.token, ""); got.JSON["value"] != c.value {
			t.Errorf("state key %s, read as %s: %s", c.sent, c.read, got.Raw)
		}
	}
	for _, path := range []string{"/_matrix/client/v3/../v3/sync", "/_matrix/client/./v3/sync", "/_matrix/client/v3/sync/..", "/..", "/_matrix/client/v3//sync"} {
		if got := s.do("GET", path, alice.token, nil); got.Status != http.StatusNotFound || got.Code != "M_UNRECOGNIZED" {
			t.Errorf("%s: %d %s", path, got.Status, got.Raw)
		}
	}
}
