package depot

import (
	"bytes"
	"context"
	"errors"
	"io"
	"iter"
)

// Frozen is an archive as it was at one checkpoint, while it is being written on: what the writer replaces is held in memory.
type Frozen struct {
	Reader
	held map[string][]byte
}

// Freeze reads the checkpoint, and the files that the next one replaces: partial tells which those are.
func Freeze(ctx context.Context, d Reader, partial func(checkpoint []byte) ([]string, error)) (Frozen, error) {
	for range maxTries {
		f := Frozen{d, map[string][]byte{}}
		checkpoint, err := ReadFile(ctx, d, Checkpoint, MaxFile)
		if err != nil {
			return f, err
		}
		f.held[Checkpoint] = checkpoint
		names, err := partial(checkpoint)
		if err != nil {
			return f, err
		}
		for _, name := range names {
			data, err := ReadFile(ctx, d, name, MaxFile)
			if err != nil && !errors.Is(err, ErrNotFound) {
				return f, err
			}
			if err == nil {
				f.held[name] = data
			}
		}
		again, err := ReadFile(ctx, d, Checkpoint, MaxFile)
		if err != nil {
			return f, err
		}
		// The witness's signature is added later; the log's first lines decide.
		if first(checkpoint) == first(again) {
			return f, nil
		}
	}
	return Frozen{}, errors.New("depot: the archive changes faster than it can be read")
}

// first is a checkpoint's text without its signatures.
func first(checkpoint []byte) string {
	text, _, _ := bytes.Cut(checkpoint, []byte("\n\n"))
	return string(text)
}

// Open gives what was held, or reads.
func (f Frozen) Open(ctx context.Context, name string) (io.ReadCloser, error) {
	if data, ok := f.held[name]; ok {
		return io.NopCloser(bytes.NewReader(data)), nil
	}
	return f.Reader.Open(ctx, name)
}

// List lists what is there now.
func (f Frozen) List(ctx context.Context, prefix string) iter.Seq2[string, error] {
	return f.Reader.List(ctx, prefix)
}
