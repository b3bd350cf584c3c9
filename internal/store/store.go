// Package store owns the database: opening it, its schema, and the one way to write to it.
//
// All SQL of the program lives in this package's sub-packages, one for each table family; every statement runs unchanged on SQLite
// and on PostgreSQL.
//
// Writes enter through DB.Write as small jobs. One committer gathers waiting jobs into one transaction, so that the lock and the
// fsync are paid per batch. The transaction first locks the stream row, hence jobs are serialised across all nodes that share a
// database, and what a job has checked stays true until it commits. What clients can sync takes its position from the stream
// (Tx.Next); positions become visible in order and without gaps. After the commit the batch's changes are published.
//
// Tables: stream(pos) has one row, the last position given out; migration(number, name) names the schema steps that were applied.
//
// It refuses placeholders that are not numbered by first appearance (the engines would bind them differently) and strings that
// PostgreSQL cannot hold (NUL, invalid UTF-8): those are the caller's bad input, not a fault of ours.
package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"conclave.chat/internal/store/walbuffer"
)

// Pos is a position in the stream: the total order of everything a client can sync.
type Pos int64

// ErrNoRows is what a Row's Scan returns when the query found nothing.
var ErrNoRows = sql.ErrNoRows

// Reader runs queries: a DB outside of writes, a Tx within one.
type Reader interface {
	Query(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRow(ctx context.Context, query string, args ...any) *Row
}

// Options say which database to open.
type Options struct {
	// Postgres is the connection string of a PostgreSQL database. When empty, SQLite is used.
	Postgres string
	// Path is the SQLite file.
	Path string
	// Key encrypts the SQLite file: 32 bytes. It is required.
	Key []byte
	// Publish receives every committed batch, in order, before the writers are answered. It must be quick.
	Publish func(Batch)
	Log     *slog.Logger
	// Readers is the number of connections for reads; 0 means a default.
	Readers int
}

// DB is an open database.
type DB struct {
	engine  engine
	read    *sql.DB
	write   *sql.DB
	conn    *sql.Conn // the committer's connection; nil when it must be opened (again)
	log     *slog.Logger
	jobs    chan *Pending
	publish func(Batch)
	done    chan struct{}
	closed  sync.Once
	rstmts  stmtCache
	wstmts  stmtCache
	stats   Stats

	announcing sync.Mutex // held from a commit until it is published

	committer *walbuffer.Committer // begins and ends SQLite's transactions; nil with PostgreSQL
}

// Open opens the database, brings its schema up to date and starts the committer.
func Open(ctx context.Context, o Options) (*DB, error) {
	db := &DB{
		log: o.Log, publish: o.Publish,
		jobs: make(chan *Pending, maxBatch), done: make(chan struct{}),
	}
	if db.log == nil {
		db.log = slog.New(slog.DiscardHandler)
	}
	if db.publish == nil {
		db.publish = func(Batch) {}
	}
	var err error
	if o.Postgres != "" {
		err = db.openPostgres(ctx, o)
	} else {
		err = db.openSQLite(ctx, o)
	}
	if err != nil {
		return nil, err
	}
	if err := db.migrate(ctx); err != nil {
		return nil, errors.Join(err, db.read.Close(), db.write.Close())
	}
	if db.engine == engineSQLite {
		if err := db.openWriter(ctx); err != nil {
			return nil, errors.Join(fmt.Errorf("store: open writer: %w", err), db.read.Close(), db.write.Close())
		}
	}
	go db.commitLoop()
	return db, nil
}

// Close waits for queued writes and closes the database.
func (db *DB) Close() error {
	db.closed.Do(func() {
		close(db.jobs)
		<-db.done
	})
	errs := []error{db.rstmts.close(), db.wstmts.close(), db.read.Close()}
	if db.committer != nil {
		errs = append(errs, db.committer.Close())
	}
	if db.conn != nil {
		errs = append(errs, db.conn.Close())
	}
	return errors.Join(append(errs, db.write.Close())...)
}

// Engine names the database engine: "sqlite" or "postgres".
func (db *DB) Engine() string { return db.engine.String() }

// Ping checks that the database answers.
func (db *DB) Ping(ctx context.Context) error {
	var one int
	return db.QueryRow(ctx, "SELECT 1").Scan(&one)
}

// Position is the last position that was given out.
func (db *DB) Position(ctx context.Context) (Pos, error) {
	var p Pos
	if err := db.QueryRow(ctx, "SELECT pos FROM stream").Scan(&p); err != nil {
		return 0, fmt.Errorf("store: read position: %w", err)
	}
	return p, nil
}

// Announced is Position when all commits of this process up to it have been published.
func (db *DB) Announced(ctx context.Context) (Pos, error) {
	p, err := db.Position(ctx)
	db.announcing.Lock() // a commit that can be read is published under this lock
	defer db.announcing.Unlock()
	return p, err
}

// Query reads outside of a write. The caller closes the rows.
func (db *DB) Query(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	if err := checkArgs(args); err != nil {
		return nil, err
	}
	stmt, err := db.rstmts.get(ctx, query)
	if err != nil {
		return nil, err
	}
	if stmt == nil {
		return db.read.QueryContext(ctx, query, args...)
	}
	return stmt.QueryContext(ctx, args...)
}

// QueryRow reads one row outside of a write.
func (db *DB) QueryRow(ctx context.Context, query string, args ...any) *Row {
	if err := checkArgs(args); err != nil {
		return &Row{err: err}
	}
	stmt, err := db.rstmts.get(ctx, query)
	if err != nil {
		return &Row{err: err}
	}
	if stmt == nil {
		return &Row{row: db.read.QueryRowContext(ctx, query, args...)}
	}
	return &Row{row: stmt.QueryRowContext(ctx, args...)}
}

// Row is the answer to QueryRow.
type Row struct {
	row *sql.Row
	err error
	tx  *Tx
}

// Scan copies the row's columns; it returns ErrNoRows where there is no row.
func (r *Row) Scan(dest ...any) error {
	if r.err != nil {
		return r.err
	}
	err := r.row.Scan(dest...)
	if err != nil && r.tx != nil && !errors.Is(err, sql.ErrNoRows) {
		r.tx.failed = true
	}
	return err
}

// Millis is a time as the database holds it.
func Millis(t time.Time) int64 { return t.UnixMilli() }
