//go:build goolm

package recorder

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/crypto/attachment"
	"maunium.net/go/mautrix/id"

	"conclave.chat/internal/archive"
	"conclave.chat/internal/archive/record"
)

// file is an attachment that is sealed, and in the log once its draft was appended.
type file struct {
	mu   sync.Mutex
	done bool
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
)

// attached is a file as an event names it.
type attached struct {
	URL  string
	File *attachment.EncryptedFile
	Name string
	Type string
}

// named lists the files that a message's content names.
func named(content []byte) []attached {
	var c struct {
		Body string         `json:"body"`
		Name string         `json:"filename"`
		URL  string         `json:"url"`
		File jsontext.Value `json:"file"`
		Info struct {
			Type      string         `json:"mimetype"`
			ThumbURL  string         `json:"thumbnail_url"`
			ThumbFile jsontext.Value `json:"thumbnail_file"`
		} `json:"info"`
	}
	if json.Unmarshal(content, &c) != nil {
		return nil
	}
	var list []attached
	add := func(url string, raw jsontext.Value, name, kind string) {
		a := attached{URL: url, Name: name, Type: kind}
		if raw.Kind() == '{' {
			var where struct {
				URL string `json:"url"`
			}
			f := &attachment.EncryptedFile{}
			if json.Unmarshal(raw, &where) != nil || json.Unmarshal(raw, f) != nil {
				return
			}
			a.URL, a.File = where.URL, f
		}
		if a.URL != "" {
			list = append(list, a)
		}
	}
	if c.Name == "" {
		c.Name = c.Body
	}
	add(c.URL, c.File, c.Name, c.Info.Type)
	add(c.Info.ThumbURL, c.Info.ThumbFile, "thumbnail of "+c.Name, "")
	return list
}

// seal fetches a file, decrypts and verifies it, and seals it, all as a stream.
func (fs *files) seal(ctx context.Context, a attached, class string) (*file, error) {
	key := class + " " + a.URL
	if a.File != nil {
		key += " " + a.File.Key.Key + " " + a.File.InitVector + " " + a.File.Hashes.SHA256
	}
	fs.mu.Lock()
	f := fs.known[key]
	if f == nil || time.Since(f.made) > fileFor {
		if len(fs.known) >= maxFiles {
			clear(fs.known)
		}
		f = &file{made: time.Now()}
		fs.known[key] = f
	}
	fs.mu.Unlock()
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.done {
		return f, nil
	}
	if err := fs.fetch(ctx, a, class, f); err != nil {
		return nil, err
	}
	f.done = true
	return f, nil
}

func (fs *files) fetch(ctx context.Context, a attached, class string, f *file) error {
	uri, err := id.ParseContentURI(a.URL)
	if err != nil || uri.IsEmpty() {
		return refuse("This room is recorded, and the message names a file that is none")
	}
	if a.File != nil {
		if err := a.File.PrepareForDecryption(); err != nil {
			return refuse("This room is recorded, and the recorder cannot decrypt the file")
		}
	}
	res, err := fs.client.Download(ctx, uri)
	if err != nil {
		return refuse("This room is recorded, and the recorder cannot fetch the file")
	}
	defer res.Body.Close()
	sum := sha256.New()
	counted := &counter{r: io.LimitReader(res.Body, fs.most+1)}
	var plain io.Reader = counted
	var check io.Closer
	if a.File != nil {
		stream := a.File.DecryptStream(io.NopCloser(counted))
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
func drafts(list []attached, sealed []*file) (out []archive.Draft, said []record.Attachment, err error) {
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
