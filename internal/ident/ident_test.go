package ident_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"conclave.chat/internal/fault"
	"conclave.chat/internal/ident"
	"conclave.chat/internal/mx"
	"conclave.chat/internal/notify"
	"conclave.chat/internal/store"
	"conclave.chat/internal/store/account"
	"conclave.chat/internal/store/storetest"
)

const (
	server   = "example.org"
	alice    = mx.UserID("@alice:example.org")
	password = "correct horse"
)

// rig is a service with a clock and with other parts of the server that remember what they were told.
type rig struct {
	*ident.Service
	t      testing.TB
	db     *store.DB
	clock  time.Time
	mu     sync.Mutex
	erased []string
	left   []mx.UserID
	told   []string
	broken error // what LeaveAll answers
	seen   map[mx.UserID]bool
}

func (r *rig) EraseDevice(_ *store.Tx, user mx.UserID, device mx.DeviceID) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.erased = append(r.erased, string(user)+" "+string(device))
	return nil
}

func (r *rig) EraseAccount(_ *store.Tx, user mx.UserID, erase bool) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.erased = append(r.erased, string(user)+" "+map[bool]string{true: "all", false: "account"}[erase])
	return nil
}

func (r *rig) LeaveAll(_ context.Context, user mx.UserID) error {
	r.left = append(r.left, user)
	return r.broken
}

func (r *rig) ProfileChanged(_ context.Context, user mx.UserID, formerName, formerAvatar string) error {
	r.told = append(r.told, string(user)+" was "+formerName+formerAvatar)
	return nil
}

func (r *rig) Visible(_ context.Context, _, user mx.UserID) (bool, error) { return r.seen[user], nil }

func config() ident.Config {
	c := ident.DefaultConfig()
	c.Passwords.MemoryKiB, c.Passwords.Iterations = 8, 1
	c.Registration.Mode = "open"
	return c
}

func newRig(t testing.TB, db *store.DB, c ident.Config) *rig {
	t.Helper()
	r := &rig{t: t, db: db, clock: time.UnixMilli(1_700_000_000_000), seen: map[mx.UserID]bool{}}
	r.Service = r.open(c)
	return r
}

func (r *rig) open(c ident.Config) *ident.Service {
	r.t.Helper()
	s, err := ident.New(ident.Deps{
		DB: r.db, Server: server, Config: c, Now: func() time.Time { return r.clock }, Erasers: []ident.Eraser{r}, Rooms: r,
	})
	if err != nil {
		r.t.Fatal(err)
	}
	return s
}

// each runs a test on both engines, with the service listening to its own commits.
func each(t *testing.T, c ident.Config, run func(*testing.T, *rig)) {
	t.Helper()
	open := map[string]func(testing.TB, store.Options) *store.DB{"sqlite": storetest.SQLite, "postgres": storetest.Postgres}
	for name, f := range open {
		t.Run(name, func(t *testing.T) {
			bus := notify.New()
			r := newRig(t, f(t, store.Options{Publish: bus.Publish}), c)
			bus.Listen(r.Changed)
			run(t, r)
		})
	}
}

func (r *rig) register(name string, c ident.Client) *ident.Grant {
	r.t.Helper()
	g, err := r.Register(context.Background(), ident.NewAccount{Name: name, Password: password, Client: c})
	if err != nil {
		r.t.Fatal(err)
	}
	return g
}

func (r *rig) login(c ident.Client) *ident.Grant {
	r.t.Helper()
	g, err := r.Login(context.Background(), "alice", password, c)
	if err != nil {
		r.t.Fatal(err)
	}
	return g
}

func (r *rig) must(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}

func (r *rig) refused(err error, code string) {
	r.t.Helper()
	if !fault.Is(err, code) {
		r.t.Fatalf("got %v, want %s", err, code)
	}
}

// rows counts the rows of a table.
func (r *rig) rows(table string) int {
	r.t.Helper()
	var n int
	r.must(r.db.QueryRow(context.Background(), "SELECT count(*) FROM "+table).Scan(&n))
	return n
}

// Spec: cs#using-access-tokens
func TestCacheForgetsOnEveryNode(t *testing.T) {
	each(t, config(), func(t *testing.T, r *rig) {
		ctx := context.Background()
		other := r.open(config()) // another node, whose word of commits we control
		g := r.register("alice", ident.Client{})
		for _, s := range []*ident.Service{r.Service, other} {
			c, err := s.Resolve(ctx, g.Access)
			r.must(err)
			if c.User != alice || c.Device != g.Device || c.Session == 0 {
				t.Fatalf("caller: %+v", c)
			}
		}
		r.must(r.Moderate(ctx, ident.By{}, alice, new(true), nil))
		if c, _ := r.Resolve(ctx, g.Access); !c.Locked {
			t.Error("the lock is not seen at once")
		}
		if c, _ := other.Resolve(ctx, g.Access); c.Locked {
			t.Error("the other node asked the database")
		}
		other.Changed(store.Batch{Changes: []store.Change{{Kind: store.KindSession, User: alice}}})
		if c, _ := other.Resolve(ctx, g.Access); !c.Locked {
			t.Error("the other node did not hear of the lock")
		}
		r.must(r.Logout(ctx, alice, g.Device))
		_, err := r.Resolve(ctx, g.Access)
		r.refused(err, "M_UNKNOWN_TOKEN")
		if _, err := other.Resolve(ctx, g.Access); err != nil {
			t.Error("the other node asked the database")
		}
		other.Changed(store.Batch{Lost: true})
		_, err = other.Resolve(ctx, g.Access)
		r.refused(err, "M_UNKNOWN_TOKEN")
	})
}

func TestCacheGrowsOldWithoutWord(t *testing.T) {
	each(t, config(), func(t *testing.T, r *rig) {
		ctx := context.Background()
		other := r.open(config())
		g := r.register("alice", ident.Client{})
		_, err := other.Resolve(ctx, g.Access)
		r.must(err)
		r.must(r.LogoutAll(ctx, alice))
		r.clock = r.clock.Add(6 * time.Minute)
		_, err = other.Resolve(ctx, g.Access)
		r.refused(err, "M_UNKNOWN_TOKEN")
		_, err = other.Resolve(ctx, strings.Repeat("x", 1000))
		r.refused(err, "M_UNKNOWN_TOKEN")
	})
}

// Spec: cs#refreshing-access-tokens
func TestRefreshTokensExpire(t *testing.T) {
	c := config()
	c.Sessions.RefreshLifetime = 24 * time.Hour
	each(t, c, func(t *testing.T, r *rig) {
		ctx := context.Background()
		g := r.register("alice", ident.Client{Refresh: true})
		r.clock = r.clock.Add(20 * time.Hour)
		g, err := r.Refresh(ctx, g.Refresh)
		r.must(err)
		r.clock = r.clock.Add(26 * time.Hour)
		_, err = r.Refresh(ctx, g.Refresh)
		r.refused(err, "M_UNKNOWN_TOKEN")
		if fault.Of(err).Body["soft_logout"] != true {
			t.Error("no soft logout")
		}
		back := r.login(ident.Client{Device: g.Device})
		if back.Device != g.Device {
			t.Error("another device")
		}
	})
}

// Spec: cs#refreshing-access-tokens
func TestRefreshAgainAndAgainKeepsFewTokens(t *testing.T) {
	each(t, config(), func(t *testing.T, r *rig) {
		ctx := context.Background()
		g := r.register("alice", ident.Client{Refresh: true})
		var last *ident.Grant
		for range 20 {
			var err error
			last, err = r.Refresh(ctx, g.Refresh)
			r.must(err)
		}
		if n := r.rows("session"); n > 5 {
			t.Errorf("%d tokens", n)
		}
		before, err := r.Resolve(ctx, g.Access)
		r.must(err)
		after, err := r.Resolve(ctx, last.Access)
		r.must(err)
		if before.Session != after.Session {
			t.Error("the session changed its name")
		}
		if n := r.rows("session"); n != 1 {
			t.Errorf("%d tokens after the new one was used", n)
		}
	})
}

// Spec: cs#post_matrixclientv3accountdeactivate
func TestDeactivateReachesEverything(t *testing.T) {
	each(t, config(), func(t *testing.T, r *rig) {
		ctx := context.Background()
		g := r.register("alice", ident.Client{Device: "ONE"})
		r.login(ident.Client{Device: "TWO"})
		token, _, err := r.LoginToken(alice)
		r.must(err)
		r.broken = errors.New("the server stopped")
		if err := r.Deactivate(ctx, ident.By{}, alice, true); err == nil {
			t.Fatal("rooms were not left, and nobody knows")
		}
		slices.Sort(r.erased)
		if !slices.Equal(r.erased, []string{"@alice:example.org ONE", "@alice:example.org TWO", "@alice:example.org all"}) {
			t.Errorf("erased: %v", r.erased)
		}
		for _, table := range []string{"session", "device", "ticket", "profile", "directory_word"} {
			if n := r.rows(table); n != 0 {
				t.Errorf("%d rows are left in %s", n, table)
			}
		}
		_, err = r.Resolve(ctx, g.Access)
		r.refused(err, "M_UNKNOWN_TOKEN")
		_, err = r.LoginByToken(ctx, token, ident.Client{})
		r.refused(err, "M_FORBIDDEN")
		r.refused(r.Deactivate(ctx, ident.By{}, alice, false), "M_NOT_FOUND")
		r.broken, r.left = nil, nil
		r.must(r.Collect(ctx, r.clock))
		r.must(r.Collect(ctx, r.clock))
		if !slices.Equal(r.left, []mx.UserID{alice}) {
			t.Errorf("left rooms afterwards: %v", r.left)
		}
	})
}

func TestCollect(t *testing.T) {
	each(t, config(), func(t *testing.T, r *rig) {
		ctx := context.Background()
		r.register("alice", ident.Client{Device: "PLAIN"})
		r.login(ident.Client{Device: "REFRESH", Refresh: true})
		_, _, err := r.LoginToken(alice)
		r.must(err)
		_, _, err = r.OpenIDToken(alice)
		r.must(err)
		_, err = r.Confirm(ctx, ident.Challenge{User: alice, Action: "x", Body: []byte(`{}`)})
		r.refused(err, "")
		_, err = r.Invite(ident.By{}, "", 1, time.Hour)
		r.must(err)
		_, err = r.Invite(ident.By{}, "for-ever-and-ever", 0, 0)
		r.must(err)
		r.must(r.Collect(ctx, r.clock))
		for table, n := range map[string]int{"ticket": 2, "uia": 1, "registration_token": 2, "session": 2, "device": 2} {
			if got := r.rows(table); got != n {
				t.Errorf("%s has %d rows, want %d", table, got, n)
			}
		}
		r.clock = r.clock.Add(2 * time.Hour)
		r.must(r.Collect(ctx, r.clock))
		for table, n := range map[string]int{"ticket": 0, "uia": 0, "registration_token": 1, "session": 2, "device": 2} {
			if got := r.rows(table); got != n {
				t.Errorf("later %s has %d rows, want %d", table, got, n)
			}
		}
		r.clock = r.clock.Add(300 * 24 * time.Hour)
		r.Seen(ident.Caller{User: alice, Device: "PLAIN"}, "192.0.2.1", "test")
		r.clock = r.clock.Add(100 * 24 * time.Hour)
		r.must(r.Collect(ctx, r.clock))
		if !slices.Equal(r.erased, []string{"@alice:example.org REFRESH"}) || r.rows("session") != 1 || r.rows("device") != 1 {
			t.Errorf("idle devices: %v, %d sessions, %d devices", r.erased, r.rows("session"), r.rows("device"))
		}
	})
}

func TestCollectExpiredSessions(t *testing.T) {
	c := config()
	c.Sessions.MaxLifetime = time.Hour
	each(t, c, func(t *testing.T, r *rig) {
		ctx := context.Background()
		g := r.register("alice", ident.Client{})
		r.clock = r.clock.Add(29 * 24 * time.Hour)
		r.must(r.Collect(ctx, r.clock))
		_, err := r.Resolve(ctx, g.Access)
		if fault.Of(err).Body["soft_logout"] != true {
			t.Errorf("an expired session: %v", err)
		}
		r.clock = r.clock.Add(2 * 24 * time.Hour)
		r.must(r.Collect(ctx, r.clock))
		if r.rows("session") != 0 || r.rows("device") != 1 {
			t.Error("the session is left, or its device is not")
		}
	})
}

func TestPasswordsAreHashedAnew(t *testing.T) {
	each(t, config(), func(t *testing.T, r *rig) {
		ctx := context.Background()
		r.register("alice", ident.Client{})
		hash := func() string {
			a, err := account.Find(ctx, r.db, alice)
			r.must(err)
			return a.Password
		}
		old := hash()
		if !strings.HasPrefix(old, "$argon2id$") || strings.Contains(old, password) {
			t.Fatalf("hash: %s", old)
		}
		c := config()
		c.Passwords.Iterations = 2
		_, err := r.open(c).Login(ctx, "alice", "wrong", ident.Client{})
		r.refused(err, "M_FORBIDDEN")
		if hash() != old {
			t.Error("a wrong password changed the hash")
		}
		_, err = r.open(c).Login(ctx, "alice", password, ident.Client{})
		r.must(err)
		if hash() == old || !strings.Contains(hash(), "t=2") {
			t.Error("the hash is the old one")
		}
		r.login(ident.Client{})
	})
}

func TestDirectoryPolicy(t *testing.T) {
	c := config()
	c.Directory, c.Profiles = "shared", "shared"
	each(t, c, func(t *testing.T, r *rig) {
		ctx := context.Background()
		r.register("alice", ident.Client{})
		for _, name := range []string{"bob", "bill"} {
			r.register(name, ident.Client{})
		}
		r.seen["@bill:example.org"] = true
		list, limited, err := r.Search(ctx, alice, "b", 10)
		r.must(err)
		if len(list) != 1 || list[0].User != "@bill:example.org" || limited {
			t.Errorf("found %v", list)
		}
		_, err = r.Profile(ctx, alice, "@bill:example.org")
		r.must(err)
		_, err = r.Profile(ctx, alice, alice)
		r.must(err)
		_, err = r.Profile(ctx, alice, "@bob:example.org")
		r.refused(err, "M_FORBIDDEN")
		_, err = r.Profile(ctx, alice, "@nobody:example.org")
		r.refused(err, "M_FORBIDDEN")
		r.must(r.Moderate(ctx, ident.By{}, "@bill:example.org", new(true), nil))
		if list, _, _ = r.Search(ctx, alice, "b", 10); len(list) != 0 {
			t.Errorf("found a locked user: %v", list)
		}
		r.must(r.Moderate(ctx, ident.By{}, "@bill:example.org", new(false), nil))
		if list, _, _ = r.Search(ctx, alice, "b", 10); len(list) != 1 {
			t.Error("an unlocked user is not found")
		}
	})
}

// Spec: cs#events-on-change-of-profile-information
func TestProfileChangesReachRooms(t *testing.T) {
	each(t, config(), func(t *testing.T, r *rig) {
		ctx := context.Background()
		r.register("alice", ident.Client{})
		r.must(r.SetProfileField(ctx, alice, "displayname", []byte(`"Alice"`)))
		r.must(r.SetProfileField(ctx, alice, "displayname", []byte(`"Alice"`))) // no change
		r.must(r.SetProfileField(ctx, alice, "m.tz", []byte(`"Europe/Zurich"`)))
		r.must(r.SetProfileField(ctx, alice, "avatar_url", []byte(`"mxc://example.org/a"`)))
		if want := []string{string(alice) + " was alice", string(alice) + " was Alice"}; !slices.Equal(r.told, want) {
			t.Errorf("rooms were told %v, want %v", r.told, want)
		}
		name, avatar, err := ident.NameAndAvatar(ctx, r.db, alice)
		if name != "Alice" || avatar != "mxc://example.org/a" || err != nil {
			t.Errorf("%q %q %v", name, avatar, err)
		}
	})
}

func TestSeenIsWrittenLater(t *testing.T) {
	each(t, config(), func(t *testing.T, r *rig) {
		ctx := context.Background()
		g := r.register("alice", ident.Client{Addr: "192.0.2.1"})
		c, err := r.Resolve(ctx, g.Access)
		r.must(err)
		stored := func() *account.Device {
			d, err := account.FindDevice(ctx, r.db, alice, g.Device)
			r.must(err)
			return d
		}
		r.clock = r.clock.Add(time.Hour)
		r.Seen(c, "192.0.2.2", "client/1")
		if stored().Addr != "192.0.2.1" {
			t.Error("a request waited for a write")
		}
		if d, err := r.Device(ctx, alice, g.Device); err != nil || d.Addr != "192.0.2.2" || d.Seen != r.clock.UnixMilli() {
			t.Errorf("%+v %v", d, err)
		}
		r.must(r.Flush(ctx))
		if d := stored(); d.Addr != "192.0.2.2" || d.Agent != "client/1" {
			t.Errorf("%+v", d)
		}
		r.must(r.Flush(ctx))
	})
}

func TestDeviceMayNotBeCalledAsAKey(t *testing.T) {
	db := storetest.SQLite(t, store.Options{})
	s, err := ident.New(ident.Deps{
		DB: db, Server: server, Config: config(),
		KeyID: func(_ context.Context, _ mx.UserID, id string) (bool, error) { return id == "KEY", nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.Register(context.Background(), ident.NewAccount{Name: "alice", Password: password, Client: ident.Client{Device: "KEY"}})
	if !fault.Is(err, "M_FORBIDDEN") {
		t.Errorf("got %v", err)
	}
}

func TestReservedNames(t *testing.T) {
	s, err := ident.New(ident.Deps{
		DB: storetest.SQLite(t, store.Options{}), Server: server, Config: config(), Reserved: []mx.UserID{"@notices:example.org"},
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err = s.Available(context.Background(), "Notices"); !fault.Is(err, "M_USER_IN_USE") {
		t.Errorf("got %v", err)
	}
	if _, _, err = s.Add(context.Background(), ident.By{}, ident.NewAccount{Name: "notices"}); !fault.Is(err, "M_USER_IN_USE") {
		t.Errorf("got %v", err)
	}
}

func TestAttemptsAreCounted(t *testing.T) {
	limit := fault.New(fault.Limited, "M_LIMIT_EXCEEDED", "Too many")
	var asked []string
	s, err := ident.New(ident.Deps{
		DB: storetest.SQLite(t, store.Options{}), Server: server, Config: config(),
		Attempt: func(account string) error {
			if asked = append(asked, account); len(asked) > 2 {
				return limit
			}
			return nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		_, err := s.Login(context.Background(), "nobody", "x", ident.Client{})
		if want := []string{"M_FORBIDDEN", "M_FORBIDDEN", "M_LIMIT_EXCEEDED"}[i]; !fault.Is(err, want) {
			t.Errorf("attempt %d: %v", i, err)
		}
	}
	if asked[0] != "@nobody:example.org" {
		t.Errorf("counted for %v", asked)
	}
}

func TestConfigIsChecked(t *testing.T) {
	for name, change := range map[string]func(*ident.Config){
		"mode":      func(c *ident.Config) { c.Registration.Mode = "ajar" },
		"profiles":  func(c *ident.Config) { c.Profiles = "" },
		"directory": func(c *ident.Config) { c.Directory = "x" },
		"lifetime":  func(c *ident.Config) { c.Sessions.AccessLifetime = 0 },
		"argon2":    func(c *ident.Config) { c.Passwords.MemoryKiB = 1 },
	} {
		c := ident.DefaultConfig()
		change(&c)
		if _, err := ident.New(ident.Deps{Config: c}); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func BenchmarkResolve(b *testing.B) {
	r := newRig(b, storetest.SQLite(b, store.Options{}), config())
	g := r.register("alice", ident.Client{})
	ctx := context.Background()
	if _, err := r.Resolve(ctx, g.Access); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := r.Resolve(ctx, g.Access); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSeen(b *testing.B) {
	r := newRig(b, storetest.SQLite(b, store.Options{}), config())
	c := ident.Caller{User: alice, Device: "X", Session: 1}
	b.ReportAllocs()
	for b.Loop() {
		r.Seen(c, "192.0.2.1", "client")
	}
}
