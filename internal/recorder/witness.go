//go:build goolm

package recorder

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

var errWitness = errors.New("recorder: the witness refuses")

// cosign has the homeserver sign the newest checkpoint as a witness (C2SP tlog-witness).
func (r *Recorder) cosign(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	for range 2 {
		msg, proof, err := r.sealed.Proof(ctx, r.seen)
		if err != nil {
			return err
		}
		var body bytes.Buffer
		fmt.Fprintf(&body, "old %d\n", r.seen)
		for _, h := range proof {
			body.WriteString(base64.StdEncoding.EncodeToString(h[:]) + "\n")
		}
		body.WriteString("\n")
		body.Write(msg)
		status, answer, err := r.ask(ctx, body.Bytes())
		switch {
		case err != nil:
			return err
		case status == http.StatusConflict:
			if r.seen, err = strconv.ParseInt(strings.TrimSpace(string(answer)), 10, 64); err != nil {
				return fmt.Errorf("%w: %q", errWitness, answer)
			}
			continue
		case status == http.StatusNotFound:
			return nil // it is not configured as one
		case status != http.StatusOK:
			return fmt.Errorf("%w: status %d", errWitness, status)
		}
		lines := strings.SplitN(string(msg), "\n", 3)
		if r.seen, err = strconv.ParseInt(lines[1], 10, 64); err != nil {
			return err
		}
		return r.sealed.Cosigned(ctx, msg, append(bytes.Clone(msg), answer...))
	}
	return errWitness
}

func (r *Recorder) ask(ctx context.Context, body []byte) (int, []byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, r.cfg.Homeserver+"/_conclave/recording/v1/add-checkpoint", bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	res, err := r.client.Client.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(res.Body, 4096))
	return res.StatusCode, answer, err
}
