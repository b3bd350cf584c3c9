package client

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/prometheus/client_golang/prometheus"

	"conclave.chat/internal/door"
	"conclave.chat/internal/e2ee"
	"conclave.chat/internal/gate"
	"conclave.chat/internal/ident"
	"conclave.chat/internal/notify"
	"conclave.chat/internal/store"
	"conclave.chat/internal/store/account"
	"conclave.chat/internal/store/storetest"
)

// harness is the real door over a real database.
type harness struct {
	t        *testing.T
	db       *store.DB
	bus      *notify.Bus
	accounts *ident.Service
	keys     *e2ee.Service
	door     http.Handler
	clock    time.Time
	config   ident.Config
	deps     Deps
}

const testServer = "hs1"

// cheapPasswords makes accounts fast to create.
func cheapPasswords(c *ident.Config) {
	c.Passwords.MemoryKiB, c.Passwords.Iterations = 8, 1
}

// newHarness builds a server that is open for registration. change may alter the configuration, wire the dependencies.
func newHarness(t *testing.T, db *store.DB, bus *notify.Bus, change ...func(*ident.Config, *Deps)) *harness {
	t.Helper()
	h := &harness{t: t, db: db, bus: bus, clock: time.UnixMilli(1_700_000_000_000)}
	cfg := ident.DefaultConfig()
	cheapPasswords(&cfg)
	cfg.Registration.Mode = "open"
	limits, err := gate.NewLimiter(gate.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	deps := Deps{
		Server: testServer, Limits: limits, Discovery: Discovery{PublicURL: "https://chat.example.org"},
		Keys: e2ee.New(e2ee.Deps{DB: db, Server: testServer, Devices: account.DeviceNames, Now: func() time.Time { return h.clock }}),
	}
	h.keys = deps.Keys
	for _, f := range change {
		f(&cfg, &deps)
	}
	if deps.Media == nil {
		deps.Media = testMedia(t, db, nil, func() time.Time { return h.clock })
	}
	h.config, h.deps = cfg, deps
	h.open(nil)
	return h
}

// open makes the accounts service and the door. mail may be nil.
func (h *harness) open(mail ident.Mailer) {
	h.t.Helper()
	var err error
	h.accounts, err = ident.New(ident.Deps{
		DB: h.db, Server: testServer, Config: h.config, Now: func() time.Time { return h.clock }, Mail: mail, PublicURL: h.deps.Discovery.PublicURL,
		KeyID: h.keys.IsKeyID, Erasers: []ident.Eraser{h.keys},
	})
	if err != nil {
		h.t.Fatal(err)
	}
	h.bus.Listen(h.accounts.Changed)
	h.deps.Accounts = h.accounts
	h.door = door.New(door.Deps{
		Auth: gate.Accounts{Service: h.accounts}, Limits: h.deps.Limits, Log: testLog(h.t), Metrics: door.NewMetrics(prometheus.NewRegistry()),
		Seen: func(c gate.Caller, addr, agent string) { h.accounts.Seen(ident.Caller(c), addr, agent) },
	}, New(h.deps).Routes()...)
}

// each runs a test on both database engines.
func each(t *testing.T, run func(*testing.T, *harness), change ...func(*ident.Config, *Deps)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) {
		bus := notify.New()
		run(t, newHarness(t, storetest.SQLite(t, store.Options{Publish: bus.Publish}), bus, change...))
	})
	t.Run("postgres", func(t *testing.T) {
		if testing.Short() {
			t.Skip("the services' own tests run on PostgreSQL in any case")
		}
		bus := notify.New()
		run(t, newHarness(t, storetest.Postgres(t, store.Options{Publish: bus.Publish}), bus, change...))
	})
}

// answer is what came back.
type answer struct {
	t      *testing.T
	Status int
	Header http.Header
	Raw    []byte
	JSON   map[string]any
}

// do makes a request. body is nil, a string that is sent as it is, or a value to encode.
func (h *harness) do(method, path, token string, body any) *answer {
	h.t.Helper()
	var r io.Reader
	switch b := body.(type) {
	case nil:
	case string:
		r = bytes.NewReader([]byte(b))
	default:
		data, err := json.Marshal(b)
		if err != nil {
			h.t.Fatal(err)
		}
		r = bytes.NewReader(data)
	}
	req := httptest.NewRequest(method, path, r)
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	w := httptest.NewRecorder()
	h.door.ServeHTTP(w, req)
	return h.answer(w)
}

// answer reads what was recorded.
func (h *harness) answer(w *httptest.ResponseRecorder) *answer {
	h.t.Helper()
	a := &answer{t: h.t, Status: w.Code, Header: w.Header(), Raw: w.Body.Bytes()}
	if len(a.Raw) > 0 && a.Raw[0] == '{' {
		if err := json.Unmarshal(a.Raw, &a.JSON); err != nil {
			h.t.Fatalf("%v in %s", err, a.Raw)
		}
	}
	return a
}

// ok makes a request that must succeed.
func (h *harness) ok(method, path, token string, body any) *answer {
	h.t.Helper()
	return h.do(method, path, token, body).expect(200, "")
}

// fails makes a request that must be refused with a status and an errcode.
func (h *harness) fails(method, path, token string, body any, status int, code string) *answer {
	h.t.Helper()
	return h.do(method, path, token, body).expect(status, code)
}

func (a *answer) expect(status int, code string) *answer {
	a.t.Helper()
	got, _ := a.JSON["errcode"].(string)
	if a.Status != status || got != code {
		a.t.Fatalf("got %d %q, want %d %q: %s", a.Status, got, status, code, a.Raw)
	}
	return a
}

// str is a string member of the answer, "" if it has none.
func (a *answer) str(key string) string {
	s, _ := a.JSON[key].(string)
	return s
}

// person is a logged-in test user.
type person struct{ ID, Device, Token string }

const testPassword = "correct horse"

// register makes an account with testPassword and logs it in.
func (h *harness) register(name string) person {
	h.t.Helper()
	a := h.ok("POST", "/_matrix/client/v3/register", "", map[string]any{
		"auth": map[string]string{"type": "m.login.dummy"}, "username": name, "password": testPassword,
	})
	return person{a.str("user_id"), a.str("device_id"), a.str("access_token")}
}

// login logs a user in on a new device.
func (h *harness) login(name, password string) person {
	h.t.Helper()
	a := h.ok("POST", "/_matrix/client/v3/login", "", passwordLogin(name, password))
	return person{a.str("user_id"), a.str("device_id"), a.str("access_token")}
}

func passwordLogin(name, password string) map[string]any {
	return map[string]any{
		"type": "m.login.password", "identifier": map[string]string{"type": "m.id.user", "user": name}, "password": password,
	}
}
