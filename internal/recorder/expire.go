//go:build goolm

package recorder

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/go-json-experiment/json"
	"golang.org/x/mod/sumdb/note"

	"conclave.chat/internal/archive"
	"conclave.chat/internal/archive/depot"
	"conclave.chat/internal/archive/expiry"
	"conclave.chat/internal/archive/tag"
	"conclave.chat/internal/archive/witness"
)

// custody is what decides about the end of segments: terms, holds, and what is known of each.
type custody struct {
	cfg   *Config
	sec   *secrets
	http  *http.Client // reaches the homeserver
	holds *Holds
	tags  *tag.Tags

	witnesses *witness.Set
	now       func() time.Time // nil: the clock

	asked time.Time // when the lists of holds were last asked for
	known []Hold
}

func newCustody(c *Config) (*custody, error) {
	sec, err := c.secrets()
	if err != nil {
		return nil, err
	}
	holds, err := newHolds(c, sec)
	if err != nil {
		return nil, err
	}
	t, err := newTags(c, sec)
	if err != nil {
		return nil, err
	}
	transport, err := c.transport()
	if err != nil {
		return nil, fmt.Errorf("recorder: homeserver: %w", err)
	}
	_, _, verifier, err := c.archiveKeys()
	if err != nil {
		return nil, err
	}
	k := &custody{cfg: c, sec: sec, http: &http.Client{Transport: transport}, holds: holds, tags: t}
	k.witnesses, err = c.openWitnesses(k.http, verifier.Name())
	return k, err
}

func (k *custody) clock() time.Time {
	if k.now != nil {
		return k.now()
	}
	return time.Now()
}

// get asks the homeserver for something that it tells its recorder.
func (k *custody) get(ctx context.Context, path string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, k.cfg.Homeserver+path, nil)
	if err != nil {
		return nil, fmt.Errorf("recorder: %w", err)
	}
	req.Header.Set("Authorization", "Bearer "+k.sec.Token)
	res, err := k.http.Do(req)
	if err != nil {
		return nil, fmt.Errorf("recorder: %w", err)
	}
	if res.StatusCode != http.StatusOK {
		_ = res.Body.Close()
		return nil, fmt.Errorf("recorder: the homeserver answers %s to %s", res.Status, path)
	}
	return res, nil
}

const (
	askFor     = 30 * time.Second
	askEvery   = time.Second
	maxHolds   = 64 << 20
	pathHolds  = "/_conclave/recording/v1/holds"
	serverMark = "homeserver: "
)

// serverHolds asks the homeserver which holds are in force there.
func (k *custody) serverHolds(ctx context.Context) ([]Hold, error) {
	ctx, cancel := context.WithTimeout(ctx, askFor)
	defer cancel()
	res, err := k.get(ctx, pathHolds)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	var said struct {
		Holds []struct {
			ID        string `json:"id"`
			Case      string `json:"case"`
			Custodian string `json:"custodian"`
			Room      string `json:"room"`
			Since     int64  `json:"since"`
			Until     int64  `json:"until"`
		} `json:"holds"`
		AsOf int64 `json:"as_of"`
	}
	if err := json.UnmarshalRead(io.LimitReader(res.Body, maxHolds), &said); err != nil {
		return nil, fmt.Errorf("recorder: the homeserver's holds: %w", err)
	}
	if said.AsOf == 0 || said.Holds == nil {
		return nil, errors.New("recorder: the homeserver does not say which holds are in force")
	}
	at := func(ms int64) time.Time {
		if ms == 0 {
			return time.Time{}
		}
		return time.UnixMilli(ms)
	}
	if there := time.UnixMilli(said.AsOf); there.Sub(k.clock()).Abs() > clocks {
		return nil, fmt.Errorf("recorder: the clock says %s here and %s at the homeserver: nothing is destroyed until they agree", k.clock().UTC().Format(time.RFC3339), there.UTC().Format(time.RFC3339))
	}
	list := make([]Hold, len(said.Holds))
	for i, h := range said.Holds {
		list[i] = Hold{ID: serverMark + h.ID, Case: h.Case, Custodian: h.Custodian, Room: h.Room, Since: at(h.Since), Until: at(h.Until)}
	}
	return list, nil
}

// inForce gives all holds, of both places. Without either list there is no answer.
func (k *custody) inForce(ctx context.Context) ([]Hold, error) {
	own, err := k.holds.InForce()
	if err != nil {
		return nil, err
	}
	there, err := k.serverHolds(ctx)
	if err != nil {
		return nil, err
	}
	return append(own, there...), nil
}

// held says why a segment must stay, or "". Both lists are asked for again and again: a hold stops a run that is under way.
func (k *custody) held(ctx context.Context, s *expiry.Segment) (string, error) {
	if time.Since(k.asked) > askEvery {
		list, err := k.inForce(ctx)
		if err != nil {
			return "", err
		}
		k.known, k.asked = list, time.Now()
	}
	return k.why(k.known, s)
}

func (k *custody) why(list []Hold, s *expiry.Segment) (string, error) {
	known, err := k.tags.Get(s.ID)
	if err != nil {
		return "", err
	}
	for i := range list {
		if h := &list[i]; h.covers(s, k.tags, known) {
			why := fmt.Sprintf("case %s (hold %s)", h.Case, h.ID)
			if known == nil && (h.Room != "" || h.Custodian != "") {
				why += "; it is not known who and what occurs in the segment"
			}
			return why, nil
		}
	}
	return "", nil
}

// last is when the newest of what a segment holds was sent, by the homeserver's clock, as far as that is known.
func (k *custody) last(s *expiry.Segment) (time.Time, error) {
	known, err := k.tags.Get(s.ID)
	if err != nil || known == nil {
		return time.Time{}, err
	}
	return known.Last, nil
}

// job is a run over the archive. Without a log it can only plan.
func (k *custody) job(log *archive.Log, signer note.Signer, verifier note.Verifier, by string) (*expiry.Job, error) {
	d, err := depot.OpenDir(k.cfg.Archive)
	if err != nil {
		return nil, err
	}
	j := &expiry.Job{Dir: d, Verifier: verifier, Terms: k.cfg.Retention.terms, Held: k.held, Now: k.clock(), Last: k.last, Log: log, Signer: signer, By: by}
	if k.cfg.Bucket == nil {
		return j, nil
	}
	if j.Bucket, err = depot.OpenBucket(*k.cfg.Bucket); err != nil {
		return nil, err
	}
	j.Ship = func(ctx context.Context) error { return depot.Ship(ctx, d, j.Bucket, k.cfg.locked, time.Now()) }
	return j, nil
}

// run destroys all that is due.
func (k *custody) run(ctx context.Context, log *archive.Log, signer note.Signer, verifier note.Verifier, by string) (total expiry.Result, err error) {
	for {
		j, err := k.job(log, signer, verifier, by)
		if err != nil {
			return total, err
		}
		res, err := j.Run(ctx)
		if err != nil {
			return total, err
		}
		for i := range res.Destroyed {
			if err := k.tags.Drop(ctx, res.Destroyed[i].ID); err != nil {
				return total, err
			}
		}
		total.Due = append(total.Due, res.Due...)
		total.Destroyed = append(total.Destroyed, res.Destroyed...)
		total.Attachments += res.Attachments
		total.Strays = append(total.Strays, res.Strays...)
		total.Held, total.Unknown, total.Waiting = res.Held, res.Unknown, res.Waiting
		if !res.More || len(res.Destroyed) == 0 {
			return total, nil
		}
	}
}

// Plan says what an expiry would destroy now, and what holds keep. It works beside a running recorder.
func Plan(ctx context.Context, c *Config) (*expiry.Result, error) {
	k, err := newCustody(c)
	if err != nil {
		return nil, err
	}
	_, _, verifier, err := c.archiveKeys()
	if err != nil {
		return nil, err
	}
	j, err := k.job(nil, nil, verifier, "")
	if err != nil {
		return nil, err
	}
	return j.Plan(ctx)
}

// Expire destroys what is due, while the recorder does not run.
func Expire(ctx context.Context, c *Config, by string) (*expiry.Result, error) {
	k, err := newCustody(c)
	if err != nil {
		return nil, err
	}
	to, signer, verifier, err := c.archiveKeys()
	if err != nil {
		return nil, err
	}
	log, err := archive.Open(archive.Config{Dir: c.Archive, Signer: signer, Verifier: verifier, Recipients: to})
	if errors.Is(err, archive.ErrLocked) {
		return nil, errors.New("the recorder is running: it destroys what is due itself, once a day and after its start; --dry-run says what that is")
	}
	if err != nil {
		return nil, err
	}
	res, err := k.run(ctx, log, signer, verifier, by)
	if err = errors.Join(err, log.End(ctx)); err == nil {
		err = k.witnesses.Look(ctx, log, verifier)
	}
	if err == nil {
		err = k.witnesses.Sign(ctx, log, witness.Patience)
	}
	if err = errors.Join(err, log.Close()); err != nil {
		return &res, err
	}
	if c.Bucket != nil {
		j, err := k.job(nil, nil, verifier, "")
		if err != nil {
			return nil, err
		}
		err = j.Ship(ctx)
		return &res, err
	}
	return &res, nil
}
