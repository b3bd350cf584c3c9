package e2ee

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"conclave.chat/internal/fault"
	"conclave.chat/internal/mx"
	"conclave.chat/internal/store"
	"conclave.chat/internal/store/account"
	"conclave.chat/internal/store/keys"
	"conclave.chat/internal/store/storetest"
)

// sized is a JSON object of so many bytes.
func sized(n int) jsontext.Value {
	return jsontext.Value(`{"x":"` + strings.Repeat("x", n-len(`{"x":""}`)) + `"}`)
}

// Spec: cs#put_matrixclientv3room_keyskeys
func TestBackupsHaveAQuota(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newService(t, db)
		s.Config.BackupBytes = 1000
		ctx := context.Background()
		begin := func() string {
			t.Helper()
			algorithm := "m.megolm_backup.v1.curve25519-aes-sha2"
			v, err := s.CreateBackup(ctx, alice, BackupRequest{Algorithm: &algorithm, AuthData: jsontext.Value("{}")})
			if err != nil {
				t.Fatal(err)
			}
			return v
		}
		put := func(version, session string, index int64, size int, refused bool) {
			t.Helper()
			_, err := s.PutKeys(ctx, alice, version, AllRoomKeys{map[string]RoomKeys{"!r:x": {map[string]RoomKey{
				session: {FirstMessageIndex: &index, ForwardedCount: new(int64(0)), IsVerified: new(false), SessionData: sized(size)},
			}}}})
			if (err == nil) == refused || (refused && !fault.Is(err, "M_TOO_LARGE")) {
				t.Errorf("%d bytes for %s: %v", size, session, err)
			}
		}
		check := func(want int64) {
			t.Helper()
			if _, got, err := keys.CountBackups(ctx, db, alice); got != want || err != nil {
				t.Errorf("the backups take %d bytes, want %d (%v)", got, want, err)
			}
		}
		first := begin()
		put(first, "a", 5, 400, false)
		put(first, "b", 5, 600, false)
		check(1000)
		put(first, "c", 5, 20, true)
		check(1000)
		if _, err := s.DeleteKeys(ctx, alice, first, "!r:x", "b"); err != nil {
			t.Fatal(err)
		}
		check(400)
		put(first, "a", 1, 500, false) // better: it replaces the other
		check(500)
		put(first, "a", 9, 100, false) // worse: it does not
		check(500)
		second := begin()
		put(second, "a", 1, 501, true) // all versions count
		put(second, "a", 1, 500, false)
		check(1000)
		if err := s.DeleteBackup(ctx, alice, first); err != nil {
			t.Fatal(err)
		}
		check(500)
		put(second, "b", 1, 500, false)
	})
}

// Spec: cs#put_matrixclientv3sendtodeviceeventtypetxnid
func TestQueuesOfDevicesHaveAQuota(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newService(t, db)
		if err := db.Write(func(tx *store.Tx) error { return account.InsertDevice(tx, account.Device{User: bob, ID: "E"}) }); err != nil {
			t.Fatal(err)
		}
		ctx := context.Background()
		send := func(user mx.UserID, device string, n int) {
			t.Helper()
			for i := range n {
				txn := fmt.Sprint(user, device, i)
				err := s.Send(ctx, Sender{alice, "D"}, "m.x", txn, Messages{string(user): {device: sized(1000)}})
				if err != nil {
					t.Fatal(err)
				}
			}
		}
		send(bob, "D", 10)
		send(bob, "E", 2)
		send(alice, "D", 6)
		waiting := func(want ...int) {
			t.Helper()
			for i, d := range []Sender{{bob, "D"}, {bob, "E"}, {alice, "D"}} {
				list, err := keys.ToDevice(ctx, db, d.User, d.Device, 0, 1000, 100)
				if err != nil || len(list) != want[i] {
					t.Errorf("%d messages wait for %s %s, want %d (%v)", len(list), d.User, d.Device, want[i], err)
				}
			}
		}
		waiting(10, 2, 6)
		newest, err := keys.ToDevice(ctx, db, bob, "D", 0, 1000, 100)
		if err != nil {
			t.Fatal(err)
		}
		// Each message takes 1,000 bytes and its envelope: 4 of them fit into bob's two shares of 4,500, and 6 are less than alice's 9,000.
		s.Config.ToDeviceBytes = 9000
		if err := s.Collect(ctx, time.Now()); err != nil {
			t.Fatal(err)
		}
		waiting(4, 2, 6)
		left, err := keys.ToDevice(ctx, db, bob, "D", 0, 1000, 100)
		if err != nil || left[0].Pos != newest[6].Pos {
			t.Error("it is not the newest that are left", err)
		}
	})
}
