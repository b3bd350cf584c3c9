package expiry

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"

	"conclave.chat/internal/archive/depot"
	"conclave.chat/internal/archive/merkle"
	"conclave.chat/internal/archive/verify"
	"conclave.chat/test/bucket"
)

// vault is a bucket whose locks end by the test's clock.
type vault struct {
	*depot.Bucket
	s3 *bucket.Bucket
}

func newVault(t *testing.T, now time.Time) *vault {
	v := &vault{s3: bucket.Start(t)}
	v.s3.SetNow(now)
	v.s3.Prefix = "x/"
	var err error
	if v.Bucket, err = depot.OpenBucket(v.s3.S3); err != nil {
		t.Fatal(err)
	}
	return v
}

// names gives all objects, also those of which only older versions are there.
func (v *vault) names(t *testing.T, prefix string) (list []string) {
	t.Helper()
	for name, err := range v.Versions(context.Background(), prefix) {
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, strings.TrimPrefix(name, prefix))
	}
	return list
}

// In the bucket keys end as they do on disk, with all their versions, once Object Lock lets them; nothing is certified before that, and a hold keeps what is
// there.
func TestTheBucketsKeysEndToo(t *testing.T) {
	ctx := context.Background()
	o := open(t, t.TempDir())
	defer func() { _ = o.log.Close() }()
	v := newVault(t, o.now)
	var longer time.Duration // the lock's, than the term
	job := func() *Job {
		j := o.job()
		j.Bucket = v.Bucket
		j.Ship = func(ctx context.Context) error {
			return depot.Ship(ctx, j.Dir, v.Bucket, func(class string, from time.Time) time.Time {
				if terms[class].Forever() {
					return time.Time{}
				}
				return terms[class].Over(from).Add(longer)
			}, o.now)
		}
		return j
	}
	verified := func() *verify.Report {
		t.Helper()
		r, err := verify.Run(ctx, v, verify.Options{Policy: merkle.Policy{Log: testKeys().verifier}})
		if err != nil || len(r.Problems) > 0 {
			t.Fatalf("%+v, %v", r, err)
		}
		return r
	}
	longer = 12 * time.Hour
	o.say("short", 1)
	o.say("long", 1)
	o.rotate()
	o.must(job().Ship(ctx))
	key := o.files("key")
	short := slices.DeleteFunc(slices.Clone(key), func(n string) bool { return !strings.HasPrefix(n, "short/") })
	if len(short) != 2 {
		t.Fatal(key)
	}
	// Somebody put a second version of a key there.
	raw, err := os.ReadFile(filepath.Join(o.dir, "key", short[0]))
	o.must(err)
	for range 2 {
		_, err := v.s3.PutObject(ctx, v.s3.Bucket, "x/key/"+short[0], bytes.NewReader(raw), int64(len(raw)), minio.PutObjectOptions{})
		o.must(err)
	}

	o.now = o.now.Add(25 * time.Hour)
	v.s3.SetNow(o.now)
	res, err := job().Run(ctx)
	if err != nil || len(res.Destroyed) != 0 || len(res.Waiting) != 2 || res.Certificate != "" {
		t.Fatalf("under lock: %+v, %v", res, err)
	}
	if names := v.names(t, "key/"); !slices.Contains(names, short[0]) || !slices.Contains(names, short[1]) {
		t.Fatalf("the bucket has %v", names)
	}
	if r := o.verify(); r.Ending != 1 {
		t.Errorf("%+v", r)
	}
	verified()
	o.now = o.now.Add(12 * time.Hour)
	v.s3.SetNow(o.now)
	// A hold keeps the copy that is left.
	o.holds["all"] = true
	if res, err := job().Run(ctx); err != nil || len(res.Held) != 1 || res.Certificate != "" || len(v.names(t, "key/short/")) != 2 {
		t.Fatalf("held: %+v, %v, %v", res, err, v.names(t, "key/short/"))
	}
	delete(o.holds, "all")
	res, err = job().Run(ctx)
	if err != nil || len(res.Destroyed) != 1 || res.Attachments != 1 || res.Certificate == "" || len(res.Waiting) != 0 {
		t.Fatalf("afterwards: %+v, %v", res, err)
	}
	for _, kind := range []string{"key/", "segment/", "blob/"} {
		if list := v.names(t, kind+"short/"); len(list) > 0 {
			t.Errorf("%s: %v are there", kind, list)
		}
		if list := v.names(t, kind+"long/"); len(list) == 0 {
			t.Errorf("%s: nothing of the class that stays is there", kind)
		}
	}
	if r := verified(); r.Certified != 1 || r.Ending != 0 {
		t.Errorf("%+v", r)
	}
	// A key that a backup brings back goes again.
	o.must(os.WriteFile(filepath.Join(o.dir, "key", short[0]), raw, 0o600))
	if _, err := job().Run(ctx); err != nil || slices.Contains(o.files("key"), short[0]) {
		t.Errorf("%v: %v", o.files("key"), err)
	}
}

// Where holds cannot be asked for, nothing is destroyed, and a key that was taken away is not certified.
func TestWithoutAnswerNothingEnds(t *testing.T) {
	ctx := context.Background()
	o := open(t, t.TempDir())
	defer func() { _ = o.log.Close() }()
	o.say("short", 1)
	o.say("long", 0)
	o.rotate()
	o.now = o.now.Add(48 * time.Hour)
	j := o.job()
	asked := 0
	j.Held = func(context.Context, *Segment) (string, error) {
		if asked++; asked > 1 {
			return "", errKilled
		}
		return "", nil
	}
	before := o.files("key")
	if _, err := j.Run(ctx); err == nil {
		t.Error("it destroys without knowing what is held")
	}
	after := slices.DeleteFunc(o.files("key"), func(n string) bool { return strings.HasPrefix(n, Class+"/") })
	if !slices.Equal(before, after) {
		t.Errorf("%v, and then %v", before, after)
	}
	// Somebody removes the key of what is to stay for a year.
	var long string
	for _, n := range before {
		if strings.HasPrefix(n, "long/") {
			long = n
		}
	}
	o.must(os.Remove(filepath.Join(o.dir, "key", long)))
	res, err := o.job().Run(ctx)
	if err != nil || len(res.Destroyed) != 1 || res.Destroyed[0].Class != "short" {
		t.Fatalf("%+v, %v", res, err)
	}
	d, _ := depot.OpenDir(o.dir)
	r, err := verify.Run(ctx, d, verify.Options{Policy: merkle.Policy{Log: testKeys().verifier}})
	if err != nil || len(r.Problems) != 1 || r.Problems[0].Place != "key/"+long {
		t.Errorf("%+v, %v", r, err)
	}
}
