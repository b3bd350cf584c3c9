package store

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strconv"
	"strings"
)

//go:embed migrations/*.sql
var migrations embed.FS

type migration struct {
	number int
	name   string
	sql    string
}

// ErrNewerSchema means that a newer program has already changed this database.
var ErrNewerSchema = errors.New("the database was written by a newer version of conclave; install that version or restore a backup")

func loadMigrations() ([]migration, error) {
	files, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil {
		return nil, err
	}
	var list []migration
	for _, f := range files { // fs.Glob sorts by name
		name := strings.TrimSuffix(path.Base(f), ".sql")
		number, err := strconv.Atoi(name[:4])
		if err != nil {
			return nil, fmt.Errorf("store: migration %s has no number", name)
		}
		text, err := migrations.ReadFile(f)
		if err != nil {
			return nil, err
		}
		list = append(list, migration{number, name, string(text)})
	}
	return list, nil
}

// migrate applies the steps that are missing, each in its own transaction. Nodes that start together wait for each other.
func (db *DB) migrate(ctx context.Context) error {
	list, err := loadMigrations()
	if err != nil {
		return err
	}
	if _, err := db.write.ExecContext(ctx, "CREATE TABLE IF NOT EXISTS migration (number BIGINT PRIMARY KEY, name TEXT NOT NULL)"); err != nil &&
		!strings.Contains(err.Error(), "pg_type_typname_nsp_index") { // two nodes created it at once
		return fmt.Errorf("store: prepare migrations: %w", err)
	}
	for _, m := range list {
		if err := db.applyMigration(ctx, m); err != nil {
			return err
		}
	}
	var last int
	if err := db.write.QueryRowContext(ctx, "SELECT max(number) FROM migration").Scan(&last); err != nil {
		return fmt.Errorf("store: read migrations: %w", err)
	}
	if last > list[len(list)-1].number {
		return ErrNewerSchema
	}
	return nil
}

func (db *DB) applyMigration(ctx context.Context, m migration) error {
	tx, err := db.write.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("store: migration %s: %w", m.name, err)
	}
	defer func() { _ = tx.Rollback() }()
	if db.engine == enginePostgres {
		if _, err := tx.ExecContext(ctx, "LOCK TABLE migration IN EXCLUSIVE MODE"); err != nil {
			return fmt.Errorf("store: migration %s: %w", m.name, err)
		}
	}
	var n int
	if err := tx.QueryRowContext(ctx, "SELECT count(*) FROM migration WHERE number = $1", m.number).Scan(&n); err != nil {
		return fmt.Errorf("store: migration %s: %w", m.name, err)
	}
	if n > 0 {
		return nil
	}
	for _, stmt := range statements(m.sql) {
		if db.engine == engineSQLite {
			stmt = rowNumbers.Replace(stmt)
		}
		if _, err := tx.ExecContext(ctx, stmt); err != nil {
			return fmt.Errorf("store: migration %s: %w", m.name, err)
		}
	}
	if _, err := tx.ExecContext(ctx, "INSERT INTO migration (number, name) VALUES ($1, $2)", m.number, m.name); err != nil {
		return fmt.Errorf("store: migration %s: %w", m.name, err)
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("store: migration %s: %w", m.name, err)
	}
	return nil
}

// rowNumbers makes a key that is one number the number of the row, as SQLite does for this spelling alone. For any other it keeps the table
// under numbers of its own, and an index beside it.
var rowNumbers = strings.NewReplacer("BIGINT PRIMARY KEY", "INTEGER PRIMARY KEY") //nolint:gochecknoglobals // constant

// statements splits a migration at semicolons that end a line; comments are lines that start with --.
func statements(text string) []string {
	var list []string
	var cur strings.Builder
	for line := range strings.Lines(text) {
		if strings.HasPrefix(strings.TrimSpace(line), "--") {
			continue
		}
		cur.WriteString(line)
		if strings.HasSuffix(strings.TrimSpace(line), ";") {
			list = append(list, strings.TrimSuffix(strings.TrimSpace(cur.String()), ";"))
			cur.Reset()
		}
	}
	if s := strings.TrimSpace(cur.String()); s != "" {
		list = append(list, s)
	}
	return list
}
