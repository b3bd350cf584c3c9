// Package storetest opens empty databases for tests: every storage test runs on SQLite and on PostgreSQL.
package storetest

import (
	"bytes"
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/hex"
	"net/url"
	"os"
	"path/filepath"
	"testing"

	"conclave.chat/internal/store"
)

// PostgresEnv names the environment variable with the connection string of the PostgreSQL server for tests.
const PostgresEnv = "CONCLAVE_TEST_POSTGRES"

// Each runs the test on a new SQLite file and in a new PostgreSQL schema.
func Each(t *testing.T, run func(t *testing.T, db *store.DB)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) { run(t, SQLite(t, store.Options{})) })
	t.Run("postgres", func(t *testing.T) { run(t, Postgres(t, store.Options{})) })
}

// SQLite opens an empty encrypted SQLite database that is removed with the test.
func SQLite(t testing.TB, o store.Options) *store.DB {
	t.Helper()
	o.Path = filepath.Join(t.TempDir(), "test.db")
	o.Key = bytes.Repeat([]byte{7}, 32)
	return open(t, o)
}

// Postgres opens an empty PostgreSQL schema that is dropped with the test.
func Postgres(t testing.TB, o store.Options) *store.DB {
	t.Helper()
	o.Postgres = Schema(t)
	return open(t, o)
}

func open(t testing.TB, o store.Options) *store.DB {
	t.Helper()
	db, err := store.Open(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

// Schema makes an empty PostgreSQL schema and gives its connection string; the schema is dropped with the test.
func Schema(t testing.TB) string {
	t.Helper()
	base := os.Getenv(PostgresEnv)
	if base == "" {
		t.Fatalf("%s is not set: start PostgreSQL with scripts/postgres, or run make test", PostgresEnv)
	}
	u, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	var id [8]byte
	_, _ = rand.Read(id[:])
	schema := "t_" + hex.EncodeToString(id[:])
	admin, err := sql.Open("pgx", base)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := admin.ExecContext(context.Background(), "CREATE SCHEMA "+schema); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if _, err := admin.ExecContext(context.Background(), "DROP SCHEMA "+schema+" CASCADE"); err != nil {
			t.Error(err)
		}
		_ = admin.Close()
	})
	q := u.Query()
	q.Set("search_path", schema)
	u.RawQuery = q.Encode()
	return u.String()
}
