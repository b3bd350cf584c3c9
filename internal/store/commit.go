package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"sync/atomic"
	"time"
)

// maxBatch is how many jobs one transaction takes at most.
const maxBatch = 256

// ErrClosed is returned for writes after Close.
var ErrClosed = errors.New("store: the database is closed")

// Pending is a write on its way to disk.
type Pending struct {
	fn      func(*Tx) error
	err     error
	done    chan struct{}
	changes []Change
	then    func()
}

// Wait returns once the write is durable, or with the reason why it was not made. It does not give up when a client does:
// the write may already be on its way.
func (p *Pending) Wait() error {
	<-p.done
	return p.err
}

// Write runs fn in the next transaction and returns when that is durable. See Tx for what fn may do.
func (db *DB) Write(fn func(*Tx) error) error { return db.Enqueue(fn).Wait() }

// Enqueue hands fn to the committer. Jobs of one goroutine run in the order of its calls.
func (db *DB) Enqueue(fn func(*Tx) error) *Pending { return db.EnqueueThen(fn, nil) }

// EnqueueThen is Enqueue with a function that runs once fn is durable and before anybody hears of it: it brings caches up to date
// that listeners will read. It runs in the order of commits, must be quick and may not write.
func (db *DB) EnqueueThen(fn func(*Tx) error, then func()) (p *Pending) {
	p = &Pending{fn: fn, then: then, done: make(chan struct{})}
	defer func() {
		if recover() != nil { // the channel was closed by Close
			p.err = ErrClosed
			close(p.done)
		}
	}()
	db.jobs <- p
	return p
}

// Stats counts what the committer did.
type Stats struct {
	Batches, Jobs, Retried atomic.Int64
}

// Stats gives the committer's counters.
func (db *DB) Stats() *Stats { return &db.stats }

// QueueLength is the number of writes waiting for a transaction.
func (db *DB) QueueLength() int { return len(db.jobs) }

func (db *DB) commitLoop() {
	defer close(db.done)
	batch := make([]*Pending, 0, maxBatch)
	crowd, took := 0, time.Duration(0)
	for first := range db.jobs {
		batch = db.gather(append(batch[:0], first), crowd, took)
		start := time.Now()
		crowd = db.commit(batch)
		took = time.Since(start)
		clear(batch)
	}
}

// gather adds the jobs that wait. Under load it also waits a moment for the writers of the last batch, who have just been answered and
// are likely to come back: otherwise the first of them gets a transaction alone and the others share the next, or they fall into
// groups that take turns, and each page is written twice as often. Few writers never wait.
func (db *DB) gather(batch []*Pending, crowd int, took time.Duration) []*Pending {
	batch = db.drain(batch)
	crowd = min(crowd, maxBatch)
	if crowd < minCrowd || len(batch) >= crowd {
		return batch
	}
	timer := time.NewTimer(min(took, maxGather))
	defer timer.Stop()
	for len(batch) < crowd {
		select {
		case p, ok := <-db.jobs:
			if !ok {
				return batch
			}
			batch = db.drain(append(batch, p))
		case <-timer.C:
			return batch
		}
	}
	return batch
}

// A batch waits for more if so many writers were there at the end of the last one, no longer than that one took, and no longer than
// maxGather.
const (
	minCrowd  = 4
	maxGather = 4 * time.Millisecond
)

func (db *DB) drain(batch []*Pending) []*Pending {
	for len(batch) < maxBatch {
		select {
		case p, ok := <-db.jobs:
			if !ok {
				return batch
			}
			batch = append(batch, p)
		default:
			return batch
		}
	}
	return batch
}

// commit runs a batch in one transaction. If a job fails after it wrote something, the transaction is rolled back and each job
// runs alone, so that one bad job never takes others with it. It reports how many jobs were there at the end, done and waiting.
func (db *DB) commit(batch []*Pending) (crowd int) {
	db.stats.Batches.Add(1)
	db.stats.Jobs.Add(int64(len(batch)))
	retry, err := db.try(batch)
	if retry && len(batch) > 1 {
		db.stats.Retried.Add(int64(len(batch)))
		for _, p := range batch {
			if _, err := db.try([]*Pending{p}); err != nil {
				p.err = err
			}
			close(p.done)
		}
		return len(batch)
	}
	crowd = len(batch) + len(db.jobs)
	for _, p := range batch {
		if err != nil {
			p.err = err
		}
		close(p.done)
	}
	return crowd
}

// try runs jobs in one transaction and publishes it. It reports whether the whole batch was rolled back because of one job.
func (db *DB) try(batch []*Pending) (retry bool, err error) {
	ctx := context.Background()
	if err := db.begin(ctx); err != nil {
		return false, err
	}
	tx := &Tx{db: db, conn: db.conn, ctx: ctx}
	from, err := tx.lock()
	if err != nil {
		return false, errors.Join(err, db.rollback(ctx))
	}
	for _, p := range batch {
		tx.begin()
		p.err = runJob(p.fn, tx)
		if p.err == nil && !tx.failed {
			tx.mark()
			p.changes = tx.changes
			continue
		}
		if p.err == nil {
			p.err = errors.New("store: a statement failed and the job did not say so")
		}
		if tx.dirty || tx.failed {
			return true, errors.Join(p.err, db.rollback(ctx))
		}
		tx.undo()
		p.changes = nil
	}
	if tx.pos != from {
		if err := tx.advance(); err != nil {
			return false, errors.Join(err, db.rollback(ctx))
		}
	}
	db.announcing.Lock()
	defer db.announcing.Unlock()
	if err := db.end(ctx); err != nil {
		return false, errors.Join(fmt.Errorf("store: commit: %w", err), db.rollback(ctx))
	}
	db.announce(from, tx.pos, batch)
	return false, nil
}

// begin starts a transaction on the committer's connection; with PostgreSQL on a new one if the old one is broken.
func (db *DB) begin(ctx context.Context) error {
	if db.committer != nil {
		if err := db.conn.Raw(func(any) error { return db.committer.Begin() }); err != nil {
			return fmt.Errorf("store: begin: %w", err)
		}
		return nil
	}
	var err error
	for range 2 {
		if db.conn == nil {
			if db.conn, err = db.write.Conn(ctx); err != nil {
				db.conn = nil
				continue
			}
		}
		if _, err = db.conn.ExecContext(ctx, "BEGIN"); err == nil {
			return nil
		}
		db.dropConn()
	}
	return fmt.Errorf("store: begin: %w", err)
}

// end makes a transaction durable.
func (db *DB) end(ctx context.Context) error {
	if db.committer != nil {
		return db.conn.Raw(func(any) error { return db.committer.Commit() })
	}
	_, err := db.conn.ExecContext(ctx, "COMMIT")
	return err
}

// rollback ends a transaction; a connection that cannot even do that is given up.
func (db *DB) rollback(ctx context.Context) error {
	if _, err := db.conn.ExecContext(ctx, "ROLLBACK"); err != nil {
		db.dropConn()
		return fmt.Errorf("store: rollback: %w", err)
	}
	return nil
}

// dropConn gives up PostgreSQL's connection. SQLite's one connection is in the same process and carries prepared statements:
// it stays.
func (db *DB) dropConn() {
	if db.engine == enginePostgres && db.conn != nil {
		_ = db.conn.Raw(func(any) error { return driver.ErrBadConn })
		_ = db.conn.Close()
		db.conn = nil
	}
}

// runJob turns a panic in a job into its error: one bad request must not stop the committer.
func runJob(fn func(*Tx) error, tx *Tx) (err error) {
	defer func() {
		if r := recover(); r != nil {
			tx.failed = true
			err = fmt.Errorf("store: write job panicked: %v", r)
		}
	}()
	return fn(tx)
}

func (db *DB) announce(from, to Pos, batch []*Pending) {
	n := 0
	for _, p := range batch {
		if p.err == nil {
			n += len(p.changes)
			if p.then != nil {
				p.then()
			}
		}
	}
	if n == 0 && from == to {
		return
	}
	b := Batch{From: from, To: to, Changes: make([]Change, 0, n)}
	for _, p := range batch {
		if p.err == nil {
			b.Changes = append(b.Changes, p.changes...)
		}
	}
	db.publish(b)
}

// Tx is a write transaction as one job sees it.
//
// A job checks, then writes. It may run more than once, so it has no effects outside of the transaction except to assign its
// results. When it returns an error nothing that it did is kept.
type Tx struct {
	db      *DB
	conn    *sql.Conn
	ctx     context.Context
	pos     Pos
	saved   Pos
	changes []Change
	dirty   bool // this job has changed rows
	failed  bool // a statement failed: on PostgreSQL the transaction is lost
}

func (tx *Tx) begin() { tx.saved, tx.changes, tx.dirty, tx.failed = tx.pos, nil, false, false }
func (tx *Tx) undo()  { tx.pos = tx.saved }

// mark makes sure that a job with something to tell moves the stream, so that other processes notice it even if word gets lost.
func (tx *Tx) mark() {
	if len(tx.changes) > 0 && tx.pos == tx.saved {
		tx.pos++
	}
}

// lock keeps other nodes out until the transaction ends. SQLite's BEGIN IMMEDIATE has done so already.
func (tx *Tx) lock() (Pos, error) {
	query := "UPDATE stream SET pos = pos RETURNING pos"
	if tx.db.engine == engineSQLite {
		query = "SELECT pos FROM stream"
	}
	if err := tx.QueryRow(tx.ctx, query).Scan(&tx.pos); err != nil {
		return 0, fmt.Errorf("store: lock stream: %w", err)
	}
	return tx.pos, nil
}

func (tx *Tx) advance() error {
	_, err := tx.Exec("UPDATE stream SET pos = $1", int64(tx.pos))
	return err
}

// Next takes the next stream position for what this job writes.
func (tx *Tx) Next() Pos {
	tx.pos++
	return tx.pos
}

// Emit says what this job changes; listeners hear of it once it is durable.
func (tx *Tx) Emit(c Change) { tx.changes = append(tx.changes, c) }

// Exec runs a statement and gives the number of rows it changed.
func (tx *Tx) Exec(query string, args ...any) (int64, error) {
	if err := checkArgs(args); err != nil {
		return 0, err
	}
	stmt, err := tx.stmt(query)
	if err != nil {
		return 0, err
	}
	var res sql.Result
	if stmt == nil {
		res, err = tx.conn.ExecContext(tx.ctx, query, args...)
	} else {
		res, err = stmt.ExecContext(tx.ctx, args...)
	}
	if err != nil {
		tx.failed = true
		return 0, fmt.Errorf("store: %w", err)
	}
	n, err := res.RowsAffected()
	if err != nil {
		tx.failed = true
		return 0, fmt.Errorf("store: %w", err)
	}
	if n > 0 {
		tx.dirty = true
	}
	return n, nil
}

// Query reads within the transaction. The caller closes the rows before the next statement.
func (tx *Tx) Query(_ context.Context, query string, args ...any) (*sql.Rows, error) {
	if err := checkArgs(args); err != nil {
		return nil, err
	}
	stmt, err := tx.stmt(query)
	if err != nil {
		return nil, err
	}
	tx.notePossibleWrite(query)
	var rows *sql.Rows
	if stmt == nil {
		rows, err = tx.conn.QueryContext(tx.ctx, query, args...)
	} else {
		rows, err = stmt.QueryContext(tx.ctx, args...)
	}
	if err != nil {
		tx.failed = true
		return nil, fmt.Errorf("store: %w", err)
	}
	return rows, nil
}

// QueryRow reads one row within the transaction; it also serves INSERT … RETURNING.
func (tx *Tx) QueryRow(_ context.Context, query string, args ...any) *Row {
	if err := checkArgs(args); err != nil {
		return &Row{err: err}
	}
	stmt, err := tx.stmt(query)
	if err != nil {
		return &Row{err: err}
	}
	tx.notePossibleWrite(query)
	if stmt == nil {
		return &Row{row: tx.conn.QueryRowContext(tx.ctx, query, args...), tx: tx}
	}
	return &Row{row: stmt.QueryRowContext(tx.ctx, args...), tx: tx}
}

func (tx *Tx) notePossibleWrite(query string) {
	if len(query) < 6 || query[:6] != "SELECT" {
		tx.dirty = true
	}
}

func (tx *Tx) stmt(query string) (*sql.Stmt, error) {
	stmt, err := tx.db.wstmts.get(tx.ctx, query)
	if err != nil {
		tx.failed = true
		return nil, err
	}
	return stmt, nil
}
