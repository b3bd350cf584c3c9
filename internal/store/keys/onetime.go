package keys

import (
	"context"
	"errors"

	"conclave.chat/internal/mx"
	"conclave.chat/internal/store"
)

// Counts is what a device's /sync says of its keys: how many one-time keys are left for each algorithm, and for which algorithms there
// is a fallback key that was not used yet.
type Counts struct {
	OneTime        map[string]int
	UnusedFallback []string
}

// CountKeys reads a device's counts.
func CountKeys(ctx context.Context, r store.Reader, user mx.UserID, device mx.DeviceID) (Counts, error) {
	c := Counts{OneTime: map[string]int{}, UnusedFallback: []string{}}
	var algorithm string
	var n int
	rows, err := r.Query(ctx, `SELECT algorithm, count(*) FROM one_time_key
		WHERE user_id = $1 AND device_id = $2 AND NOT claimed GROUP BY algorithm`, user, device)
	if err := store.Each(rows, err, func() error { c.OneTime[algorithm] = n; return nil }, &algorithm, &n); err != nil {
		return c, err
	}
	rows, err = r.Query(ctx, "SELECT algorithm FROM fallback_key WHERE user_id = $1 AND device_id = $2 AND NOT used ORDER BY algorithm",
		user, device)
	err = store.Each(rows, err, func() error { c.UnusedFallback = append(c.UnusedFallback, algorithm); return nil }, &algorithm)
	return c, err
}

// Key is a one-time or fallback key: its name is algorithm:id.
type Key struct {
	Algorithm string
	ID        string
	JSON      []byte
}

// Name is the key's name in the API.
func (k Key) Name() string { return k.Algorithm + ":" + k.ID }

// keepClaimed is how many claimed keys of a device are remembered: more than any client uploads at once.
const keepClaimed = 200

// AddOneTime stores one-time keys of a device, all at one place in the order. A key that is there already, claimed or not, is left
// alone. The result names keys that exist unclaimed with other content: nothing must then be kept.
func AddOneTime(tx *store.Tx, user mx.UserID, device mx.DeviceID, list []Key, same func(a, b []byte) bool) (conflicts []string, err error) {
	pos := tx.Next()
	for _, k := range list {
		n, err := tx.Exec(`INSERT INTO one_time_key (user_id, device_id, algorithm, key_id, pos, claimed, json)
			VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING`, user, device, k.Algorithm, k.ID, pos, false, k.JSON)
		if err != nil {
			return nil, err
		}
		if n > 0 {
			continue
		}
		var old []byte
		var claimed bool
		if err := tx.QueryRow(context.Background(), `SELECT json, claimed FROM one_time_key
			WHERE user_id = $1 AND device_id = $2 AND algorithm = $3 AND key_id = $4`,
			user, device, k.Algorithm, k.ID).Scan(&old, &claimed); err != nil {
			return nil, err
		}
		switch {
		case same(old, k.JSON):
		case !claimed:
			conflicts = append(conflicts, k.Name())
		default: // a new key under the name of one that is gone
			if _, err := tx.Exec(`UPDATE one_time_key SET pos = $1, claimed = $2, json = $3
				WHERE user_id = $4 AND device_id = $5 AND algorithm = $6 AND key_id = $7`,
				pos, false, k.JSON, user, device, k.Algorithm, k.ID); err != nil {
				return nil, err
			}
		}
	}
	_, err = tx.Exec(`DELETE FROM one_time_key WHERE user_id = $1 AND device_id = $2 AND claimed AND pos < (
			SELECT pos FROM one_time_key WHERE user_id = $1 AND device_id = $2 AND claimed ORDER BY pos DESC LIMIT 1 OFFSET $3
		)`, user, device, keepClaimed)
	tx.Emit(store.Change{Pos: pos, Kind: store.KindKeyCount, User: user, Device: device})
	return conflicts, err
}

// Claim hands out a device's oldest one-time key of an algorithm, or its fallback key where there is none left; nil if neither is there.
func Claim(tx *store.Tx, user mx.UserID, device mx.DeviceID, algorithm string) (*Key, error) {
	k := Key{Algorithm: algorithm}
	err := tx.QueryRow(context.Background(), `UPDATE one_time_key SET claimed = $1
		WHERE user_id = $2 AND device_id = $3 AND algorithm = $4 AND key_id = (
			SELECT key_id FROM one_time_key
			WHERE user_id = $2 AND device_id = $3 AND algorithm = $4 AND NOT claimed ORDER BY pos, key_id LIMIT 1
		) RETURNING key_id, json`, true, user, device, algorithm).Scan(&k.ID, &k.JSON)
	if err == nil {
		tx.Emit(store.Change{Pos: tx.Next(), Kind: store.KindKeyCount, User: user, Device: device})
		return &k, nil
	}
	if !errors.Is(err, store.ErrNoRows) {
		return nil, err
	}
	var used bool
	err = tx.QueryRow(context.Background(), `SELECT key_id, json, used FROM fallback_key
		WHERE user_id = $1 AND device_id = $2 AND algorithm = $3`, user, device, algorithm).Scan(&k.ID, &k.JSON, &used)
	if errors.Is(err, store.ErrNoRows) {
		return nil, nil //nolint:nilnil // absence is an answer
	}
	if err != nil || used {
		return &k, err
	}
	if _, err := tx.Exec("UPDATE fallback_key SET used = $1 WHERE user_id = $2 AND device_id = $3 AND algorithm = $4",
		true, user, device, algorithm); err != nil {
		return nil, err
	}
	tx.Emit(store.Change{Pos: tx.Next(), Kind: store.KindKeyCount, User: user, Device: device})
	return &k, nil
}

// SetFallback stores a device's fallback key of an algorithm in place of the one before. The same key again stays used if it was.
func SetFallback(tx *store.Tx, user mx.UserID, device mx.DeviceID, k Key, same func(a, b []byte) bool) error {
	var id string
	var old []byte
	err := tx.QueryRow(context.Background(), "SELECT key_id, json FROM fallback_key WHERE user_id = $1 AND device_id = $2 AND algorithm = $3",
		user, device, k.Algorithm).Scan(&id, &old)
	if err != nil && !errors.Is(err, store.ErrNoRows) {
		return err
	}
	if err == nil && id == k.ID && same(old, k.JSON) {
		return nil
	}
	tx.Emit(store.Change{Pos: tx.Next(), Kind: store.KindKeyCount, User: user, Device: device})
	_, err = tx.Exec(`INSERT INTO fallback_key (user_id, device_id, algorithm, key_id, used, json) VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (user_id, device_id, algorithm) DO UPDATE SET key_id = excluded.key_id, used = excluded.used, json = excluded.json`,
		user, device, k.Algorithm, k.ID, false, k.JSON)
	return err
}
