package blackbox

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tidwall/gjson"

	"conclave.chat/test/harness"
)

const mediaUpload = "/_matrix/media/v3/upload"

func noise(seed byte, n int) []byte {
	b := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{seed}).Read(b)
	return b
}

// upload gives the media id, or "" if the server went away.
func upload(s *harness.Server, token, name string, body io.Reader) string {
	req, err := http.NewRequest(http.MethodPost, s.URL+mediaUpload+"?filename="+name, body)
	if err != nil {
		return ""
	}
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Content-Type", "text/plain")
	res, answer, err := s.Send(req)
	if err != nil || res.StatusCode != http.StatusOK {
		return ""
	}
	return strings.TrimPrefix(gjson.GetBytes(answer, "content_uri").String(), "mxc://hs1/")
}

func download(t *testing.T, s *harness.Server, token, id string) *http.Response {
	t.Helper()
	req, err := http.NewRequest(http.MethodGet, s.URL+"/_matrix/client/v1/media/download/hs1/"+id, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	if res.StatusCode != http.StatusOK {
		t.Errorf("%s is answered with %d", id, res.StatusCode)
	}
	return res
}

// A file that got its address is there after kill -9, whole.
//
// Spec: cs#post_matrixmediav3upload
func TestMediaSurviveKill9(t *testing.T) {
	harness.Each(t, func(t *testing.T, s *harness.Server) {
		alice := s.Register("alice")
		kept := sync.Map{}
		for round := range 3 {
			var wg sync.WaitGroup
			stop, uploaded := make(chan struct{}), make(chan struct{}, 1000)
			for w := range 4 {
				wg.Go(func() {
					for i := 0; ; i++ {
						select {
						case <-stop:
							return
						default:
						}
						seed := byte(round*100 + w*25 + i)
						id := upload(s, alice.Token, "x", bytes.NewReader(noise(seed, 1+int(seed)*997)))
						if id == "" {
							return
						}
						kept.Store(id, seed)
						select {
						case uploaded <- struct{}{}:
						default:
						}
					}
				})
			}
			for range 5 {
				select {
				case <-uploaded:
				case <-time.After(2 * time.Minute):
					t.Fatal("nothing is uploaded")
				}
			}
			s.Kill9()
			close(stop)
			wg.Wait()
			s.Start()
		}
		n := 0
		kept.Range(func(id, seed any) bool {
			n++
			res := download(t, s, alice.Token, id.(string))
			got, err := io.ReadAll(res.Body)
			res.Body.Close()
			if err != nil || !bytes.Equal(got, noise(seed.(byte), 1+int(seed.(byte))*997)) {
				t.Errorf("%s came back different: %v", id, err)
			}
			return true
		})
		if n == 0 {
			t.Error("nothing was uploaded")
		}
	})
}

// Neither content nor name of a file can be read in the data folder, and a client that goes away in the middle leaves nothing there.
func TestMediaOnTheDisk(t *testing.T) {
	harness.Each(t, func(t *testing.T, s *harness.Server) {
		alice := s.Register("alice")
		sentence := "the merger is signed on Thursday. "
		id := upload(s, alice.Token, "merger-plan-thursday.txt", strings.NewReader(strings.Repeat(sentence, 10_000)))
		if id == "" {
			t.Fatal("not uploaded")
		}
		files := mediaFiles(t, s)
		c, err := net.Dial("tcp", strings.TrimPrefix(s.URL, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(c, "POST %s HTTP/1.1\r\nHost: hs1\r\nAuthorization: Bearer %s\r\nContent-Length: 1000000\r\n\r\n%s", mediaUpload, alice.Token,
			strings.Repeat(sentence, 10_000))
		for deadline := time.Now().Add(2 * time.Minute); len(mediaFiles(t, s)) == len(files) && time.Now().Before(deadline); {
			time.Sleep(10 * time.Millisecond)
		}
		during := len(mediaFiles(t, s))
		c.Close()
		for deadline := time.Now().Add(2 * time.Minute); len(mediaFiles(t, s)) > len(files) && time.Now().Before(deadline); {
			time.Sleep(10 * time.Millisecond)
		}
		if after := len(mediaFiles(t, s)); during != len(files)+1 || after != len(files) {
			t.Errorf("%d files before, %d during and %d after the upload that broke off", len(files), during, after)
		}
		texts := []string{"merger is signed"}
		if s.Engine == harness.SQLite {
			texts = append(texts, "merger-plan-thursday")
		}
		for _, found := range s.Grep(texts...) {
			t.Error(found)
		}
	})
}

func mediaFiles(t *testing.T, s *harness.Server) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(s.Dir, "data", "media", "*", "*"))
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// zeros is a file of that size which nobody holds.
type zeros struct{ n int64 }

func (z *zeros) Read(p []byte) (int, error) {
	if z.n == 0 {
		return 0, io.EOF
	}
	n := min(int64(len(p)), z.n)
	clear(p[:n])
	z.n -= n
	return int(n), nil
}

// A file much larger than 64 MiB goes in and out while the process stays below that.
func TestLargeMediaTakeLittleMemory(t *testing.T) {
	if os.Getenv("CONCLAVE_TEST_RACE") != "" {
		t.Skip("the race detector takes memory of its own")
	}
	const size, limit = 256 << 20, 64 << 20
	s := harness.Start(t, harness.SQLite)
	alice := s.Register("alice")
	id := upload(s, alice.Token, "large", io.LimitReader(&zeros{size}, size))
	if id == "" {
		t.Fatal("not uploaded")
	}
	res := download(t, s, alice.Token, id)
	defer res.Body.Close()
	if n, err := io.Copy(io.Discard, res.Body); err != nil || n != size {
		t.Errorf("%d bytes came back: %v", n, err)
	}
	if peak := peakMemory(t, s.PID()); peak > limit {
		t.Errorf("the process took %d MiB", peak>>20)
	}
}

func peakMemory(t *testing.T, pid int) int64 {
	t.Helper()
	f, err := os.Open(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if rest, ok := strings.CutPrefix(lines.Text(), "VmHWM:"); ok {
			kib, err := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			return kib << 10
		}
	}
	t.Fatal("no VmHWM")
	return 0
}
