//go:build goolm

package e2ee

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	_ "github.com/ncruces/go-sqlite3/driver" // the crypto store's driver
	"github.com/rs/zerolog"
	"go.mau.fi/util/dbutil"
	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/crypto"
	"maunium.net/go/mautrix/crypto/attachment"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"
	"maunium.net/go/mautrix/sqlstatestore"

	"conclave.chat/test/harness"
)

// patience is how long a client waits for what has to come: only a failing test waits so long.
const patience = 2 * time.Minute

// mau is a mautrix-go client, its keys in SQLite.
type mau struct {
	t        testing.TB
	ctx      context.Context
	c        *mautrix.Client
	mach     *crypto.OlmMachine
	password string
	key      recovery
	sas      *sas

	mu      sync.Mutex
	invites map[id.RoomID]bool
	events  map[id.EventID]*seen
}

// seen is an event of the timeline: as it came and, once that is possible, decrypted.
type seen struct {
	raw      *event.Event
	clear    *event.Event
	redacted bool
	failure  error
}

func newMautrix(t *testing.T, s *harness.Server, u *harness.User) client {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	c, err := mautrix.NewClient(s.URL, "", "")
	if err != nil {
		t.Fatal(err)
	}
	c.Log, c.Client.Transport = zerolog.Nop(), s.Transport()
	m := &mau{t: t, ctx: ctx, c: c, password: u.Password, invites: map[id.RoomID]bool{}, events: map[id.EventID]*seen{}}
	_, err = c.Login(ctx, &mautrix.ReqLogin{
		Type: mautrix.AuthTypePassword, Password: u.Password, StoreCredentials: true, InitialDeviceDisplayName: "mautrix-go",
		Identifier: mautrix.UserIdentifier{Type: mautrix.IdentifierTypeUser, User: u.ID},
	})
	m.ok(err)
	m.openStores()
	m.ok(m.mach.ShareKeys(ctx, 0))
	m.listen()
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = c.SyncWithContext(ctx)
	}()
	t.Cleanup(func() {
		cancel()
		<-done
		m.mach.Destroy()
	})
	return m
}

// openStores makes the stores of room state and of keys, and the crypto machine on them.
func (m *mau) openStores() {
	m.t.Helper()
	raw, err := sql.Open("sqlite3", "file:"+filepath.Join(m.t.TempDir(), "mautrix.db")+"?_pragma=busy_timeout(10000)&_pragma=foreign_keys(1)&_txlock=immediate")
	m.ok(err)
	m.t.Cleanup(func() { _ = raw.Close() })
	db, err := dbutil.NewWithDB(raw, "sqlite3")
	m.ok(err)
	state := sqlstatestore.NewSQLStateStore(db, dbutil.NoopLogger, false)
	m.ok(state.Upgrade(m.ctx))
	m.c.StateStore = state
	keys := crypto.NewSQLCryptoStore(db, dbutil.NoopLogger, "", m.c.DeviceID, []byte("pickle"))
	m.ok(keys.DB.Upgrade(m.ctx))
	m.mach = crypto.NewOlmMachine(m.c, nil, keys, state)
	m.ok(m.mach.Load(m.ctx))
	m.c.Crypto = m
}

func (m *mau) listen() {
	syncer := m.c.Syncer.(*mautrix.DefaultSyncer)
	syncer.OnSync(m.mach.ProcessSyncResponse)
	syncer.OnEvent(m.c.StateStoreSyncHandler)
	syncer.OnEventType(event.StateMember, m.mach.HandleMemberEvent)
	syncer.OnEventType(event.StateHistoryVisibility, m.mach.HandleHistoryVisibility)
	m.startVerification()
	syncer.OnEvent(m.record)
}

// record keeps what came, and hands decrypted events to the other listeners.
func (m *mau) record(ctx context.Context, e *event.Event) {
	if e.Type == event.StateMember && e.GetStateKey() == m.c.UserID.String() && e.Content.AsMember().Membership == event.MembershipInvite {
		m.mu.Lock()
		m.invites[e.RoomID] = true
		m.mu.Unlock()
	}
	if e.ID == "" || e.Mautrix.EventSource&(event.SourceTimeline|event.SourceState) == 0 || e.Mautrix.EventSource&event.SourceDecrypted != 0 {
		return
	}
	m.mu.Lock()
	s := m.events[e.ID]
	if s == nil {
		s = &seen{raw: e}
		m.events[e.ID] = s
	}
	if e.Type == event.EventRedaction {
		target := e.Redacts
		if target == "" {
			target = e.Content.AsRedaction().Redacts
		}
		if t := m.events[target]; t != nil {
			t.redacted = true
		}
	}
	if e.Unsigned.RedactedBecause != nil {
		s.redacted = true
	}
	m.mu.Unlock()
	m.decrypt(ctx, s)
}

// decrypt tries once more to read an event.
func (m *mau) decrypt(ctx context.Context, s *seen) {
	m.mu.Lock()
	if s.clear != nil || s.redacted {
		m.mu.Unlock()
		return
	}
	if s.raw.Type != event.EventEncrypted {
		s.clear = s.raw
		m.mu.Unlock()
		return
	}
	m.mu.Unlock()
	clear, err := m.mach.DecryptMegolmEvent(ctx, s.raw)
	m.mu.Lock()
	first := err == nil && s.clear == nil
	if s.failure = err; first {
		s.clear = clear
	}
	m.mu.Unlock()
	if first {
		clear.Mautrix.EventSource |= event.SourceDecrypted
		m.c.Syncer.(*mautrix.DefaultSyncer).Dispatch(ctx, clear)
	}
}

func (m *mau) ok(err error) {
	m.t.Helper()
	if err != nil {
		m.t.Fatal(err)
	}
}

// until asks probe again and again until it is content.
func (m *mau) until(what string, probe func() bool) error {
	for end := time.Now().Add(patience); !probe(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			return fmt.Errorf("%s: %s: not within %v", m.c.UserID, what, patience)
		}
	}
	return nil
}

// The next five methods are mautrix.CryptoHelper.

func (m *mau) Init(context.Context) error { return nil }

func (m *mau) Encrypt(ctx context.Context, room id.RoomID, kind event.Type, content any) (*event.EncryptedEventContent, error) {
	sealed, err := m.mach.EncryptMegolmEvent(ctx, room, kind, content)
	if !errors.Is(err, crypto.ErrSessionExpired) && !errors.Is(err, crypto.ErrNoGroupSession) && !errors.Is(err, crypto.ErrSessionNotShared) {
		return sealed, err
	}
	members, err := m.c.JoinedMembers(ctx, room)
	if err != nil {
		return nil, err
	}
	var users []id.UserID
	for u := range members.Joined {
		users = append(users, u)
	}
	if err := m.mach.ShareGroupSession(ctx, room, users); err != nil {
		return nil, err
	}
	return m.mach.EncryptMegolmEvent(ctx, room, kind, content)
}

func (m *mau) Decrypt(ctx context.Context, e *event.Event) (*event.Event, error) {
	return m.mach.DecryptMegolmEvent(ctx, e)
}

func (m *mau) WaitForSession(ctx context.Context, room id.RoomID, sender id.SenderKey, session id.SessionID, d time.Duration) bool {
	return m.mach.WaitForSession(ctx, room, sender, session, d)
}

func (m *mau) RequestSession(context.Context, id.RoomID, id.SenderKey, id.SessionID, id.UserID, id.DeviceID) {
}

func (m *mau) User() string   { return m.c.UserID.String() }
func (m *mau) Device() string { return m.c.DeviceID.String() }

func (m *mau) CreateRoom(name string, direct bool, invite ...string) string {
	m.t.Helper()
	preset := "private_chat"
	if direct {
		preset = "trusted_private_chat"
	}
	req := &mautrix.ReqCreateRoom{Name: name, IsDirect: direct, Preset: preset}
	for _, u := range invite {
		req.Invite = append(req.Invite, id.UserID(u))
	}
	made, err := m.c.CreateRoom(m.ctx, req)
	m.ok(err)
	return made.RoomID.String()
}

func (m *mau) Invite(room, user string) {
	m.t.Helper()
	_, err := m.c.InviteUser(m.ctx, id.RoomID(room), &mautrix.ReqInviteUser{UserID: id.UserID(user)})
	m.ok(err)
}

func (m *mau) Join(room string) {
	m.t.Helper()
	m.ok(m.until("invitation", func() bool {
		m.mu.Lock()
		defer m.mu.Unlock()
		return m.invites[id.RoomID(room)]
	}))
	_, err := m.c.JoinRoomByID(m.ctx, id.RoomID(room))
	m.ok(err)
}

func (m *mau) Leave(room string) {
	m.t.Helper()
	_, err := m.c.LeaveRoom(m.ctx, id.RoomID(room))
	m.ok(err)
}

func (m *mau) Members(room string, joined ...string) {
	m.t.Helper()
	want := slices.Sorted(slices.Values(joined))
	m.ok(m.until("members", func() bool {
		if encrypted, err := m.c.StateStore.IsEncrypted(m.ctx, id.RoomID(room)); err != nil || !encrypted {
			return false
		}
		members, err := m.c.JoinedMembers(m.ctx, id.RoomID(room))
		if err != nil {
			return false
		}
		var got []string
		for u := range members.Joined {
			got = append(got, u.String())
		}
		slices.Sort(got)
		return slices.Equal(got, want)
	}))
}

func (m *mau) Send(room, kind string, content harness.M) string {
	m.t.Helper()
	sent, err := m.c.SendMessageEvent(m.ctx, id.RoomID(room), event.NewEventType(kind), &event.Content{Raw: content})
	m.ok(err)
	return sent.EventID.String()
}

func (m *mau) Redact(room, target string) {
	m.t.Helper()
	_, err := m.c.RedactEvent(m.ctx, id.RoomID(room), id.EventID(target))
	m.ok(err)
}

func (m *mau) SendFile(room, name string, data []byte) string {
	m.t.Helper()
	file := attachment.NewEncryptedFile()
	sealed := bytes.Clone(data)
	file.EncryptInPlace(sealed)
	up, err := m.c.UploadBytes(m.ctx, sealed, "application/octet-stream")
	m.ok(err)
	sent, err := m.c.SendMessageEvent(m.ctx, id.RoomID(room), event.EventMessage, &event.MessageEventContent{
		MsgType: event.MsgFile, Body: name,
		File: &event.EncryptedFileInfo{EncryptedFile: *file, URL: up.ContentURI.CUString()},
	})
	m.ok(err)
	return sent.EventID.String()
}

func (m *mau) FetchFile(room, target string) []byte {
	m.t.Helper()
	var content event.MessageEventContent
	m.ok(json.Unmarshal(m.Wait(room, target).Content, &content))
	uri, err := content.File.URL.Parse()
	m.ok(err)
	data, err := m.c.DownloadBytes(m.ctx, uri)
	m.ok(err)
	m.ok(content.File.DecryptInPlace(data))
	return data
}

// look gives an event, having tried once more to read it.
func (m *mau) look(target string) (s seen, found bool) {
	m.mu.Lock()
	p := m.events[id.EventID(target)]
	m.mu.Unlock()
	if p == nil {
		return seen{}, false
	}
	m.decrypt(m.ctx, p)
	m.mu.Lock()
	defer m.mu.Unlock()
	return *p, true
}

func (m *mau) Wait(_, target string) message {
	m.t.Helper()
	var s seen
	found := false
	if err := m.until("event "+target, func() bool {
		s, found = m.look(target)
		return found && s.clear != nil
	}); err != nil {
		m.t.Fatalf("%v (seen: %v, failure: %v)", err, found, s.failure)
	}
	content, err := json.Marshal(s.clear.Content.Raw)
	m.ok(err)
	relates, err := json.Marshal(s.clear.Content.Raw["m.relates_to"])
	m.ok(err)
	return message{
		ID: s.clear.ID.String(), Sender: s.clear.Sender.String(), Type: s.clear.Type.Type, Content: content, RelatesTo: relates,
		Encrypted: s.raw.Type == event.EventEncrypted, Redacted: s.redacted,
	}
}

func (m *mau) WaitRedacted(_, target string) {
	m.t.Helper()
	m.ok(m.until("redaction of "+target, func() bool {
		s, found := m.look(target)
		return found && s.redacted
	}))
}

func (m *mau) Unreadable(_, target string) {
	m.t.Helper()
	if s, found := m.look(target); found && s.clear != nil {
		m.t.Errorf("%s can read %s", m.c.UserID, target)
	}
}

func (m *mau) Scrollback(room, target string) {
	m.t.Helper()
	from := ""
	for range 20 {
		if _, found := m.look(target); found {
			return
		}
		page, err := m.c.Messages(m.ctx, id.RoomID(room), from, "", mautrix.DirectionBackward, nil, 50)
		m.ok(err)
		for _, e := range page.Chunk {
			e.RoomID = id.RoomID(room)
			if e.Type.Class = event.MessageEventType; e.StateKey != nil {
				e.Type.Class = event.StateEventType
			}
			e.Mautrix.EventSource = event.SourceTimeline
			_ = e.Content.ParseRaw(e.Type)
			m.record(m.ctx, e)
		}
		if from = page.End; from == "" {
			return
		}
	}
}
