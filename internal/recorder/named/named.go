// Package named finds the files that an event names, wherever they stand in it. It reads contents as apps do, which take what suits them and forgive the
// rest, and refuses what it cannot read: a file that members see must be in the archive.
package named

import (
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"maunium.net/go/mautrix/crypto/attachment"

	"conclave.chat/internal/fault"
)

// File is a file as an event names it.
type File struct {
	URL    string
	Sealed *attachment.EncryptedFile // nil: it is in clear text
	Name   string
	Type   string
}

// Key names the file and what opens it.
func (a *File) Key() string {
	if a.Sealed == nil {
		return a.URL
	}
	return a.URL + " " + a.Sealed.Key.Key + " " + a.Sealed.InitVector + " " + a.Sealed.Hashes.SHA256
}

// maxNamed is how many files one event may name.
const maxNamed = 128

// mxc is the address of a file within a text, as the pictures of an HTML message have it.
//
// Spec: cs#matrix-content-mxc-uris
var mxc = regexp.MustCompile(`mxc://([^/\s"'<>]+)/([A-Za-z0-9_-]+)`)

// finder collects the files that an event names, wherever they stand: in edits, galleries and types of events that nobody knows yet, too. Apps
// take what suits them of a content and forgive the rest; so the types of other fields do not matter here.
type finder struct {
	server string // the homeserver, which has the files
	found  []File
	seen   map[string]bool
}

// In gives the files that JSON objects name. What cannot be read is refused with a fault.
func In(server string, contents ...[]byte) ([]File, error) {
	f := finder{server: server}
	for _, c := range contents {
		if err := f.look(c); err != nil {
			return nil, err
		}
	}
	return f.found, nil
}

func refuse(format string, args ...any) error {
	return fault.New(fault.BadRequest, "M_FORBIDDEN", "This room is recorded, and the message "+format, args...)
}

// look goes through a JSON object.
func (f *finder) look(content []byte) error {
	var v any
	if err := json.Unmarshal(content, &v); err != nil {
		return refuse("is not JSON that the recorder can read")
	}
	if err := f.walk(v, "", ""); err != nil {
		return err
	}
	if len(f.found) > maxNamed {
		return refuse("names more than %d files", maxNamed)
	}
	return nil
}

func (f *finder) add(a File) {
	if k := a.Key(); !f.seen[k] {
		if f.seen == nil {
			f.seen = map[string]bool{}
		}
		f.seen[k] = true
		f.found = append(f.found, a)
	}
}

func (f *finder) walk(v any, name, kind string) error {
	switch v := v.(type) {
	case string:
		f.text(v, name, kind)
	case []any:
		for _, e := range v {
			if err := f.walk(e, name, kind); err != nil {
				return err
			}
		}
	case map[string]any:
		return f.object(v, name, kind)
	}
	return nil
}

func (f *finder) object(m map[string]any, name, kind string) error {
	if url := str(m, "url"); strings.HasPrefix(url, "mxc:") && m["key"] != nil {
		file, err := encryptedFile(m)
		if err != nil {
			return err
		}
		f.add(File{URL: url, Sealed: file, Name: name, Type: kind})
		return nil
	}
	if s := str(m, "filename"); s != "" {
		name = s
	} else if s := str(m, "body"); s != "" {
		name = s
	}
	if info, ok := m["info"].(map[string]any); ok {
		if s := str(info, "mimetype"); s != "" {
			kind = s
		}
	}
	// The event's own file comes first: apps and exports take the others for what belongs to it.
	first := func(key string) int {
		switch key {
		case "file":
			return 0
		case "url":
			return 1
		case "info":
			return 2
		}
		return 3
	}
	keys := slices.SortedFunc(maps.Keys(m), func(a, b string) int {
		if d := first(a) - first(b); d != 0 {
			return d
		}
		return strings.Compare(a, b)
	})
	for _, k := range keys {
		n, t := name, kind
		if strings.HasPrefix(k, "thumbnail") {
			n, t = "thumbnail of "+name, ""
		}
		if err := f.walk(m[k], n, t); err != nil {
			return err
		}
	}
	return nil
}

// text takes a whole address for a file, and addresses of this homeserver's files within a text.
func (f *finder) text(s, name, kind string) {
	for _, at := range mxc.FindAllStringSubmatch(s, -1) {
		if at[0] == s || at[1] == f.server {
			f.add(File{URL: at[0], Name: name, Type: kind})
		}
	}
}

// encryptedFile reads how a file is encrypted. Padding of its base64 is left out: apps take it with and without.
// How it is laid out is in the specification's "Sending encrypted attachments".
func encryptedFile(m map[string]any) (*attachment.EncryptedFile, error) {
	key, _ := m["key"].(map[string]any)
	hashes, _ := m["hashes"].(map[string]any)
	bare := func(m map[string]any, k string) string { return strings.TrimRight(str(m, k), "=") }
	f := &attachment.EncryptedFile{Version: str(m, "v"), InitVector: bare(m, "iv")}
	f.Key.Algorithm, f.Key.Key, f.Hashes.SHA256 = str(key, "alg"), bare(key, "k"), bare(hashes, "sha256")
	if err := f.PrepareForDecryption(); err != nil {
		return nil, refuse("names a file that the recorder cannot decrypt: %v", err)
	}
	return f, nil
}

func str(m map[string]any, key string) string {
	s, _ := m[key].(string)
	return s
}
