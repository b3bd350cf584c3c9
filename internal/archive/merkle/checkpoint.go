package merkle

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// Checkpoint says how large a log is and what its root is.
type Checkpoint struct {
	Origin string
	tlog.Tree
}

// Text is the body of the signed note (C2SP tlog-checkpoint).
func (c Checkpoint) Text() string {
	return fmt.Sprintf("%s\n%d\n%s\n", c.Origin, c.N, base64.StdEncoding.EncodeToString(c.Hash[:]))
}

var errCheckpoint = errors.New("it is not a checkpoint")

// parseCheckpoint reads the body of a note. Extension lines are allowed and left alone.
func parseCheckpoint(text string) (Checkpoint, error) {
	lines := strings.SplitN(text, "\n", 4)
	if len(lines) != 4 || lines[0] == "" {
		return Checkpoint{}, errCheckpoint
	}
	n, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil || n < 0 || lines[1] != strconv.FormatInt(n, 10) {
		return Checkpoint{}, errCheckpoint
	}
	hash, err := base64.StdEncoding.Strict().DecodeString(lines[2])
	if err != nil || len(hash) != tlog.HashSize || n > 1<<56 {
		return Checkpoint{}, errCheckpoint
	}
	return Checkpoint{Origin: lines[0], Tree: tlog.Tree{N: n, Hash: tlog.Hash(hash)}}, nil
}

// Policy says whose signatures a checkpoint needs.
type Policy struct {
	Log       note.Verifier
	Witnesses []note.Verifier
	Quorum    int // of the witnesses
}

// Open reads a checkpoint if its signatures are those that the policy asks for.
func (p Policy) Open(msg []byte) (Checkpoint, error) {
	known := append([]note.Verifier{p.Log}, p.Witnesses...)
	n, err := note.Open(msg, note.VerifierList(known...))
	var unsigned *note.UnverifiedNoteError
	switch {
	case errors.As(err, &unsigned):
		return Checkpoint{}, fmt.Errorf("it is not signed by %s", p.Log.Name())
	case err != nil:
		return Checkpoint{}, fmt.Errorf("its signature is not right: %w", err)
	}
	signed := map[string]bool{} // note.Open lists nobody twice by key, this nobody twice by name
	byLog := false
	for _, s := range n.Sigs {
		if s.Name == p.Log.Name() && s.Hash == p.Log.KeyHash() {
			byLog = true
			continue
		}
		signed[s.Name] = true
	}
	if !byLog {
		return Checkpoint{}, fmt.Errorf("it is not signed by %s", p.Log.Name())
	}
	if len(signed) < p.Quorum {
		return Checkpoint{}, fmt.Errorf("%d of the %d witnesses that it needs have signed it", len(signed), p.Quorum)
	}
	c, err := parseCheckpoint(n.Text)
	if err == nil && c.Origin != p.Log.Name() {
		err = fmt.Errorf("it is about the log %s", c.Origin)
	}
	return c, err
}

// algCosignature is the type of a witness's key (C2SP tlog-cosignature, Ed25519).
const algCosignature = 4

// ParseVerifier reads a public key: that of a log, or that of a witness.
func ParseVerifier(vkey string) (note.Verifier, error) {
	vkey = strings.TrimSpace(vkey)
	name, rest, _ := strings.Cut(vkey, "+")
	hash, key64, _ := strings.Cut(rest, "+")
	key, err := base64.StdEncoding.DecodeString(key64)
	if err != nil || len(key) == 0 || key[0] != algCosignature {
		v, err := note.NewVerifier(vkey)
		if err != nil {
			return nil, fmt.Errorf("%q is not a verifier's key", vkey)
		}
		return v, nil
	}
	if len(key) != 1+ed25519.PublicKeySize || hash != fmt.Sprintf("%08x", keyHash(name, key)) || !validName(name) {
		return nil, fmt.Errorf("%q is not a verifier's key", vkey)
	}
	return &witness{name: name, public: key[1:], hash: keyHash(name, key)}, nil
}

func validName(name string) bool { return name != "" && !strings.ContainsAny(name, " \t\r\n+") }

func keyHash(name string, key []byte) uint32 {
	h := sha256.New()
	h.Write([]byte(name + "\n"))
	h.Write(key)
	return binary.BigEndian.Uint32(h.Sum(nil))
}

type witness struct {
	name   string
	public ed25519.PublicKey
	hash   uint32
}

func (w *witness) Name() string    { return w.name }
func (w *witness) KeyHash() uint32 { return w.hash }

func cosigned(text []byte, at uint64) []byte {
	return append([]byte("cosignature/v1\ntime "+strconv.FormatUint(at, 10)+"\n"), text...)
}

func (w *witness) Verify(msg, sig []byte) bool {
	return len(sig) == 8+ed25519.SignatureSize && ed25519.Verify(w.public, cosigned(msg, binary.BigEndian.Uint64(sig)), sig[8:])
}

// Witness signs that it has seen a checkpoint, and when.
type Witness struct {
	witness
	private ed25519.PrivateKey
	now     func() time.Time
}

// NewWitness makes a signer of cosignatures from an Ed25519 key.
func NewWitness(name string, key ed25519.PrivateKey, now func() time.Time) (*Witness, error) {
	public, ok := key.Public().(ed25519.PublicKey)
	if !validName(name) || !ok {
		return nil, fmt.Errorf("%q is not a name for a witness", name)
	}
	w := &Witness{witness: witness{name: name, public: public}, private: key, now: now}
	w.hash = keyHash(name, append([]byte{algCosignature}, public...))
	return w, nil
}

// Verifier is the witness's public key as text.
func (w *Witness) Verifier() string {
	return fmt.Sprintf("%s+%08x+%s", w.name, w.hash, base64.StdEncoding.EncodeToString(append([]byte{algCosignature}, w.public...)))
}

// Sign signs a checkpoint's text. The caller has checked that the log is consistent with what it signed before: see [Cosign].
func (w *Witness) Sign(text []byte) ([]byte, error) {
	at := uint64(w.now().Unix())
	sig := binary.BigEndian.AppendUint64(nil, at)
	return append(sig, ed25519.Sign(w.private, cosigned(text, at))...), nil
}

// ErrInconsistent means that a log has not grown from what a witness saw before.
var ErrInconsistent = errors.New("the log has not grown from what was signed before")

// Cosign adds the witness's signature to a checkpoint that continues the last one, which is the zero value at first. The
// caller keeps the result as its last, durably, before it gives the signed checkpoint away.
func Cosign(w *Witness, log note.Verifier, last Checkpoint, msg []byte, proof tlog.TreeProof) (signed []byte, next Checkpoint, err error) {
	next, err = Policy{Log: log}.Open(msg)
	if err != nil {
		return nil, last, err
	}
	switch {
	case last.N == 0: // everything continues nothing
	case last.Origin != next.Origin || next.N < last.N:
		return nil, last, ErrInconsistent
	case next.N == last.N:
		if next.Hash != last.Hash {
			return nil, last, ErrInconsistent
		}
	case tlog.CheckTree(proof, next.N, next.Hash, last.N, last.Hash) != nil:
		return nil, last, ErrInconsistent
	}
	n, err := note.Open(msg, note.VerifierList(log))
	if err != nil {
		return nil, last, err
	}
	signed, err = note.Sign(n, w)
	return signed, next, err
}

// GenerateKey makes a log's signing key and its public key, as texts.
func GenerateKey(rand io.Reader, origin string) (skey, vkey string, err error) {
	if !validName(origin) {
		return "", "", fmt.Errorf("%q is not a name for a log", origin)
	}
	return note.GenerateKey(rand, origin)
}
