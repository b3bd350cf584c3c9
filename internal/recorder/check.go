//go:build goolm

package recorder

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/go-json-experiment/json"
	"golang.org/x/mod/sumdb/note"

	"conclave.chat/internal/archive/depot"
	"conclave.chat/internal/archive/merkle"
	"conclave.chat/internal/archive/selfcheck"
	"conclave.chat/internal/archive/verify"
)

const (
	checkFile     = "check.json"
	maxFirst      = 20
	pathStatement = "/_conclave/recording/v1/statement?archived=true"
	pathKeys      = "/_conclave/recording/v1/keys"
	statementFor  = 30 * time.Minute
)

// check verifies the archive, and compares it with what the homeserver says that it accepted. It reads, and may run beside a recorder.
func (k *custody) check(ctx context.Context, verifier note.Verifier, progress func(int64)) (*verify.Report, error) {
	d, err := depot.OpenDir(k.cfg.Archive)
	if err != nil {
		return nil, err
	}
	f, err := os.CreateTemp(k.cfg.DataDir, "statement-*.part")
	if err != nil {
		return nil, fmt.Errorf("recorder: %w", err)
	}
	defer func() {
		_ = f.Close()
		_ = os.Remove(f.Name())
	}()
	key, err := k.statement(ctx, f)
	if err != nil {
		return nil, err
	}
	kept := k.witnesses.Checkpoints() // before: the archive may be witnessed while it is read
	frozen, err := depot.Freeze(ctx, d, merkle.Partial)
	if err != nil {
		return nil, err
	}
	r, err := verify.Run(ctx, frozen, verify.Options{
		Policy: merkle.Policy{Log: verifier}, Kept: kept, Statements: []io.Reader{f}, Server: key, Live: true, Workers: 1, Progress: progress,
	})
	if err != nil || k.cfg.Bucket == nil {
		return r, err
	}
	if err := k.compare(ctx, d, r); err != nil && len(r.Problems) == 0 {
		return nil, fmt.Errorf("recorder: the archive is right, and its copy in the bucket was not compared: %w", err)
	}
	return r, nil
}

// compare looks whether the copy in the bucket is still what was sent there.
func (k *custody) compare(ctx context.Context, d depot.Dir, r *verify.Report) error {
	to, err := depot.OpenBucket(*k.cfg.Bucket)
	if err != nil {
		return err
	}
	list, err := depot.Compare(ctx, d, to)
	for _, x := range list {
		r.Problems = append(r.Problems, verify.Problem{Place: "bucket: " + x.Name, What: x.What})
	}
	return err
}

// statement fetches the homeserver's statement of what it accepted, and the key that signs it. The answer comes when all of it has been brought here.
func (k *custody) statement(ctx context.Context, to io.ReadWriteSeeker) (note.Verifier, error) {
	ctx, cancel := context.WithTimeout(ctx, statementFor)
	defer cancel()
	res, err := k.get(ctx, pathKeys)
	if err != nil {
		return nil, err
	}
	var keys struct {
		Statement string `json:"statement"`
	}
	err = json.UnmarshalRead(io.LimitReader(res.Body, maxBody), &keys)
	if err = errors.Join(err, res.Body.Close()); err != nil {
		return nil, fmt.Errorf("recorder: the homeserver's keys: %w", err)
	}
	key, err := merkle.ParseVerifier(keys.Statement)
	if err != nil {
		return nil, fmt.Errorf("recorder: the homeserver's keys: %w", err)
	}
	if res, err = k.get(ctx, pathStatement); err != nil {
		return nil, err
	}
	defer res.Body.Close()
	_, err = io.Copy(to, res.Body)
	if err == nil {
		_, err = to.Seek(0, io.SeekStart)
	}
	if err != nil {
		return nil, fmt.Errorf("recorder: the homeserver's statement: %w", err)
	}
	return key, nil
}

// Check runs the daily self-check now, and keeps its result for the homeserver to ask for. Something may move while files are listed: what is wrong is
// looked at twice.
func Check(ctx context.Context, c *Config, progress func(int64)) (*verify.Report, error) {
	k, err := newCustody(c)
	if err != nil {
		return nil, err
	}
	_, _, verifier, err := c.archiveKeys()
	if err != nil {
		return nil, err
	}
	return k.selfCheck(ctx, verifier, progress, true)
}

// selfCheck verifies and keeps the result. That there was none is kept only if it is to be an alarm.
func (k *custody) selfCheck(ctx context.Context, verifier note.Verifier, progress func(int64), alarm bool) (*verify.Report, error) {
	begun := time.Now()
	r, err := k.check(ctx, verifier, progress)
	if err == nil && len(r.Problems) > 0 {
		r, err = k.check(ctx, verifier, progress)
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err != nil && !alarm {
		return nil, err
	}
	res := selfcheck.Result{Time: time.Now().UTC().Truncate(time.Second), Seconds: int64(time.Since(begun).Seconds())}
	if err != nil {
		res.Error = err.Error()
	} else {
		res.Records, res.Gaps, res.Attachments, res.Segments, res.Bytes = r.Records, int64(len(r.Gaps)), r.Blobs, r.Segments, r.Bytes
		res.Newer, res.Stated, res.Certified, res.Problems = r.Newer, r.Stated, r.Certified, int64(len(r.Problems))
		for i := 0; i < len(r.Problems) && i < maxFirst; i++ {
			res.First = append(res.First, r.Problems[i].String())
		}
	}
	text, jerr := json.Marshal(&res)
	if jerr == nil {
		jerr = depot.Replace(k.cfg.DataDir, checkFile, text)
	}
	return r, errors.Join(err, jerr)
}

// lastCheck gives the newest result, or nil.
func (k *custody) lastCheck() (*selfcheck.Result, error) {
	data, err := os.ReadFile(filepath.Join(k.cfg.DataDir, checkFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil //nolint:nilnil // there was none yet
	}
	if err != nil {
		return nil, fmt.Errorf("recorder: %w", err)
	}
	res := &selfcheck.Result{}
	if err := json.Unmarshal(data, res); err != nil {
		return nil, nil //nolint:nilerr,nilnil // the next one replaces it
	}
	return res, nil
}
