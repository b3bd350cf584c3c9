package app

import (
	"context"
	"database/sql"
	"testing"

	"conclave.chat/internal/config"
	"conclave.chat/internal/doctor"
	"conclave.chat/internal/keyring"
	"conclave.chat/internal/store/storetest"
)

// Whoever examines an installation does not make one.
func TestDatabaseCheckLeavesAnEmptyDatabaseAlone(t *testing.T) {
	keys, err := keyring.Open(keyring.Source{Env: "Y29uY2xhdmUgdGVzdHMgb25seTogbm8gc2VjcmV0ISE="})
	if err != nil {
		t.Fatal(err)
	}
	dsn := storetest.Schema(t)
	cfg, err := config.Load("../../test/harness/conformance.yaml", []string{"CONCLAVE_DATA_DIR=" + t.TempDir(), "CONCLAVE_DATABASE_POSTGRES=" + dsn})
	if err != nil {
		t.Fatal(err)
	}
	f := DatabaseCheck(cfg, keys)(context.Background())
	if f.Level != doctor.OK || f.Found != "none yet: the first start makes it" {
		t.Errorf("found %+v", f)
	}
	db, err := sql.Open("pgx", dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var n int
	if err := db.QueryRow("SELECT count(*) FROM information_schema.tables WHERE table_schema = current_schema()").Scan(&n); err != nil || n != 0 {
		t.Errorf("%d tables were made (%v)", n, err)
	}
}
