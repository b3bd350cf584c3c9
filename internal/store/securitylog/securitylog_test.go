package securitylog_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"conclave.chat/internal/mx"
	"conclave.chat/internal/store"
	"conclave.chat/internal/store/account"
	"conclave.chat/internal/store/holds"
	"conclave.chat/internal/store/listing"
	"conclave.chat/internal/store/securitylog"
	"conclave.chat/internal/store/storetest"
)

const alice = mx.UserID("@alice:x")

func TestHistory(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		now := int64(1_700_000_000_000)
		write := func(f func(tx *store.Tx) error) {
			t.Helper()
			if err := db.Write(f); err != nil {
				t.Fatal(err)
			}
		}
		read := func(want int64, from string, limit int) listing.Found[securitylog.Entry] {
			t.Helper()
			found, err := securitylog.List(t.Context(), db, alice, 0, listing.Page{Limit: limit, From: from})
			if err != nil || found.Total != want {
				t.Fatalf("%d entries, want %d (%v)", found.Total, want, err)
			}
			return found
		}
		own := securitylog.With(t.Context(), securitylog.Origin{User: alice, Device: "D", Addr: "192.0.2.1"})
		boss := securitylog.With(t.Context(), securitylog.Origin{User: "@boss:x", Device: "B", Addr: "192.0.2.9"})
		write(func(tx *store.Tx) error {
			return account.InsertDevice(tx, account.Device{User: alice, ID: "D", Name: "Laptop"})
		})
		for _, ctx := range []context.Context{own, boss, t.Context()} {
			write(func(tx *store.Tx) error {
				return securitylog.Record(ctx, tx, now, alice, securitylog.PasswordChanged, "")
			})
		}
		write(func(tx *store.Tx) error { return securitylog.Removed(own, tx, now, alice, "D") })
		write(func(tx *store.Tx) error { return securitylog.Removed(own, tx, now, alice, "unknown") })
		list := read(4, "", 10).Items
		for i, want := range []securitylog.Entry{
			{Seq: 4, Time: now, Action: "device.removed", Device: "D", DeviceName: "Laptop", Addr: "192.0.2.1", Subject: "D", SubjectName: "Laptop"},
			{Seq: 3, Time: now, Action: "password.changed", Actor: "server"},
			{Seq: 2, Time: now, Action: "password.changed", Actor: "@boss:x"}, // nothing of where the administrator is
			{Seq: 1, Time: now, Action: "password.changed", Device: "D", DeviceName: "Laptop", Addr: "192.0.2.1"},
		} {
			if list[i] != want {
				t.Errorf("entry %d is %+v, want %+v", i, list[i], want)
			}
		}
		page := read(4, "", 3)
		if rest := read(4, page.Next, 3).Items; len(rest) != 1 || rest[0].Seq != 1 {
			t.Errorf("second page: %+v", rest)
		}

		// However often one thing is done, what else was done stays.
		write(func(tx *store.Tx) error {
			for i := range 250 {
				if err := securitylog.Record(own, tx, now, alice, securitylog.BackupCreated, fmt.Sprint(i)); err != nil {
					return err
				}
			}
			return nil
		})
		found := read(204, "", 500)
		if first, last := found.Items[0], found.Items[203]; first.Subject != "249" || last.Seq != 1 {
			t.Errorf("kept from %+v to %+v", first, last)
		}

		at := func(ms int64) time.Time { return time.UnixMilli(ms) }
		old := at(now).Add(securitylog.Kept)
		expire := func(now time.Time) {
			t.Helper()
			for after := mx.UserID(""); ; {
				write(func(tx *store.Tx) (err error) {
					after, err = securitylog.Expire(t.Context(), tx, now, after, 1)
					return err
				})
				if after == "" {
					return
				}
			}
		}
		expire(old)
		read(204, "", 1)
		expire(old.Add(time.Millisecond))
		read(0, "", 1)

		// Of whom a hold names nothing goes, by age or by number; others' goes all the same.
		hold := holds.Hold{ID: "h", Case: "C-1", Reason: "r", Custodian: alice, Until: 1} // the period is of messages
		write(func(tx *store.Tx) error { return holds.Add(tx, &hold) })
		write(func(tx *store.Tx) error {
			for range 250 {
				for _, user := range []mx.UserID{"@a:x", alice, "@z:x"} {
					if err := securitylog.Record(own, tx, now, user, securitylog.BackupCreated, ""); err != nil {
						return err
					}
				}
			}
			return nil
		})
		count := func(user mx.UserID, since, want int64) {
			t.Helper()
			found, err := securitylog.List(t.Context(), db, user, since, listing.Page{Limit: 1})
			if err != nil || found.Total != want {
				t.Errorf("%s has %d entries, want %d (%v)", user, found.Total, want, err)
			}
		}
		count(alice, 0, 250)
		count("@a:x", 0, 200)
		expire(old.Add(time.Hour))
		count(alice, 0, 250)
		count(alice, securitylog.Since(old.Add(time.Hour)), 0) // what the person sees
		count("@a:x", 0, 0)
		count("@z:x", 0, 0)
		write(func(tx *store.Tx) error { _, err := holds.Release(tx, "h", now, "x"); return err })
		write(func(tx *store.Tx) error {
			return securitylog.Record(own, tx, now, alice, securitylog.BackupCreated, "")
		})
		count(alice, 0, 200)
		expire(old.Add(time.Hour))
		count(alice, 0, 0)
		write(func(tx *store.Tx) error {
			return securitylog.Record(own, tx, now, alice, securitylog.BackupCreated, "")
		})
		write(func(tx *store.Tx) error { return securitylog.DeleteUser(tx, alice) })
		read(0, "", 1)
	})
}
