package store

import (
	"context"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"strings"

	_ "github.com/jackc/pgx/v5/stdlib" // database/sql driver "pgx"
	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/driver" // also database/sql driver "sqlite3"

	"conclave.chat/internal/store/walbuffer"
)

type engine uint8

const (
	engineSQLite engine = iota
	enginePostgres
)

func (e engine) String() string {
	if e == enginePostgres {
		return "postgres"
	}
	return "sqlite"
}

// ErrWrongKey means that the SQLite file cannot be read with the key given.
var ErrWrongKey = errors.New("the database cannot be read with this master key: the key is wrong, or the file is damaged")

const defaultReaders = 4

// The write-ahead log is copied back into the file when it has grown to 8,192 pages of 4 KiB: pages that change often are copied once
// for many changes.
const (
	walSize  = "wal_autocheckpoint(8192)"
	walLimit = "journal_size_limit(67108864)"
)

// stablePlans has SQLite plan a statement once. Where a parameter is compared with a column that a partial index depends on, such as
// event.type, it would plan anew for each value, which takes longer than most queries.
func stablePlans(c *sqlite3.Conn) error {
	_, err := c.Config(sqlite3.DBCONFIG_ENABLE_QPSG, true)
	return err
}

// openSQLite opens one connection for writes and a few for reads on an encrypted file in WAL mode. What is deleted is overwritten.
func (db *DB) openSQLite(ctx context.Context, o Options) error {
	if len(o.Key) != 32 {
		return errors.New("store: SQLite needs a key of 32 bytes")
	}
	db.engine = engineSQLite
	walbuffer.Register()
	dsn := func(extra ...string) string {
		q := url.Values{"vfs": {walbuffer.Name}, "hexkey": {hex.EncodeToString(o.Key)}}
		q["_pragma"] = append([]string{"busy_timeout(10000)", "temp_store(memory)", "cache_size(-8000)"}, extra...)
		return "file:" + (&url.URL{Path: o.Path}).EscapedPath() + "?" + q.Encode()
	}
	var err error
	if db.write, err = driver.Open(dsn("journal_mode(wal)", "synchronous(full)", "foreign_keys(off)", "secure_delete(on)", walSize, walLimit), stablePlans); err != nil {
		return fmt.Errorf("store: open %s: %w", o.Path, err)
	}
	db.write.SetMaxOpenConns(1)
	db.write.SetMaxIdleConns(1)
	if _, err := db.write.ExecContext(ctx, "SELECT count(*) FROM sqlite_schema"); err != nil {
		err = errors.Join(explainSQLite(o.Path, err), db.write.Close())
		return err
	}
	if db.read, err = driver.Open(dsn("query_only(on)"), stablePlans); err != nil {
		return errors.Join(fmt.Errorf("store: open %s: %w", o.Path, err), db.write.Close())
	}
	readers := o.Readers
	if readers == 0 {
		readers = defaultReaders
	}
	db.read.SetMaxOpenConns(readers)
	db.read.SetMaxIdleConns(readers)
	return nil
}

// openWriter takes SQLite's connection for writes for the committer.
func (db *DB) openWriter(ctx context.Context) (err error) {
	if db.conn, err = db.write.Conn(ctx); err != nil {
		return err
	}
	db.rstmts.on, db.wstmts.on = db.read, db.conn
	return db.conn.Raw(func(c any) error {
		db.committer, err = walbuffer.NewCommitter(c.(driver.Conn).Raw())
		return err
	})
}

func explainSQLite(path string, err error) error {
	if errors.Is(err, sqlite3.NOTADB) {
		return fmt.Errorf("store: %s: %w", path, ErrWrongKey)
	}
	return fmt.Errorf("store: open %s: %w", path, err)
}

// Made reports whether there is a database already. Where there is none, Open makes one.
func Made(ctx context.Context, o Options) (made bool, err error) {
	if o.Postgres == "" {
		_, err := os.Stat(o.Path)
		if errors.Is(err, fs.ErrNotExist) {
			return false, nil
		}
		return err == nil, err
	}
	db, err := sql.Open("pgx", o.Postgres)
	if err != nil {
		return false, fmt.Errorf("store: open PostgreSQL: %w", redactDSN(err, o.Postgres))
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	const query = "SELECT count(*) > 0 FROM information_schema.tables WHERE table_schema = current_schema() AND table_name = 'migration'"
	if err := db.QueryRowContext(ctx, query).Scan(&made); err != nil {
		return false, fmt.Errorf("store: reach PostgreSQL: %w", redactDSN(err, o.Postgres))
	}
	return made, nil
}

// openPostgres opens one connection for the committer and a pool for reads.
func (db *DB) openPostgres(ctx context.Context, o Options) error {
	db.engine = enginePostgres
	var err error
	if db.write, err = sql.Open("pgx", o.Postgres); err != nil {
		return fmt.Errorf("store: open PostgreSQL: %w", redactDSN(err, o.Postgres))
	}
	db.write.SetMaxOpenConns(1)
	db.write.SetMaxIdleConns(1)
	if err := db.write.PingContext(ctx); err != nil {
		return errors.Join(fmt.Errorf("store: reach PostgreSQL: %w", redactDSN(err, o.Postgres)), db.write.Close())
	}
	if db.read, err = sql.Open("pgx", o.Postgres); err != nil {
		return errors.Join(fmt.Errorf("store: open PostgreSQL: %w", redactDSN(err, o.Postgres)), db.write.Close())
	}
	readers := o.Readers
	if readers == 0 {
		readers = 4 * defaultReaders
	}
	db.read.SetMaxOpenConns(readers)
	db.read.SetMaxIdleConns(readers)
	return nil
}

// redactDSN keeps a connection string's password out of errors, and so out of logs.
func redactDSN(err error, dsn string) error {
	u, perr := url.Parse(dsn)
	if perr != nil || u.User == nil {
		return err
	}
	if pw, ok := u.User.Password(); ok && pw != "" && strings.Contains(err.Error(), pw) {
		return errors.New(strings.ReplaceAll(err.Error(), pw, "********"))
	}
	return err
}
