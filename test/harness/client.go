package harness

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/tidwall/gjson"
)

// API is where the client-server API's version 3 lies.
const API = "/_matrix/client/v3"

// M is a JSON object.
type M = map[string]any

// Path joins segments, each escaped, to a path below API.
func Path(segments ...string) string {
	var b strings.Builder
	b.WriteString(API)
	for _, s := range segments {
		b.WriteString("/" + url.PathEscape(s))
	}
	return b.String()
}

// Do sends one request and gives the status and the JSON answer. A body of type string or []byte
// goes out as it is, nil not at all, anything else as JSON.
func (s *Server) Do(method, path, token string, body any) (int, gjson.Result) {
	s.t.Helper()
	status, answer, err := s.attempt(method, path, token, body)
	if err != nil {
		s.t.Fatalf("%s %s: %v", method, path, err)
	}
	return status, answer
}

// attempt is Do for a request that may get no answer.
func (s *Server) attempt(method, path, token string, body any) (int, gjson.Result, error) {
	var r io.Reader
	switch b := body.(type) {
	case nil:
	case string:
		r = strings.NewReader(b)
	case []byte:
		r = bytes.NewReader(b)
	default:
		text, err := json.Marshal(b)
		if err != nil {
			return 0, gjson.Result{}, err
		}
		r = bytes.NewReader(text)
	}
	req, err := http.NewRequest(method, s.URL+path, r)
	if err != nil {
		return 0, gjson.Result{}, err
	}
	if r != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	res, answer, err := s.Send(req)
	if err != nil {
		return 0, gjson.Result{}, err
	}
	return res.StatusCode, gjson.ParseBytes(answer), nil
}

// Send sends any request and reads the answer. Its error is the connection's: a server that was
// killed gives one.
func (s *Server) Send(req *http.Request) (*http.Response, []byte, error) {
	res, err := s.http.Do(req)
	if err != nil {
		return nil, nil, err
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	return res, answer, err
}

// Must is Do for a request that has to be answered with 200.
func (s *Server) Must(method, path, token string, body any) gjson.Result {
	s.t.Helper()
	status, answer := s.Do(method, path, token, body)
	if status != http.StatusOK {
		s.t.Fatalf("%s %s: %d %s", method, path, status, answer.Raw)
	}
	return answer
}

// User is an account with one device.
type User struct {
	ID, Token, Device, Password string

	s *Server
}

// Register makes an account with a device.
func (s *Server) Register(name string) *User {
	s.t.Helper()
	password := rand.Text()
	a := s.Must(http.MethodPost, API+"/register", "", M{"username": name, "password": password, "auth": M{"type": "m.login.dummy"}})
	return s.user(a, password)
}

// Login signs somebody in who has an account.
func (s *Server) Login(name, password string) *User {
	s.t.Helper()
	a := s.Must(http.MethodPost, API+"/login", "", M{"type": "m.login.password", "password": password, "identifier": M{"type": "m.id.user", "user": name}})
	return s.user(a, password)
}

// At is the user, with the same device, as a client of another node.
func (u *User) At(s *Server) *User {
	other := *u
	other.s = s
	return &other
}

// Login gives the account another device.
func (u *User) Login() *User {
	u.s.t.Helper()
	return u.s.Login(u.ID, u.Password)
}

func (s *Server) user(a gjson.Result, password string) *User {
	return &User{ID: a.Get("user_id").String(), Token: a.Get("access_token").String(), Device: a.Get("device_id").String(), Password: password, s: s}
}

// Do sends a request as the user.
func (u *User) Do(method, path string, body any) (int, gjson.Result) {
	u.s.t.Helper()
	return u.s.Do(method, path, u.Token, body)
}

// Attempt sends a request as the user to a server that may be killed meanwhile.
func (u *User) Attempt(method, path string, body any) (int, gjson.Result, error) {
	return u.s.attempt(method, path, u.Token, body)
}

// Must sends a request as the user that has to be answered with 200.
func (u *User) Must(method, path string, body any) gjson.Result {
	u.s.t.Helper()
	return u.s.Must(method, path, u.Token, body)
}

// CreateRoom makes a room from a createRoom body and gives its id.
func (u *User) CreateRoom(body M) string {
	u.s.t.Helper()
	return u.Must(http.MethodPost, API+"/createRoom", body).Get("room_id").String()
}

// Join joins a room.
func (u *User) Join(room string) {
	u.s.t.Helper()
	u.Must(http.MethodPost, Path("join", room), M{})
}

// Send sends an event under a transaction id of its own, and gives its id.
func (u *User) Send(room, kind string, content any) string {
	u.s.t.Helper()
	return u.Must(http.MethodPut, Path("rooms", room, "send", kind, rand.Text()), content).Get("event_id").String()
}

// Sync asks once, from a token ("" for all), without waiting.
func (u *User) Sync(since string) gjson.Result {
	u.s.t.Helper()
	return u.Must(http.MethodGet, API+"/sync?timeout=0&since="+url.QueryEscape(since), nil)
}

// SyncUntil long-polls from a token until an answer satisfies the condition, for at most 20 answers,
// and gives that answer.
func (u *User) SyncUntil(since string, found func(gjson.Result) bool) gjson.Result {
	u.s.t.Helper()
	var a gjson.Result
	for range 20 {
		a = u.Must(http.MethodGet, API+"/sync?timeout=2000&since="+url.QueryEscape(since), nil)
		if found(a) {
			return a
		}
		since = a.Get("next_batch").String()
	}
	u.s.t.Fatalf("%s never saw it; the last answer was %s", u.ID, a.Raw)
	return a
}
