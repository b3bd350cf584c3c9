package media

import (
	"bytes"
	"context"
	"errors"
	"image"
	"image/color"
	"image/png"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"

	"conclave.chat/internal/blob"
	"conclave.chat/internal/fault"
	"conclave.chat/internal/mx"
	"conclave.chat/internal/store"
	"conclave.chat/internal/store/storetest"
)

const (
	alice = mx.UserID("@alice:hs1")
	bob   = mx.UserID("@bob:hs1")
)

// fixture is a service over real stores.
type fixture struct {
	t *testing.T
	*Service
	blobs *watched
	clock time.Time
	mu    sync.Mutex
}

// watched is a blob store that knows what it holds and fails when told to.
type watched struct {
	blob.Store
	mu         sync.Mutex
	held       map[string]bool
	puts       int
	failDelete error
}

func (w *watched) Put(ctx context.Context, name string, r io.Reader, size int64) error {
	err := w.Store.Put(ctx, name, r, size)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.puts++
	if err == nil {
		w.held[name] = true
	}
	return err
}

func (w *watched) Delete(ctx context.Context, name string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.failDelete != nil {
		return w.failDelete
	}
	delete(w.held, name)
	return w.Store.Delete(ctx, name)
}

func (w *watched) count() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.held)
}

func newFixture(t *testing.T, db *store.DB, blobs blob.Store, change ...func(*Config)) *fixture {
	t.Helper()
	f := &fixture{t: t, blobs: &watched{Store: blobs, held: map[string]bool{}}, clock: time.UnixMilli(1_700_000_000_000)}
	f.Service = f.node(db, change...)
	return f
}

// node makes a service on the fixture's stores, as another node of a cluster would be.
func (f *fixture) node(db *store.DB, change ...func(*Config)) *Service {
	f.t.Helper()
	cfg := DefaultConfig()
	for _, c := range change {
		c(&cfg)
	}
	s, err := New(Deps{
		DB: db, Blobs: f.blobs, Key: bytes.Repeat([]byte{9}, 32), Server: "hs1", Config: cfg,
		Log: slog.New(slog.NewTextHandler(f.t.Output(), nil)), Now: f.now,
	})
	if err != nil {
		f.t.Fatal(err)
	}
	return s
}

func (f *fixture) now() time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.clock
}

func (f *fixture) pass(d time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.clock = f.clock.Add(d)
}

func (f *fixture) collect() {
	f.t.Helper()
	if err := f.Collect(context.Background(), f.now()); err != nil {
		f.t.Fatal(err)
	}
}

// each runs a test on SQLite with files and on PostgreSQL with S3.
func each(t *testing.T, run func(*testing.T, *fixture), change ...func(*Config)) {
	t.Helper()
	t.Run("sqlite, files", func(t *testing.T) {
		s, err := blob.New(blob.Config{Dir: filepath.Join(t.TempDir(), "media")})
		if err != nil {
			t.Fatal(err)
		}
		run(t, newFixture(t, storetest.SQLite(t, store.Options{}), s, change...))
	})
	t.Run("postgres, s3", func(t *testing.T) {
		run(t, newFixture(t, storetest.Postgres(t, store.Options{}), fakeS3(t), change...))
	})
}

func fakeS3(t *testing.T) blob.Store {
	t.Helper()
	backend := s3mem.New()
	srv := httptest.NewServer(gofakes3.New(backend).Server())
	t.Cleanup(srv.Close)
	if err := backend.CreateBucket("media"); err != nil {
		t.Fatal(err)
	}
	s, err := blob.New(blob.Config{S3: blob.S3{
		Endpoint: strings.TrimPrefix(srv.URL, "http://"), Bucket: "media", Region: "us-east-1", AccessKey: "key", SecretKey: "secret",
		PlainHTTP: true, PathStyle: true,
	}})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func noise(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{byte(n), byte(n >> 8)}).Read(b)
	return b
}

func (f *fixture) put(user mx.UserID, data []byte) string {
	f.t.Helper()
	id, err := f.Upload(context.Background(), Upload{User: user, Type: "text/plain", Name: "a.txt", Size: int64(len(data)), Body: bytes.NewReader(data)})
	if err != nil {
		f.t.Fatal(err)
	}
	return id
}

func (f *fixture) get(id string) []byte {
	f.t.Helper()
	c, err := f.Download(context.Background(), "hs1", id, 0)
	if err != nil {
		f.t.Fatal(err)
	}
	return f.readAll(c)
}

func (f *fixture) readAll(c *Content) []byte {
	f.t.Helper()
	r, err := c.Open(context.Background(), 0, c.Size)
	if err != nil {
		f.t.Fatal(err)
	}
	defer r.Close()
	data, err := io.ReadAll(r)
	if err != nil {
		f.t.Fatal(err)
	}
	return data
}

// strays counts the blobs that no row owns.
func (f *fixture) strays() (n int) {
	f.t.Helper()
	if err := f.db.QueryRow(context.Background(), "SELECT count(*) FROM media_stray").Scan(&n); err != nil {
		f.t.Fatal(err)
	}
	return n
}

// nothingLeft checks that neither store holds more than so many blobs, and no unfinished ones.
func (f *fixture) holds(blobs int) {
	f.t.Helper()
	if n := f.blobs.count(); n != blobs {
		f.t.Errorf("the store holds %d blobs, want %d", n, blobs)
	}
	if n := f.strays(); n != 0 {
		f.t.Errorf("%d blobs belong to nobody", n)
	}
}

func wantCode(t *testing.T, err error, kind fault.Kind, code string) {
	t.Helper()
	f := fault.Of(err)
	if f == nil || f.Kind != kind || f.Code != code {
		t.Helper()
		t.Errorf("got %v, want %s (%d)", err, code, kind.Status())
	}
}

func picturePNG(t testing.TB, w, h int) []byte {
	t.Helper()
	m := image.NewNRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			m.SetNRGBA(x, y, color.NRGBA{uint8(x), uint8(y), uint8(x * y), 255})
		}
	}
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func filesIn(t *testing.T, dir string) (paths []string) {
	t.Helper()
	err := filepath.Walk(dir, func(p string, info os.FileInfo, err error) error {
		if err == nil && !info.IsDir() {
			paths = append(paths, p)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return paths
}

var errGone = errors.New("the client is gone")

// broken gives some bytes and then an error.
type broken struct {
	n   int
	err error
}

func (b *broken) Read(p []byte) (int, error) {
	if b.n == 0 {
		return 0, b.err
	}
	n := min(len(p), b.n)
	b.n -= n
	return n, nil
}
