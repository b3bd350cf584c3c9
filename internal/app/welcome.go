package app

import (
	_ "embed"
	"html/template"
	"net/http"
)

//go:embed welcome.html
var welcomePage string

// welcomeStyleHash is the SHA-256 of the page's style element, for its Content-Security-Policy; a test compares them.
const welcomeStyleHash = "MYhVGrxKrQVyGThInfHWVzPvIqY8JefeKcoA+bojs2o="

var welcomeTemplate = template.Must(template.New("welcome").Parse(welcomePage)) //nolint:gochecknoglobals // parsed once, read only

// welcome is the page at / of a program that was built without the web app: who runs this server and how to connect a client.
func (a *App) welcome(w http.ResponseWriter, _ *http.Request) {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self' 'sha256-"+welcomeStyleHash+"'; frame-ancestors 'none'; base-uri 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	err := welcomeTemplate.Execute(w, map[string]string{
		"Organisation": a.organisation.Name(), "Server": a.cfg.ServerName, "URL": a.cfg.PublicURL,
	})
	if err != nil {
		a.log.Debug("welcome page broken off", "error", err)
	}
}

// HasWebApp says whether the web app is in this program.
func (a *App) HasWebApp() bool { return a.webApp != nil }
