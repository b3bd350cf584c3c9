// Package officer makes the keys of an archive and puts them together again. It owns the share's file; it keeps nothing.
//
// The archive's identity is an age identity (X25519 with ML-KEM-768). It is written, with the key that signs the access log, into an age file that a
// passphrase of 252 random bits opens. That passphrase, as a scalar of Ristretto255, is shared by Shamir's scheme: with fewer shares than needed nothing at
// all is known of it, by no computer. A share's file is an age file of its own, opened by its officer's passphrase, and holds JSON:
//
//	{"conclave_share": 1, "set": …, "officer": …, "need": 3, "of": 5, "id": …, "value": …, "identity": …}
//
// id and value are the scalars in base64, identity is the age file with the identity, the same in every share. So the quorum's share files and
// passphrases are enough to read the archive, and without this program too: any implementation of Shamir's scheme over that field gives the
// scalar, whose 64 hexadecimal digits (32 bytes, little endian, as RFC 9496 encodes scalars) open the identity with age's own command, which
// opens the rest. The layout is kept as long as there are archives.
package officer

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"

	"filippo.io/age"
	"github.com/cloudflare/circl/group"
	"github.com/cloudflare/circl/secretsharing"
	"github.com/go-json-experiment/json"
	"golang.org/x/mod/sumdb/note"

	"conclave.chat/internal/archive/merkle"
)

// Quorum is how many officers of how many it takes.
type Quorum struct{ Need, Of int }

const maxOfficers = 100

var quorumForm = regexp.MustCompile(`^(\d{1,3})-of-(\d{1,3})$`)

// UnmarshalText reads 3-of-5.
func (q *Quorum) UnmarshalText(text []byte) error {
	m := quorumForm.FindSubmatch(text)
	if m == nil {
		return fmt.Errorf("%q is not a quorum such as 3-of-5", text)
	}
	q.Need, _ = strconv.Atoi(string(m[1]))
	q.Of, _ = strconv.Atoi(string(m[2]))
	return q.check()
}

func (q Quorum) check() error {
	if q.Need < 2 || q.Need > q.Of || q.Of > maxOfficers {
		return fmt.Errorf("%d of %d officers make no quorum: at least 2, at most all, and at most %d", q.Need, q.Of, maxOfficers)
	}
	return nil
}

// Officer is who gets a share.
type Officer struct{ Name, Passphrase string }

// Keys are those of a new archive.
type Keys struct {
	Recipient string   // public: age recipient to which segments are encrypted
	LogKey    string   // secret: the recorder signs checkpoints with it
	LogPublic string   // public: verifies checkpoints
	Access    string   // public: verifies the access log
	Shares    [][]byte // for each officer, a file
}

// Options say what keys to make.
type Options struct {
	Origin   string // name of the log, such as example.org/archive
	Need     int
	Officers []Officer
	// Work is scrypt's work factor for the officers' passphrases; 0 is age's own.
	Work int
}

// share is a share's file.
type share struct {
	Version  int    `json:"conclave_share"`
	Set      string `json:"set"`
	Officer  string `json:"officer"`
	Need     int    `json:"need"`
	Of       int    `json:"of"`
	ID       []byte `json:"id"`
	Value    []byte `json:"value"`
	Identity []byte `json:"identity"`
}

// identityWork is low: the passphrase is random.
const identityWork = 10

const accessPrefix = "# access log key: "

// Generate makes the keys of an archive.
func Generate(o Options) (*Keys, error) {
	q := Quorum{o.Need, len(o.Officers)}
	if err := q.check(); err != nil {
		return nil, err
	}
	id, err := age.GenerateHybridIdentity()
	if err != nil {
		return nil, fmt.Errorf("officer: %w", err)
	}
	k := &Keys{Recipient: id.Recipient().String()}
	if k.LogKey, k.LogPublic, err = merkle.GenerateKey(rand.Reader, o.Origin); err != nil {
		return nil, err
	}
	accessKey, accessPublic, err := merkle.GenerateKey(rand.Reader, o.Origin+"/access")
	if err != nil {
		return nil, err
	}
	k.Access = accessPublic
	secret := group.Ristretto255.RandomNonZeroScalar(rand.Reader)
	pass, err := secret.MarshalBinary()
	if err != nil {
		return nil, fmt.Errorf("officer: %w", err)
	}
	text := "# identity of the archive " + o.Origin + "\n" + accessPrefix + accessKey + "\n" + id.String() + "\n"
	identity, err := Lock([]byte(text), hex.EncodeToString(pass), identityWork)
	if err != nil {
		return nil, err
	}
	set := rand.Text()
	for i, s := range secretsharing.New(rand.Reader, uint(q.Need-1), secret).Share(uint(q.Of)) {
		file := share{Version: 1, Set: set, Officer: o.Officers[i].Name, Need: q.Need, Of: q.Of, Identity: identity}
		if file.ID, err = s.ID.MarshalBinary(); err == nil {
			file.Value, err = s.Value.MarshalBinary()
		}
		if err != nil {
			return nil, fmt.Errorf("officer: %w", err)
		}
		plain, err := json.Marshal(&file)
		if err != nil {
			return nil, fmt.Errorf("officer: %w", err)
		}
		sealed, err := Lock(plain, o.Officers[i].Passphrase, o.Work)
		if err != nil {
			return nil, err
		}
		k.Shares = append(k.Shares, sealed)
	}
	return k, nil
}

// Lock makes an age file that a passphrase opens. work is scrypt's work factor; 0 is age's own.
func Lock(plain []byte, passphrase string, work int) ([]byte, error) {
	to, err := age.NewScryptRecipient(passphrase)
	if err != nil {
		return nil, fmt.Errorf("officer: %w", err)
	}
	if work > 0 {
		to.SetWorkFactor(work)
	}
	var b bytes.Buffer
	w, err := age.Encrypt(&b, to)
	if err == nil {
		_, err = w.Write(plain)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		return nil, fmt.Errorf("officer: %w", err)
	}
	return b.Bytes(), nil
}

// ErrPassphrase means that a passphrase does not open a share's file.
var ErrPassphrase = errors.New("the passphrase does not open this file")

const maxFile = 1 << 20

// Unlock opens what Lock made.
func Unlock(sealed []byte, passphrase string) ([]byte, error) {
	id, err := age.NewScryptIdentity(passphrase)
	if err != nil {
		return nil, ErrPassphrase
	}
	r, err := age.Decrypt(bytes.NewReader(sealed), id)
	if err != nil {
		return nil, ErrPassphrase
	}
	return io.ReadAll(io.LimitReader(r, maxFile))
}

// Share is an officer's share, opened.
type Share struct {
	share
	scalars secretsharing.Share
}

// Officer is whose share it is; Need is how many it takes.
func (s *Share) Officer() string { return s.share.Officer }

// Need is how many shares it takes.
func (s *Share) Need() int { return s.share.Need }

var errShare = errors.New("it is not a share of an archive's identity")

// OpenShare opens an officer's file.
func OpenShare(file []byte, passphrase string) (*Share, error) {
	plain, err := Unlock(file, passphrase)
	if err != nil {
		return nil, err
	}
	return parseShare(plain)
}

func parseShare(plain []byte) (*Share, error) {
	s := &Share{scalars: secretsharing.Share{ID: group.Ristretto255.NewScalar(), Value: group.Ristretto255.NewScalar()}}
	if err := json.Unmarshal(plain, &s.share); err != nil || s.Version != 1 || (Quorum{s.share.Need, s.Of}).check() != nil {
		return nil, errShare
	}
	if err := errors.Join(s.scalars.ID.UnmarshalBinary(s.ID), s.scalars.Value.UnmarshalBinary(s.Value)); err != nil || s.scalars.ID.IsZero() {
		return nil, errShare
	}
	return s, nil
}

// Identity is what a quorum has together.
type Identity struct {
	Age      age.Identity
	Access   note.Signer // signs the access log
	Officers []string
}

// ErrQuorum means that more shares are needed.
var ErrQuorum = errors.New("these shares are not a quorum")

// Combine gives the identity for the shares of a quorum.
func Combine(shares []*Share) (*Identity, error) {
	if len(shares) == 0 {
		return nil, ErrQuorum
	}
	first := shares[0]
	id := &Identity{}
	var scalars []secretsharing.Share
	for _, s := range shares {
		if s.Set != first.Set || s.share.Need != first.share.Need || !bytes.Equal(s.Identity, first.Identity) {
			return nil, fmt.Errorf("the shares of %s and %s are of different archives", first.share.Officer, s.share.Officer)
		}
		for _, other := range scalars {
			if other.ID.IsEqual(s.scalars.ID) {
				return nil, fmt.Errorf("the share of %s is there twice", s.share.Officer)
			}
		}
		scalars = append(scalars, s.scalars)
		id.Officers = append(id.Officers, s.share.Officer)
	}
	if len(scalars) < first.share.Need {
		return nil, fmt.Errorf("%w: %d of %d", ErrQuorum, len(scalars), first.share.Need)
	}
	secret, err := secretsharing.Recover(uint(first.share.Need-1), scalars)
	if err != nil {
		return nil, fmt.Errorf("officer: %w", err)
	}
	pass, err := secret.MarshalBinary()
	if err != nil {
		return nil, fmt.Errorf("officer: %w", err)
	}
	text, err := Unlock(first.Identity, hex.EncodeToString(pass))
	if err != nil {
		return nil, errors.New("the shares do not fit together: one of them was altered")
	}
	return id, id.parse(string(text))
}

func (id *Identity) parse(text string) error {
	ids, err := age.ParseIdentities(strings.NewReader(text))
	if err != nil || len(ids) != 1 {
		return errShare
	}
	id.Age = ids[0]
	for line := range strings.Lines(text) {
		if key, ok := strings.CutPrefix(strings.TrimSpace(line), accessPrefix); ok {
			if id.Access, err = note.NewSigner(key); err != nil {
				return errShare
			}
		}
	}
	if id.Access == nil {
		return errShare
	}
	return nil
}
