package client

import (
	"bytes"
	"crypto/rand"
	"embed"
	"encoding/base64"
	"html/template"
	"net/http"

	"conclave.chat/internal/door"
	"conclave.chat/internal/fault"
	"conclave.chat/internal/gate"
	"conclave.chat/internal/ident"
)

//go:embed pages/*.html
var pageFiles embed.FS

// pages are the few pages that clients show in a browser where they do not know how to ask for something themselves.
var pages = template.Must(template.ParseFS(pageFiles, "pages/*.html")) //nolint:gochecknoglobals // a compiled table

func (h *Handlers) fallbackRoutes() []door.Route {
	const path = "/_matrix/client/v3/auth/{stage}/fallback/web"
	return []door.Route{
		// Spec: cs#fallback
		{Method: "GET", Path: path, Access: gate.Open, Limit: gate.Login, Handle: h.stagePage},
		{Method: "POST", Path: path, Access: gate.Open, Limit: gate.Login, MaxBody: smallBody, Handle: h.completeStage},
		// Spec: cs#login-fallback
		{Method: "GET", Path: "/_matrix/static/client/login/", Access: gate.Open, Handle: h.loginPage},
	}
}

// page is an HTML answer. Its scripts and styles run by a nonce, and it may send nothing to others.
type page struct {
	Status  int
	File    string
	Nonce   string
	Server  string
	Stage   string
	Session string
	Token   string
	Error   string
	Done    bool
}

// Title is what the browser calls the page.
func (p page) Title() string {
	if p.File == "login.html" {
		return "Sign in"
	}
	return "Confirm"
}

// Respond writes the page.
func (p page) Respond(w http.ResponseWriter, _ *http.Request) error {
	var nonce [16]byte
	_, _ = rand.Read(nonce[:]) // never fails
	p.Nonce = base64.RawStdEncoding.EncodeToString(nonce[:])
	var body bytes.Buffer
	if err := pages.ExecuteTemplate(&body, p.File, p); err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; "+
		"script-src 'nonce-"+p.Nonce+"'; style-src 'nonce-"+p.Nonce+"'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(p.Status)
	_, err := w.Write(body.Bytes())
	return err
}

func (h *Handlers) stagePage(r *door.Request) (any, error) {
	p := page{Status: http.StatusOK, File: "confirm.html", Stage: r.Path("stage"), Session: r.Param("session")}
	if p.Session == "" {
		return nil, fault.MissingParam("session is missing")
	}
	var err error
	p.Done, err = h.Accounts.StageDone(r.Context(), p.Session, p.Stage)
	if err != nil {
		return nil, err
	}
	return p, nil
}

// completeStage checks what the user typed into the page. The client then repeats its request with the session alone.
func (h *Handlers) completeStage(r *door.Request) (any, error) {
	form := r.HTTP.PostFormValue
	p := page{Status: http.StatusOK, File: "confirm.html", Stage: r.Path("stage"), Session: form("session"), Done: true}
	err := h.Accounts.CompleteStage(r.Context(), p.Session, ident.StageAnswer{
		Stage: p.Stage, Password: form("password"), Token: form("token"),
	})
	if f := fault.Of(err); f != nil && f.Kind == fault.Unauthorized {
		p.Status, p.Error, p.Done = http.StatusUnauthorized, f.Msg, false
	} else if err != nil {
		return nil, err
	}
	return p, nil
}

func (h *Handlers) loginPage(*door.Request) (any, error) {
	return page{Status: http.StatusOK, File: "login.html", Server: string(h.Server)}, nil
}
