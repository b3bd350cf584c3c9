package media

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"conclave.chat/internal/fault"
	"conclave.chat/internal/media/picture"
	"conclave.chat/internal/store"
	"conclave.chat/internal/store/mediameta"
)

// ThumbnailQuery says which thumbnail of which file is wanted.
type ThumbnailQuery struct {
	Server   string
	ID       string
	Width    int
	Height   int
	Crop     bool
	Animated bool
	Wait     time.Duration
}

const (
	// maxAnimation is the largest moving picture that is handed out in place of a thumbnail that moves: bytes.
	maxAnimation = 4 << 20
	// makingMin is what one thumbnail counts for at least among those that are made at a time: a quarter of the memory, so that
	// small pictures do not take all processors.
	makingShare = 4
	// makingTime bounds the wait for memory and the making of one thumbnail.
	makingTime = time.Minute
)

var errNoPicture = fault.New(fault.BadRequest, "M_UNKNOWN", "This file is not a picture that thumbnails can be made of")

// Thumbnail gives a thumbnail at least as large as asked for, or the file itself where it is no larger. Sizes are rounded up to the
// configured ones, so that the number of thumbnails of a file is bounded.
//
// Spec: cs#thumbnails
func (s *Service) Thumbnail(ctx context.Context, q ThumbnailQuery) (*Content, error) {
	m, err := s.find(ctx, q.Server, q.ID, q.Wait)
	if err != nil {
		return nil, err
	}
	box, within := s.box(q)
	kind := boxKind(box)
	if within && !q.Animated {
		t, err := mediameta.GetThumbnail(ctx, s.db, m.ID, kind)
		if err != nil {
			return nil, err
		}
		if t != nil {
			return s.thumbnailContent(t), nil
		}
	}
	info, err := s.inspect(ctx, m)
	if err != nil {
		return nil, err
	}
	original := s.content(m)
	original.Type, original.Name = info.Type, ""
	if q.Animated || info.Type == "image/gif" {
		moves, err := s.moves(ctx, m, info)
		if err != nil {
			return nil, err
		}
		if moves && q.Animated && m.Size <= maxAnimation {
			return original, nil
		}
		info.Animated = moves
	}
	if !info.Animated && (!within || box.Covers(info)) {
		return original, nil
	}
	return s.makeOnce(ctx, m, info, box, kind)
}

func (s *Service) thumbnailContent(t *mediameta.Thumbnail) *Content {
	return &Content{Tag: t.Media + "-" + t.Kind, Type: t.Type, Size: t.Size, blob: t.Blob, from: s.vault}
}

// box rounds the size that is asked for. Fitting boxes have both sides rounded; the longer side of a cropping box is rounded, and
// the shorter one to eighths of that, which keeps the aspect. within is false for sizes beyond the largest.
func (s *Service) box(q ThumbnailQuery) (box picture.Box, within bool) {
	w, h := s.side(q.Width), s.side(q.Height)
	if w == 0 || h == 0 {
		most := s.cfg.Thumbnails.Sides[len(s.cfg.Thumbnails.Sides)-1]
		return picture.Box{Width: most, Height: most}, false
	}
	if !q.Crop {
		return picture.Box{Width: w, Height: h}, true
	}
	long := max(w, h)
	short := func(n int) int {
		eighths := (8*n + max(q.Width, q.Height) - 1) / max(q.Width, q.Height)
		return max(1, long*eighths/8)
	}
	return picture.Box{Width: short(q.Width), Height: short(q.Height), Crop: true}, true
}

// side is the smallest configured side that is not smaller, or 0.
func (s *Service) side(n int) int {
	i, _ := slices.BinarySearch(s.cfg.Thumbnails.Sides, n)
	if i == len(s.cfg.Thumbnails.Sides) {
		return 0
	}
	return s.cfg.Thumbnails.Sides[i]
}

func boxKind(b picture.Box) string {
	method := "scale"
	if b.Crop {
		method = "crop"
	}
	return fmt.Sprintf("%dx%d-%s", b.Width, b.Height, method)
}

// inspect reads a picture's header and refuses what could not be decoded within the memory there is.
func (s *Service) inspect(ctx context.Context, m *mediameta.Media) (picture.Info, error) {
	header, err := s.read(ctx, m, min(m.Size, picture.HeaderSize))
	if err != nil {
		return picture.Info{}, err
	}
	info, err := picture.Inspect(header)
	if err != nil {
		return info, errNoPicture.Because(err)
	}
	if s.cost(m, info) > s.cfg.Thumbnails.Memory {
		return info, fault.Oversize("This picture is too large to make thumbnails of")
	}
	return info, nil
}

// cost is the memory that making a thumbnail takes at the most: the file, its pixels, and what is fixed.
func (s *Service) cost(m *mediameta.Media, info picture.Info) int64 {
	const fixed = 8 << 20
	return m.Size + info.Memory + fixed
}

func (s *Service) read(ctx context.Context, m *mediameta.Media, n int64) ([]byte, error) {
	r, err := s.vault.open(ctx, m.Blob, m.Size, 0, n)
	if err != nil {
		return nil, err
	}
	data := make([]byte, n)
	_, err = io.ReadFull(r, data)
	return data, errors.Join(err, r.Close())
}

// moves reports whether a picture has more than one frame.
func (s *Service) moves(ctx context.Context, m *mediameta.Media, info picture.Info) (bool, error) {
	if info.Type != "image/gif" {
		return info.Animated, nil
	}
	release, err := s.reserve(ctx, m.Size)
	if err != nil {
		return false, err
	}
	defer release()
	data, err := s.read(ctx, m, m.Size)
	if err != nil {
		return false, err
	}
	return picture.Moves(info, data), nil
}

// reserve waits for memory.
func (s *Service) reserve(ctx context.Context, n int64) (release func(), err error) {
	n = max(n, s.cfg.Thumbnails.Memory/makingShare)
	if err := s.memory.Acquire(ctx, n); err != nil {
		return nil, err
	}
	return func() { s.memory.Release(n) }, nil
}

// makeOnce makes a thumbnail once for all who ask for it at the same time. The making goes on when one of them goes away.
func (s *Service) makeOnce(ctx context.Context, m *mediameta.Media, info picture.Info, box picture.Box, kind string) (*Content, error) {
	done := s.making.DoChan(m.ID+"/"+kind, func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), makingTime)
		defer cancel()
		return s.make(ctx, m, info, box, kind)
	})
	select {
	case r := <-done:
		if r.Err != nil {
			return nil, r.Err
		}
		t, _ := r.Val.(*mediameta.Thumbnail)
		return s.thumbnailContent(t), nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (s *Service) make(ctx context.Context, m *mediameta.Media, info picture.Info, box picture.Box, kind string) (*mediameta.Thumbnail, error) {
	release, err := s.reserve(ctx, s.cost(m, info))
	if err != nil {
		return nil, fault.New(fault.Unavailable, "M_UNKNOWN", "Too many thumbnails are being made; try again later").Because(err)
	}
	defer release()
	if t, err := mediameta.GetThumbnail(ctx, s.db, m.ID, kind); t != nil || err != nil { // made while we waited
		return t, err
	}
	data, err := s.read(ctx, m, m.Size)
	if err != nil {
		return nil, err
	}
	thumb, contentType, err := render(data, info, box)
	if err != nil {
		return nil, errNoPicture.Because(err)
	}
	t := &mediameta.Thumbnail{Media: m.ID, Kind: kind, Created: store.Millis(s.now()), Type: contentType, Size: int64(len(thumb))}
	mine := false
	err = s.keep(ctx, bytes.NewReader(thumb), t.Size, func(*store.Tx) error { return nil },
		func(tx *store.Tx, blob string, _ int64) (err error) {
			t.Blob = blob
			if mine, err = mediameta.PutThumbnail(ctx, tx, t); err == nil && !mine {
				err = errNoMedia // deleted meanwhile, or another node was faster
			}
			return err
		})
	if err == nil {
		s.metrics.thumbnails.Inc()
		return t, nil
	}
	if other, gerr := mediameta.GetThumbnail(ctx, s.db, m.ID, kind); gerr == nil && other != nil {
		return other, nil
	}
	return nil, err
}

// render makes the picture; a decoder that panics over a file is that file's fault.
func render(data []byte, info picture.Info, box picture.Box) (thumb []byte, contentType string, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("media: decoder panicked: %v", p)
		}
	}()
	if whole, err := picture.Inspect(data); err == nil {
		info = whole // metadata may stand at the end of the file
	}
	return picture.Render(data, info, box)
}
