package organisation_test

import (
	"context"
	"testing"

	"conclave.chat/internal/group"
	"conclave.chat/internal/organisation"
	"conclave.chat/internal/store"
	"conclave.chat/internal/store/auditlog"
	"conclave.chat/internal/store/storetest"
)

// What is recorded does not end because the settings, or the groups, cannot be read for a moment: what held last holds. A server that has read none does not start.
func TestWhatWasSetHoldsWhileItCannotBeRead(t *testing.T) {
	ctx := context.Background()
	db := storetest.SQLite(t, store.Options{})
	base := organisation.Defaults() // records nothing
	s, err := organisation.New(ctx, organisation.Deps{DB: db, Base: base})
	if err != nil {
		t.Fatal(err)
	}
	groups, err := group.New(ctx, group.Deps{DB: db})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := groups.Make(ctx, auditlog.Actor{Name: auditlog.CommandLine}, "desk", ""); err != nil {
		t.Fatal(err)
	}
	all := "all"
	if _, err := s.Put(ctx, auditlog.Actor{Name: "@boss:x"}, organisation.Settings{RecordingScope: &all}, 0); err != nil {
		t.Fatal(err)
	}
	lost := store.Batch{Lost: true}
	s.Changed(lost)
	groups.Changed(lost)
	if got := s.Current().RecordingScope; got != all || groups.In("desk") == nil {
		t.Fatalf("scope %q, group %v", got, groups.In("desk"))
	}
	for _, table := range []string{"settings", "user_group"} {
		if err := db.Write(func(tx *store.Tx) error {
			_, err := tx.Exec("ALTER TABLE " + table + " RENAME TO gone_" + table)
			return err
		}); err != nil {
			t.Fatal(err)
		}
	}
	s.Changed(lost)
	groups.Changed(lost)
	if got := s.Current().RecordingScope; got != all {
		t.Errorf("the database is away: scope %q", got)
	}
	if groups.In("desk") == nil {
		t.Error("the database is away: the group is forgotten")
	}
	if _, err := organisation.New(ctx, organisation.Deps{DB: db, Base: base}); err == nil {
		t.Error("it began without settings")
	}
	if _, err := group.New(ctx, group.Deps{DB: db}); err == nil {
		t.Error("it began without groups")
	}
}
