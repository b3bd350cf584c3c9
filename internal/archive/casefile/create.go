package casefile

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"

	"filippo.io/age"
	"github.com/go-json-experiment/json"
	"golang.org/x/mod/sumdb/note"

	"conclave.chat/internal/archive/access"
	"conclave.chat/internal/archive/depot"
	"conclave.chat/internal/archive/merkle"
	"conclave.chat/internal/archive/officer"
	"conclave.chat/internal/archive/unseal"
)

// New says what case to make.
type New struct {
	Info       Info
	Passphrase string
	Checkpoint []byte // the archive's, as its log key signed it
	Plan       []unseal.Segment
	// Work is scrypt's work factor for the passphrase; 0 is age's own.
	Work int
}

// Unborn tells whether a folder holds nothing but what Create leaves when it is interrupted.
func Unborn(dir string) bool {
	left, err := os.ReadDir(dir)
	return err == nil && !slices.ContainsFunc(left, func(f os.DirEntry) bool {
		return !slices.Contains([]string{keyFile, databaseFile, databaseFile + "-journal", databaseFile + ".lock", markFile + ".part", keyFile + ".part"}, f.Name())
	})
}

// Create makes the folder of a case, which nothing is in yet. It is whole when Create returns: what a crash left before is no case, and is made anew.
func Create(ctx context.Context, dir string, n New) (_ *Case, err error) {
	if left, err := os.ReadDir(dir); err == nil {
		if !Unborn(dir) {
			return nil, fmt.Errorf("%s exists already", dir)
		}
		for _, f := range left {
			if err := os.Remove(filepath.Join(dir, f.Name())); err != nil {
				return nil, fmt.Errorf("case: %w", err)
			}
		}
	}
	if err := depot.MakeDir(dir); err != nil {
		return nil, err
	}
	logKey, err := merkle.ParseVerifier(n.Info.LogKey)
	if err != nil {
		return nil, fmt.Errorf("case: %w", err)
	}
	tree, err := merkle.Policy{Log: logKey}.Open(n.Checkpoint)
	if err != nil {
		return nil, fmt.Errorf("checkpoint: %w", err)
	}
	k, err := newKeys(tree.Origin + "/case")
	if err != nil {
		return nil, err
	}
	plain, err := json.Marshal(k)
	if err != nil {
		return nil, fmt.Errorf("case: %w", err)
	}
	sealed, err := officer.Lock(plain, n.Passphrase, n.Work)
	if err != nil {
		return nil, err
	}
	if err := depot.Replace(dir, keyFile, sealed); err != nil {
		return nil, err
	}
	c := &Case{dir: dir, info: n.Info, msg: n.Checkpoint, tree: tree}
	c.info.PublicKey = k.Public
	if err := c.use(k); err != nil {
		return nil, err
	}
	if err := c.connect(ctx, k.Database, false); err != nil {
		return nil, err
	}
	if err := c.begin(ctx, n); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

func newKeys(name string) (*keys, error) {
	id, err := age.GenerateHybridIdentity()
	if err != nil {
		return nil, fmt.Errorf("case: %w", err)
	}
	k := &keys{Database: make([]byte, 32), Identity: id.String()}
	if _, err := rand.Read(k.Database); err != nil {
		return nil, fmt.Errorf("case: %w", err)
	}
	if k.Signer, k.Public, err = note.GenerateKey(rand.Reader, name); err != nil {
		return nil, fmt.Errorf("case: %w", err)
	}
	return k, nil
}

// begin writes what the case is, then the mark that makes the folder a case.
func (c *Case) begin(ctx context.Context, n New) error {
	info, err := json.Marshal(&n.Info)
	if err != nil {
		return fmt.Errorf("case: %w", err)
	}
	if err := c.setMeta(ctx, "info", info); err != nil {
		return err
	}
	if err := c.setMeta(ctx, "checkpoint", n.Checkpoint); err != nil {
		return err
	}
	for _, s := range n.Plan {
		const q = "INSERT INTO segment (id, class, name, size, state) VALUES (?, ?, ?, ?, ?)"
		if _, err := c.db.ExecContext(ctx, q, s.ID.String(), s.Class, s.Name, s.Size, waiting); err != nil {
			return fmt.Errorf("case: %w", err)
		}
	}
	text, err := json.Marshal(&mark{Version: 1, Number: n.Info.Number})
	if err != nil {
		return fmt.Errorf("case: %w", err)
	}
	return depot.Replace(c.dir, markFile, append(text, '\n'))
}

func (c *Case) setMeta(ctx context.Context, name string, value []byte) error {
	if _, err := c.db.ExecContext(ctx, "INSERT OR REPLACE INTO meta (name, value) VALUES (?, ?)", name, value); err != nil {
		return fmt.Errorf("case: %w", err)
	}
	return nil
}

// Resume opens a case to go on filling it. The number and the scope must be those that it was made with: they are in the access log.
func Resume(ctx context.Context, dir, passphrase string, want Info) (*Case, error) {
	c, err := open(ctx, dir, passphrase, false)
	if err != nil {
		return nil, err
	}
	same := func(a, b unseal.Scope) bool {
		return a.Since.Equal(b.Since) && a.Until.Equal(b.Until) && reflect.DeepEqual(slices.Sorted(slices.Values(a.Classes)), slices.Sorted(slices.Values(b.Classes))) &&
			reflect.DeepEqual(slices.Sorted(slices.Values(a.Rooms)), slices.Sorted(slices.Values(b.Rooms)))
	}
	switch {
	case c.info.Complete:
		err = fmt.Errorf("%s exists already, and is complete", dir)
	case c.info.Number != want.Number || !same(c.info.Scope, want.Scope) || c.info.LogKey != want.LogKey:
		err = fmt.Errorf("%s was begun for another case, scope or archive", dir)
	}
	if err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

// Checkpoint is the archive's that the case's records are proved by.
func (c *Case) Checkpoint() (msg []byte, tree merkle.Checkpoint) { return c.msg, c.tree }

// Segments are the ids of those in the scope.
func (c *Case) Segments(ctx context.Context) (ids []string, err error) {
	plan, err := c.plan(ctx)
	for _, s := range plan {
		ids = append(ids, s.ID.String())
	}
	return ids, err
}

// Vouch keeps the access log's entry of this case. Nothing is opened before.
func (c *Case) Vouch(ctx context.Context, v *access.Voucher) error {
	raw, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("case: %w", err)
	}
	if err := c.setMeta(ctx, "voucher", raw); err != nil {
		return err
	}
	c.voucher = v
	return nil
}
