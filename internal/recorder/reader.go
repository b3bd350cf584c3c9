//go:build goolm

package recorder

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"maunium.net/go/mautrix/crypto"
	"maunium.net/go/mautrix/crypto/olm"
	"maunium.net/go/mautrix/id"

	"conclave.chat/internal/archive/record"
	"conclave.chat/internal/fault"
	"conclave.chat/internal/recorder/named"
)

// message is what is to be read: what of an event does not depend on its place in the room.
type message struct {
	Room    string         `json:"room_id"`
	Sender  string         `json:"sender"`
	Type    string         `json:"type"`
	Content jsontext.Value `json:"content"`

	state bool
	class string // of retention, of a room that is being made
}

func (m *message) digest() [32]byte {
	h := sha256.New()
	for _, s := range []string{m.Room, m.Sender, m.Type} {
		fmt.Fprintf(h, "%d:%s", len(s), s)
	}
	h.Write(m.Content)
	return [32]byte(h.Sum(nil))
}

// reading is what a message says.
type reading struct {
	typ    string
	plain  jsontext.Value // nil: it was not encrypted
	other  jsontext.Value // what else was encrypted with it
	device *record.Device
	named  []named.File
	files  []*file // those that are named, sealed
	class  string  // of retention
	made   time.Time
}

const (
	encrypted   = "m.room.encrypted"
	readingsFor = time.Minute
	maxReadings = 4096
	maxSessions = 4096
)

// reader decrypts.
type reader struct {
	mach *crypto.OlmMachine
	keys *crypto.SQLCryptoStore

	mu       sync.Mutex
	readings map[[32]byte]*reading
	sessions map[id.SessionID]*session
	devices  map[string]*record.Device // by sender and key, until device lists change
	arrived  chan struct{}             // closed when a sync has brought something
}

// session is a room key in memory: reading it from the store for each message would take longer than to decrypt.
type session struct {
	mu sync.Mutex
	*crypto.InboundGroupSession
}

func newReader(m *crypto.OlmMachine, keys *crypto.SQLCryptoStore) *reader {
	return &reader{
		mach: m, keys: keys, readings: map[[32]byte]*reading{}, sessions: map[id.SessionID]*session{}, devices: map[string]*record.Device{},
		arrived: make(chan struct{}),
	}
}

// synced tells those who wait for keys to look again.
func (r *reader) synced(devicesChanged bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	close(r.arrived)
	r.arrived = make(chan struct{})
	if devicesChanged {
		clear(r.devices)
	}
}

// recall gives what was read of a message a moment ago.
func (r *reader) recall(m *message) *reading {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.readings[m.digest()]
}

// keep remembers a reading for the signature that is about to be asked for.
func (r *reader) keep(m *message, rd *reading) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.readings) >= maxReadings {
		clear(r.readings)
	}
	rd.made = time.Now()
	r.readings[m.digest()] = rd
}

// expire forgets plaintext that nobody has asked for.
func (r *reader) expire() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for k, rd := range r.readings {
		if time.Since(rd.made) > readingsFor {
			delete(r.readings, k)
		}
	}
}

// forget drops a reading that was recorded.
func (r *reader) forget(m *message) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.readings, m.digest())
}

func refuse(format string, args ...any) error {
	return fault.New(fault.BadRequest, "M_FORBIDDEN", format, args...)
}

// read decrypts a message, waiting for its key until then, or not at all.
func (r *reader) read(ctx context.Context, m *message, until time.Time, atOnce bool) (*reading, error) {
	if m.Type != encrypted {
		return &reading{typ: m.Type}, nil
	}
	var sealed struct {
		Algorithm  string       `json:"algorithm"`
		Session    id.SessionID `json:"session_id"`
		Ciphertext string       `json:"ciphertext"`
	}
	if err := json.Unmarshal(m.Content, &sealed); err != nil || sealed.Algorithm != string(id.AlgorithmMegolmV1) || sealed.Session == "" || len(sealed.Ciphertext) < 74 {
		return nil, refuse("This room is recorded: the message is encrypted in a way that the recorder does not know")
	}
	for {
		r.mu.Lock()
		arrived := r.arrived
		r.mu.Unlock()
		s, err := r.session(ctx, m.Room, sealed.Session, false)
		if err != nil {
			return nil, err
		}
		if s != nil {
			rd, err := r.open(ctx, m, s, sealed.Ciphertext)
			if !errors.Is(err, olm.ErrUnknownMessageIndex) {
				return rd, err
			}
			if s, err = r.session(ctx, m.Room, sealed.Session, true); err == nil && s != nil {
				if rd, err = r.open(ctx, m, s, sealed.Ciphertext); !errors.Is(err, olm.ErrUnknownMessageIndex) {
					return rd, err
				}
			}
		}
		if atOnce {
			return nil, errUnready
		}
		wait := time.NewTimer(time.Until(until))
		select {
		case <-arrived:
			wait.Stop()
		case <-wait.C:
			return nil, refuse("This room is recorded, and the recorder has not got the key of this message: your app has to share keys with the recorder")
		case <-ctx.Done():
			wait.Stop()
			return nil, ctx.Err()
		}
	}
}

// session gives a room key, or nil.
func (r *reader) session(ctx context.Context, room string, sid id.SessionID, anew bool) (*session, error) {
	r.mu.Lock()
	s := r.sessions[sid]
	r.mu.Unlock()
	if s != nil && !anew && s.RoomID.String() == room {
		return s, nil
	}
	got, err := r.keys.GetGroupSession(ctx, id.RoomID(room), sid)
	if errors.Is(err, crypto.ErrGroupSessionWithheld) {
		return nil, refuse("This room is recorded, and your app withholds the key of this message from the recorder")
	}
	if err != nil || got == nil {
		return nil, err
	}
	s = &session{InboundGroupSession: got}
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.sessions) >= maxSessions {
		clear(r.sessions)
	}
	r.sessions[sid] = s
	return s, nil
}

// open decrypts with a key, and checks that the key is one of the sender's for this room.
func (r *reader) open(ctx context.Context, m *message, s *session, ciphertext string) (*reading, error) {
	s.mu.Lock()
	plain, _, err := s.Internal.Decrypt([]byte(ciphertext))
	s.mu.Unlock()
	if errors.Is(err, olm.ErrUnknownMessageIndex) {
		return nil, err
	}
	if err != nil {
		return nil, refuse("This room is recorded, and the recorder cannot decrypt the message")
	}
	var inner struct {
		Room    string         `json:"room_id"`
		Type    string         `json:"type"`
		Content jsontext.Value `json:"content"`
		Other   jsontext.Value `json:",inline"`
	}
	if err := json.Unmarshal(plain, &inner); err != nil || inner.Room != m.Room || inner.Type == "" || inner.Content.Kind() != '{' {
		return nil, refuse("This room is recorded, and what is encrypted is no message for it")
	}
	device, err := r.device(ctx, m.Sender, s)
	if err != nil {
		return nil, err
	}
	return &reading{typ: inner.Type, plain: inner.Content, other: inner.Other, device: device}, nil
}

// device is what a key was made by.
func (r *reader) device(ctx context.Context, sender string, s *session) (*record.Device, error) {
	key := sender + " " + s.SenderKey.String()
	r.mu.Lock()
	d := r.devices[key]
	r.mu.Unlock()
	if d != nil {
		return d, nil
	}
	found, err := r.keys.FindDeviceByKey(ctx, id.UserID(sender), s.SenderKey)
	if err == nil && found == nil {
		found, err = r.mach.GetOrFetchDeviceByKey(ctx, id.UserID(sender), s.SenderKey)
	}
	if err != nil || found == nil || found.SigningKey != s.SigningKey {
		return nil, refuse("This room is recorded, and the message was encrypted by a device that is not the sender's")
	}
	trust, err := r.mach.ResolveTrustContext(ctx, found)
	if err != nil {
		return nil, err
	}
	d = &record.Device{ID: found.DeviceID.String(), Key: s.SenderKey.String(), Verification: "unverified"}
	if trust >= id.TrustStateCrossSignedTOFU {
		d.Verification = "verified"
	}
	r.mu.Lock()
	r.devices[key] = d
	r.mu.Unlock()
	return d, nil
}
