package blackbox

import (
	"net/http"
	"strings"
	"testing"

	"github.com/tidwall/gjson"

	"conclave.chat/test/harness"
)

// A web client of any origin may ask whatever the API has: the browser asks first, without a token,
// and reads errors too.
//
// Spec: cs#web-browser-clients
// Spec: cs#standard-error-response
func TestWebClientsOfAnyOrigin(t *testing.T) {
	s := harness.Start(t, harness.SQLite)
	ask := func(method, path string) (*http.Response, gjson.Result) {
		req, err := http.NewRequest(method, s.URL+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Origin", "https://app.element.io")
		req.Header.Set("Access-Control-Request-Method", "PUT")
		req.Header.Set("Access-Control-Request-Headers", "authorization,content-type")
		res, body, err := s.Send(req)
		if err != nil {
			t.Fatal(err)
		}
		if res.Header.Get("Access-Control-Allow-Origin") != "*" {
			t.Errorf("%s %s: browsers keep the answer from the client", method, path)
		}
		return res, gjson.ParseBytes(body)
	}
	for _, path := range []string{
		harness.API + "/sync", harness.API + "/rooms/!r:hs1/send/m.room.message/1", "/_matrix/client/v1/media/download/hs1/x", "/_matrix/client/unstable/nothing", "/.well-known/matrix/client",
	} {
		res, _ := ask("OPTIONS", path)
		methods, headers := res.Header.Get("Access-Control-Allow-Methods"), strings.ToLower(res.Header.Get("Access-Control-Allow-Headers"))
		if res.StatusCode/100 != 2 || !strings.Contains(methods, "PUT") || !strings.Contains(headers, "authorization") || !strings.Contains(headers, "content-type") {
			t.Errorf("%s: %d %q %q", path, res.StatusCode, methods, headers)
		}
	}
	for _, c := range []struct {
		method, path string
		status       int
		code         string
	}{
		{"GET", harness.API + "/sync", 401, "M_MISSING_TOKEN"},
		{"GET", harness.API + "/sync?access_token=nonsense", 401, "M_UNKNOWN_TOKEN"},
		{"GET", harness.API + "/nothing", 404, "M_UNRECOGNIZED"},
		{"GET", harness.API + "/../v3/sync", 404, "M_UNRECOGNIZED"},
		{"GET", "/" + harness.API + "/sync", 404, "M_UNRECOGNIZED"},
		{"PATCH", harness.API + "/sync", 405, "M_UNRECOGNIZED"},
		{"POST", harness.API + "/login", 400, "M_NOT_JSON"},
	} {
		res, a := ask(c.method, c.path)
		if res.StatusCode != c.status || a.Get("errcode").Str != c.code || a.Get("error").Str == "" || res.Header.Get("Content-Type") != "application/json" {
			t.Errorf("%s %s: %d %s %s", c.method, c.path, res.StatusCode, res.Header.Get("Content-Type"), a.Raw)
		}
	}
}
