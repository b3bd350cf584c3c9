// Package witness has the checkpoints of an archive's log signed by its witnesses (C2SP tlog-witness), and keeps what each has signed last, outside of the
// archive's folder: who can write that and has the log's key still has to continue this.
package witness

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/go-json-experiment/json"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"conclave.chat/internal/archive"
	"conclave.chat/internal/archive/depot"
	"conclave.chat/internal/archive/merkle"
	"conclave.chat/internal/archive/selfcheck"
)

// Address is where a witness is, and who.
type Address struct {
	Key string `yaml:"key"` // its public key: a verifier's key of C2SP tlog-cosignature
	URL string `yaml:"url"` // what add-checkpoint comes behind
}

// Check refuses what cannot be a witness.
func (a Address) Check() error {
	_, err := a.verifier()
	return err
}

func (a Address) verifier() (note.Verifier, error) {
	v, err := merkle.ParseVerifier(a.Key)
	if err != nil {
		return nil, err
	}
	if !strings.HasPrefix(a.URL, "https://") && !strings.HasPrefix(a.URL, "http://") {
		return nil, fmt.Errorf("%q is no address of a witness", a.URL)
	}
	return v, nil
}

// witness is one of them.
type witness struct {
	key  note.Verifier
	url  string
	http *http.Client
	own  bool // the homeserver, which need not be one
}

// signed is what is kept of a witness.
type signed struct {
	Checkpoint string    `json:"checkpoint"` // the last one that it signed
	Size       int64     `json:"size"`
	Time       time.Time `json:"time"`
}

// Set is all witnesses of a log.
type Set struct {
	dir  string
	log  string // its name
	list []witness

	mu     sync.Mutex
	kept   map[string]signed // by log and witness
	said   map[string]error  // what was the matter when they were last asked
	forked string            // why the archive is not the one that they signed
}

const witnessFile = "witness.json"

// Patience is for how long witnesses are waited for.
const Patience = 15 * time.Second

var (
	// ErrRefused means that a witness does not take the checkpoint for one that continues what it has signed.
	ErrRefused   = errors.New("it refuses the checkpoint")
	errNoWitness = errors.New("it is no witness of this log")
)

// Open reads what the witnesses of a log have signed, in a folder. The homeserver, which need not be one, is reached by a client of its own.
func Open(dir, log string, server Address, client *http.Client, others []Address) (*Set, error) {
	w := &Set{dir: dir, log: log, kept: map[string]signed{}, said: map[string]error{}}
	if server.Key != "" {
		key, err := server.verifier()
		if err != nil {
			return nil, fmt.Errorf("witness: the homeserver's: %w", err)
		}
		w.list = append(w.list, witness{key, server.URL + "/add-checkpoint", client, true})
	}
	for _, o := range others {
		key, err := o.verifier()
		if err != nil {
			return nil, fmt.Errorf("witness: %w", err)
		}
		w.list = append(w.list, witness{key, strings.TrimSuffix(o.URL, "/") + "/add-checkpoint", &http.Client{}, false})
	}
	data, err := os.ReadFile(filepath.Join(w.dir, witnessFile))
	if errors.Is(err, fs.ErrNotExist) {
		return w, nil
	}
	if err == nil {
		err = json.Unmarshal(data, &w.kept)
	}
	if err != nil {
		return nil, fmt.Errorf("witness: %s: %w", filepath.Join(w.dir, witnessFile), err)
	}
	return w, nil
}

func (w *Set) key(of witness) string { return w.log + " " + of.key.Name() }

// Checkpoints are the last ones that each witness signed: the log must have grown from them.
func (w *Set) Checkpoints() (list [][]byte) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for key, k := range w.kept {
		if strings.HasPrefix(key, w.log+" ") {
			list = append(list, []byte(k.Checkpoint))
		}
	}
	return list
}

// Look finds out whether the archive continues what witnesses have signed. An older copy of it, or another history under the same key, does not.
func (w *Set) Look(ctx context.Context, log *archive.Log, verifier note.Verifier) error {
	w.forked = ""
	for _, msg := range w.Checkpoints() {
		was, err := (merkle.Policy{Log: verifier}).Open(msg)
		if err != nil {
			return w.fork("the checkpoint that a witness signed last: %v", err)
		}
		now, proof, err := log.Proof(ctx, was.N)
		if err != nil {
			return w.fork("it cannot be proved that the archive continues what a witness has signed: %v", err)
		}
		is, err := (merkle.Policy{Log: verifier}).Open(now)
		switch {
		case err != nil:
			return err
		case is.N < was.N:
			return w.fork("the archive has %d entries, and a witness has signed %d: it is an older copy, or its end was removed", is.N, was.N)
		case was.N > 0 && is.N == was.N && is.Hash != was.Hash, was.N > 0 && is.N > was.N && tlog.CheckTree(proof, is.N, is.Hash, was.N, was.Hash) != nil:
			return w.fork("the first %d entries of the archive are not those that a witness has signed: its history was changed", was.N)
		}
	}
	return nil
}

func (w *Set) fork(format string, args ...any) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.forked = fmt.Sprintf(format, args...)
	return errors.New(w.forked)
}

// Sign has all witnesses sign the newest checkpoint, and gives what was wrong with each.
func (w *Set) Sign(ctx context.Context, log *archive.Log, within time.Duration) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.forked != "" {
		return errors.New(w.forked)
	}
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	now, _, err := log.Proof(ctx, 0)
	if err != nil {
		return err
	}
	now = ownPart(now)
	type answer struct{ msg, lines []byte }
	answers, errs := make([]answer, len(w.list)), make([]error, len(w.list))
	var running sync.WaitGroup
	for i, one := range w.list {
		old := w.kept[w.key(one)].Size
		running.Go(func() { answers[i].msg, answers[i].lines, errs[i] = one.sign(ctx, log, old) })
	}
	running.Wait()
	var lines []byte
	for i, one := range w.list {
		name, kept := one.key.Name(), w.kept[w.key(one)]
		switch err := errs[i]; {
		case errors.Is(err, errNoWitness) && one.own && kept.Checkpoint == "":
			errs[i] = nil // the homeserver is not configured as one
			continue
		case err != nil:
			w.said[name], errs[i] = err, fmt.Errorf("witness %s: %w", name, err)
		default:
			delete(w.said, name)
			kept = signed{string(answers[i].msg) + string(answers[i].lines), sizeOf(answers[i].msg), time.Now().UTC().Truncate(time.Second)}
			w.kept[w.key(one)] = kept
		}
		// The same checkpoint may have been signed before, by one that does not answer now.
		if more, ok := strings.CutPrefix(kept.Checkpoint, string(now)); ok {
			lines = append(lines, more...)
		}
	}
	if lines != nil {
		// What they have signed is kept before it is published.
		text, err := json.Marshal(w.kept, json.Deterministic(true))
		if err == nil {
			err = depot.Replace(w.dir, witnessFile, text)
		}
		if err == nil {
			err = log.Cosigned(ctx, now, append(bytes.Clone(now), lines...))
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// Forked reports whether the archive is not the one that was signed.
func (w *Set) Forked() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.forked != ""
}

// Status is what is known of each witness.
func (w *Set) Status() (forked string, list []selfcheck.Witness) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, one := range w.list {
		kept, err := w.kept[w.key(one)], w.said[one.key.Name()]
		if one.own && kept.Checkpoint == "" && err == nil {
			continue
		}
		s := selfcheck.Witness{Name: one.key.Name(), Time: kept.Time, Refused: errors.Is(err, ErrRefused)}
		if err != nil {
			s.Error = err.Error()
		}
		list = append(list, s)
	}
	return w.forked, list
}

// sizeOf is the size in a checkpoint of ours.
func sizeOf(msg []byte) int64 {
	lines := strings.SplitN(string(msg), "\n", 3)
	if len(lines) < 3 {
		return 0
	}
	n, _ := strconv.ParseInt(lines[1], 10, 64)
	return n
}

// sign has the witness sign the newest checkpoint, after one of a size.
func (w witness) sign(ctx context.Context, log *archive.Log, old int64) (msg, lines []byte, err error) {
	for range 2 {
		msg, proof, err := log.Proof(ctx, old)
		if err != nil {
			return nil, nil, err
		}
		// The newest checkpoint may have signatures of witnesses already; what is signed is the log's.
		msg = ownPart(msg)
		if n := sizeOf(msg); n < old {
			return nil, nil, fmt.Errorf("%w: it has signed one of %d entries, and the archive has %d", ErrRefused, old, n)
		}
		var body bytes.Buffer
		fmt.Fprintf(&body, "old %d\n", old)
		for _, h := range proof {
			body.WriteString(base64.StdEncoding.EncodeToString(h[:]) + "\n")
		}
		body.WriteString("\n")
		body.Write(msg)
		status, answer, err := w.ask(ctx, body.Bytes())
		switch {
		case err != nil:
			return nil, nil, err
		case status == http.StatusConflict:
			if old, err = strconv.ParseInt(strings.TrimSpace(string(answer)), 10, 64); err != nil || old < 0 {
				return nil, nil, fmt.Errorf("it answers %q", answer)
			}
			continue
		case status == http.StatusNotFound:
			return nil, nil, errNoWitness
		case status == http.StatusUnprocessableEntity:
			return nil, nil, fmt.Errorf("%w: the archive does not continue what it has signed before", ErrRefused)
		case status == http.StatusForbidden || status == http.StatusBadRequest:
			return nil, nil, fmt.Errorf("%w: status %d", ErrRefused, status)
		case status != http.StatusOK:
			return nil, nil, fmt.Errorf("it answers with status %d", status)
		}
		lines, err := w.check(msg, answer)
		return msg, lines, err
	}
	return nil, nil, errors.New("it does not say how much it has signed")
}

// check gives the lines of an answer that are the witness's signature.
func (w witness) check(msg, answer []byte) (lines []byte, err error) {
	for line := range bytes.Lines(answer) {
		if bytes.HasPrefix(line, []byte("— "+w.key.Name()+" ")) && bytes.HasSuffix(line, []byte("\n")) {
			lines = append(lines, line...)
		}
	}
	if _, err := note.Open(append(bytes.Clone(msg), lines...), note.VerifierList(w.key)); err != nil {
		return nil, fmt.Errorf("its answer is no signature of its key: %w", err)
	}
	return lines, nil
}

// ownPart is a checkpoint with the log's own signature alone, which comes first.
func ownPart(msg []byte) []byte {
	text, sigs, _ := bytes.Cut(msg, []byte("\n\n"))
	first, _, _ := bytes.Cut(sigs, []byte("\n"))
	return bytes.Join([][]byte{text, {}, first, {}}, []byte("\n"))
}

func (w witness) ask(ctx context.Context, body []byte) (int, []byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, w.url, bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	res, err := w.http.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(res.Body, 4096))
	return res.StatusCode, answer, err
}
