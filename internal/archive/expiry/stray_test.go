package expiry

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"conclave.chat/internal/archive/depot"
	"conclave.chat/internal/archive/segment"
)

// aged makes the files of the office as old as its clock says.
func (o *office) aged() {
	for _, folder := range []string{"blob", "key"} {
		for _, name := range o.files(folder) {
			path := filepath.Join(o.dir, folder, filepath.FromSlash(name))
			if info, err := os.Stat(path); err == nil && time.Since(info.ModTime()) < time.Hour { // not yet
				o.must(os.Chtimes(path, o.now, o.now))
			}
		}
	}
}

// refused seals an attachment whose message is then refused.
func (o *office) refused(class, what string) string {
	b, err := o.log.PutBlob(context.Background(), class, strings.NewReader(what))
	o.must(err)
	return class + "/" + b.Sum.String()
}

func TestAttachmentsOfRefusedMessagesGo(t *testing.T) {
	ctx := context.Background()
	o := open(t, t.TempDir())
	defer func() { _ = o.log.Close() }()
	o.say("short", 1)
	o.say("long", 1)
	short, long, always := o.refused("short", "a"), o.refused("long", "b"), o.refused("always", "c")
	broken := filepath.Join(o.dir, "blob", "short", "XYZ.part")
	o.must(os.WriteFile(broken, []byte("noise"), 0o600))
	o.rotate()
	o.aged()
	if r := o.verify(); len(r.Strays) != 4 || !slices.Contains(r.Strays, "blob/"+short) {
		t.Errorf("verify counts %v", r.Strays)
	}
	there := func(name string) bool {
		return slices.Contains(o.files("blob"), name) || slices.Contains(o.files("key"), name)
	}
	run := func() *Result {
		t.Helper()
		res, err := o.job().Run(ctx)
		if err != nil {
			t.Fatal(err)
		}
		return res
	}
	o.now = o.now.Add(23 * time.Hour)
	if res := run(); len(res.Strays) != 0 || !there(short) {
		t.Fatalf("before its time: %+v", res)
	}
	o.now = o.now.Add(2 * time.Hour)
	o.holds["all"] = true
	if res := run(); len(res.Strays) != 0 || !there(short) {
		t.Fatalf("held: %+v", res)
	}
	delete(o.holds, "all")
	plan, err := o.job().Plan(ctx)
	if err != nil || !slices.Equal(plan.Strays, []string{"blob/short/XYZ.part", "blob/" + short}) && !slices.Equal(plan.Strays, []string{"blob/" + short, "blob/short/XYZ.part"}) || !there(short) {
		t.Fatalf("the plan: %+v, %v", plan, err)
	}
	// Without an answer about holds nothing goes.
	j := o.job()
	j.Held = func(context.Context, *Segment) (string, error) { return "", errors.New("no answer") }
	if _, err := j.Run(ctx); err == nil || !there(short) {
		t.Fatalf("without an answer: %v", err)
	}
	// It is killed between key and file.
	killed := o.job()
	killed.step = func(step string) error {
		if step == "stray" {
			return errKilled
		}
		return nil
	}
	if _, err := killed.Run(ctx); !errors.Is(err, errKilled) {
		t.Fatal(err)
	}
	run()
	if _, err := os.Stat(broken); there(short) || err == nil {
		t.Errorf("it is there: %v, %v", o.files("blob"), o.files("key"))
	}
	if !there(long) || !there(always) || len(o.files("blob")) != 3 {
		t.Errorf("of what stays, there is %v", o.files("blob"))
	}
	if r := o.verify(); len(r.Strays) != 2 {
		t.Errorf("verify counts %v", r.Strays)
	}
	// What an entry names is no stray, however old, also while its segment is held.
	o.say("short", 1)
	o.rotate()
	o.aged()
	o.now = o.now.Add(48 * time.Hour)
	j = o.job()
	j.Held = func(_ context.Context, s *Segment) (string, error) {
		if s.ID != (segment.ID{}) {
			return "case 2", nil
		}
		return "", nil
	}
	if res, err := j.Run(ctx); err != nil || len(res.Strays) != 0 || !there(o.file.Class+"/"+o.file.Sum.String()) {
		t.Errorf("%+v, %v: %v", res, err, o.files("blob"))
	}
}

func TestStraysGoFromTheBucketToo(t *testing.T) {
	ctx := context.Background()
	o := open(t, t.TempDir())
	defer func() { _ = o.log.Close() }()
	v := newVault(t, o.now)
	lock := o.now.Add(72 * time.Hour)
	job := func() *Job {
		j := o.job()
		j.Bucket = v.Bucket
		j.Ship = func(ctx context.Context) error {
			return depot.Ship(ctx, j.Dir, v.Bucket, func(string, time.Time) time.Time { return lock }, o.now)
		}
		return j
	}
	o.say("always", 0)
	short := o.refused("short", "a")
	o.rotate()
	o.aged()
	o.must(job().Ship(ctx))
	if !slices.Contains(v.names(t, "blob/"), short) || !slices.Contains(v.names(t, "key/"), short) {
		t.Fatal("it is not copied")
	}
	o.now = o.now.Add(25 * time.Hour)
	v.s3.SetNow(o.now)
	if res, err := job().Run(ctx); err != nil || len(res.Strays) != 0 || len(res.Waiting) != 1 || slices.Contains(o.files("key"), short) || !slices.Contains(o.files("blob"), short) {
		t.Fatalf("under lock: %+v, %v", res, err)
	}
	o.now = o.now.Add(72 * time.Hour)
	v.s3.SetNow(o.now)
	if res, err := job().Run(ctx); err != nil || len(res.Strays) != 1 || len(o.files("blob")) != 0 || slices.Contains(v.names(t, "blob/"), short) || slices.Contains(v.names(t, "key/"), short) {
		t.Fatalf("afterwards: %+v, %v: %v", res, err, v.names(t, ""))
	}
}
