package store

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ncruces/go-sqlite3/driver"
	"github.com/ncruces/go-sqlite3/ext/serdes"
)

// Whoever has the file and the key does not find what was deleted.
func TestDeletedContentIsOverwritten(t *testing.T) {
	db, err := Open(t.Context(), Options{Path: filepath.Join(t.TempDir(), "x.db"), Key: bytes.Repeat([]byte{1}, 32)})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	pages := func() (data []byte) {
		t.Helper()
		db.announcing.Lock()
		defer db.announcing.Unlock()
		err := db.conn.Raw(func(c any) (err error) {
			data, err = serdes.Serialize(c.(driver.Conn).Raw(), "main")
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	for _, body := range []string{"short and plain", "long and plain" + strings.Repeat(", and so on", 2000)} {
		if err := db.Write(func(tx *Tx) error {
			_, err := tx.Exec("INSERT INTO pruned_event (pos, room_id, event_id, json) VALUES (1, '!r', '$e', $1)", []byte(body))
			return err
		}); err != nil {
			t.Fatal(err)
		}
		if !bytes.Contains(pages(), []byte("and plain")) {
			t.Fatal("the pages do not hold what was written: the test looks at something else")
		}
		if err := db.Write(func(tx *Tx) error { _, err := tx.Exec("DELETE FROM pruned_event"); return err }); err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(pages(), []byte("and plain")) || bytes.Contains(pages(), []byte("and so on")) {
			t.Errorf("%.10q is still there", body)
		}
	}
}
