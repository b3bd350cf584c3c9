package securitylog

import (
	"context"
	"strings"

	"github.com/go-json-experiment/json"

	"conclave.chat/internal/mx"
	"conclave.chat/internal/store"
)

// Account data with which clients keep the recovery store, as the client-server API says under "Secrets".
const (
	DefaultKey = "m.secret_storage.default_key" // names the recovery key in use
	keyPrefix  = "m.secret_storage.key."
)

// quiet is how long after a change of the recovery store the secrets that the same device puts in there are the same act, milliseconds.
const quiet = 10 * 60 * 1000

// keyOf is the id in the content of DefaultKey, "" for none.
func keyOf(content []byte) string {
	var c struct {
		Key string `json:"key"`
	}
	if json.Unmarshal(content, &c) != nil {
		return ""
	}
	return c.Key
}

// AccountData records a change of account data that is part of the recovery store. was is nil where there was none, current the content
// of the default key before; an empty object removes.
func AccountData(ctx context.Context, tx *store.Tx, now int64, user mx.UserID, typ string, was, becomes, current []byte) error {
	removed := string(becomes) == "{}"
	if string(was) == string(becomes) || (was == nil && removed) {
		return nil
	}
	key, isKey := strings.CutPrefix(typ, keyPrefix)
	switch {
	case typ == DefaultKey && removed:
		return Record(ctx, tx, now, user, RecoveryKeyRemoved, keyOf(was))
	case typ == DefaultKey && keyOf(was) == keyOf(becomes):
		return nil
	case typ == DefaultKey && keyOf(was) == "":
		return Record(ctx, tx, now, user, RecoveryKeyCreated, keyOf(becomes))
	case typ == DefaultKey:
		return Record(ctx, tx, now, user, RecoveryKeyChanged, keyOf(becomes))
	case isKey && (was == nil || key != keyOf(current)):
		return nil // prepared, or out of use
	case isKey && removed:
		return Record(ctx, tx, now, user, RecoveryKeyRemoved, key)
	case isKey:
		return Record(ctx, tx, now, user, RecoveryKeyChanged, key)
	case removed:
		return secrets(ctx, tx, now, user, SecretsRemoved)
	}
	return secrets(ctx, tx, now, user, SecretsChanged)
}

// Concerns reports whether account data of this type is part of the recovery store.
func Concerns(typ string) bool {
	switch typ {
	case DefaultKey, "m.cross_signing.master", "m.cross_signing.self_signing", "m.cross_signing.user_signing", "m.megolm_backup.v1":
		return true
	}
	return strings.HasPrefix(typ, keyPrefix)
}

// secrets records a change of what the recovery key opens, unless it belongs to a change that the same device made just before.
func secrets(ctx context.Context, tx *store.Tx, now int64, user mx.UserID, action string) error {
	o, _ := ctx.Value(originKey{}).(Origin)
	var n int
	if err := tx.QueryRow(ctx, `SELECT count(*) FROM security_history WHERE user_id = $1 AND ts > $2 AND device = $3
		AND action IN ($4, $5, $6)`, user, now-quiet, o.Device, RecoveryKeyCreated, RecoveryKeyChanged, action).Scan(&n); err != nil || n > 0 {
		return err
	}
	return Record(ctx, tx, now, user, action, "")
}
