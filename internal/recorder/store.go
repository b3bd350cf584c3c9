//go:build goolm

package recorder

import (
	"context"
	"encoding/hex"
	"fmt"
	"net/url"
	"path/filepath"

	"github.com/ncruces/go-sqlite3/driver"
	_ "github.com/ncruces/go-sqlite3/vfs/adiantum" // the encrypted file
	"go.mau.fi/util/dbutil"
	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/crypto"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"
)

// openKeys opens the store of the device's keys.
func openKeys(ctx context.Context, c *Config, s *secrets) (*crypto.SQLCryptoStore, error) {
	q := url.Values{"vfs": {"adiantum"}, "hexkey": {hex.EncodeToString(s.Database)}, "_txlock": {"immediate"}, "_pragma": {
		"busy_timeout(20000)", "journal_mode(wal)", "synchronous(full)", "foreign_keys(on)", "secure_delete(on)", "temp_store(memory)",
	}}
	raw, err := driver.Open("file:" + (&url.URL{Path: filepath.Join(c.DataDir, databaseFile)}).EscapedPath() + "?" + q.Encode())
	if err != nil {
		return nil, fmt.Errorf("recorder: keys: %w", err)
	}
	raw.SetMaxOpenConns(8)
	raw.SetMaxIdleConns(8)
	db, err := dbutil.NewWithDB(raw, "sqlite3")
	if err != nil {
		return nil, fmt.Errorf("recorder: keys: %w", err)
	}
	keys := crypto.NewSQLCryptoStore(db, dbutil.NoopLogger, "", id.DeviceID(s.Device), s.Pickle)
	if err := keys.DB.Upgrade(ctx); err != nil {
		return nil, fmt.Errorf("recorder: keys: %w", err)
	}
	if _, err := db.Exec(ctx, receiptsTable); err != nil {
		return nil, fmt.Errorf("recorder: keys: %w", err)
	}
	return keys, nil
}

// noState is the state of rooms as far as mautrix-go's machine asks for it: this client never encrypts.
type noState struct{}

// IsEncrypted is asked before sending.
func (noState) IsEncrypted(context.Context, id.RoomID) (bool, error) { return false, nil }

// GetEncryptionEvent gives no settings: the keys' own rotation does not matter to who only reads.
func (noState) GetEncryptionEvent(context.Context, id.RoomID) (*event.EncryptionEventContent, error) {
	return nil, nil //nolint:nilnil // there is none
}

// FindSharedRooms is asked before sending.
func (noState) FindSharedRooms(context.Context, id.UserID) ([]id.RoomID, error) { return nil, nil }

// newClient is a client with the recorder's token.
func newClient(c *Config, s *secrets) (*mautrix.Client, error) {
	client, err := mautrix.NewClient(c.Homeserver, id.UserID(s.User), s.Token)
	if err != nil {
		return nil, fmt.Errorf("recorder: %w", err)
	}
	t, err := c.transport()
	if err != nil {
		return nil, fmt.Errorf("recorder: %w", err)
	}
	client.DeviceID, client.Client.Transport = id.DeviceID(s.Device), t
	return client, nil
}

// GetHistoryVisibility is asked before sending.
func (noState) GetHistoryVisibility(context.Context, id.RoomID) (*event.HistoryVisibilityEventContent, error) {
	return nil, nil //nolint:nilnil // as above
}
