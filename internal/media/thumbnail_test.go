package media

import (
	"bytes"
	"context"
	"image"
	_ "image/gif"
	_ "image/jpeg"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"conclave.chat/internal/fault"
	"conclave.chat/internal/store"
	"conclave.chat/internal/store/storetest"
)

func (f *fixture) thumb(id string, w, h int, crop bool) (*Content, image.Config) {
	f.t.Helper()
	c, err := f.Thumbnail(context.Background(), ThumbnailQuery{Server: "hs1", ID: id, Width: w, Height: h, Crop: crop})
	if err != nil {
		f.t.Fatal(err)
	}
	cfg, name, err := image.DecodeConfig(bytes.NewReader(f.readAll(c)))
	if err != nil || "image/"+name != c.Type {
		f.t.Fatalf("%s is no %s: %v", name, c.Type, err)
	}
	return c, cfg
}

// Spec: cs#thumbnails
func TestThumbnails(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		id := f.put(alice, picturePNG(t, 900, 600))
		for _, c := range []struct {
			w, h        int
			crop        bool
			wantW, want int
		}{
			{32, 32, true, 32, 32},
			{96, 96, true, 96, 96},
			{320, 240, false, 320, 213},
			{640, 480, false, 640, 427},
			{800, 600, false, 800, 533},
			{40, 40, true, 96, 96}, // rounded up
			{50, 25, true, 96, 48}, // the aspect is kept
			{1000, 1000, false, 900, 600},
			{5000, 5000, true, 900, 600},
		} {
			if _, got := f.thumb(id, c.w, c.h, c.crop); got.Width != c.wantW || got.Height != c.want {
				t.Errorf("%d×%d, crop %v: got %d×%d, want %d×%d", c.w, c.h, c.crop, got.Width, got.Height, c.wantW, c.want)
			}
		}
		puts := f.blobs.puts
		first, _ := f.thumb(id, 96, 96, true)
		again, _ := f.thumb(id, 90, 90, true)
		if f.blobs.puts != puts || first.Tag != again.Tag {
			t.Error("a thumbnail of the same size was made twice")
		}
		small := f.put(alice, picturePNG(t, 20, 20))
		if c, got := f.thumb(small, 32, 32, false); got.Width != 20 || c.Tag != small {
			t.Errorf("a small picture is not given as it is: %+v", got)
		}
		f.pass(90*24*time.Hour + time.Second)
		f.collect()
		f.holds(2)
		if _, got := f.thumb(id, 96, 96, true); got.Width != 96 {
			t.Errorf("after the collector: %+v", got)
		}
	})
}

func TestThumbnailsAreMadeOnce(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		id := f.put(alice, picturePNG(t, 500, 500))
		other := f.node(f.db)
		var wg sync.WaitGroup
		for i := range 16 {
			wg.Go(func() {
				s := f.Service
				if i%2 == 0 {
					s = other
				}
				if _, err := s.Thumbnail(context.Background(), ThumbnailQuery{Server: "hs1", ID: id, Width: 96, Height: 96}); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		f.holds(2)
	})
}

func TestWhatHasNoThumbnail(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		bomb := picturePNG(t, 10, 10)
		copy(bomb[16:], []byte{0, 0, 0x75, 0x30, 0, 0, 0x75, 0x30}) // 30,000 × 30,000; the checksum is not reached
		fixCRC(bomb)
		half := picturePNG(t, 400, 400)
		for name, c := range map[string]struct {
			data []byte
			kind fault.Kind
			code string
		}{
			"text": {[]byte("hello"), fault.BadRequest, "M_UNKNOWN"}, "nothing": {nil, fault.BadRequest, "M_UNKNOWN"},
			"encrypted": {noise(100_000), fault.BadRequest, "M_UNKNOWN"}, "half a picture": {half[:len(half)/2], fault.BadRequest, "M_UNKNOWN"},
			"svg": {[]byte("<svg/>"), fault.BadRequest, "M_UNKNOWN"}, "bomb": {bomb, fault.TooLarge, "M_TOO_LARGE"},
		} {
			id := f.put(alice, c.data)
			_, err := f.Thumbnail(context.Background(), ThumbnailQuery{Server: "hs1", ID: id, Width: 96, Height: 96})
			if fa := fault.Of(err); fa == nil || fa.Kind != c.kind || fa.Code != c.code {
				t.Errorf("%s: %v", name, err)
			}
		}
		f.holds(5) // the empty file has no blob
	})
}

// Spec: cs#get_matrixclientv1mediathumbnailservernamemediaid
func TestAnimatedThumbnails(t *testing.T) {
	ctx := context.Background()
	f := newFixture(t, storetest.SQLite(t, store.Options{}), fakeS3(t))
	for _, name := range []string{"anim.gif", "animalpha.webp"} {
		data, err := os.ReadFile(filepath.Join("picture", "testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		id := f.put(alice, data)
		for _, size := range []int{32, 96, 5000} {
			still, err := f.Thumbnail(ctx, ThumbnailQuery{Server: "hs1", ID: id, Width: size, Height: size})
			if err != nil {
				t.Fatal(err)
			}
			if still.Type != "image/png" && still.Type != "image/jpeg" {
				t.Errorf("%s at %d: a still thumbnail is %s", name, size, still.Type)
			}
			moving, err := f.Thumbnail(ctx, ThumbnailQuery{Server: "hs1", ID: id, Width: size, Height: size, Animated: true})
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(f.readAll(moving), data) || moving.Type != "image/"+filepath.Ext(name)[1:] {
				t.Errorf("%s at %d: a moving thumbnail is %s", name, size, moving.Type)
			}
		}
	}
	id := f.put(alice, picturePNG(t, 200, 200))
	c, err := f.Thumbnail(ctx, ThumbnailQuery{Server: "hs1", ID: id, Width: 32, Height: 32, Animated: true})
	if err != nil || c.Tag == id {
		t.Errorf("what cannot move must be served as a thumbnail all the same: %+v %v", c, err)
	}
}

// The number of different thumbnails is bounded, and none is smaller than asked for.
func TestSizesAreRounded(t *testing.T) {
	f := newFixture(t, storetest.SQLite(t, store.Options{}), fakeS3(t))
	seen := map[string]bool{}
	rapid.Check(t, func(t *rapid.T) {
		q := ThumbnailQuery{
			Width: rapid.IntRange(1, 2000).Draw(t, "w"), Height: rapid.IntRange(1, 2000).Draw(t, "h"), Crop: rapid.Bool().Draw(t, "crop"),
		}
		box, within := f.box(q)
		if within != (q.Width <= 1600 && q.Height <= 1600) {
			t.Fatalf("%+v within %v", q, within)
		}
		if within && (box.Width < q.Width || box.Height < q.Height) {
			t.Fatalf("%+v gives %+v", q, box)
		}
		if within && q.Crop {
			want, got := float64(q.Width)/float64(q.Height), float64(box.Width)/float64(box.Height)
			if want < 1 {
				want, got = 1/want, 1/got
			}
			if got > want*1.01+0.01 || 1/got > 1/want+0.14 {
				t.Fatalf("%+v: aspect %f became %f", q, want, got)
			}
		}
		seen[boxKind(box)] = true
	})
	if len(seen) > 36+6*15+1 {
		t.Errorf("%d kinds", len(seen))
	}
}
