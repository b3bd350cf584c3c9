// Package settings is the SQL of what administrators have set at run time.
//
// Tables: settings, with one row. What is in the JSON is package organisation's affair.
package settings

import (
	"context"
	"errors"

	"conclave.chat/internal/store"
)

// Read gives the settings and their version; version 0 is nothing set.
func Read(ctx context.Context, r store.Reader) (version int64, data []byte, err error) {
	err = r.QueryRow(ctx, "SELECT version, json FROM settings WHERE one = 1").Scan(&version, &data)
	if errors.Is(err, store.ErrNoRows) {
		return 0, nil, nil
	}
	return version, data, err
}

// Write replaces the settings. Other nodes hear of it.
func Write(tx *store.Tx, version int64, data []byte) error {
	_, err := tx.Exec(`INSERT INTO settings (one, version, json) VALUES (1, $1, $2)
		ON CONFLICT (one) DO UPDATE SET version = excluded.version, json = excluded.json`, version, data)
	tx.Emit(store.Change{Pos: tx.Next(), Kind: store.KindSettings})
	return err
}
