package push_test

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"conclave.chat/internal/fault"
	"conclave.chat/internal/mx"
	"conclave.chat/internal/push"
	"conclave.chat/internal/store/pushdata"
)

var base64url = base64.RawURLEncoding

// browser is a browser with its push service: it decrypts what comes, as RFC 8188 and RFC 8291 say, and checks who sent it (RFC 8292).
type browser struct {
	t    *testing.T
	url  string
	key  *ecdh.PrivateKey
	auth []byte

	mu     sync.Mutex
	got    []map[string]any
	heads  []http.Header
	status int
}

func newBrowser(t *testing.T) *browser {
	b := &browser{t: t, auth: make([]byte, 16), status: http.StatusCreated}
	_, _ = rand.Read(b.auth)
	var err error
	if b.key, err = ecdh.P256().GenerateKey(rand.Reader); err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		plain, err := b.open(body)
		if err != nil {
			t.Error(err)
		}
		var message map[string]any
		if err := json.Unmarshal(plain, &message); err != nil {
			t.Errorf("%s: %v", plain, err)
		}
		b.mu.Lock()
		defer b.mu.Unlock()
		b.got, b.heads = append(b.got, message), append(b.heads, r.Header)
		w.WriteHeader(b.status)
	}))
	t.Cleanup(srv.Close)
	b.url = srv.URL + "/push/abc"
	return b
}

// open decrypts one message: a single record of aes128gcm.
func (b *browser) open(body []byte) ([]byte, error) {
	if len(body) < 21+65 || len(body) > 4096 {
		return nil, fmt.Errorf("a message of %d bytes", len(body))
	}
	salt, size, n := body[:16], binary.BigEndian.Uint32(body[16:20]), int(body[20])
	from, record := body[21:21+n], body[21+n:]
	if int(size) < len(record) {
		return nil, fmt.Errorf("a record of %d bytes where %d are announced", len(record), size)
	}
	peer, err := ecdh.P256().NewPublicKey(from)
	if err != nil {
		return nil, err
	}
	secret, err := b.key.ECDH(peer)
	if err != nil {
		return nil, err
	}
	ikm, _ := hkdf.Key(sha256.New, secret, b.auth, "WebPush: info\x00"+string(b.key.PublicKey().Bytes())+string(from), 32)
	cek, _ := hkdf.Key(sha256.New, ikm, salt, "Content-Encoding: aes128gcm\x00", 16)
	nonce, _ := hkdf.Key(sha256.New, ikm, salt, "Content-Encoding: nonce\x00", 12)
	block, err := aes.NewCipher(cek)
	if err != nil {
		return nil, err
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		return nil, err
	}
	plain, err := gcm.Open(nil, nonce, record, nil)
	if err != nil {
		return nil, err
	}
	plain = []byte(strings.TrimRight(string(plain), "\x00"))
	if len(plain) == 0 || plain[len(plain)-1] != 2 {
		return nil, fmt.Errorf("the last record does not end with 2: %q", plain)
	}
	return plain[:len(plain)-1], nil
}

func (b *browser) wait(n int) []map[string]any {
	b.t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		b.mu.Lock()
		got := slices.Clone(b.got)
		b.mu.Unlock()
		if len(got) >= n {
			return got
		}
	}
	b.t.Fatalf("the browser got %d messages, want %d", len(b.got), n)
	return nil
}

func (b *browser) pusher(user mx.UserID) pushdata.Pusher {
	data, _ := json.Marshal(map[string]string{"auth": base64url.EncodeToString(b.auth)})
	return pushdata.Pusher{
		User: user, Device: "D", AppID: "chat.conclave.web", Key: base64url.EncodeToString(b.key.PublicKey().Bytes()), Kind: "webpush", URL: b.url, Data: data,
	}
}

// checkSender verifies the Authorization header: "vapid t=JWT, k=KEY", signed with ES256 by the key that browsers subscribe with.
func checkSender(t *testing.T, h http.Header, audience, public string) {
	t.Helper()
	rest, ok := strings.CutPrefix(h.Get("Authorization"), "vapid t=")
	token, key, ok2 := strings.Cut(rest, ", k=")
	if !ok || !ok2 || key != public {
		t.Fatalf("Authorization: %q", h.Get("Authorization"))
	}
	parts := strings.Split(token, ".")
	raw, _ := base64url.DecodeString(public)
	signer, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), raw)
	if err != nil {
		t.Fatal(err)
	}
	sig, _ := base64url.DecodeString(parts[2])
	sum := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	if len(sig) != 64 || !ecdsa.Verify(signer, sum[:], new(big.Int).SetBytes(sig[:32]), new(big.Int).SetBytes(sig[32:])) {
		t.Error("the token is not signed by the key")
	}
	claims, _ := base64url.DecodeString(parts[1])
	var said struct {
		Aud, Sub string
		Exp      int64
	}
	if err := json.Unmarshal(claims, &said); err != nil || said.Aud != audience || said.Sub != "mailto:postmaster@example.org" {
		t.Errorf("claims: %s", claims)
	}
	if until := time.Until(time.Unix(said.Exp, 0)); until <= 0 || until > 24*time.Hour {
		t.Errorf("the token is good for %v; RFC 8292 allows 24 hours", until)
	}
}

// A browser's pusher counts once the token that came by push was sent back, and then gets ids and counts, no content.
//
// Spec: MSC4174
func TestWebPush(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		go w.Run(t.Context())
		b := newBrowser(t)
		set := func() bool {
			active, err := w.SetPusher(b.pusher(bob), false)
			w.must(err)
			return active
		}
		if set() {
			t.Fatal("the pusher counts before its client has shown that it gets anything")
		}
		ack := b.wait(1)[0]
		if ack["app_id"] != "chat.conclave.web" || ack["ack_token"] == "" || len(ack) != 2 {
			t.Fatalf("activation: %v", ack)
		}
		checkSender(t, b.heads[0], strings.TrimSuffix(b.url, "/push/abc"), w.WebPushKey())
		w.say(alice) // is not told: the pusher does not count yet
		token, _ := ack["ack_token"].(string)
		for _, bad := range []string{"", "x" + token} {
			if err := w.AckPusher(t.Context(), bob, "chat.conclave.web", bad); !fault.Is(err, "M_UNKNOWN_ACTIVATION_TOKEN") {
				t.Errorf("%q: %v", bad, err)
			}
		}
		if err := w.AckPusher(t.Context(), carol, "chat.conclave.web", token); !fault.Is(err, "M_NOT_FOUND") {
			t.Errorf("another user's token: %v", err)
		}
		w.must(w.AckPusher(t.Context(), bob, "chat.conclave.web", token))
		if !set() {
			t.Error("set again as it was, the pusher has to be activated again")
		}
		id := w.say(alice)
		told := b.wait(2)[1]
		counts, _ := told["counts"].(map[string]any)
		if told["event_id"] != string(id) || told["room_id"] != string(w.room) || counts["unread"] != 2.0 || len(told) != 3 {
			t.Errorf("told: %v", told)
		}
		h := b.heads[1]
		if h.Get("Content-Encoding") != "aes128gcm" || h.Get("TTL") == "" || len(h.Get("Topic")) != 32 || strings.Contains(h.Get("Topic"), string(w.room)) {
			t.Errorf("headers: %v", h)
		}
		b.mu.Lock()
		b.status = http.StatusGone
		b.mu.Unlock()
		w.say(alice)
		b.wait(3)
		for list := []pushdata.Pusher{{}}; len(list) > 0; {
			var err error
			list, err = w.Pushers(t.Context(), bob)
			w.must(err)
		}
	})
}

// A token that comes too late activates nothing, and what was never activated goes.
func TestWebPushExpires(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		now := time.Now()
		w.now = func() time.Time { return now }
		w.Service = w.service()
		b := newBrowser(t)
		_, err := w.SetPusher(b.pusher(bob), false)
		w.must(err)
		token, _ := b.wait(1)[0]["ack_token"].(string)
		now = now.Add(6 * time.Minute)
		if err := w.AckPusher(t.Context(), bob, "chat.conclave.web", token); !fault.Is(err, "M_EXPIRED_ACTIVATION_TOKEN") {
			t.Errorf("late: %v", err)
		}
		w.must(w.Collect(t.Context(), now))
		if list, err := w.Pushers(t.Context(), bob); err != nil || len(list) != 1 {
			t.Errorf("collected while its client may still see it: %v, %v", list, err)
		}
		w.must(w.Collect(t.Context(), now.Add(25*time.Hour)))
		if list, err := w.Pushers(t.Context(), bob); err != nil || len(list) != 0 {
			t.Errorf("still there: %v, %v", list, err)
		}
	})
}

func TestWebPushersAreChecked(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		b := newBrowser(t)
		for name, change := range map[string]func(*pushdata.Pusher){
			"key not on the curve": func(p *pushdata.Pusher) { p.Key = base64url.EncodeToString(make([]byte, 65)) },
			"compressed key":       func(p *pushdata.Pusher) { p.Key = base64url.EncodeToString(append([]byte{2}, make([]byte, 32)...)) },
			"key with padding":     func(p *pushdata.Pusher) { p.Key += "=" },
			"no secret":            func(p *pushdata.Pusher) { p.Data = []byte(`{}`) },
			"short secret":         func(p *pushdata.Pusher) { p.Data = []byte(`{"auth":"AAAA"}`) },
			"secret is a number":   func(p *pushdata.Pusher) { p.Data = []byte(`{"auth":7}`) },
			"no address":           func(p *pushdata.Pusher) { p.URL = "" },
			"address with a user":  func(p *pushdata.Pusher) { p.URL = "https://u:p@push.example.org/x" },
			"other scheme":         func(p *pushdata.Pusher) { p.URL = "ftp://push.example.org/x" },
		} {
			p := b.pusher(bob)
			change(&p)
			if _, err := w.SetPusher(p, false); !fault.Is(err, "M_INVALID_PARAM") {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

// The key is the same after a restart: what browsers subscribed with stays good.
func TestWebPushKey(t *testing.T) {
	private := make([]byte, 32)
	private[31] = 1 // then the public key is the curve's base point
	key, err := push.NewWebPushKey(private, "")
	if err != nil {
		t.Fatal(err)
	}
	point, _ := base64url.DecodeString(key.Public)
	if want := elliptic.P256().Params().Gx; len(point) != 65 || point[0] != 4 || new(big.Int).SetBytes(point[1:33]).Cmp(want) != 0 {
		t.Errorf("public key %x", point)
	}
	if _, err := push.NewWebPushKey(make([]byte, 32), ""); err == nil {
		t.Error("zero is a key")
	}
}
