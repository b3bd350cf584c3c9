package e2ee

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"pgregory.net/rapid"

	"conclave.chat/internal/fault"
	"conclave.chat/internal/mx"
	"conclave.chat/internal/store"
	"conclave.chat/internal/store/account"
	"conclave.chat/internal/store/keys"
	"conclave.chat/internal/store/storetest"
)

// life is the model of one device that comes and goes: what its present incarnation must have.
type life struct {
	s        *Service
	user     mx.UserID
	here     bool
	n        int
	keys     map[string]bool // one-time keys that wait
	fallback string
	used     bool
	messages []string
}

func (l *life) do(t *rapid.T, op string) error {
	l.n++
	ctx := context.Background()
	switch op {
	case "sign in":
		if l.here {
			return nil
		}
		l.here = true
		return l.s.DB.Write(func(tx *store.Tx) error { return account.InsertDevice(tx, account.Device{User: l.user, ID: "D"}) })
	case "sign out":
		l.here, l.fallback, l.messages = false, "", nil
		clear(l.keys)
		return l.s.DB.Write(func(tx *store.Tx) error {
			if _, err := account.DeleteDevice(tx, l.user, "D"); err != nil {
				return err
			}
			return l.s.EraseDevice(tx, l.user, "D")
		})
	case "keys":
		return l.upload(ctx, rapid.IntRange(1, l.n).Draw(t, "key")) // perhaps one that it uploaded before
	case "fallback":
		key := fmt.Sprint("f", l.n)
		_, err := l.s.Upload(ctx, l.user, "D", KeyUpload{FallbackKeys: map[string]jsontext.Value{"x:" + key: quoted(key)}})
		if l.here && err == nil {
			l.fallback, l.used = key, false
		}
		return l.refusedOutside(err)
	case "claim":
		return l.claim(ctx)
	}
	device := strings.TrimPrefix(op, "send to ")
	text := fmt.Sprint(l.n)
	err := l.s.Send(ctx, Sender{bob, "D"}, "t", string(l.user)+text, Messages{string(l.user): {device: jsontext.Value(`{"n":` + text + `}`)}})
	if l.here {
		l.messages = append(l.messages, text)
	}
	return err
}

func quoted(s string) jsontext.Value { return jsontext.Value(`"` + s + `"`) }

func (l *life) refusedOutside(err error) error {
	if !l.here && fault.Is(err, "M_UNKNOWN_TOKEN") {
		return nil
	}
	if !l.here {
		return fmt.Errorf("a device that is not there uploads: %w", err)
	}
	return err
}

// upload uploads a key. One that was claimed before stays claimed.
func (l *life) upload(ctx context.Context, i int) error {
	name := fmt.Sprint("k", i)
	before, err := keys.CountKeys(ctx, l.s.DB, l.user, "D")
	if err != nil {
		return err
	}
	counts, err := l.s.Upload(ctx, l.user, "D", KeyUpload{OneTimeKeys: map[string]jsontext.Value{"x:" + name: quoted(name)}})
	if l.here && err == nil && counts["x"] > before.OneTime["x"] {
		l.keys[name] = true
	}
	return l.refusedOutside(err)
}

func (l *life) claim(ctx context.Context) error {
	raw, err := l.s.Claim(ctx, KeyClaim{string(l.user): {"D": "x"}})
	if err != nil {
		return err
	}
	var a struct {
		Keys map[string]map[string]map[string]string `json:"one_time_keys"`
	}
	if err := json.Unmarshal(raw, &a); err != nil {
		return err
	}
	got := ""
	for _, key := range a.Keys[string(l.user)]["D"] {
		got = key
	}
	switch {
	case l.keys[got]:
		delete(l.keys, got)
		return nil
	case len(l.keys) == 0 && got == l.fallback:
		l.used = true
		return nil
	}
	return fmt.Errorf("%q came out; one-time keys %v and fallback key %q are there", got, l.keys, l.fallback)
}

func (l *life) check() error {
	ctx := context.Background()
	c, err := keys.CountKeys(ctx, l.s.DB, l.user, "D")
	if err != nil {
		return err
	}
	if c.OneTime["x"] != len(l.keys) || (len(c.UnusedFallback) == 1) != (l.fallback != "" && !l.used) {
		return fmt.Errorf("counts are %+v; want %v, fallback %q used %v", c, l.keys, l.fallback, l.used)
	}
	list, err := keys.ToDevice(ctx, l.s.DB, l.user, "D", 0, maxPos, 100)
	if err != nil || len(list) != len(l.messages) {
		return fmt.Errorf("%d messages wait, want %d: %w", len(list), len(l.messages), err)
	}
	for i, m := range list {
		if !strings.Contains(string(m.Event), `{"n":`+l.messages[i]+`}`) {
			return fmt.Errorf("message %d is %s, want %s", i, m.Event, l.messages[i])
		}
	}
	return nil
}

// Nothing of a device outlives it, no one-time key comes out twice, and messages wait in order: whatever happens in whatever order.
//
// Spec: cs#post_matrixclientv3keysupload
// Spec: cs#post_matrixclientv3keysclaim
// Spec: cs#put_matrixclientv3sendtodeviceeventtypetxnid
func TestDeviceThatComesAndGoes(t *testing.T) {
	for name, open := range map[string]func(testing.TB, store.Options) *store.DB{"sqlite": storetest.SQLite, "postgres": storetest.Postgres} {
		t.Run(name, func(t *testing.T) {
			s := newService(t, open(t, store.Options{}))
			run := 0
			rapid.Check(t, func(t *rapid.T) {
				run++
				l := &life{s: s, user: mx.UserID(fmt.Sprintf("@u%d:x", run)), keys: map[string]bool{}}
				ops := rapid.SliceOfN(rapid.SampledFrom([]string{
					"sign in", "sign in", "sign out", "keys", "keys", "keys", "fallback", "claim", "claim", "send to D", "send to *", "send to D",
				}), 1, 30).Draw(t, "ops")
				for i, op := range ops {
					if err := l.do(t, op); err != nil {
						t.Fatalf("step %d, %s: %v", i, op, err)
					}
					if err := l.check(); err != nil {
						t.Fatalf("after step %d, %s: %v", i, op, err)
					}
				}
			})
		})
	}
}

// Whoever wins, no message waits for a device that is gone.
//
// Spec: cs#put_matrixclientv3sendtodeviceeventtypetxnid
func TestMessagesToADeviceThatGoes(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newService(t, db)
		var wg sync.WaitGroup
		for i := range 40 {
			wg.Go(func() {
				m := Messages{string(alice): {map[bool]string{true: "D", false: "*"}[i%2 == 0]: jsontext.Value(`{}`)}}
				if err := s.Send(context.Background(), Sender{bob, "D"}, "t", fmt.Sprint(i), m); err != nil {
					t.Error(err)
				}
			})
			if i == 20 {
				wg.Go(func() {
					if err := db.Write(func(tx *store.Tx) error {
						if _, err := account.DeleteDevice(tx, alice, "D"); err != nil {
							return err
						}
						return s.EraseDevice(tx, alice, "D")
					}); err != nil {
						t.Error(err)
					}
				})
			}
		}
		wg.Wait()
		if waits, err := keys.HasToDevice(context.Background(), db, alice, "D", maxPos); err != nil || waits {
			t.Errorf("messages wait: %v %v", waits, err)
		}
	})
}

// signer is an ed25519 key that signs key objects.
type signer struct {
	private ed25519.PrivateKey
	public  string
}

func newSigner() signer {
	public, private, _ := ed25519.GenerateKey(rand.Reader)
	return signer{private, base64.RawStdEncoding.EncodeToString(public)}
}

// cross is a cross-signing key of alice's, signed by another if that is not nil.
func (k signer) cross(t testing.TB, purpose string, by *signer) jsontext.Value {
	t.Helper()
	object := fmt.Sprintf(`{"keys":{"ed25519:%s":"%s"},"usage":["%s"],"user_id":"%s"}`, k.public, k.public, purpose, alice)
	if by == nil {
		return jsontext.Value(object)
	}
	signature := base64.RawStdEncoding.EncodeToString(ed25519.Sign(by.private, []byte(object)))
	return jsontext.Value(fmt.Sprintf(`%s,"signatures":{"%s":{"ed25519:%s":"%s"}}}`, strings.TrimSuffix(object, "}"), alice, by.public, signature))
}

// Spec: cs#post_matrixclientv3keysdevice_signingupload
func TestCrossSigningKeysShareNoName(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newService(t, db)
		ctx := context.Background()
		upload := func(u CrossSigningUpload) error {
			return s.UploadCrossSigning(ctx, alice, u, func() error { return nil })
		}
		must := func(err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
		}
		master, self := newSigner(), newSigner()
		must(upload(CrossSigningUpload{Master: master.cross(t, keys.Master, nil), SelfSigning: self.cross(t, keys.SelfSigning, &master)}))
		for _, k := range []signer{master, self} {
			if err := upload(CrossSigningUpload{UserSigning: k.cross(t, keys.UserSigning, &master)}); !fault.Is(err, "M_FORBIDDEN") {
				t.Errorf("a key for two purposes: %v", err)
			}
		}
		// A key may change its purpose where nothing else keeps its name.
		next := newSigner()
		must(upload(CrossSigningUpload{Master: next.cross(t, keys.Master, nil), UserSigning: self.cross(t, keys.UserSigning, &next)}))
		got, err := keys.UserCrossKeys(ctx, db, alice)
		must(err)
		if len(got) != 2 || got[keys.Master].Public != next.public || got[keys.UserSigning].Public != self.public {
			t.Errorf("after the reset: %+v", got)
		}
		for id, want := range map[string]bool{self.public: true, master.public: false, "D": false} {
			if is, err := s.IsKeyID(ctx, alice, id); err != nil || is != want {
				t.Errorf("%s is taken: %v %v", id, is, err)
			}
		}
	})
}

func dehydrated(id string) DehydratedUpload {
	return DehydratedUpload{DeviceID: &id, Data: jsontext.Value(`{"a":1}`), KeyUpload: KeyUpload{
		DeviceKeys:  jsontext.Value(fmt.Sprintf(`{"user_id":"%s","device_id":"%s","algorithms":[],"keys":{"ed25519:%s":"x"},"signatures":{}}`, alice, id, id)),
		OneTimeKeys: map[string]jsontext.Value{"x:1": quoted("one"), "x:2": quoted("two")},
	}}
}

// A dehydrated device that is sent again, as its answer got lost, does not bring claimed keys back.
//
// Spec: MSC3814
func TestDehydratedDeviceSentAgain(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newService(t, db)
		ctx := context.Background()
		claim := func() string {
			raw, err := s.Claim(ctx, KeyClaim{string(alice): {"DRY": "x"}})
			if err != nil {
				t.Fatal(err)
			}
			return string(raw)
		}
		put := func(u DehydratedUpload) {
			t.Helper()
			if err := s.PutDehydrated(ctx, alice, u); err != nil {
				t.Fatal(err)
			}
		}
		put(dehydrated("DRY"))
		if err := s.Send(ctx, Sender{bob, "D"}, "t", "1", Messages{string(alice): {"DRY": jsontext.Value(`{}`)}}); err != nil {
			t.Fatal(err)
		}
		first := claim()
		put(dehydrated("DRY"))
		if second := claim(); first == second || !strings.Contains(second, "two") {
			t.Errorf("claimed %s and %s", first, second)
		}
		if waits, err := keys.HasToDevice(ctx, db, alice, "DRY", maxPos); err != nil || !waits {
			t.Errorf("its message is gone: %v", err)
		}
		if is, err := s.IsKeyID(ctx, alice, "DRY"); err != nil || !is {
			t.Errorf("another device may be called like it: %v %v", is, err)
		}
		other := dehydrated("DRY") // the same name, but another device
		other.DeviceKeys = jsontext.Value(strings.Replace(string(other.DeviceKeys), `"x"`, `"y"`, 1))
		put(other)
		if waits, err := keys.HasToDevice(ctx, db, alice, "DRY", maxPos); err != nil || waits {
			t.Errorf("a message for the device before waits for this one: %v", err)
		}
	})
}

// Requests that were on their way when the account went leave nothing behind.
func TestRequestsOfWhoIsGone(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newService(t, db)
		ctx := context.Background()
		if err := db.Write(func(tx *store.Tx) error {
			if _, err := account.DeleteDevice(tx, alice, "D"); err != nil {
				return err
			}
			return s.EraseAccount(tx, alice, false)
		}); err != nil {
			t.Fatal(err)
		}
		algorithm := "a"
		_, backup := s.CreateBackup(ctx, alice, BackupRequest{Algorithm: &algorithm, AuthData: jsontext.Value(`{}`)})
		for what, err := range map[string]error{
			"dehydrated device": s.PutDehydrated(ctx, alice, dehydrated("DRY")), "backup": backup,
			"cross-signing": s.UploadCrossSigning(ctx, alice, newMaster(), func() error { return nil }),
		} {
			if !fault.Is(err, "M_UNKNOWN_TOKEN") {
				t.Errorf("%s: %v", what, err)
			}
		}
	})
}

// Spec: cs#post_matrixclientv3room_keysversion
func TestBackupVersionsHaveALimit(t *testing.T) {
	s := newService(t, storetest.SQLite(t, store.Options{}))
	ctx := context.Background()
	algorithm := "a"
	create := func() error {
		_, err := s.CreateBackup(ctx, alice, BackupRequest{Algorithm: &algorithm, AuthData: jsontext.Value(`{}`)})
		return err
	}
	for range maxBackups {
		if err := create(); err != nil {
			t.Fatal(err)
		}
	}
	if err := create(); !fault.Is(err, "M_FORBIDDEN") {
		t.Errorf("%v", err)
	}
	if err := s.DeleteBackup(ctx, alice, "1"); err != nil {
		t.Fatal(err)
	}
	if err := create(); err != nil {
		t.Error(err)
	}
}
