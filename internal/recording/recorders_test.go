package recording

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"conclave.chat/internal/archive/merkle"
	"conclave.chat/internal/fault"
	"conclave.chat/internal/mx"
)

// fake is a recorder that counts what it is asked.
type fake struct {
	*httptest.Server
	asked atomic.Int64
	hangs atomic.Bool
	says  atomic.Int64 // status of its answers
}

func newFake(t *testing.T) *fake {
	t.Helper()
	f := &fake{}
	f.says.Store(http.StatusOK)
	f.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == PathHealth {
			if f.hangs.Load() {
				w.WriteHeader(http.StatusServiceUnavailable)
			}
			return
		}
		f.asked.Add(1)
		_, _ = io.Copy(io.Discard, r.Body) // before that the server does not see that the client has gone
		if f.hangs.Load() {
			<-r.Context().Done()
			return
		}
		w.WriteHeader(int(f.says.Load()))
		_, _ = w.Write([]byte(`{"errcode":"M_FORBIDDEN","error":"not this"}`))
	}))
	t.Cleanup(f.Close)
	return f
}

func three(t *testing.T) (*Service, []*fake) {
	t.Helper()
	_, key, _ := ed25519.GenerateKey(nil)
	c := DefaultConfig()
	c.PublicKey = mx.EncodeBase64(key.Public().(ed25519.PublicKey))
	var list []*fake
	for i := range 3 {
		f := newFake(t)
		list = append(list, f)
		_, public, err := merkle.GenerateKey(rand.Reader, fmt.Sprint("x/archive-", i))
		if err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			c.URL, c.LogKey = f.URL, public
		} else {
			c.Others = append(c.Others, Other{URL: f.URL, User: fmt.Sprint("recorder-", i), LogKey: public})
		}
	}
	s, err := New(Deps{Signer: mx.Signer{Server: "x", KeyID: "ed25519:1", Key: key}, Config: c, Seed: func(string) []byte { return make([]byte, 32) }})
	if err != nil {
		t.Fatal(err)
	}
	return s, list
}

// asked sends a question about a room and says who was asked.
func asked(t *testing.T, s *Service, list []*fake, room mx.RoomID) (who []int, err error) {
	t.Helper()
	var before []int64
	for _, f := range list {
		before = append(before, f.asked.Load())
	}
	_, err = s.ask(context.Background(), room, s.Config.Patience, func(ctx context.Context, r *recorder) error {
		_, err := r.client.post(ctx, PathCheck, []byte("{}"))
		return err
	})
	for i, f := range list {
		if f.asked.Load() > before[i] {
			who = append(who, i)
		}
	}
	return who, err
}

func TestEachRoomHasItsRecorder(t *testing.T) {
	s, list := three(t)
	share := map[int]int{}
	for i := range 300 {
		room := mx.RoomID(fmt.Sprint("!room", i))
		who, err := asked(t, s, list, room)
		if err != nil || len(who) != 1 {
			t.Fatalf("%v %v", who, err)
		}
		share[who[0]]++
		if again, _ := asked(t, s, list, room); fmt.Sprint(again) != fmt.Sprint(who) {
			t.Fatalf("%s: %v, then %v", room, who, again)
		}
	}
	// A fair share is 100 with a standard deviation of 8.
	for i := range 3 {
		if share[i] < 60 || share[i] > 140 {
			t.Errorf("shares are %v", share)
		}
	}
}

func TestTheNextRecorderIsAskedWhereOneGivesNoAnswer(t *testing.T) {
	s, list := three(t)
	const room = mx.RoomID("!a")
	who, _ := asked(t, s, list, room)
	first := list[who[0]]

	// A refusal is an answer: nobody else is asked.
	first.says.Store(http.StatusBadRequest)
	if again, err := asked(t, s, list, room); fault.Of(err) == nil || len(again) != 1 {
		t.Errorf("refused: %v %v", again, err)
	}
	first.says.Store(http.StatusOK)
	for what, broken := range map[string]func(bool){
		"it fails": func(on bool) {
			if first.says.Store(http.StatusOK); on {
				first.says.Store(http.StatusInternalServerError)
			}
		},
		"it hangs": func(on bool) { s.doubt = 1; first.hangs.Store(on) },
	} {
		broken(true)
		again, err := asked(t, s, list, room)
		if err != nil || !slices.ContainsFunc(again, func(i int) bool { return list[i] != first }) {
			t.Errorf("%s: %v %v", what, again, err)
		}
		// It is not asked again while it is known to be down, but for its health; others keep their rooms.
		if again, err = asked(t, s, list, room); err != nil || len(again) != 1 || list[again[0]] == first {
			t.Errorf("%s, and is known to: %v %v", what, again, err)
		}
		broken(false)
		s.revive(context.Background())
		if again, err = asked(t, s, list, room); err != nil || len(again) != 1 || list[again[0]] != first {
			t.Errorf("it is there again: %v %v", again, err)
		}
	}
	for _, f := range list {
		f.Close()
	}
	if _, err := asked(t, s, list, room); err == nil || fault.Of(err) != nil {
		t.Errorf("none is there: %v", err)
	}
}

func TestRecordersThatCannotShareARoomAreRefused(t *testing.T) {
	_, key, _ := ed25519.GenerateKey(nil)
	_, log, _ := merkle.GenerateKey(rand.Reader, "x/archive")
	_, other, _ := merkle.GenerateKey(rand.Reader, "x/archive-2")
	for want, o := range map[string]Other{
		"others[0].user: @recorder:x is there twice": {URL: "http://127.0.0.1:1", User: "recorder", LogKey: other},
		"others[0].user: \"A B\"":                    {URL: "http://127.0.0.1:1", User: "A B", LogKey: other},
		"others[0].log_key: several recorders":       {URL: "http://127.0.0.1:1", User: "r", LogKey: log},
		"others[0].log_key":                          {URL: "http://127.0.0.1:1", User: "r"},
		"others[0].url":                              {User: "r", LogKey: other},
	} {
		c := DefaultConfig()
		c.URL, c.PublicKey, c.LogKey, c.Others = "http://127.0.0.1:1", mx.EncodeBase64(key.Public().(ed25519.PublicKey)), log, []Other{o}
		_, err := New(Deps{Signer: mx.Signer{Server: "x", KeyID: "ed25519:1", Key: key}, Config: c, Seed: func(string) []byte { return make([]byte, 32) }})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}
