package client

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"conclave.chat/internal/mx"
	"conclave.chat/internal/store"
	"conclave.chat/internal/store/keys"
)

const dehydratedPath = "/_matrix/client/unstable/org.matrix.msc3814.v1/dehydrated_device"

// waiting reads what waits for a device.
func (h *harness) waiting(user, device string) (events []object) {
	h.t.Helper()
	list, err := keys.ToDevice(context.Background(), h.db, mx.UserID(user), mx.DeviceID(device), 0, store.Pos(1<<60), 1000)
	if err != nil {
		h.t.Fatal(err)
	}
	for _, m := range list {
		e := object{}
		if err := json.Unmarshal(m.Event, &e); err != nil {
			h.t.Fatal(err)
		}
		events = append(events, e)
	}
	return events
}

// Spec: cs#put_matrixclientv3sendtodeviceeventtypetxnid
func TestSendToDevice(t *testing.T) {
	each(t, func(t *testing.T, h *harness) {
		alice, bob := h.register("alice"), h.register("bob")
		phone := h.login("bob", testPassword)
		const path = "/_matrix/client/v3/sendToDevice/m.new_device/"
		body := object{"messages": object{
			bob.ID:    object{bob.Device: object{"example": "own", "float": 1.5}, "NONE": object{}, "*": object{"example": "all"}},
			"@no:hs1": object{"*": object{}}, "@x:elsewhere": object{"*": object{}},
		}}
		h.ok("PUT", path+"1", alice.Token, body)
		h.ok("PUT", path+"1", alice.Token, body)
		list := h.waiting(bob.ID, bob.Device)
		if len(list) != 1 || fmt.Sprint(list[0]) != fmt.Sprint(object{
			"content": object{"example": "own", "float": 1.5}, "sender": alice.ID, "type": "m.new_device",
		}) {
			t.Errorf("bob got %v", list)
		}
		if list := h.waiting(bob.ID, phone.Device); len(list) != 1 || fmt.Sprint(list[0]["content"]) != "map[example:all]" {
			t.Errorf("bob's phone got %v", list)
		}
		if list := h.waiting(bob.ID, "NONE"); len(list) != 0 {
			t.Errorf("a device that does not exist got %v", list)
		}

		// The transaction belongs to the device and the path.
		other := h.login("alice", testPassword)
		h.ok("PUT", path+"1", other.Token, body)
		h.ok("PUT", "/_matrix/client/v3/sendToDevice/m.other/1", alice.Token, body)
		if list := h.waiting(bob.ID, bob.Device); len(list) != 3 {
			t.Errorf("bob got %v", list)
		}
		h.ok("POST", "/_matrix/client/v3/logout", phone.Token, nil)
		if list := h.waiting(bob.ID, phone.Device); len(list) != 0 {
			t.Errorf("left for a device that is gone: %v", list)
		}

		for body, code := range map[string]string{
			`{}`:                                  "M_MISSING_PARAM",
			`{"messages":[]}`:                     "M_BAD_JSON",
			`{"messages":{"bob":{"*":{}}}}`:       "M_INVALID_PARAM",
			`{"messages":{"@bob:hs1":{"*":"x"}}}`: "M_BAD_JSON",
			`{"messages":{"@bob:hs1":[]}}`:        "M_BAD_JSON",
			`{"messages":{"@bob:hs1":{"*":{}}}`:   "M_NOT_JSON",
			"{\"messages\":{\"@bob:hs1\":{\"*\":{\"a\":\"\xff\"}}}}": "M_NOT_JSON",
		} {
			h.fails("PUT", path+"bad", alice.Token, body, 400, code)
		}
		large := object{"messages": object{bob.ID: object{"*": object{"x": strings.Repeat("x", 65536)}}}}
		h.fails("PUT", path+"large", alice.Token, large, 413, "M_TOO_LARGE")
		h.fails("PUT", path+strings.Repeat("x", 256), alice.Token, body, 400, "M_INVALID_PARAM")
		h.fails("PUT", path+"%00", alice.Token, body, 400, "M_INVALID_PARAM")
	})
}

// A request that is sent many times at once is carried out once.
func TestSendToDeviceRace(t *testing.T) {
	each(t, func(t *testing.T, h *harness) {
		alice := h.register("alice")
		var wg sync.WaitGroup
		for range 10 {
			wg.Go(func() {
				h.ok("PUT", "/_matrix/client/v3/sendToDevice/m.x/1", alice.Token, object{"messages": object{alice.ID: object{"*": object{}}}})
			})
		}
		wg.Wait()
		if list := h.waiting(alice.ID, alice.Device); len(list) != 1 {
			t.Errorf("%d messages, want 1", len(list))
		}
	})
}

func TestOldMessagesAreCollected(t *testing.T) {
	each(t, func(t *testing.T, h *harness) {
		alice := h.register("alice")
		body := object{"messages": object{alice.ID: object{"*": object{}}}}
		const path = "/_matrix/client/v3/sendToDevice/m.x/1"
		h.ok("PUT", path, alice.Token, body)
		if err := h.db.Write(func(tx *store.Tx) error { // as if an older version had left it
			return keys.Send(tx, store.Millis(h.clock), []keys.Recipient{{User: mx.UserID(alice.ID), Device: "GONE", Event: []byte("{}")}})
		}); err != nil {
			t.Fatal(err)
		}
		collect := func(after time.Duration) {
			if err := h.keys.Collect(context.Background(), h.clock.Add(after)); err != nil {
				t.Fatal(err)
			}
		}
		collect(time.Hour)
		if n, gone := len(h.waiting(alice.ID, alice.Device)), len(h.waiting(alice.ID, "GONE")); n != 1 || gone != 0 {
			t.Errorf("%d and %d messages wait", n, gone)
		}
		collect(25 * time.Hour) // the request is forgotten: the same one is a new one
		h.ok("PUT", path, alice.Token, body)
		if n := len(h.waiting(alice.ID, alice.Device)); n != 2 {
			t.Errorf("%d messages wait, want 2", n)
		}
		collect(200 * 24 * time.Hour)
		if n := len(h.waiting(alice.ID, alice.Device)); n != 0 {
			t.Errorf("%d messages wait for ever", n)
		}
	})
}

// Spec: MSC3814
func TestDehydratedDevice(t *testing.T) {
	each(t, func(t *testing.T, h *harness) {
		alice, bob := h.register("alice"), h.register("bob")
		for _, method := range []string{"GET", "DELETE"} {
			h.fails(method, dehydratedPath, alice.Token, nil, 404, "M_NOT_FOUND")
		}
		upload := func(id string) object {
			keys := newSigningKey(t, alice.ID, id).device(t)
			keys["dehydrated"] = true
			return object{
				"device_id": id, "device_data": object{"algorithm": "org.matrix.msc3814.v1.olm", "device_pickle": "encrypted"},
				"device_keys": keys, "initial_device_display_name": "Dehydrated",
				"one_time_keys": object{"signed_curve25519:1": oneTimeKey(alice.ID, "1")},
				"fallback_keys": object{"signed_curve25519:2": oneTimeKey(alice.ID, "2")},
			}
		}
		const first, second = "JGLn/yafz74HB2AbPLJJWIVGnKAtqECOBf11yyXac2Y", "3C5BFWi2Y8MaVvjM8M22DBmh24PmgR0nPvJOIArzgyI"
		h.ok("PUT", dehydratedPath, alice.Token, upload(first)).is(first, "device_id")
		h.ok("GET", dehydratedPath, alice.Token, nil).is(first, "device_id").is("encrypted", "device_data", "device_pickle")
		query := object{"device_keys": object{alice.ID: []string{}}}
		a := h.ok("POST", keysPath+"query", bob.Token, query)
		a.is(true, "device_keys", alice.ID, first, "dehydrated").is("Dehydrated", "device_keys", alice.ID, first, "unsigned", "device_display_name")
		h.ok("POST", keysPath+"claim", bob.Token, object{"one_time_keys": object{alice.ID: object{first: "signed_curve25519"}}}).
			is("key of 1", "one_time_keys", alice.ID, first, "signed_curve25519:1", "key")

		h.ok("PUT", "/_matrix/client/v3/sendToDevice/m.room.encrypted/1", bob.Token, object{"messages": object{alice.ID: object{"*": object{"n": 0}}}})
		if err := h.db.Write(func(tx *store.Tx) error {
			for i := 1; i < 150; i++ {
				to := keys.Recipient{User: mx.UserID(alice.ID), Device: first, Event: fmt.Appendf(nil, `{"content":{"n":%d}}`, i)}
				if err := keys.Send(tx, 0, []keys.Recipient{to}); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		events := dehydratedPath + "/" + strings.ReplaceAll(first, "/", "%2F") + "/events"
		var next string
		got := 0
		for _, want := range []int{100, 50, 0} {
			body := object{"next_batch": next}
			if next == "" {
				body = object{}
			}
			a := h.ok("POST", events, alice.Token, body)
			list, _ := a.get("events").([]any)
			if len(list) != want {
				t.Fatalf("%d events, want %d", len(list), want)
			}
			for _, e := range list {
				if n := e.(object)["content"].(object)["n"]; n != float64(got) {
					t.Fatalf("event %v came at place %d", n, got)
				}
				got++
			}
			next = a.str("next_batch")
		}
		h.fails("POST", events, bob.Token, object{}, 403, "M_FORBIDDEN")
		h.fails("POST", dehydratedPath+"/"+alice.Device+"/events", alice.Token, object{}, 403, "M_FORBIDDEN")
		for _, token := range []string{"x", "d", "dx", "d-1", "1"} {
			h.fails("POST", events, alice.Token, object{"next_batch": token}, 400, "M_INVALID_PARAM")
		}

		h.ok("PUT", dehydratedPath, alice.Token, upload(second))
		h.ok("POST", keysPath+"query", bob.Token, query).is(nil, "device_keys", alice.ID, first)
		if n := len(h.waiting(alice.ID, first)); n != 0 {
			t.Errorf("%d messages wait for a device that was replaced", n)
		}
		h.ok("DELETE", dehydratedPath, alice.Token, nil).is(second, "device_id")
		h.ok("POST", keysPath+"query", bob.Token, query).is(nil, "device_keys", alice.ID, second)

		for code, change := range map[string]object{
			"M_MISSING_PARAM": {"device_id": nil}, "M_BAD_JSON": {"device_data": "x"},
			"M_INVALID_PARAM": {"device_id": alice.Device, "device_keys": newSigningKey(t, alice.ID, alice.Device).device(t)},
		} {
			body := upload(first)
			for k, v := range change {
				body[k] = v
			}
			h.fails("PUT", dehydratedPath, alice.Token, body, 400, code)
		}
		body := upload(first)
		delete(body, "device_keys")
		h.fails("PUT", dehydratedPath, alice.Token, body, 400, "M_MISSING_PARAM")
		body = upload(first)
		body["device_id"] = second
		h.fails("PUT", dehydratedPath, alice.Token, body, 400, "M_INVALID_PARAM")
	})
}
