package recording

import (
	"bytes"
	"cmp"
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"conclave.chat/internal/archive/merkle"
	"conclave.chat/internal/archive/statement"
	"conclave.chat/internal/fault"
	"conclave.chat/internal/mx"
	"conclave.chat/internal/store"
	"conclave.chat/internal/store/accepted"
)

// keys makes the keys that statements and checkpoints are signed with. Each is for one purpose; neither signs events.
func (s *Service) keys() error {
	name := string(s.Signer.Server)
	seed := s.Seed("statement")
	private := ed25519.NewKeyFromSeed(seed)
	public := append([]byte{1}, private.Public().(ed25519.PublicKey)...) //nolint:forcetypeassert // documented type
	vkey, err := note.NewEd25519VerifierKey(name, public[1:])
	if err != nil {
		return fmt.Errorf("recording: %w", err)
	}
	_, rest, _ := strings.Cut(vkey, "+")
	hash, _, _ := strings.Cut(rest, "+")
	skey := "PRIVATE+KEY+" + name + "+" + hash + "+" + base64.StdEncoding.EncodeToString(append([]byte{1}, seed...))
	if s.statement, err = note.NewSigner(skey); err != nil {
		return fmt.Errorf("recording: %w", err)
	}
	s.statedBy = vkey
	s.witness, err = merkle.NewWitness(name, ed25519.NewKeyFromSeed(s.Seed("witness")), s.Now)
	return err
}

// Keys are the public keys of this server that an archive needs.
type Keys struct {
	Server    mx.ServerName `json:"server_name"`
	KeyID     string        `json:"key_id"`
	Key       string        `json:"key"`       // signs events, and requests to the recorder
	Statement string        `json:"statement"` // a verifier's key (C2SP signed-note)
	Witness   string        `json:"witness"`   // a verifier's key (C2SP tlog-cosignature)
}

// Keys gives the public keys.
func (s *Service) Keys() Keys {
	return Keys{
		Server: s.Signer.Server, KeyID: s.Signer.KeyID, Key: mx.EncodeBase64(s.Signer.Key.Public().(ed25519.PublicKey)), //nolint:forcetypeassert // documented type
		Statement: s.statedBy, Witness: s.witness.Verifier(),
	}
}

const statementBatch = 5000

// Statement writes a signed statement of what was accepted in one recorded room, or in all if room is "". Where it is to be of what is archived, all that it
// names is brought to the recorders before it is given away; what none takes is named all the same.
func (s *Service) Statement(ctx context.Context, w io.Writer, room mx.RoomID, archived bool) error {
	var events []statement.Event
	var open []int // of events, those that no recorder was known to have
	after := accepted.Event{Room: room}
	for {
		var list []accepted.Event
		var err error
		if room != "" {
			list, err = accepted.Of(ctx, s.DB, room, after.Seq, statementBatch)
		} else {
			list, err = accepted.All(ctx, s.DB, after, statementBatch)
		}
		if err != nil {
			return err
		}
		for _, e := range list {
			events = append(events, statement.Event{Room: string(e.Room), Seq: e.Seq, ID: string(e.ID), Log: e.Log})
			if e.Open {
				open = append(open, len(events)-1)
			}
			after = e
		}
		if len(list) < statementBatch {
			break
		}
	}
	if archived && len(s.recorders) > 0 {
		if err := s.deliver(ctx); err != nil && ctx.Err() == nil {
			s.Log.Warn("no recorder takes what was accepted without it; it is tried again", "error", err)
		}
		if err := s.delivered(ctx, events, open); err != nil {
			return err
		}
	}
	s.nameLogs(events)
	return statement.Write(w, s.statement, string(s.Signer.Server), events)
}

// delivered finds out which recorders have got what none had before.
func (s *Service) delivered(ctx context.Context, events []statement.Event, open []int) error {
	for _, i := range open {
		list, err := accepted.Of(ctx, s.DB, mx.RoomID(events[i].Room), events[i].Seq-1, 1)
		if err != nil {
			return err
		}
		if len(list) == 1 {
			events[i].Log = list[0].Log
		}
	}
	return nil
}

// nameLogs says of each event which log holds it, where there are several. Before there were, the first recorder's held all.
func (s *Service) nameLogs(events []statement.Event) {
	first := ""
	if len(s.recorders) > 0 {
		first = s.recorders[0].log
	}
	several := len(s.recorders) > 1
	for i := range events {
		events[i].Log = cmp.Or(events[i].Log, first)
		several = several || events[i].Log != first
	}
	for i := range events {
		if !several || first == "" {
			events[i].Log = ""
		}
	}
}

// SizeError says that a log's last checkpoint had another size.
type SizeError struct{ Size int64 }

func (e *SizeError) Error() string {
	return "the last checkpoint had the size " + strconv.FormatInt(e.Size, 10)
}

// Errors of CoSign.
var (
	ErrUnknownLog   = errors.New("this server is not a witness of that log")
	ErrLogSignature = errors.New("it is not signed by that log")
)

// CoSign signs a checkpoint of the archive's log, if the log has grown from the last one that was signed, and gives the line with the
// signature. The request is that of C2SP tlog-witness.
func (s *Service) CoSign(ctx context.Context, request []byte) ([]byte, error) {
	old, proof, msg, err := parseAddCheckpoint(request)
	if err != nil {
		return nil, err
	}
	origin, _, _ := strings.Cut(string(msg), "\n")
	logKey := s.logOf(origin)
	if logKey == nil {
		return nil, ErrUnknownLog
	}
	var signed []byte
	err = s.DB.Write(func(tx *store.Tx) error {
		size, root, err := accepted.Witnessed(ctx, tx, origin)
		if err != nil {
			return err
		}
		if size != old {
			return &SizeError{size}
		}
		last := merkle.Checkpoint{Origin: origin, Tree: tlog.Tree{N: size}}
		copy(last.Hash[:], root)
		if _, err := (merkle.Policy{Log: logKey}).Open(msg); err != nil {
			return errors.Join(ErrLogSignature, err)
		}
		var next merkle.Checkpoint
		if signed, next, err = merkle.Cosign(s.witness, logKey, last, msg, proof); err != nil {
			return err
		}
		return accepted.Witness(tx, origin, next.N, next.Hash[:])
	})
	if err != nil {
		return nil, err
	}
	lines := bytes.Split(bytes.TrimSuffix(signed, []byte("\n")), []byte("\n"))
	for _, line := range lines {
		if bytes.HasPrefix(line, []byte("— "+s.witness.Name()+" ")) {
			return append(line, '\n'), nil
		}
	}
	return nil, errors.New("recording: the witness has not signed")
}

// maxProof is how many hashes a proof has at most.
const maxProof = 63

func parseAddCheckpoint(request []byte) (old int64, proof tlog.TreeProof, msg []byte, err error) {
	bad := fault.InvalidParam("This is no request to add a checkpoint")
	head, msg, ok := bytes.Cut(request, []byte("\n\n"))
	lines := strings.Split(string(head), "\n")
	size, isOld := strings.CutPrefix(lines[0], "old ")
	if old, err = strconv.ParseInt(size, 10, 64); err != nil || !ok || !isOld || old < 0 || len(lines) > 1+maxProof {
		return 0, nil, nil, bad
	}
	for _, line := range lines[1:] {
		raw, err := base64.StdEncoding.DecodeString(line)
		if err != nil || len(raw) != tlog.HashSize {
			return 0, nil, nil, bad
		}
		proof = append(proof, tlog.Hash(raw))
	}
	return old, proof, msg, nil
}
