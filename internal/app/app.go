// Package app wires the program: configuration → stores → services → doors. It is the one place that knows everyone, and it holds
// no rules of its own.
//
// Each service has a file here that makes it from its dependencies and adapts the methods that others declared as interfaces.
package app

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"conclave.chat/internal/config"
	"conclave.chat/internal/directory"
	"conclave.chat/internal/door"
	"conclave.chat/internal/door/client"
	"conclave.chat/internal/door/webapp"
	"conclave.chat/internal/e2ee"
	"conclave.chat/internal/ephemeral"
	"conclave.chat/internal/feed"
	"conclave.chat/internal/feed/sliding"
	"conclave.chat/internal/gate"
	"conclave.chat/internal/group"
	"conclave.chat/internal/history"
	"conclave.chat/internal/ident"
	"conclave.chat/internal/ident/enrol"
	"conclave.chat/internal/keyring"
	"conclave.chat/internal/mail"
	"conclave.chat/internal/media"
	"conclave.chat/internal/mx"
	"conclave.chat/internal/notify"
	"conclave.chat/internal/organisation"
	"conclave.chat/internal/personal"
	"conclave.chat/internal/push"
	"conclave.chat/internal/recording"
	"conclave.chat/internal/retention"
	"conclave.chat/internal/room"
	"conclave.chat/internal/room/steward"
	"conclave.chat/internal/store"
	"conclave.chat/internal/store/secret"
	"conclave.chat/internal/subject"
	"conclave.chat/internal/visibility"
	"conclave.chat/web"
)

// App is a wired server.
type App struct {
	cfg     *config.Config
	log     *slog.Logger
	keys    *keyring.Keyring
	server  mx.ServerName
	bus     *notify.Bus
	db      *store.DB
	signer  mx.Signer
	limits  *gate.Limiter
	metrics *prometheus.Registry
	door    *door.Door
	parking *door.Parking
	routes  [][]door.Route

	cluster   *notify.Cluster // nil for a single node
	accounts  *ident.Service
	rooms     *room.Engine
	push      *push.Service
	e2ee      *e2ee.Service
	views     *visibility.Views
	ephemeral *ephemeral.Hub
	feed      *feed.Service
	history   *history.Service
	directory *directory.Service
	media     *media.Service
	personal  *personal.Service
	webApp    *webapp.App // nil: this program was built without it

	started      time.Time
	mail         *mail.Mailer // nil without a mail server
	organisation *organisation.Service
	groups       *group.Service
	retention    *retention.Service
	recording    *recording.Service
	subject      *subject.Service
	steward      *steward.Service
	enrol        *enrol.Service

	stopping   chan struct{} // closed when the server begins to drain: long polls answer at once
	stopOnce   sync.Once
	collectors []collector
	background []func(context.Context) // what services do by themselves while the server runs
}

// collector removes what is no longer needed from one service's tables.
type collector struct {
	name string
	run  func(ctx context.Context, now time.Time) error
}

// Build opens the stores and wires the services. The caller runs it with Run or closes it with Close.
func Build(ctx context.Context, cfg *config.Config, keys *keyring.Keyring, log *slog.Logger) (*App, error) {
	a := &App{
		cfg: cfg, log: log, keys: keys, server: mx.ServerName(cfg.ServerName), bus: notify.New(),
		metrics: prometheus.NewRegistry(), started: time.Now(), stopping: make(chan struct{}), parking: door.NewParking(log),
	}
	if err := os.MkdirAll(cfg.DataDir, 0o700); err != nil {
		return nil, fmt.Errorf("app: data folder: %w", err)
	}
	var err error
	if a.limits, err = gate.NewLimiter(cfg.RateLimits); err != nil {
		return nil, fmt.Errorf("app: %w", err)
	}
	a.db, err = store.Open(ctx, a.storeOptions(a.bus.Publish))
	if err != nil {
		return nil, err
	}
	if err := a.wire(ctx); err != nil {
		return nil, errors.Join(err, a.db.Close())
	}
	if web.Built() {
		if a.webApp, err = webapp.New(web.Files()); err != nil {
			return nil, errors.Join(err, a.Close())
		}
	}
	return a, nil
}

// databaseFile is the name of the SQLite file in the data folder.
const databaseFile = "conclave.db"

func (a *App) storeOptions(publish func(store.Batch)) store.Options {
	return store.Options{
		Postgres: a.cfg.Database.Postgres, Path: a.cfg.Path(databaseFile), Key: a.keys.Derive("sqlite"),
		Publish: publish, Log: a.log, Readers: a.cfg.Database.Readers,
	}
}

func (a *App) wire(ctx context.Context) error {
	if err := a.identity(ctx); err != nil {
		return err
	}
	pos, err := a.db.Position(ctx)
	if err != nil {
		return err
	}
	a.bus.Start(pos)
	if err := a.joinCluster(); err != nil {
		return err
	}
	a.metrics.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	a.watchStore()
	if err := a.wireOrganisation(ctx); err != nil {
		return err
	}
	if err := a.wireRecording(); err != nil {
		return err
	}
	if err := a.wireRooms(); err != nil {
		return err
	}
	a.wireKeys()
	if err := a.wireAccounts(); err != nil {
		return err
	}
	if err := a.wirePush(ctx); err != nil {
		return err
	}
	a.wireReaders()
	if err := a.wireFeed(); err != nil {
		return err
	}
	if err := a.wireMedia(); err != nil {
		return err
	}
	a.wireRetention()
	a.wireSubject()
	a.wirePersonal()
	h := client.New(client.Deps{
		Server: a.server, Accounts: a.accounts, Rooms: a.rooms, Push: a.push, Keys: a.e2ee, Feed: a.feed, Sliding: sliding.New(a.feed, a.personal),
		Media: a.media, Limits: a.limits,
		History: a.history, Directory: a.directory, OpenDirectory: a.cfg.Directory.Open, Personal: a.personal,
		Discovery: client.Discovery{
			WebPushKey: a.push.WebPushKey(),
			PublicURL:  a.cfg.PublicURL, RoomVersion: a.cfg.Rooms.DefaultVersion, Encrypted: func() bool { return a.organisation.Current().EncryptRooms },
			TURN: a.cfg.TURN, Calls: a.cfg.Calls, Support: a.cfg.Support,
		},
	})
	a.routes = h.Routes()
	if err := a.wireAdmin(); err != nil {
		return err
	}
	a.door = door.New(door.Deps{
		Auth: gate.Accounts{Service: a.accounts}, Seen: a.seen, Limits: a.limits, Log: a.log, Metrics: door.NewMetrics(a.metrics),
		Parking: a.parking,
	}, a.routes...)
	return nil
}

var errOthers = errors.New("app: this database belongs to")

// identity loads what makes this installation the one it is: its server name, which must not change, and its signing key.
func (a *App) identity(ctx context.Context) error {
	name, err := secret.Fact(ctx, a.db, "server_name")
	if err != nil {
		return err
	}
	if name != "" && name != string(a.server) {
		return fmt.Errorf("%w %q; server_name says %q and cannot change", errOthers, name, a.server)
	}
	key, err := a.signingKey(ctx)
	if err != nil {
		return err
	}
	id := "ed25519:" + fmt.Sprintf("%x", key.Public().(ed25519.PublicKey)[:4]) //nolint:forcetypeassert // documented type
	a.signer = mx.Signer{Server: a.server, KeyID: id, Key: key}
	return nil
}

const signingKeyName = "signing_key"

// signingKey reads the server's signing key, or makes it on the first start.
func (a *App) signingKey(ctx context.Context) (ed25519.PrivateKey, error) {
	seed, err := a.sealedSecret(ctx, signingKeyName, func() ([]byte, error) {
		_, key, err := ed25519.GenerateKey(rand.Reader)
		return key.Seed(), err
	})
	if err != nil {
		return nil, err
	}
	return ed25519.NewKeyFromSeed(seed), nil
}

// sealedSecret reads a secret of the installation, or makes it on the first start. Nodes that start together agree on the first one.
func (a *App) sealedSecret(ctx context.Context, name string, generate func() ([]byte, error)) ([]byte, error) {
	sealed, err := secret.Get(ctx, a.db, name)
	if err != nil {
		return nil, err
	}
	if sealed == nil {
		plain, err := generate()
		if err != nil {
			return nil, fmt.Errorf("app: %s: %w", name, err)
		}
		if sealed, err = a.keys.Seal(name, plain); err != nil {
			return nil, err
		}
		err = a.db.Write(func(tx *store.Tx) error {
			return errors.Join(secret.PutFirst(tx, name, sealed), secret.PutFact(tx, "server_name", string(a.server)))
		})
		if err != nil {
			return nil, err
		}
		if sealed, err = secret.Get(ctx, a.db, name); err != nil {
			return nil, err
		}
	}
	return a.keys.Unseal(name, sealed)
}

// joinCluster connects to the other nodes where NATS is configured.
func (a *App) joinCluster() error {
	if a.cfg.NATS.URL == "" {
		return nil
	}
	var err error
	a.cluster, err = notify.Connect(a.cfg.NATS.URL, string(a.server), rand.Text(), a.bus, a.log)
	return err
}

func (a *App) watchStore() {
	stats := a.db.Stats()
	count := func(name, help string, f func() float64) prometheus.Collector {
		return prometheus.NewCounterFunc(prometheus.CounterOpts{Name: name, Help: help}, f)
	}
	a.metrics.MustRegister(
		count("conclave_store_transactions_total", "Write transactions.", func() float64 { return float64(stats.Batches.Load()) }),
		count("conclave_store_writes_total", "Writes; several share a transaction.", func() float64 { return float64(stats.Jobs.Load()) }),
		count("conclave_store_retries_total", "Writes run again because another in their transaction failed.",
			func() float64 { return float64(stats.Retried.Load()) }),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "conclave_store_queue", Help: "Writes waiting for a transaction."},
			func() float64 { return float64(a.db.QueueLength()) }),
	)
}

// Handler serves everything on the main listener.
func (a *App) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /health/live", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok\n")) })
	mux.HandleFunc("GET /health/ready", a.ready)
	mux.HandleFunc("GET /{$}", a.welcome)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch path := r.URL.Path; {
		case a.webApp != nil && a.webApp.Serves(r):
			a.webApp.ServeHTTP(w, r)
		case path == "/" || path == "/health/live" || path == "/health/ready":
			mux.ServeHTTP(w, r)
		default: // not through mux: it redirects paths that it would clean up, and API clients do not follow
			a.door.ServeHTTP(w, r)
		}
	})
}

// ready answers 200 when requests can be served: the database answers and the server is not draining.
func (a *App) ready(w http.ResponseWriter, r *http.Request) {
	select {
	case <-a.stopping:
		http.Error(w, "draining", http.StatusServiceUnavailable)
		return
	default:
	}
	if err := a.db.Ping(r.Context()); err != nil {
		a.log.Error("not ready", "error", err)
		http.Error(w, "the database does not answer", http.StatusServiceUnavailable)
		return
	}
	_, _ = w.Write([]byte("ok\n"))
}

// Close writes what waits in memory and closes the stores.
func (a *App) Close() error {
	a.beginStop()
	err := errors.Join(a.accounts.Flush(context.Background()), a.db.Close())
	a.ephemeral.Close()
	if a.cluster != nil {
		a.cluster.Close()
	}
	return err
}

func (a *App) beginStop() { a.stopOnce.Do(func() { close(a.stopping) }) }
