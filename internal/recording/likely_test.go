package recording

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"

	"conclave.chat/internal/fault"
	"conclave.chat/internal/mx"
	"conclave.chat/internal/roomstate"
)

// signing is a recorder that signs, unless its test has it say something else.
type signing struct {
	*httptest.Server
	says  string // a code, as its answer
	asked []string
}

func newSigning(t *testing.T, v *mx.RoomVersion, key ed25519.PrivateKey) *signing {
	t.Helper()
	f := &signing{}
	f.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		f.asked = append(f.asked, r.URL.RequestURI())
		if f.says != "" {
			w.WriteHeader(http.StatusBadRequest)
			_, _ = fmt.Fprintf(w, `{"errcode":%q,"error":"no"}`, f.says)
			return
		}
		if r.URL.Path == PathCheck {
			_, _ = io.WriteString(w, "{}")
			return
		}
		ev, err := mx.ParseEvent(v, body)
		if err != nil {
			t.Error(err)
			return
		}
		signed, err := mx.SignEvent(v, ev, mx.Signer{Server: "x", KeyID: KeyID, Key: key})
		if err != nil {
			t.Error(err)
			return
		}
		_, _ = w.Write((&mx.Event{Content: signed.Raw}).Get("signatures"))
	}))
	t.Cleanup(f.Close)
	return f
}

func TestWhatARecorderNeedNotBeAskedAbout(t *testing.T) {
	ctx := context.Background()
	_, key, _ := ed25519.GenerateKey(nil)
	v, _ := mx.Version("11")
	f := newSigning(t, v, key)
	c := DefaultConfig()
	c.URL, c.PublicKey = f.URL, mx.EncodeBase64(key.Public().(ed25519.PublicKey))
	_, own, _ := ed25519.GenerateKey(nil)
	signer := mx.Signer{Server: "x", KeyID: "ed25519:1", Key: own}
	s, err := New(Deps{Signer: signer, Config: c, Rule: func() Rule { return Rule{Scope: All, Mode: Closed} }, Seed: func(string) []byte { return make([]byte, 32) }})
	if err != nil {
		t.Fatal(err)
	}
	content := func(session string, length int) []byte {
		raw, _ := json.Marshal(map[string]any{"algorithm": "m.megolm.v1.aes-sha2", "session_id": session, "ciphertext": strings.Repeat("A", length)})
		return raw
	}
	room, other := roomstate.New("!room:x", v), roomstate.New("!other:x", v)
	sign := func(content []byte, checked bool) ([]*mx.Event, error) {
		t.Helper()
		ev, err := mx.Build(v, mx.Proto{RoomID: "!room:x", Sender: "@ann:x", Type: mx.TypeEncrypted, Content: content}, signer)
		if err != nil {
			t.Fatal(err)
		}
		signed, _, err := s.Sign(ctx, room, []*mx.Event{ev}, checked)
		return signed, err
	}
	likely := func(want bool, room *roomstate.Snapshot, by mx.UserID, content []byte) {
		t.Helper()
		if got := s.Likely(room, by, mx.TypeEncrypted, content); got != want {
			t.Errorf("likely: %v, want %v", got, want)
		}
	}
	short := content("s1", 300)

	likely(false, room, "@ann:x", short)
	if signed, err := sign(short, true); err != nil || len(signed) != 1 || !signed[0].SignedBy("x", KeyID) {
		t.Fatalf("%v %v", signed, err)
	}
	if last := f.asked[len(f.asked)-1]; last != PathSign+"?room_version=11" {
		t.Errorf("asked %s", last)
	}
	likely(true, room, "@ann:x", short)
	likely(false, room, "@bob:x", short)
	likely(false, other, "@ann:x", short)
	likely(false, room, "@ann:x", content("s2", 300))
	likely(false, room, "@ann:x", content("s1", 641)) // may name a file

	if signed, err := sign(short, false); err != nil || len(signed) != 1 {
		t.Fatalf("%v %v", signed, err)
	}
	if last := f.asked[len(f.asked)-1]; last != PathSign+"?room_version=11&at_once=true" {
		t.Errorf("asked %s", last)
	}
	f.says = CodeUnready
	if signed, err := sign(short, false); err != nil || signed != nil {
		t.Errorf("%v %v; want nothing", signed, err)
	}
	likely(false, room, "@ann:x", short)
	f.says = ""
	if _, err := sign(short, true); err != nil {
		t.Fatal(err)
	}
	likely(true, room, "@ann:x", short)
	f.says = "M_FORBIDDEN"
	if _, err := sign(short, false); fault.Of(err) == nil || fault.Of(err).Code != "M_FORBIDDEN" {
		t.Errorf("%v; want its refusal", err)
	}
	likely(false, room, "@ann:x", short)

	// In clear text the server sees what names a file.
	for said, want := range map[string]bool{`{"body":"hello","msgtype":"m.text"}`: true, `{"body":"a.pdf","msgtype":"m.file","url":"mxc://x/abc"}`: false} {
		if got := s.Likely(room, "@ann:x", mx.TypeMessage, []byte(said)); got != want {
			t.Errorf("%s: likely %v, want %v", said, got, want)
		}
	}
}

func TestKeysThatAreNotUsedAreForgotten(t *testing.T) {
	var k keySet
	name := func(i int) roomKey { return roomKey{"!r", "@u", fmt.Sprint(i)} }
	for i := range 2*maxKeys + 1 {
		k.add(name(i))
	}
	if k.has(name(0)) || !k.has(name(maxKeys)) || !k.has(name(2*maxKeys)) {
		t.Error("the newest generation and the one before are not what is kept")
	}
	if n := len(k.fresh) + len(k.old); n > 2*maxKeys {
		t.Errorf("%d keys are kept", n)
	}
}
