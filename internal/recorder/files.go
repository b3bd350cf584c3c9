//go:build goolm

package recorder

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"sync"
	"time"

	"github.com/go-json-experiment/json"
	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/id"

	"conclave.chat/internal/archive"
	"conclave.chat/internal/archive/record"
	"conclave.chat/internal/recorder/named"
)

// file is an attachment that is sealed, and in the log once its draft was appended.
type file struct {
	done chan struct{} // closed at the end; before it nothing below is set
	err  error
	blob archive.Blob
	sum  string
	size int64
	made time.Time
}

// files seals attachments, one that is named again soon only once for each retention class.
type files struct {
	client *mautrix.Client
	log    *archive.Log
	most   int64

	mu    sync.Mutex
	known map[string]*file // by class, address and key
}

const (
	maxFiles = 4096
	// fileFor is how long a sealed file is named again. It is far shorter than any term: what is named by a new record is never one that is about to end.
	fileFor = 10 * time.Minute
	// fetchFor is how long a file may take to come and to be sealed.
	fetchFor = 15 * time.Minute
)

// seal fetches a file, decrypts and verifies it, and seals it, all as a stream. That goes on when the caller no longer waits: who asks again
// finds it done, or further on.
func (fs *files) seal(ctx context.Context, a named.File, class string) (*file, error) {
	key := class + " " + a.Key()
	fs.mu.Lock()
	f := fs.known[key]
	if f == nil || f.ended() && (f.err != nil || time.Since(f.made) > fileFor) {
		if len(fs.known) >= maxFiles {
			fs.prune()
		}
		f = &file{done: make(chan struct{})}
		fs.known[key] = f
		go func() {
			ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), fetchFor)
			defer cancel()
			f.err = fs.fetch(ctx, a, class, f)
			f.made = time.Now()
			close(f.done)
		}()
	}
	fs.mu.Unlock()
	select {
	case <-f.done:
		return f, f.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (f *file) ended() bool {
	select {
	case <-f.done:
		return true
	default:
		return false
	}
}

// prune forgets files that nobody waits for.
func (fs *files) prune() {
	maps.DeleteFunc(fs.known, func(_ string, f *file) bool { return f.ended() })
}

func (fs *files) fetch(ctx context.Context, a named.File, class string, f *file) error {
	uri, err := id.ParseContentURI(a.URL)
	if err != nil || uri.IsEmpty() {
		return refuse("This room is recorded, and the message names a file that is none")
	}
	res, err := fs.client.Download(ctx, uri)
	var said mautrix.HTTPError
	switch {
	case errors.As(err, &said) && refused(said):
		return refuse("This room is recorded, and the recorder cannot get the file that the message names")
	case err != nil:
		return fmt.Errorf("recorder: a file: %w", err)
	}
	defer res.Body.Close()
	sum := sha256.New()
	counted := &counter{r: io.LimitReader(res.Body, fs.most+1)}
	var plain io.Reader = counted
	var check io.Closer
	if a.Sealed != nil {
		stream := a.Sealed.DecryptStream(io.NopCloser(counted))
		plain, check = stream, stream
	}
	b, err := fs.log.PutBlob(ctx, class, io.TeeReader(plain, sum))
	if err != nil {
		return err
	}
	if counted.n > fs.most {
		return refuse("This room is recorded, and the file is larger than %d bytes", fs.most)
	}
	if check != nil {
		if err := check.Close(); err != nil {
			return refuse("This room is recorded, and the file is not the one that the message names")
		}
	}
	f.blob, f.sum, f.size = b, hex.EncodeToString(sum.Sum(nil)), counted.n
	return nil
}

// refused reports whether the homeserver has said that there is no such file. Anything else may pass.
func refused(said mautrix.HTTPError) bool {
	if said.Response == nil {
		return false
	}
	switch said.Response.StatusCode {
	case http.StatusBadRequest, http.StatusForbidden, http.StatusNotFound, http.StatusGone:
		return true
	}
	return false
}

type counter struct {
	r io.Reader
	n int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

// drafts are what puts files into the log, and what their event's record says of them. A file has an entry with each record that names it, so that it lives
// as long as the last of them.
func drafts(list []named.File, sealed []*file) (out []archive.Draft, said []record.Attachment, err error) {
	for i, f := range sealed {
		a := record.Attachment{Name: list[i].Name, Type: list[i].Type, Size: f.size, SHA256: f.sum, Blob: f.blob.Sum.String()}
		said = append(said, a)
		line, err := json.Marshal(&a)
		if err != nil {
			return nil, nil, fmt.Errorf("recorder: %w", err)
		}
		out = append(out, f.blob.Draft(line))
	}
	return out, said, nil
}
