package app

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"
	"golang.org/x/crypto/acme"
	"golang.org/x/crypto/acme/autocert"

	"conclave.chat/internal/link"
)

// Times of the HTTP server. There is no limit on writing: long polls and downloads take as long as they need.
const (
	headerTimeout = 10 * time.Second
	idleTimeout   = 3 * time.Minute
	drainTimeout  = 30 * time.Second
	collectEvery  = 10 * time.Minute
)

// Run serves until ctx ends, then drains: long polls are answered, requests under way finish, everything acknowledged is on disk.
func (a *App) Run(ctx context.Context) error {
	tlsConfig, err := a.tls()
	if err != nil {
		return errors.Join(err, a.Close())
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", a.cfg.Listen)
	if err != nil {
		return errors.Join(fmt.Errorf("app: listen: %w", err), a.Close())
	}
	if tlsConfig != nil {
		l = tls.NewListener(l, tlsConfig)
	}
	srv := &http.Server{
		Handler: a.Handler(), ReadHeaderTimeout: headerTimeout, IdleTimeout: idleTimeout, MaxHeaderBytes: 64 << 10,
		ErrorLog: slog.NewLogLogger(a.log.Handler(), slog.LevelDebug),
	}
	// Connections whose long polls were answered come back to a second server. It gives them as long for the next request as others get
	// that are idle.
	again := &http.Server{
		Handler: srv.Handler, ReadHeaderTimeout: idleTimeout, IdleTimeout: idleTimeout, MaxHeaderBytes: srv.MaxHeaderBytes, ErrorLog: srv.ErrorLog,
	}
	failed := make(chan error, 3)
	go func() { failed <- srv.Serve(l) }()
	go func() { failed <- again.Serve(a.parking) }()
	side, err := a.serveMetrics(ctx, failed)
	if err != nil {
		return errors.Join(err, srv.Close(), again.Close(), a.Close())
	}
	stopBackground := a.startBackground(context.WithoutCancel(ctx))
	a.log.Info("serving", "server_name", a.server, "listen", l.Addr().String(), "tls", tlsConfig != nil, "database", a.db.Engine())
	select {
	case <-ctx.Done():
		a.log.Info("stopping: requests under way are finished first")
	case err = <-failed:
		err = fmt.Errorf("app: serve: %w", err)
	}
	return errors.Join(err, a.drain(stopBackground, again, srv, side))
}

// startBackground starts what services do by themselves; the function that it returns stops that and waits for it.
func (a *App) startBackground(ctx context.Context) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var running sync.WaitGroup
	running.Go(func() { a.collect(ctx) })
	running.Go(func() { a.bus.CatchUp(ctx, a.db.Announced, a.log) })
	for _, run := range a.background {
		running.Go(func() { run(ctx) })
	}
	return func() {
		cancel()
		running.Wait()
	}
}

// drain ends the server. again has the connections that came back from parking: Shutdown would take those that have not sent their next
// request yet for busy, so that server is closed once all requests are answered.
func (a *App) drain(stopBackground func(), again *http.Server, servers ...*http.Server) error {
	errs := []error{a.parking.Close()}
	again.SetKeepAlivesEnabled(false)
	a.beginStop()
	ctx, cancel := context.WithTimeout(context.Background(), drainTimeout)
	defer cancel()
	for _, s := range servers {
		if s == nil {
			continue
		}
		if err := s.Shutdown(ctx); err != nil {
			errs = append(errs, fmt.Errorf("app: drain: %w", err), s.Close())
		}
	}
	errs = append(errs, a.door.Drain(ctx), again.Close())
	stopBackground()
	return errors.Join(append(errs, a.Close())...)
}

func (a *App) serveMetrics(ctx context.Context, failed chan<- error) (*http.Server, error) {
	if a.cfg.Metrics.Listen == "" {
		return nil, nil
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", a.cfg.Metrics.Listen)
	if err != nil {
		return nil, fmt.Errorf("app: listen for metrics: %w", err)
	}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(a.metrics, promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	srv := &http.Server{Handler: mux, ReadHeaderTimeout: headerTimeout}
	go func() { failed <- srv.Serve(l) }()
	return srv, nil
}

// tls is the listener's TLS configuration, or nil for plain HTTP.
func (a *App) tls() (*tls.Config, error) {
	c := a.cfg.TLS
	switch {
	case c.Certificate != "":
		pair, err := link.Load(c.Certificate, c.Key)
		if err != nil {
			return nil, fmt.Errorf("app: %w", err)
		}
		return &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: pair.Get, NextProtos: []string{"h2", "http/1.1"}}, nil
	case len(c.ACMEDomains) > 0:
		m := &autocert.Manager{
			Prompt: autocert.AcceptTOS, HostPolicy: autocert.HostWhitelist(c.ACMEDomains...),
			Cache: autocert.DirCache(a.cfg.Path("acme")), Email: c.ACMEEmail,
		}
		if c.ACMEURL != "" {
			m.Client = &acme.Client{DirectoryURL: c.ACMEURL}
		}
		t := m.TLSConfig()
		t.MinVersion = tls.VersionTLS12
		return t, nil
	default:
		return nil, nil
	}
}

// collect lets each service throw away what is no longer needed.
func (a *App) collect(ctx context.Context) {
	tick := time.NewTicker(collectEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			for _, c := range a.collectors {
				if err := c.run(ctx, now); err != nil && ctx.Err() == nil {
					a.log.Error("collecting failed", "what", c.name, "error", err)
				}
			}
		}
	}
}
