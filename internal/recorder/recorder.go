//go:build goolm

package recorder

import (
	"context"
	"crypto/ed25519"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"filippo.io/age"
	"github.com/rs/zerolog"
	"golang.org/x/mod/sumdb/note"
	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/crypto"

	"conclave.chat/internal/archive"
	"conclave.chat/internal/archive/depot"
	"conclave.chat/internal/archive/selfcheck"
	"conclave.chat/internal/archive/witness"
	"conclave.chat/internal/link"
	"conclave.chat/internal/mx"
)

// Recorder is a running recorder.
type Recorder struct {
	cfg    *Config
	log    *slog.Logger
	signer mx.Signer         // the policy server's
	server ed25519.PublicKey // the homeserver's
	client *mautrix.Client
	keys   *crypto.SQLCryptoStore
	mach   *crypto.OlmMachine
	sealed *archive.Log
	reader *reader
	files  *files
	rooms  *rooms

	unknown sync.Map   // classes that rooms name and nobody knows
	copying sync.Mutex // held while files go to the bucket, or go for good

	custody   *custody
	to        []age.Recipient // of the archive
	logSigner note.Signer     // the archive's log's
	verifier  note.Verifier
	since     time.Time
	receipts  receipts
	expired   atomic.Pointer[selfcheck.Expiry]
	copied    atomic.Pointer[selfcheck.Copy]
	failed    int         // verifications in a row
	broken    atomic.Bool // the archive takes nothing
}

const (
	checkpointEvery = time.Minute
	syncFor         = 30 * time.Second
	drainFor        = 20 * time.Second
	keyID           = "ed25519:policy_server"
)

// Open opens the stores and the archive. Run serves.
func Open(ctx context.Context, c *Config, log *slog.Logger) (*Recorder, error) {
	sec, err := c.secrets()
	if err != nil {
		return nil, err
	}
	r := &Recorder{cfg: c, log: log, receipts: receipts{wake: make(chan struct{}, 1)}, since: time.Now().UTC().Truncate(time.Second)}
	if r.custody, err = newCustody(c); err != nil {
		return nil, err
	}
	if r.server, err = c.serverKey(); err != nil {
		return nil, err
	}
	r.signer = mx.Signer{Server: mx.ServerName(c.Server.Name), KeyID: keyID, Key: ed25519.NewKeyFromSeed(sec.Policy)}
	to, signer, verifier, err := c.archiveKeys()
	if err != nil {
		return nil, err
	}
	r.to, r.logSigner, r.verifier = to, signer, verifier
	if r.client, err = newClient(c, sec); err != nil {
		return nil, err
	}
	nop := zerolog.Nop()
	r.client.Log = nop
	if r.keys, err = openKeys(ctx, c, sec); err != nil {
		return nil, err
	}
	r.mach = crypto.NewOlmMachine(r.client, &nop, r.keys, noState{})
	r.mach.DisableRatchetTracking = true
	if err := r.mach.Load(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("recorder: %w", err), r.keys.DB.Close())
	}
	if r.sealed, err = archive.Open(archive.Config{Dir: c.Archive, Signer: signer, Verifier: verifier, Recipients: to, Sealed: r.closed, Failed: r.stopped}); err != nil {
		return nil, errors.Join(err, r.keys.DB.Close())
	}
	if err := r.custody.witnesses.Look(ctx, r.sealed, verifier); err != nil {
		log.Error("the archive is not the one that its witnesses have signed: it is recorded on, and nobody witnesses it", "error", err)
	}
	r.reader = newReader(r.mach, r.keys)
	r.files = &files{client: r.client, log: r.sealed, most: c.MaxFile, known: map[string]*file{}}
	r.rooms = &rooms{client: r.client, known: map[string]*roomState{}}
	return r, nil
}

// Run serves until ctx ends, then closes the archive's segments and stops.
func (r *Recorder) Run(ctx context.Context) error {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", r.cfg.Listen)
	if err != nil {
		return errors.Join(fmt.Errorf("recorder: listen: %w", err), r.close())
	}
	if r.cfg.Certificate != "" {
		pair, err := link.Load(r.cfg.Certificate, r.cfg.Key)
		if err != nil {
			return errors.Join(fmt.Errorf("recorder: %w", err), l.Close(), r.close())
		}
		l = tls.NewListener(l, &tls.Config{MinVersion: tls.VersionTLS13, GetCertificate: pair.Get})
	}
	srv := &http.Server{Handler: r.Handler(), ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 3 * time.Minute, ErrorLog: slog.NewLogLogger(r.log.Handler(), slog.LevelDebug)}
	failed := make(chan error, 1)
	go func() { failed <- srv.Serve(l) }()
	background, cancel := context.WithCancel(context.WithoutCancel(ctx))
	var running sync.WaitGroup
	running.Go(func() { r.follow(background) })
	running.Go(func() { r.tick(background) })
	running.Go(func() { r.daily(background) })
	if r.cfg.Receipts {
		running.Go(func() { r.sealReceipts(background) })
	}
	r.log.Info("recording", "listen", l.Addr().String(), "homeserver", r.cfg.Homeserver, "user", r.client.UserID.String(), "archive", r.cfg.Archive)
	select {
	case <-ctx.Done():
	case err = <-failed:
		err = fmt.Errorf("recorder: serve: %w", err)
	}
	drain, stop := context.WithTimeout(context.WithoutCancel(ctx), drainFor)
	defer stop()
	if serr := srv.Shutdown(drain); serr != nil {
		err = errors.Join(err, srv.Close())
	}
	cancel()
	running.Wait()
	return errors.Join(err, r.close())
}

func (r *Recorder) close() error {
	r.mach.Destroy()
	err := r.end()
	ctx, cancel := context.WithTimeout(context.Background(), drainFor)
	defer cancel()
	if err == nil && r.cfg.Bucket != nil {
		err = r.ship(ctx)
	}
	return errors.Join(err, r.keys.DB.Close())
}

// end closes the archive, with a last checkpoint that the witnesses have signed.
func (r *Recorder) end() error {
	err := r.sealed.End(context.Background())
	if err == nil {
		r.cosign(context.Background(), witness.Patience)
	}
	return errors.Join(err, r.sealed.Close())
}

// checkpoint signs what is there, and has the witnesses sign it too.
func (r *Recorder) checkpoint(ctx context.Context) error {
	if _, err := r.sealed.Checkpoint(ctx); err != nil {
		return err
	}
	r.cosign(ctx, witness.Patience)
	return nil
}

func (r *Recorder) cosign(ctx context.Context, within time.Duration) {
	err := r.custody.witnesses.Sign(ctx, r.sealed, within)
	switch {
	case err == nil:
	case errors.Is(err, witness.ErrRefused) || r.custody.witnesses.Forked():
		r.log.Error("a witness refuses the archive's checkpoint: its history may have been changed", "error", err)
	default:
		r.log.Warn("not every witness has signed the archive's checkpoint; they are asked again", "error", err)
	}
}

// tick signs a checkpoint each minute, has the homeserver sign it too, and copies to the bucket.
func (r *Recorder) tick(ctx context.Context) {
	t := time.NewTicker(checkpointEvery)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
		r.reader.expire()
		if err := r.checkpoint(ctx); err != nil {
			r.log.Error("the archive has no new checkpoint", "error", err)
			continue
		}
		if r.cfg.Bucket != nil && r.copying.TryLock() {
			err := r.ship(ctx)
			r.copying.Unlock()
			if err != nil {
				r.log.Error("the archive was not copied to the bucket", "error", err)
			}
		}
	}
}

// closed notes whom a segment that was closed is about. Without that note every hold of its time keeps it.
func (r *Recorder) closed(s archive.Sealed) {
	if err := r.custody.tags.Put(s); err != nil {
		r.log.Error("it is not noted who and what occurs in a segment: holds of its time will keep it, whoever they are about", "segment", s.ID.String(), "error", err)
	}
}

// stopped tells why the archive takes nothing any more. It opens itself again when that is mended.
func (r *Recorder) stopped(err error) {
	switch was := r.broken.Swap(err != nil); {
	case err == nil:
		r.log.Info("the archive takes records again")
	case !was:
		r.log.Error("the archive takes nothing, and what is said in recorded rooms is refused; the recorder goes on by itself when this is mended", "error", err)
	default:
		r.log.Warn("the archive still takes nothing", "error", err)
	}
}

// ship copies the archive to the bucket, and notes for the homeserver when that was done, or why not.
func (r *Recorder) ship(ctx context.Context) error {
	c := selfcheck.Copy{}
	if last := r.copied.Load(); last != nil {
		c.Time = last.Time
	}
	err := r.send(ctx)
	if err == nil {
		c.Time = time.Now().UTC().Truncate(time.Second)
	} else {
		c.Error = err.Error()
	}
	r.copied.Store(&c)
	return err
}

func (r *Recorder) send(ctx context.Context) error {
	from, err := depot.OpenDir(r.cfg.Archive)
	if err != nil {
		return err
	}
	to, err := depot.OpenBucket(*r.cfg.Bucket)
	if err != nil {
		return err
	}
	return depot.Ship(ctx, from, to, r.cfg.locked, time.Now())
}

// follow keeps up with /sync: room keys, device lists and the state of rooms.
func (r *Recorder) follow(ctx context.Context) {
	since, err := r.keys.GetNextBatch(ctx)
	if err != nil {
		r.log.Error("the keys cannot be read", "error", err)
	}
	ephemeral := `"not_types":["*"]`
	if r.cfg.Receipts {
		ephemeral = `"types":["m.receipt"]`
	}
	filter := `{"presence":{"not_types":["*"]},"account_data":{"not_types":["*"]},"room":{"ephemeral":{` + ephemeral + `},"account_data":{"not_types":["*"]},` +
		`"timeline":{"limit":50,"types":["m.room.member","m.room.name","m.room.create","m.room.policy"]},"state":{"types":["m.room.name","m.room.create","m.room.policy"]}}}`
	for ctx.Err() == nil {
		resp, err := r.client.FullSyncRequest(ctx, mautrix.ReqSync{Timeout: int(syncFor.Milliseconds()), Since: since, FilterID: filter})
		if err == nil {
			err = r.take(ctx, resp, since)
		}
		if err != nil {
			if ctx.Err() == nil {
				r.log.Warn("the homeserver does not answer /sync; it is tried again", "error", err)
			}
			select {
			case <-ctx.Done():
			case <-time.After(500 * time.Millisecond):
			}
			continue
		}
		since = resp.NextBatch
	}
}

// take brings an answer of /sync in: all of it, with the token for the next, or nothing.
func (r *Recorder) take(ctx context.Context, resp *mautrix.RespSync, since string) error {
	// What was begun is brought to its end also when the recorder stops meanwhile.
	ctx = context.WithoutCancel(ctx)
	if len(resp.ToDevice.Events) > 0 || len(resp.DeviceLists.Changed) > 0 || since == "" {
		err := r.keys.DB.DoTxn(ctx, nil, func(ctx context.Context) error {
			r.mach.ProcessSyncResponse(ctx, resp, since)
			return r.keys.PutNextBatch(ctx, resp.NextBatch)
		})
		if err != nil {
			return err
		}
	} else { // a token is worth a write only with keys: without, the same state comes again after a crash
		r.mach.HandleOTKCounts(ctx, &resp.DeviceOTKCount)
	}
	r.rooms.follow(resp)
	if r.cfg.Receipts && since != "" { // what was read before there was a recorder is not recorded
		r.read(resp)
	}
	r.reader.synced(len(resp.DeviceLists.Changed) > 0)
	return nil
}
