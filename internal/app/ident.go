package app

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"conclave.chat/internal/config"
	"conclave.chat/internal/e2ee"
	"conclave.chat/internal/gate"
	"conclave.chat/internal/group"
	"conclave.chat/internal/ident"
	"conclave.chat/internal/ident/enrol"
	"conclave.chat/internal/keyring"
	"conclave.chat/internal/mail"
	"conclave.chat/internal/mx"
	"conclave.chat/internal/retention"
	"conclave.chat/internal/room"
	"conclave.chat/internal/store"
	"conclave.chat/internal/store/account"
	"conclave.chat/internal/store/keys"
	"conclave.chat/internal/store/personal"
	"conclave.chat/internal/store/pushdata"
	"conclave.chat/internal/store/securitylog"
)

// flushEvery is how often it is written when devices were last used.
const flushEvery = time.Minute

// wireAccounts makes the accounts service.
func (a *App) wireAccounts() error {
	d := accountDeps(a.db, a.cfg, a.e2ee, a.groups, a.log)
	d.Attempt = func(account string) error { return a.limits.AllowKey(gate.Login, account, time.Now()) }
	d.MailLimit = func(address string) error { return a.limits.AllowKey(gate.Mail, address, time.Now()) }
	d.Rooms = a.rooms
	d.Protected, d.Compliance = a.recording.Protects, a.compliance
	d.Mode = func() string { return a.organisation.Current().Registration }
	d.Over = a.bus.Tell
	d.Waiting = func() (list []ident.Session) {
		a.feed.EachWaiting(func(user mx.UserID, device mx.DeviceID) {
			list = append(list, ident.Session{User: user, Device: device})
		})
		return list
	}
	mailer, err := mail.New(a.cfg.SMTP, a.log)
	if err != nil {
		return err
	}
	if mailer != nil {
		d.Mail, a.mail = mailer, mailer
		a.background = append(a.background, mailer.Run)
	}
	if a.accounts, err = ident.New(d); err != nil {
		return err
	}
	a.bus.Listen(a.accounts.Changed)
	a.enrol = enrol.New(a.accounts, a.organisation, a.groups)
	a.background = append(a.background, a.flush, a.accounts.Run)
	a.collectors = append(a.collectors, collector{"accounts", a.accounts.Collect})
	return nil
}

// accountDeps is what the accounts service needs in any program, whether it serves or only administers.
func accountDeps(db *store.DB, cfg *config.Config, encryption *e2ee.Service, groups *group.Service, log *slog.Logger) ident.Deps {
	return ident.Deps{
		DB: db, Server: mx.ServerName(cfg.ServerName), Config: cfg.Accounts, Log: log,
		PublicURL: cfg.PublicURL,
		Reserved:  []mx.UserID{mx.NewUserID(cfg.Rooms.Notices, mx.ServerName(cfg.ServerName))},
		KeyID:     encryption.IsKeyID, DeviceRenamed: keys.TouchList, Enter: groups.Enter,
		Erasers:  []ident.Eraser{encryption, pushEraser{}, personalEraser{}, groups},
		MayErase: retention.Keeper{}.MayErase,
	}
}

func (a *App) seen(c gate.Caller, addr, agent string) { a.accounts.Seen(ident.Caller(c), addr, agent) }

// flush writes now and then what waits in memory and may be lost in a crash.
func (a *App) flush(ctx context.Context) {
	tick := time.NewTicker(flushEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if err := a.accounts.Flush(ctx); err != nil {
				a.log.Error("last use of devices not written", "error", err)
			}
		}
	}
}

// FirstAdmin makes the link by which the first administrator begins; it is empty where there is an administrator.
func (a *App) FirstAdmin(ctx context.Context) (link string, err error) {
	return a.enrol.WelcomeLink(ctx)
}

// Accounts opens the accounts of an installation for administration from the command line, beside a running server or without one.
func Accounts(ctx context.Context, cfg *config.Config, k *keyring.Keyring, log *slog.Logger) (*ident.Service, func() error, error) {
	db, err := commandStore(ctx, cfg, k, log)
	if err != nil {
		return nil, nil, err
	}
	a := &App{cfg: cfg, keys: k, log: log, server: mx.ServerName(cfg.ServerName), db: db}
	if err := a.identity(ctx); err != nil { // before anybody gets a name of this server
		return nil, nil, errors.Join(err, db.Close())
	}
	encryption := e2ee.New(e2ee.Deps{DB: db, Server: mx.ServerName(cfg.ServerName), Devices: account.DeviceNames, Config: cfg.Encryption})
	groups, err := group.New(ctx, group.Deps{DB: db})
	if err != nil {
		return nil, nil, errors.Join(err, db.Close())
	}
	s, err := ident.New(accountDeps(db, cfg, encryption, groups, log))
	if err != nil {
		return nil, nil, errors.Join(err, db.Close())
	}
	return s, db.Close, nil
}

// pushEraser drops pushers with their device.
type pushEraser struct{}

func (pushEraser) EraseDevice(tx *store.Tx, user mx.UserID, device mx.DeviceID) error {
	return pushdata.DeleteDevice(tx, user, device)
}

func (pushEraser) EraseAccount(tx *store.Tx, user mx.UserID, _ bool) error {
	return pushdata.DeleteUser(tx, user)
}

// personalEraser drops account data and the security history where the user asks for erasure, and what clients keep there about a device with the device.
type personalEraser struct{}

// EraseDevice drops a device's settings of notifications: Element keeps some for each device, and would leave them behind.
//
// Spec: MSC3890
func (personalEraser) EraseDevice(tx *store.Tx, user mx.UserID, device mx.DeviceID) error {
	now := store.Millis(time.Now())
	for _, prefix := range []string{"m.local_notification_settings.", "org.matrix.msc3890.local_notification_settings."} {
		if _, err := personal.DeleteAccountData(tx, user, "", prefix+string(device), now); err != nil {
			return err
		}
	}
	return nil
}

func (personalEraser) EraseAccount(tx *store.Tx, user mx.UserID, erase bool) error {
	if !erase {
		return nil
	}
	if err := securitylog.DeleteUser(tx, user); err != nil {
		return err
	}
	return personal.DeleteUser(tx, user)
}

// profiles tells rooms how users appear. It reads the database, as rooms are there before accounts.
type profiles struct{ db *store.DB }

// Profile is what a user's member events say.
func (p profiles) Profile(ctx context.Context, user mx.UserID) (room.Profile, error) {
	name, avatar, err := ident.NameAndAvatar(ctx, p.db, user)
	return room.Profile{DisplayName: name, AvatarURL: avatar}, err
}

// commandStore opens the database for a command beside a running server, or without one.
func commandStore(ctx context.Context, cfg *config.Config, k *keyring.Keyring, log *slog.Logger) (*store.DB, error) {
	return store.Open(ctx, store.Options{
		Postgres: cfg.Database.Postgres, Path: cfg.Path(databaseFile), Key: k.Derive("sqlite"), Log: log, Readers: 1,
	})
}
