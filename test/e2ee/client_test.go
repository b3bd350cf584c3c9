//go:build goolm

package e2ee

import (
	"crypto/rand"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"conclave.chat/test/harness"
)

func TestMain(m *testing.M) { os.Exit(harness.Main(m)) }

// client is one device of one user. Its methods fail the test, but for those that two clients have
// to be in at the same time: they give an error.
type client interface {
	User() string
	Device() string

	CreateRoom(name string, direct bool, invite ...string) (room string)
	Invite(room, user string)
	Join(room string)
	Leave(room string)
	// Members waits until the client knows the room as encrypted, with exactly these members joined.
	Members(room string, joined ...string)

	Send(room, kind string, content harness.M) (event string)
	Redact(room, event string)
	SendFile(room, name string, data []byte) (event string)
	FetchFile(room, event string) []byte

	// Wait gives an event once it has come and is decrypted; WaitRedacted, once it is redacted.
	Wait(room, event string) message
	WaitRedacted(room, event string)
	// Unreadable fails the test if the client has the event and can read it.
	Unreadable(room, event string)
	// Scrollback pages back until the event is there.
	Scrollback(room, event string)

	// Bootstrap makes cross-signing keys, secret storage and a key backup.
	Bootstrap() (recoveryKey string)
	// BackedUp waits until all room keys are in the backup.
	BackedUp()
	// Restore opens secret storage, signs this device and imports the backup.
	Restore(recoveryKey string)

	// Verified tells whether the client trusts the user or, if device is not empty, the device.
	Verified(user, device string) bool
	// Knows waits until the client has the keys of another's device.
	Knows(user, device string)
	// Verify asks for verification: in a room or, if that is empty, by to-device messages.
	Verify(user, room, device string) error
	AcceptVerification(user string) error
	// SAS runs the comparison up to the numbers that the people compare; one side begins.
	SAS(begin bool) ([3]int, error)
	Confirm() error
}

// message is an event as a client understood it.
type message struct {
	ID        string          `json:"event_id"`
	Sender    string          `json:"sender"`
	Type      string          `json:"type"`
	Content   json.RawMessage `json:"content"`
	RelatesTo json.RawMessage `json:"relates_to"`
	Encrypted bool            `json:"encrypted"`
	Redacted  bool            `json:"redacted"`
}

// login gives an account a device of a make.
type login func(t *testing.T, s *harness.Server, u *harness.User) client

// makes are the clients that the scenarios are played with.
var makes = map[string]login{
	"mautrix":        newMautrix,
	"js-sdk":         func(t *testing.T, s *harness.Server, u *harness.User) client { return newJS(t, s, u, false) },
	"js-sdk-sliding": func(t *testing.T, s *harness.Server, u *harness.User) client { return newJS(t, s, u, true) },
}

// casts say which make plays the first person of a scenario and which the others. With -short each make plays, through both kinds of
// sync, together with one of the other make and on one engine.
var casts = []struct {
	first, others string
	short         harness.Engine
}{
	{"mautrix", "mautrix", ""},
	{"js-sdk", "js-sdk", ""},
	{"js-sdk-sliding", "js-sdk-sliding", ""},
	{"mautrix", "js-sdk", harness.SQLite},
	{"js-sdk", "mautrix", ""},
	{"js-sdk-sliding", "mautrix", harness.Postgres},
}

// stage is where a scenario is played.
type stage struct {
	*testing.T
	server *harness.Server
	first  login
	others login
	users  map[string]*harness.User
}

// account registers a user.
func (st *stage) account(name string) *harness.User {
	if st.users[name] == nil {
		st.users[name] = st.server.Register(name + "-" + strings.ToLower(rand.Text()[:8])) // several casts share a server
	}
	return st.users[name]
}

// lead and other give a user a device of the first, or the other make.
func (st *stage) lead(name string) client  { return st.first(st.T, st.server, st.account(name)) }
func (st *stage) other(name string) client { return st.others(st.T, st.server, st.account(name)) }

// play plays a scenario on both engines with every cast, or those of -short.
func play(t *testing.T, scenario func(*stage)) {
	for _, engine := range []harness.Engine{harness.SQLite, harness.Postgres} {
		t.Run(string(engine), func(t *testing.T) {
			s := harness.Start(t, engine, byDefault)
			for _, c := range casts {
				if testing.Short() && c.short != engine {
					continue
				}
				t.Run(c.first+"+"+c.others, func(t *testing.T) {
					scenario(&stage{T: t, server: s, first: makes[c.first], others: makes[c.others], users: map[string]*harness.User{}})
				})
			}
		})
	}
}

// byDefault is what an organisation has that changes nothing: every room is encrypted.
var byDefault = harness.Env("CONCLAVE_ROOMS_ENCRYPT=true")

// together calls both, in two goroutines.
func together(t testing.TB, a, b func() error) {
	t.Helper()
	errs := make(chan error, 2)
	go func() { errs <- a() }()
	go func() { errs <- b() }()
	for range 2 {
		if err := <-errs; err != nil {
			t.Fatal(err)
		}
	}
}
