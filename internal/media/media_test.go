package media

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"conclave.chat/internal/blob"
	"conclave.chat/internal/fault"
	"conclave.chat/internal/store"
	"conclave.chat/internal/store/mediameta"
	"conclave.chat/internal/store/storetest"
)

func TestContentComesBackInAnyRange(t *testing.T) {
	ctx := context.Background()
	each(t, func(t *testing.T, f *fixture) {
		for _, size := range []int{0, 1, 1000, packageSize - 1, packageSize, packageSize + 1, 3*packageSize + 77} {
			data := noise(size)
			for _, announced := range []int64{int64(size), -1} {
				id, err := f.Upload(ctx, Upload{User: alice, Type: "image/png", Name: "näme", Size: announced, Body: bytes.NewReader(data)})
				if err != nil {
					t.Fatal(err)
				}
				c, err := f.Download(ctx, "hs1", id, 0)
				if err != nil {
					t.Fatal(err)
				}
				if c.Size != int64(size) || c.Type != "image/png" || c.Name != "näme" || c.Tag == "" {
					t.Errorf("%+v", c)
				}
				if got := f.readAll(c); !bytes.Equal(got, data) {
					t.Errorf("%d bytes came back different", size)
				}
			}
			c, _ := f.Download(ctx, "hs1", f.put(alice, data), 0)
			rapid.Check(t, func(t *rapid.T) {
				from := rapid.IntRange(0, size).Draw(t, "from")
				n := rapid.IntRange(0, size-from).Draw(t, "n")
				r, err := c.Open(ctx, int64(from), int64(n))
				if err != nil {
					t.Fatal(err)
				}
				defer r.Close()
				if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, data[from:from+n]) {
					t.Fatalf("%d+%d of %d: %v", from, n, size, err)
				}
			})
		}
	})
}

// What is on the disk tells nothing, and what was done to it there is noticed.
func TestBytesAtRest(t *testing.T) {
	ctx := context.Background()
	dir := filepath.Join(t.TempDir(), "media")
	s, err := blob.New(blob.Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	f := newFixture(t, storetest.SQLite(t, store.Options{}), s)
	secret := bytes.Repeat([]byte("a secret sentence. "), 20_000) // several packages
	id := f.put(alice, secret)
	path := filesIn(t, dir)[0]
	sealed, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(sealed, []byte("secret")) || bytes.Contains([]byte(path), []byte(id)) {
		t.Error("the file, or its id, can be read on the disk")
	}
	other := f.put(alice, secret)
	var otherPath string
	for _, p := range filesIn(t, dir) {
		if p != path {
			otherPath = p
		}
	}
	if b, _ := os.ReadFile(otherPath); bytes.Equal(b[:100], sealed[:100]) {
		t.Error("equal content looks equal on the disk")
	}
	for name, damage := range map[string]func([]byte) []byte{
		"cut after a package": func(b []byte) []byte { return b[:2*sealedSize] },
		"cut":                 func(b []byte) []byte { return b[:len(b)-1] },
		"one bit":             func(b []byte) []byte { b[len(b)/2] ^= 1; return b },
		"packages swapped": func(b []byte) []byte {
			return bytes.Join([][]byte{b[sealedSize : 2*sealedSize], b[:sealedSize], b[2*sealedSize:]}, nil)
		},
		"another file": func([]byte) []byte { b, _ := os.ReadFile(otherPath); return b },
		"gone":         nil,
	} {
		if damage == nil {
			_ = os.Remove(path)
		} else if err := os.WriteFile(path, damage(bytes.Clone(sealed)), 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := f.Download(ctx, "hs1", id, 0)
		if err != nil {
			t.Fatal(err)
		}
		r, err := c.Open(ctx, 0, c.Size)
		if err == nil {
			_, err = io.ReadAll(r)
		}
		if err == nil || fault.Of(err) != nil {
			t.Errorf("%s: %v, want an internal error", name, err)
		}
		if err := os.WriteFile(path, sealed, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(f.get(id), secret) || !bytes.Equal(f.get(other), secret) {
		t.Error("the undamaged files do not come back")
	}
}

func TestUploadsThatBreakOffLeaveNothing(t *testing.T) {
	ctx := context.Background()
	each(t, func(t *testing.T, f *fixture) {
		for _, cause := range []error{errGone, io.ErrUnexpectedEOF} { // the second is what net/http says of a client that went away
			for _, n := range []int{0, 1, 100, packageSize, 3*packageSize + 5} {
				for _, size := range []int64{-1, int64(n) + 1, 10 * packageSize} {
					_, err := f.Upload(ctx, Upload{User: alice, Size: size, Body: &broken{n, cause}})
					if !errors.Is(err, cause) {
						t.Errorf("%d of %d bytes: %v", n, size, err)
					}
				}
				if _, err := f.Upload(ctx, Upload{User: alice, Size: int64(n) + 1, Body: &broken{n, io.EOF}}); err == nil {
					t.Errorf("%d bytes announced as %d were accepted", n, n+1)
				}
			}
		}
		f.holds(0)
		if files, used, err := mediameta.Usage(ctx, f.db, alice); files != 0 || used != 0 || err != nil {
			t.Errorf("usage %d %d %v", files, used, err)
		}
	})
}

// A process that dies while it writes runs no clean-up: the collector finds the note that was made before.
func TestCollectorFindsWhatACrashLeft(t *testing.T) {
	ctx := context.Background()
	each(t, func(t *testing.T, f *fixture) {
		f.blobs.failDelete = errors.New("the process is dead")
		if _, err := f.Upload(ctx, Upload{User: alice, Size: -1, Body: &broken{100, errGone}}); !errors.Is(err, errGone) {
			t.Fatal(err)
		}
		err := f.db.Write(func(tx *store.Tx) error { return mediameta.Begin(tx, "crashed0", store.Millis(f.now())) })
		if err != nil {
			t.Fatal(err)
		}
		if err := f.blobs.Put(ctx, "crashed0", bytes.NewReader(noise(100)), 100); err != nil {
			t.Fatal(err)
		}
		if err := f.Collect(ctx, f.now()); err == nil {
			t.Error("blobs that cannot be deleted are no error")
		}
		f.blobs.failDelete = nil
		f.collect() // the broken one was doomed at once; the crashed one may still be under way
		if n := f.strays(); n != 1 {
			t.Errorf("%d strays, want the one that may be under way", n)
		}
		f.pass(uploadGrace + time.Second)
		f.collect()
		f.holds(0)
	})
}

// An upload so slow that the collector gave it up must not become a file without bytes.
func TestUploadThatWasCollectedFails(t *testing.T) {
	ctx := context.Background()
	each(t, func(t *testing.T, f *fixture) {
		slow := io.MultiReader(bytes.NewReader(noise(100)), readerFunc(func([]byte) (int, error) {
			f.pass(uploadGrace + time.Second)
			f.collect()
			return 0, io.EOF
		}))
		if _, err := f.Upload(ctx, Upload{User: alice, Size: -1, Body: slow}); err == nil {
			t.Error("the upload was acknowledged")
		}
		f.collect()
		if n := f.strays(); n != 0 {
			t.Errorf("%d blobs belong to nobody", n)
		}
	})
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// Spec: cs#content-repo-security-considerations
func TestLimits(t *testing.T) {
	ctx := context.Background()
	each(t, func(t *testing.T, f *fixture) {
		up := func(n int, size int64) error {
			_, err := f.Upload(ctx, Upload{User: alice, Size: size, Body: bytes.NewReader(noise(n))})
			return err
		}
		wantCode(t, up(1001, 1001), fault.TooLarge, "M_TOO_LARGE")
		wantCode(t, up(1001, -1), fault.TooLarge, "M_TOO_LARGE")
		for range 2 {
			if err := up(1000, 1000); err != nil {
				t.Fatal(err)
			}
		}
		wantCode(t, up(501, 501), fault.Forbidden, "M_FORBIDDEN") // 2,500 bytes are what a user has
		wantCode(t, up(501, -1), fault.Forbidden, "M_FORBIDDEN")
		if err := up(500, -1); err != nil {
			t.Errorf("exactly the quota: %v", err)
		}
		f.put(bob, noise(10))
		f.put(bob, noise(10))
		f.put(bob, noise(10))
		_, err := f.Upload(ctx, Upload{User: bob, Size: 1, Body: bytes.NewReader(noise(1))})
		wantCode(t, err, fault.Forbidden, "M_FORBIDDEN") // 3 files are what a user has
		f.holds(6)
		_, err = f.Upload(ctx, Upload{User: "@c:hs1", Name: string(bytes.Repeat([]byte("n"), maxName+1)), Body: bytes.NewReader(nil)})
		wantCode(t, err, fault.BadRequest, "M_INVALID_PARAM")
		for _, name := range []string{"a\x00b", "\xff"} {
			_, err = f.Upload(ctx, Upload{User: "@c:hs1", Name: name, Body: bytes.NewReader(nil)})
			wantCode(t, err, fault.BadRequest, "M_INVALID_PARAM")
		}
	}, func(c *Config) { c.MaxUpload, c.QuotaBytes, c.QuotaFiles = 1000, 2500, 3 })
}

// The quota holds when uploads run side by side: it is checked again in the transaction that makes the file.
func TestQuotaHoldsForUploadsSideBySide(t *testing.T) {
	ctx := context.Background()
	each(t, func(t *testing.T, f *fixture) {
		var wg sync.WaitGroup
		for range 10 {
			wg.Go(func() {
				_, err := f.Upload(ctx, Upload{User: alice, Size: 100, Body: bytes.NewReader(noise(100))})
				if err != nil && !fault.Is(err, "M_FORBIDDEN") {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if files, used, err := mediameta.Usage(ctx, f.db, alice); files != 3 || used != 300 || err != nil {
			t.Errorf("%d files of %d bytes, want 3 of 300: %v", files, used, err)
		}
		f.holds(3)
	}, func(c *Config) { c.QuotaBytes = 350 })
}

// Spec: cs#put_matrixmediav3uploadservernamemediaid
func TestAnnouncedUploads(t *testing.T) {
	ctx := context.Background()
	each(t, func(t *testing.T, f *fixture) {
		a, err := f.Create(ctx, alice)
		if err != nil {
			t.Fatal(err)
		}
		if want := store.Millis(f.now().Add(24 * time.Hour)); a.Expires != want {
			t.Errorf("expires at %d, want %d", a.Expires, want)
		}
		_, err = f.Download(ctx, "hs1", a.ID, 0)
		wantCode(t, err, fault.GatewayTimeout, "M_NOT_YET_UPLOADED")
		put := func(server, id string) error {
			_, err := f.Upload(ctx, Upload{User: alice, Server: server, ID: id, Type: "text/plain", Size: 5, Body: bytes.NewReader([]byte("hello"))})
			return err
		}
		_, err = f.Upload(ctx, Upload{User: bob, Server: "hs1", ID: a.ID, Body: bytes.NewReader(nil)})
		wantCode(t, err, fault.Forbidden, "M_FORBIDDEN")
		for _, bad := range [][2]string{{"hs2", a.ID}, {"hs1", "unknown"}, {"hs1", "../x"}} {
			wantCode(t, put(bad[0], bad[1]), fault.NotFound, "M_NOT_FOUND")
		}
		if err := put("hs1", a.ID); err != nil {
			t.Fatal(err)
		}
		if got := f.get(a.ID); string(got) != "hello" {
			t.Errorf("got %q", got)
		}
		wantCode(t, put("hs1", a.ID), fault.Conflict, "M_CANNOT_OVERWRITE_MEDIA")
		wantCode(t, put("hs1", f.put(alice, []byte("x"))), fault.Conflict, "M_CANNOT_OVERWRITE_MEDIA")
		f.pass(48 * time.Hour)
		f.collect()
		if got := f.get(a.ID); string(got) != "hello" {
			t.Errorf("after the time for the upload: %q", got)
		}
		f.holds(2)
	})
}

// Spec: cs#post_matrixmediav1create
func TestAnnouncedUploadsAreLimitedAndExpire(t *testing.T) {
	ctx := context.Background()
	each(t, func(t *testing.T, f *fixture) {
		var ids []string
		for range 3 {
			a, err := f.Create(ctx, alice)
			if err != nil {
				t.Fatal(err)
			}
			ids = append(ids, a.ID)
		}
		_, err := f.Create(ctx, alice)
		wantCode(t, err, fault.Limited, "M_LIMIT_EXCEEDED")
		if ms := fault.Of(err).Body["retry_after_ms"]; ms != int64(time.Hour/time.Millisecond) {
			t.Errorf("retry after %v", ms)
		}
		if _, err := f.Create(ctx, bob); err != nil {
			t.Errorf("another user: %v", err)
		}
		if _, err := f.Upload(ctx, Upload{User: alice, Server: "hs1", ID: ids[0], Body: bytes.NewReader(nil)}); err != nil {
			t.Fatal(err)
		}
		if _, err := f.Create(ctx, alice); err != nil {
			t.Errorf("after one was finished: %v", err)
		}
		f.pass(time.Hour)
		_, err = f.Upload(ctx, Upload{User: alice, Server: "hs1", ID: ids[1], Body: bytes.NewReader(nil)})
		wantCode(t, err, fault.NotFound, "M_NOT_FOUND")
		_, err = f.Download(ctx, "hs1", ids[1], 0)
		wantCode(t, err, fault.NotFound, "M_NOT_FOUND")
		f.collect()
		var n int
		if err := f.db.QueryRow(ctx, "SELECT count(*) FROM media").Scan(&n); err != nil || n != 1 {
			t.Errorf("%d rows are left, want the one with content: %v", n, err)
		}
	}, func(c *Config) { c.PendingUploads, c.PendingLifetime = 3, time.Hour })
}

func TestDownloadWaitsForContent(t *testing.T) {
	ctx := context.Background()
	each(t, func(t *testing.T, f *fixture) {
		for name, from := range map[string]*Service{"this node": f.Service, "another node": f.node(f.db)} {
			a, err := f.Create(ctx, alice)
			if err != nil {
				t.Fatal(err)
			}
			got := make(chan error, 1)
			go func() {
				c, err := from.Download(ctx, "hs1", a.ID, 2*time.Minute)
				if err == nil && c.Size != 5 {
					err = errors.New("wrong size")
				}
				got <- err
			}()
			time.Sleep(50 * time.Millisecond)
			if _, err := f.Upload(ctx, Upload{User: alice, Server: "hs1", ID: a.ID, Size: 5, Body: bytes.NewReader([]byte("hello"))}); err != nil {
				t.Fatal(err)
			}
			if err := <-got; err != nil {
				t.Errorf("%s: %v", name, err)
			}
			if n := len(from.arrivals.waiting); n != 0 {
				t.Errorf("%s: %d waiters are remembered", name, n)
			}
		}
		a, err := f.Create(ctx, alice)
		if err != nil {
			t.Fatal(err)
		}
		gone, cancel := context.WithTimeout(ctx, 20*time.Millisecond)
		defer cancel()
		if _, err := f.Download(gone, "hs1", a.ID, time.Minute); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a client that went away: %v", err)
		}
	})
}

// remove does what those do who decide that a file goes.
func (f *fixture) remove(ctx context.Context, id string) error {
	err := f.db.Write(func(tx *store.Tx) error {
		_, err := mediameta.Delete(ctx, tx, id)
		return err
	})
	return errors.Join(err, f.DeleteDoomed(ctx))
}

func TestDelete(t *testing.T) {
	ctx := context.Background()
	each(t, func(t *testing.T, f *fixture) {
		id, keep := f.put(alice, picturePNG(t, 300, 200)), f.put(alice, []byte("keep"))
		if _, err := f.Thumbnail(ctx, ThumbnailQuery{Server: "hs1", ID: id, Width: 32, Height: 32}); err != nil {
			t.Fatal(err)
		}
		f.holds(3)
		for range 2 {
			if err := f.remove(ctx, id); err != nil {
				t.Fatal(err)
			}
		}
		f.holds(1)
		_, err := f.Download(ctx, "hs1", id, 0)
		wantCode(t, err, fault.NotFound, "M_NOT_FOUND")
		if files, used, _ := mediameta.Usage(ctx, f.db, alice); files != 1 || used != 4 {
			t.Errorf("usage %d %d", files, used)
		}
		if string(f.get(keep)) != "keep" {
			t.Error("another file went too")
		}
	})
}

// Spec: cs#content-repo-security-considerations
// Spec: cs#matrix-content-mxc-uris
func TestIdsOfOthersAndNonsense(t *testing.T) {
	ctx := context.Background()
	f := newFixture(t, storetest.SQLite(t, store.Options{}), fakeS3(t))
	id := f.put(alice, []byte("x"))
	for _, c := range [][2]string{
		{"hs2", id},
		{"HS1", id},
		{"", id},
		{"hs1", ""},
		{"hs1", id + "/"},
		{"hs1", "../../etc/passwd"},
		{"hs1", "a\x00b"},
		{"hs1", "ä"},
		{"127.0.0.1", "../../../some_service/etc/passwd"},
		{"hs1", string(bytes.Repeat([]byte("a"), 1000))},
		{"hs1", "unknown"},
	} {
		_, err := f.Download(ctx, c[0], c[1], time.Minute)
		wantCode(t, err, fault.NotFound, "M_NOT_FOUND")
		_, err = f.Thumbnail(ctx, ThumbnailQuery{Server: c[0], ID: c[1], Width: 32, Height: 32})
		wantCode(t, err, fault.NotFound, "M_NOT_FOUND")
	}
}

func TestConfigurationIsChecked(t *testing.T) {
	for name, change := range map[string]func(*Config){
		"no upload": func(c *Config) { c.MaxUpload = 0 }, "no sides": func(c *Config) { c.Thumbnails.Sides = nil },
		"unsorted": func(c *Config) { c.Thumbnails.Sides = []int{96, 32} }, "huge side": func(c *Config) { c.Thumbnails.Sides = []int{100_000} },
		"no memory": func(c *Config) { c.Thumbnails.Memory = 1 }, "pending": func(c *Config) { c.PendingUploads = 0 },
		"previews": func(c *Config) { c.URLPreviews.Enabled, c.URLPreviews.Timeout = true, 0 },
		"blocked":  func(c *Config) { c.URLPreviews.Blocked = []string{"https://example.org/"} },
		"wait":     func(c *Config) { c.MaxWait = -1 },
	} {
		c := DefaultConfig()
		if err := c.Check(); err != nil {
			t.Fatal(err)
		}
		change(&c)
		if c.Check() == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

// noiseStream gives n bytes without holding them.
type noiseStream struct{ n int64 }

func (s *noiseStream) Read(p []byte) (int, error) {
	if s.n == 0 {
		return 0, io.EOF
	}
	n := int(min(int64(len(p)), s.n))
	for i := range p[:n] {
		p[i] = byte(i * 31)
	}
	s.n -= int64(n)
	return n, nil
}

// Memory does not grow with the file: 256 MiB go in and out while the heap is watched.
func TestLargeFilesStream(t *testing.T) {
	const size, limit = 256 << 20, 32 << 20
	ctx := context.Background()
	s, err := blob.New(blob.Config{Dir: filepath.Join(t.TempDir(), "media")})
	if err != nil {
		t.Fatal(err)
	}
	f := newFixture(t, storetest.SQLite(t, store.Options{}), s)
	runtime.GC()
	var before, during runtime.MemStats
	runtime.ReadMemStats(&before)
	stop, peak := make(chan struct{}), make(chan uint64)
	go func() {
		var most uint64
		for {
			select {
			case <-stop:
				peak <- most
				return
			case <-time.After(20 * time.Millisecond):
				runtime.ReadMemStats(&during)
				most = max(most, during.HeapInuse)
			}
		}
	}()
	id, err := f.Upload(ctx, Upload{User: alice, Size: -1, Body: &noiseStream{size}})
	if err != nil {
		t.Fatal(err)
	}
	c, err := f.Download(ctx, "hs1", id, 0)
	if err != nil {
		t.Fatal(err)
	}
	r, err := c.Open(ctx, 0, c.Size)
	if err != nil {
		t.Fatal(err)
	}
	n, err := io.Copy(io.Discard, r)
	if err != nil || n != size {
		t.Fatalf("%d bytes came back: %v", n, err)
	}
	close(stop)
	if most := <-peak; most > before.HeapInuse+limit {
		t.Errorf("the heap grew by %d MiB", (most-before.HeapInuse)>>20)
	}
}

func TestWaitingDownloadsEndWhenTheServerStops(t *testing.T) {
	f := newFixture(t, storetest.SQLite(t, store.Options{}), fakeS3(t))
	stopping := make(chan struct{})
	f.stopping = stopping
	a, err := f.Create(context.Background(), alice)
	if err != nil {
		t.Fatal(err)
	}
	time.AfterFunc(50*time.Millisecond, func() { close(stopping) })
	_, err = f.Download(context.Background(), "hs1", a.ID, 24*time.Hour)
	wantCode(t, err, fault.GatewayTimeout, "M_NOT_YET_UPLOADED")
}
