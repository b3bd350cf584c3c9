package e2ee

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"sync"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"conclave.chat/internal/fault"
	"conclave.chat/internal/mx"
	"conclave.chat/internal/store"
	"conclave.chat/internal/store/account"
	"conclave.chat/internal/store/keys"
	"conclave.chat/internal/store/storetest"
)

const (
	alice = mx.UserID("@alice:x")
	bob   = mx.UserID("@bob:x")
)

// newService makes a service for two users with a device D each.
func newService(t testing.TB, db *store.DB) *Service {
	t.Helper()
	if err := db.Write(func(tx *store.Tx) error {
		for _, user := range []mx.UserID{alice, bob} {
			if err := account.InsertDevice(tx, account.Device{User: user, ID: "D"}); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return New(Deps{DB: db, Server: "x", Devices: account.DeviceNames})
}

// upload uploads n one-time keys, counted from first.
func upload(t testing.TB, s *Service, first, n int) {
	t.Helper()
	list := map[string]jsontext.Value{}
	for i := first; i < first+n; i++ {
		list[fmt.Sprintf("curve25519:%04d", i)] = jsontext.Value(fmt.Sprintf(`"key %d"`, i))
	}
	if _, err := s.Upload(context.Background(), alice, "D", KeyUpload{OneTimeKeys: list}); err != nil {
		t.Fatal(err)
	}
}

// However many devices claim at once, each key comes out once, and those of older uploads before those of newer ones.
//
// Spec: cs#post_matrixclientv3keysclaim
func TestClaimsAtOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newService(t, db)
		const perUpload, claims = 15, 50
		for i := range 4 {
			upload(t, s, i*perUpload, perUpload)
		}
		for round, want := range []int{claims, 4*perUpload - claims} {
			seen := claimAtOnce(t, s, claims)
			if len(seen) != want {
				t.Errorf("round %d: %d keys came out, want %d", round, len(seen), want)
			}
			for name, times := range seen {
				var n int
				_, _ = fmt.Sscanf(name, "curve25519:%d", &n)
				if last := n/perUpload == 3; times != 1 || (round == 1 && !last) {
					t.Errorf("round %d: %s came out %d times", round, name, times)
				}
			}
		}
	})
}

// claimAtOnce claims a key as often as said, all at once, and tells how often each came out.
func claimAtOnce(t *testing.T, s *Service, n int) map[string]int {
	var mu sync.Mutex
	seen := map[string]int{}
	var wg sync.WaitGroup
	for range n {
		wg.Go(func() {
			raw, err := s.Claim(context.Background(), KeyClaim{string(alice): {"D": "curve25519"}})
			if err != nil {
				t.Error(err)
				return
			}
			var a struct {
				Keys map[string]map[string]map[string]string `json:"one_time_keys"`
			}
			if err := json.Unmarshal(raw, &a); err != nil {
				t.Errorf("%v: %s", err, raw)
			}
			mu.Lock()
			defer mu.Unlock()
			for name := range a.Keys[string(alice)]["D"] {
				seen[name]++
			}
		})
	}
	wg.Wait()
	return seen
}

func newMaster() CrossSigningUpload {
	public, _, _ := ed25519.GenerateKey(rand.Reader)
	name := base64.RawStdEncoding.EncodeToString(public)
	return CrossSigningUpload{Master: jsontext.Value(fmt.Sprintf(
		`{"user_id":"%s","usage":["master"],"keys":{"ed25519:%s":"%s"}}`, alice, name, name))}
}

// Of several first uploads at once one is free, the others must be confirmed.
//
// Spec: cs#post_matrixclientv3keysdevice_signingupload
func TestFirstCrossSigningUploadIsFreeOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newService(t, db)
		refused := fault.New(fault.Unauthorized, "", "")
		var mu sync.Mutex
		free, asked := 0, 0
		var wg sync.WaitGroup
		for range 8 {
			u := newMaster()
			wg.Go(func() {
				err := s.UploadCrossSigning(context.Background(), alice, u, func() error { return refused })
				mu.Lock()
				defer mu.Unlock()
				switch fault.Of(err) {
				case nil:
					if err != nil {
						t.Error(err)
					}
					free++
				case refused:
					asked++
				default:
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if free != 1 || asked != 7 {
			t.Errorf("%d were free and %d had to confirm", free, asked)
		}
	})
}

// A device that is logged out while it uploads leaves no keys.
func TestUploadOfADeviceThatIsGone(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newService(t, db)
		_, err := s.Upload(context.Background(), alice, "GONE", KeyUpload{OneTimeKeys: map[string]jsontext.Value{"a:1": jsontext.Value(`"x"`)}})
		if !fault.Is(err, "M_UNKNOWN_TOKEN") {
			t.Error(err)
		}
		c, err := keys.CountKeys(context.Background(), db, alice, "GONE")
		if err != nil || len(c.OneTime) != 0 {
			t.Error(c, err)
		}
	})
}

func FuzzKeyObjects(f *testing.F) {
	f.Add([]byte(`{"user_id":"@alice:x","device_id":"D","algorithms":["a"],"keys":{"ed25519:D":"x"},"signatures":{"@alice:x":{"ed25519:D":"s"}},"unsigned":{}}`))
	f.Add([]byte(`{"user_id":"@alice:x","usage":["master"],"keys":{"ed25519:x":"x"}}`))
	f.Add([]byte(`{"key":"x","signatures":{},"fallback":true}`))
	f.Add([]byte(`{"signatures":{"a":1},"x":1e400}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		var v jsontext.Value
		if json.Unmarshal(data, &v) != nil {
			return
		}
		var any struct{}
		if o, err := parseSigned("key", v, &any); err == nil {
			again, err := mx.Canonical(o.base)
			if err != nil || !bytes.Equal(again, o.base) || bytes.Contains(o.base, []byte(`{"signatures"`)) {
				t.Errorf("%s became %s", v, o.base)
			}
			o.signedBy(alice, "ed25519:D", "x")
		}
		_, _ = parseDeviceKeys(v, alice, "D")
		_, _ = parseCrossKey(v, alice, keys.Master)
		if list, err := parseKeys("keys", map[string]jsontext.Value{"signed_curve25519:1": v}); err == nil && !same(list[0].JSON, data) {
			t.Errorf("%s became %s", data, list[0].JSON)
		}
	})
}

func BenchmarkClaim(b *testing.B) {
	s := newService(b, storetest.SQLite(b, store.Options{}))
	if _, err := s.Upload(context.Background(), alice, "D", KeyUpload{FallbackKeys: map[string]jsontext.Value{"a:1": jsontext.Value(`"x"`)}}); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.Claim(context.Background(), KeyClaim{string(alice): {"D": "a"}}); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkQuery asks for the keys of 1,000 users with a device each, as the first message to a large room does.
func BenchmarkQuery(b *testing.B) {
	db := storetest.SQLite(b, store.Options{})
	s := newService(b, db)
	q := KeyQuery{}
	if err := db.Write(func(tx *store.Tx) error {
		for i := range 1000 {
			user := mx.UserID(fmt.Sprintf("@u%d:x", i))
			q[string(user)] = nil
			if err := account.InsertDevice(tx, account.Device{User: user, ID: "D", Name: "Phone"}); err != nil {
				return err
			}
			base := fmt.Appendf(nil, `{"algorithms":["m.olm.v1.curve25519-aes-sha2"],"device_id":"D","keys":{"ed25519:D":"x"},"user_id":"%s"}`, user)
			if err := keys.SetDeviceKey(tx, user, "D", base); err != nil {
				return err
			}
			if _, err := keys.AddSignatures(tx, []keys.Signature{{User: user, Target: "D", Signer: user, SignerKey: "ed25519:D", Signature: "x"}}); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.Query(context.Background(), alice, q); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkSend sends one message to each of 250 devices, as clients do to share a room key.
func BenchmarkSend(b *testing.B) {
	db := storetest.SQLite(b, store.Options{})
	s := newService(b, db)
	m := Messages{}
	if err := db.Write(func(tx *store.Tx) error {
		for i := range 250 {
			user := fmt.Sprintf("@u%d:x", i)
			m[user] = map[string]jsontext.Value{"D": jsontext.Value(`{"ciphertext":"` + string(bytes.Repeat([]byte{'x'}, 1000)) + `"}`)}
			if err := account.InsertDevice(tx, account.Device{User: mx.UserID(user), ID: "D"}); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if err := s.Send(context.Background(), Sender{alice, "D"}, "m.room.encrypted", rand.Text(), m); err != nil {
			b.Fatal(err)
		}
	}
}
