package harness

import (
	"context"
	"crypto/rand"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// createDatabase makes a database that is dropped at the test's end, and gives its address.
func createDatabase(t testing.TB) string {
	t.Helper()
	server := os.Getenv("CONCLAVE_TEST_POSTGRES")
	if server == "" {
		t.Fatal("CONCLAVE_TEST_POSTGRES is not set; `make test` sets it, `scripts/postgres run go test …` too")
	}
	name := "test_" + strings.ToLower(rand.Text())
	execute := func(sql string) error {
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
		defer cancel()
		conn, err := pgx.Connect(ctx, server)
		if err != nil {
			return err
		}
		defer conn.Close(ctx)
		_, err = conn.Exec(ctx, sql)
		return err
	}
	if err := execute("CREATE DATABASE " + name); err != nil {
		t.Fatalf("PostgreSQL at CONCLAVE_TEST_POSTGRES: %v", err)
	}
	t.Cleanup(func() {
		if err := execute("DROP DATABASE " + name + " WITH (FORCE)"); err != nil {
			t.Error(err)
		}
	})
	u, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	u.Path = "/" + name
	return u.String()
}
