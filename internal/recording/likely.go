package recording

import (
	"bytes"
	"sync"

	"conclave.chat/internal/mx"
	"conclave.chat/internal/roomstate"
)

// maxText is how long the ciphertext of a message may be, in characters of base64, that is taken to name no file. Encrypted, the shortest content with a file,
// its key and its hash has about 430 bytes; Megolm adds 80, and base64 a third.
const maxText = 640

// Likely reports whether the recorder needs neither wait nor fetch for a message: it is written in clear text and names no file, or is a short one of a room key
// with which it has decrypted already. If that is wrong, Sign says so, and the recorder is asked by Check.
func (s *Service) Likely(room *roomstate.Snapshot, by mx.UserID, typ string, content []byte) bool {
	if len(s.recorders) == 0 {
		return false
	}
	ev := mx.Event{RoomID: room.Room(), Sender: by, Type: typ, Content: content}
	if key, ok := keyOf(&ev); ok {
		return len(ev.Str("ciphertext")) <= maxText && s.keysKnown.has(key)
	}
	return !bytes.Contains(content, []byte("mxc:"))
}

// roomKey names the room key of an encrypted event.
type roomKey struct {
	room    mx.RoomID
	sender  mx.UserID
	session string
}

// keyOf gives the room key of an event, if it is encrypted.
func keyOf(ev *mx.Event) (roomKey, bool) {
	if ev.Type != mx.TypeEncrypted || ev.IsState() {
		return roomKey{}, false
	}
	return roomKey{ev.RoomID, ev.Sender, ev.Str("session_id")}, true
}

// keySet is a set of room keys that forgets those that were not used lately.
type keySet struct {
	mu         sync.Mutex
	fresh, old map[roomKey]struct{}
}

// maxKeys is how many keys a generation has. One of 8,192 takes about 2 MiB.
const maxKeys = 8192

func (k *keySet) has(key roomKey) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if _, ok := k.fresh[key]; ok {
		return true
	}
	_, ok := k.old[key]
	return ok
}

func (k *keySet) add(key roomKey) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if _, ok := k.fresh[key]; ok {
		return
	}
	if k.fresh == nil || len(k.fresh) >= maxKeys {
		k.fresh, k.old = map[roomKey]struct{}{}, k.fresh
	}
	k.fresh[key] = struct{}{}
}

func (k *keySet) drop(key roomKey) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.fresh, key)
	delete(k.old, key)
}
