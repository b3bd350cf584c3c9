// Package casefile keeps what a quorum of officers has opened for one case: a folder that can be searched, shown and exported without the archive, by who
// has its passphrase, until the case is closed. It owns that folder and all that is in it:
//
//	case.json        what the folder is, and the case's number: the only words in the clear
//	case.key         an age file that the passphrase opens: the case's keys
//	case.db          encrypted SQLite: records, their leaves, the index for searching
//	file/<name>      an attachment: an age file for the case's identity
//	log/…            checkpoint and tiles of the archive's log, as many as prove the records: public hashes
//
// A case is made by Create, and filled by Fill, segment by segment, which may be interrupted at any point and goes on with what is missing. Each record is verified
// against the archive's checkpoint as it comes in. Without case.key nothing in the folder can be read: Destroy removes that first.
//
// It trusts nothing that records say: names of files are checked before they become paths, and all SQL has parameters.
package casefile

import (
	"context"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"filippo.io/age"
	"github.com/go-json-experiment/json"
	"github.com/ncruces/go-sqlite3/driver"
	"github.com/ncruces/go-sqlite3/ext/fts5"
	_ "github.com/ncruces/go-sqlite3/vfs/adiantum" // the encrypted file
	"golang.org/x/mod/sumdb/note"

	"conclave.chat/internal/archive/access"
	"conclave.chat/internal/archive/depot"
	"conclave.chat/internal/archive/merkle"
	"conclave.chat/internal/archive/officer"
	"conclave.chat/internal/archive/unseal"
)

// Names in a case's folder.
const (
	markFile     = "case.json"
	keyFile      = "case.key"
	databaseFile = "case.db"
	filesDir     = "file"
	logDir       = "log"
)

// Info is what is known of a case as a whole.
type Info struct {
	Number    string       `json:"case"`
	Reason    string       `json:"reason,omitempty"`
	Officers  []string     `json:"officers"`
	Opened    time.Time    `json:"opened"`
	Scope     unseal.Scope `json:"scope"`
	LogKey    string       `json:"log_key"`    // verifies the archive's checkpoint
	AccessKey string       `json:"access_key"` // verifies the access log
	// Complete: all segments of the scope are in.
	Complete bool `json:"-"`
	// PublicKey verifies what the case signs.
	PublicKey string `json:"-"`
}

// Case is an open case.
type Case struct {
	dir      string
	db       *sql.DB
	lock     *os.File
	info     Info
	signer   note.Signer
	identity *age.HybridIdentity
	msg      []byte // the archive's checkpoint
	tree     merkle.Checkpoint
	voucher  *access.Voucher
}

// mark is case.json.
type mark struct {
	Version int    `json:"conclave_case"`
	Number  string `json:"case"`
}

// keys is what case.key holds.
type keys struct {
	Database []byte `json:"database"`
	Identity string `json:"identity"`
	Signer   string `json:"signer"`
	Public   string `json:"public"`
}

// Errors.
var (
	// ErrNoCase means that a folder holds no case.
	ErrNoCase = errors.New("there is no case in this folder")
	// ErrClosed means that a case's key was destroyed.
	ErrClosed = errors.New("the case was closed: its key is destroyed")
	// ErrPassphrase means that the passphrase is not the case's.
	ErrPassphrase = errors.New("the passphrase does not open this case")
	// ErrBusy means that another process is filling the case.
	ErrBusy = errors.New("another process works on this case")
	// ErrIncomplete means that a case was not filled to the end.
	ErrIncomplete = errors.New("the case is not complete: opening it was interrupted. Run unseal again with the same scope and folder")
)

// Exists tells whether a folder holds a case, or is there at all.
func Exists(dir string) (isCase, isThere bool) {
	if _, err := os.Stat(dir); err != nil {
		return false, false
	}
	_, err := readMark(dir)
	return err == nil, true
}

// Number is the number of the case in a folder, closed or not.
func Number(dir string) (string, error) {
	m, err := readMark(dir)
	return m.Number, err
}

func readMark(dir string) (m mark, err error) {
	text, err := os.ReadFile(filepath.Join(dir, markFile)) //nolint:gosec // the folder that the command line names
	if errors.Is(err, fs.ErrNotExist) {
		return m, ErrNoCase
	}
	if err != nil {
		return m, fmt.Errorf("case: %w", err)
	}
	if json.Unmarshal(text, &m) != nil || m.Version != 1 {
		return m, ErrNoCase
	}
	return m, nil
}

// Open opens a complete case for reading.
func Open(ctx context.Context, dir, passphrase string) (*Case, error) {
	c, err := open(ctx, dir, passphrase, true)
	if err != nil {
		return nil, err
	}
	if !c.info.Complete {
		return nil, errors.Join(ErrIncomplete, c.Close())
	}
	return c, nil
}

func open(ctx context.Context, dir, passphrase string, readOnly bool) (*Case, error) {
	if _, err := readMark(dir); err != nil {
		return nil, err
	}
	sealed, err := os.ReadFile(filepath.Join(dir, keyFile)) //nolint:gosec // as above
	if errors.Is(err, fs.ErrNotExist) {
		return nil, ErrClosed
	}
	if err != nil {
		return nil, fmt.Errorf("case: %w", err)
	}
	plain, err := officer.Unlock(sealed, passphrase)
	if err != nil {
		return nil, ErrPassphrase
	}
	var k keys
	if err := json.Unmarshal(plain, &k); err != nil {
		return nil, fmt.Errorf("case: %s: %w", keyFile, err)
	}
	c := &Case{dir: dir}
	if err := c.use(&k); err != nil {
		return nil, err
	}
	if err := c.connect(ctx, k.Database, readOnly); err != nil {
		return nil, err
	}
	if err := c.load(ctx); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	c.info.PublicKey = k.Public
	return c, nil
}

func (c *Case) use(k *keys) (err error) {
	if c.signer, err = note.NewSigner(k.Signer); err != nil {
		return fmt.Errorf("case: %s: %w", keyFile, err)
	}
	if c.identity, err = age.ParseHybridIdentity(k.Identity); err != nil {
		return fmt.Errorf("case: %s: %w", keyFile, err)
	}
	if len(k.Database) != 32 {
		return fmt.Errorf("case: %s: it holds no key of a database", keyFile)
	}
	return nil
}

// connect opens the database. One connection writes; several read, so that who goes through records can ask something else meanwhile.
func (c *Case) connect(ctx context.Context, key []byte, readOnly bool) (err error) {
	q := url.Values{"vfs": {"adiantum"}, "hexkey": {hex.EncodeToString(key)}, "_pragma": {
		"busy_timeout(10000)", "journal_mode(truncate)", "synchronous(normal)", "temp_store(memory)", "cache_size(-65536)",
	}}
	most := 1
	if readOnly {
		q.Add("_pragma", "query_only(on)")
		most = 4
	} else if c.lock, err = depot.Lock(filepath.Join(c.dir, databaseFile+".lock"), ErrBusy); err != nil {
		return err
	}
	c.db, err = driver.Open("file:"+(&url.URL{Path: filepath.Join(c.dir, databaseFile)}).EscapedPath()+"?"+q.Encode(), fts5.Register)
	if err != nil {
		return fmt.Errorf("case: %w", err)
	}
	c.db.SetMaxOpenConns(most)
	c.db.SetMaxIdleConns(most)
	if readOnly {
		return nil
	}
	if _, err := c.db.ExecContext(ctx, schema); err != nil {
		return errors.Join(fmt.Errorf("case: %w", err), c.Close())
	}
	return nil
}

// load reads what belongs to the case as a whole.
func (c *Case) load(ctx context.Context) error {
	known, err := c.meta(ctx)
	if err != nil {
		return fmt.Errorf("case: the database cannot be read: %w", err)
	}
	if known["info"] == nil {
		return errors.New("case: it was never filled: remove the folder, and run unseal again")
	}
	if err := json.Unmarshal(known["info"], &c.info); err != nil {
		return fmt.Errorf("case: %w", err)
	}
	_, c.info.Complete = known["complete"]
	if raw := known["voucher"]; raw != nil {
		c.voucher = &access.Voucher{}
		if err := json.Unmarshal(raw, c.voucher); err != nil {
			return fmt.Errorf("case: %w", err)
		}
	}
	key, err := merkle.ParseVerifier(c.info.LogKey)
	if err != nil {
		return fmt.Errorf("case: %w", err)
	}
	c.msg = known["checkpoint"]
	if c.tree, err = (merkle.Policy{Log: key}).Open(c.msg); err != nil {
		return fmt.Errorf("case: checkpoint: %w", err)
	}
	return nil
}

func (c *Case) meta(ctx context.Context) (map[string][]byte, error) {
	rows, err := c.db.QueryContext(ctx, "SELECT name, value FROM meta")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	known := map[string][]byte{}
	for rows.Next() {
		var name string
		var value []byte
		if err := rows.Scan(&name, &value); err != nil {
			return nil, err
		}
		known[name] = value
	}
	return known, rows.Err()
}

// Close lets go of the case; nothing is lost. (What ends a case is Destroy.)
func (c *Case) Close() error {
	var errs []error
	if c.db != nil {
		errs = append(errs, c.db.Close())
	}
	if c.lock != nil {
		errs = append(errs, c.lock.Close())
	}
	return errors.Join(errs...)
}

// Info says what the case is.
func (c *Case) Info() Info { return c.info }

// Signer signs what leaves the case. Its public key is in the access log's entry.
func (c *Case) Signer() note.Signer { return c.signer }

// Voucher proves with the quorum's signature that the case's key belongs to it.
func (c *Case) Voucher() *access.Voucher { return c.voucher }
