// Package secret is the SQL of sealed secrets and of facts about the installation, such as its server name.
//
// Tables: secret, fact. Both keep the first value that was put: later ones do not replace it, but for the time of the last examination.
package secret

import (
	"context"
	"errors"

	"conclave.chat/internal/store"
)

// Get is the sealed secret of a name, or nil.
func Get(ctx context.Context, r store.Reader, name string) ([]byte, error) {
	var sealed []byte
	err := r.QueryRow(ctx, "SELECT sealed FROM secret WHERE name = $1", name).Scan(&sealed)
	if errors.Is(err, store.ErrNoRows) {
		return nil, nil
	}
	return sealed, err
}

// PutFirst stores a sealed secret unless there is one of that name.
func PutFirst(tx *store.Tx, name string, sealed []byte) error {
	_, err := tx.Exec("INSERT INTO secret (name, sealed) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING", name, sealed)
	return err
}

// Fact is the value of a fact, or "".
func Fact(ctx context.Context, r store.Reader, name string) (string, error) {
	var v string
	err := r.QueryRow(ctx, "SELECT value FROM fact WHERE name = $1", name).Scan(&v)
	if errors.Is(err, store.ErrNoRows) {
		return "", nil
	}
	return v, err
}

// PutFact stores a fact unless it is known already.
func PutFact(tx *store.Tx, name, value string) error {
	_, err := tx.Exec("INSERT INTO fact (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING", name, value)
	return err
}

// Examined notes when the installation was examined last: a write that takes no position and that nobody waits for.
func Examined(tx *store.Tx, when string) error {
	_, err := tx.Exec("INSERT INTO fact (name, value) VALUES ('examined', $1) ON CONFLICT (name) DO UPDATE SET value = excluded.value", when)
	return err
}
