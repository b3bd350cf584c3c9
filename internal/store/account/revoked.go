package account

import (
	"context"
	"errors"

	"conclave.chat/internal/mx"
	"conclave.chat/internal/store"
)

// RevokeTokens remembers the tokens of a device that is being removed. It comes before DeleteSessions.
func RevokeTokens(tx *store.Tx, user mx.UserID, device mx.DeviceID, now int64) error {
	for _, column := range []string{"token", "refresh"} {
		_, err := tx.Exec("INSERT INTO revoked_token (token, ts) SELECT "+column+", CAST($1 AS BIGINT) FROM session WHERE user_id = $2 AND device_id = $3 AND "+
			column+" IS NOT NULL ON CONFLICT DO NOTHING", now, user, device)
		if err != nil {
			return err
		}
	}
	return nil
}

// Revoked reports whether a token was one of a device that was removed.
func Revoked(ctx context.Context, r store.Reader, token []byte) (bool, error) {
	var one int
	err := r.QueryRow(ctx, "SELECT 1 FROM revoked_token WHERE token = $1", token).Scan(&one)
	if errors.Is(err, store.ErrNoRows) {
		return false, nil
	}
	return err == nil, err
}

// ExpireRevoked forgets tokens that were revoked before a time, at most limit of them.
func ExpireRevoked(tx *store.Tx, before int64, limit int) (int64, error) {
	return tx.Exec("DELETE FROM revoked_token WHERE token IN (SELECT token FROM revoked_token WHERE ts < $1 LIMIT $2)", before, limit)
}
