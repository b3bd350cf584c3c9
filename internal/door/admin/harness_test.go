package admin_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/pb33f/libopenapi"
	validator "github.com/pb33f/libopenapi-validator"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/tidwall/gjson"

	"github.com/go-json-experiment/json"

	"conclave.chat/internal/audit"
	"conclave.chat/internal/census"
	"conclave.chat/internal/door"
	"conclave.chat/internal/door/admin"
	"conclave.chat/internal/door/conclave"
	"conclave.chat/internal/gate"
	"conclave.chat/internal/group"
	"conclave.chat/internal/ident"
	"conclave.chat/internal/ident/enrol"
	"conclave.chat/internal/mx"
	"conclave.chat/internal/notify"
	"conclave.chat/internal/organisation"
	"conclave.chat/internal/retention"
	"conclave.chat/internal/room"
	"conclave.chat/internal/room/steward"
	"conclave.chat/internal/store"
	"conclave.chat/internal/store/storetest"
	"conclave.chat/internal/subject"
)

const server = "hs1"

// harness is the API over a real database. Every answer is checked against the OpenAPI document.
type harness struct {
	t         *testing.T
	db        *store.DB
	accounts  *ident.Service
	org       *organisation.Service
	enrol     *enrol.Service
	rooms     *room.Engine
	steward   *steward.Service
	retention *retention.Service
	mails     mails
	api       *admin.Handlers
	door      http.Handler
	clock     time.Time
	boss      string // token of an administrator
	check     validator.Validator
}

// each runs a test on both engines.
func each(t *testing.T, run func(*testing.T, *harness)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) {
		bus := notify.New()
		run(t, newHarness(t, storetest.SQLite(t, store.Options{Publish: bus.Publish}), bus))
	})
	t.Run("postgres", func(t *testing.T) {
		bus := notify.New()
		run(t, newHarness(t, storetest.Postgres(t, store.Options{Publish: bus.Publish}), bus))
	})
}

func newHarness(t *testing.T, db *store.DB, bus *notify.Bus) *harness {
	t.Helper()
	h := &harness{t: t, db: db, clock: time.UnixMilli(1_700_000_000_000)}
	cfg := ident.DefaultConfig()
	cfg.Passwords.MemoryKiB, cfg.Passwords.Iterations = 8, 1
	var err error
	base := organisation.Defaults()
	base.Name, base.Registration, base.UploadLimit, base.EncryptRooms = "Example", "closed", 1000, true
	h.org, err = organisation.New(context.Background(), organisation.Deps{DB: db, Base: base, Now: func() time.Time { return h.clock }})
	h.must(err)
	bus.Listen(h.org.Changed)
	groups, err := group.New(context.Background(), group.Deps{DB: db, Now: func() time.Time { return h.clock }})
	h.must(err)
	bus.ListenFirst(groups.Changed)
	h.accounts, err = ident.New(ident.Deps{
		DB: db, Server: server, Config: cfg, Now: func() time.Time { return h.clock }, PublicURL: "https://chat.example.org", Mail: &h.mails,
		Mode: func() string { return h.org.Current().Registration }, Enter: groups.Enter, Erasers: []ident.Eraser{groups}, MayErase: retention.Keeper{}.MayErase,
	})
	h.must(err)
	bus.Listen(h.accounts.Changed)
	h.enrol = enrol.New(h.accounts, h.org, groups)
	limits, err := gate.NewLimiter(gate.Limits{})
	h.must(err)
	blocked := steward.NewBlocklist(db)
	bus.ListenFirst(blocked.Changed)
	_, key, err := ed25519.GenerateKey(nil)
	h.must(err)
	h.rooms, err = room.New(room.Deps{
		DB: db, Signer: mx.Signer{Server: server, KeyID: "ed25519:test", Key: key}, Profiles: nobody{}, Invites: nobody{}, Config: room.DefaultConfig(),
		Policies: []room.Policy{blocked}, Now: func() time.Time { return h.clock },
	})
	h.must(err)
	bus.ListenFirst(h.rooms.Listen)
	h.steward = steward.New(steward.Deps{DB: db, Rooms: h.rooms, Now: func() time.Time { return h.clock }})
	h.retention = retention.New(retention.Deps{DB: db, Server: server, Now: func() time.Time { return h.clock }, Files: noFiles{}, Forget: h.accounts.Forget, Bounds: func() retention.Bounds {
		v := h.org.Current()
		return retention.InDays(v.RetentionDays, v.RetentionMinDays, v.RetentionMaxDays)
	}})
	h.api, err = admin.New(admin.Deps{
		Audit: audit.New(db, func() time.Time { return h.clock }), Accounts: h.accounts, Enrol: h.enrol, Organisation: h.org, Census: census.New(db, h.rooms, func() time.Time { return h.clock }), Steward: h.steward, Groups: groups,
		Retention: h.retention,
		Subject: subject.New(subject.Deps{DB: db, Server: server, Now: func() time.Time { return h.clock }, Erase: h.accounts.Erase, Open: func(_ context.Context, id string) (io.ReadCloser, error) {
			if id == "lost" {
				return nil, errors.New("lost")
			}
			return io.NopCloser(strings.NewReader("content of " + id)), nil
		}}),
		Nodes: admin.Nodes{
			Status: func(context.Context) admin.Status {
				return admin.Status{Server: server, Version: "test", Engine: db.Engine()}
			},
			Health: func(context.Context) []admin.Finding {
				return []admin.Finding{{Check: "clock", Level: "warning", Found: "slow", Do: "Set it."}}
			},
		},
		Sources: map[string]string{"name": "file"},
	})
	h.must(err)
	h.door = door.New(door.Deps{
		Auth: gate.Accounts{Service: h.accounts}, Limits: limits, Log: slog.New(slog.DiscardHandler), Metrics: door.NewMetrics(prometheus.NewRegistry()),
	}, h.api.Routes(), conclave.New(conclave.Deps{Audit: audit.New(db, func() time.Time { return h.clock }), Accounts: h.accounts, Enrol: h.enrol, Organisation: h.org, MinPassword: 8}).Routes())
	h.boss = h.account("boss", true)
	return h
}

type noFiles struct{}

func (noFiles) DeleteDoomed(context.Context) error { return nil }

// nobody has a profile, and everybody lets everybody invite them.
type nobody struct{}

func (nobody) Profile(context.Context, mx.UserID) (room.Profile, error)  { return room.Profile{}, nil }
func (nobody) InviteAllowed(context.Context, mx.UserID, mx.UserID) error { return nil }

// mails are messages that were sent.
type mails []string

// Send keeps the message.
func (m *mails) Send(to, subject, text string) error {
	*m = append(*m, to+"\n"+subject+"\n"+text)
	return nil
}

// client asks the web app's own API, with a token or none.
func (h *harness) client(method, path, token string, body any) (int, gjson.Result) {
	h.t.Helper()
	w := h.serve(h.request(method, "/_conclave/client/v1/"+path, token, body))
	return w.Code, gjson.ParseBytes(w.Body.Bytes())
}

func (h *harness) must(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

const password = "correct horse battery"

// account makes an account and signs it in.
func (h *harness) account(name string, isAdmin bool) string {
	h.t.Helper()
	_, _, err := h.accounts.Add(context.Background(), ident.By{}, ident.NewAccount{Name: name, Password: password, Admin: isAdmin})
	h.must(err)
	return h.signIn(name)
}

func (h *harness) signIn(name string) string {
	h.t.Helper()
	g, err := h.accounts.Login(context.Background(), name, password, ident.Client{Addr: "192.0.2.7", Agent: "Test/1"})
	h.must(err)
	return g.Access
}

func (h *harness) id(name string) mx.UserID { return mx.NewUserID(name, server) }

// document is the API's description.
func (h *harness) document() []byte {
	h.t.Helper()
	w := h.serve(h.request("GET", "/_conclave/admin/v1/openapi.json", h.boss, nil))
	if w.Code != http.StatusOK {
		h.t.Fatalf("%d %s", w.Code, w.Body)
	}
	return w.Body.Bytes()
}

func (h *harness) validator() validator.Validator {
	h.t.Helper()
	if h.check == nil {
		doc, err := libopenapi.NewDocument(h.document())
		h.must(err)
		v, errs := validator.NewValidator(doc)
		for _, err := range errs {
			h.t.Fatal(err)
		}
		h.check = v
	}
	return h.check
}

func (h *harness) request(method, path, token string, body any) *http.Request {
	h.t.Helper()
	var r io.Reader
	kind := "application/json"
	switch b := body.(type) {
	case nil:
	case string:
		r, kind = bytes.NewReader([]byte(b)), "text/csv"
	default:
		data, err := json.Marshal(b)
		h.must(err)
		r = bytes.NewReader(data)
	}
	req := httptest.NewRequest(method, path, r)
	if r != nil {
		req.Header.Set("Content-Type", kind)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	return req
}

func (h *harness) serve(r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.door.ServeHTTP(w, r)
	return w
}

// M is a JSON object.
type M = map[string]any

// do makes a request as the administrator, and checks question and answer against the document.
func (h *harness) do(method, path string, body any, headers ...string) (int, gjson.Result, http.Header) {
	h.t.Helper()
	build := func() *http.Request {
		r := h.request(method, "/_conclave/admin/v1/"+path, h.boss, body)
		for i := 0; i < len(headers); i += 2 {
			r.Header.Set(headers[i], headers[i+1])
		}
		return r
	}
	w := h.serve(build())
	if w.Code == http.StatusOK {
		if ok, errs := h.validator().ValidateHttpRequestResponse(build(), w.Result()); !ok {
			for _, err := range errs {
				h.t.Errorf("%s %s: %s %s %v\n%s", method, path, err.Message, err.Reason, err.SchemaValidationErrors, w.Body)
			}
		}
	}
	return w.Code, gjson.ParseBytes(w.Body.Bytes()), w.Header()
}

// ok is do for what must succeed.
func (h *harness) ok(method, path string, body any) gjson.Result {
	h.t.Helper()
	status, answer, _ := h.do(method, path, body)
	if status != http.StatusOK {
		h.t.Fatalf("%s %s: %d %s", method, path, status, answer.Raw)
	}
	return answer
}

// fails is do for what must be refused.
func (h *harness) fails(method, path string, body any, status int, code string) {
	h.t.Helper()
	got, answer, _ := h.do(method, path, body)
	if got != status || answer.Get("errcode").Str != code {
		h.t.Errorf("%s %s: %d %s, want %d %s", method, path, got, answer.Raw, status, code)
	}
}

// csv gives a list as CSV.
func (h *harness) csv(path string) string {
	h.t.Helper()
	r := h.request("GET", "/_conclave/admin/v1/"+path, h.boss, nil)
	r.Header.Set("Accept", "text/csv")
	w := h.serve(r)
	if w.Code != http.StatusOK || w.Header().Get("Content-Type") != "text/csv; charset=utf-8; header=present" {
		h.t.Fatalf("%s: %d %v %s", path, w.Code, w.Header(), w.Body)
	}
	return w.Body.String()
}
