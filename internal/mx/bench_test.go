package mx

import (
	"strconv"
	"testing"
)

// A message as a client sends it in an encrypted room: about 1 KB, keys in no order.
var encryptedContent = []byte(`{"algorithm": "m.megolm.v1.aes-sha2", "sender_key": "IlRMeOPX2e0MurIyfWEucYBRVOEEUMrOHqn/8mLqMjA", "ciphertext": "` +
	string(make64(700)) + `", "session_id": "IlRMeOPX2e0MurIyfWEucYBRVOEEUMrOHqn", "device_id": "GHTYAJCE", "m.relates_to": {"rel_type": "m.thread", "event_id": "$Rqnc-F-dvnEYJTyHq_iKxU2bZ1CI92-kuZq3a5lr5Zg", "is_falling_back": true, "m.in_reply_to": {"event_id": "$Rqnc-F-dvnEYJTyHq_iKxU2bZ1CI92-kuZq3a5lr5Zg"}}}`)

func make64(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"[i*31%64]
	}
	return b
}

func BenchmarkCanonical(b *testing.B) {
	canonical, err := Canonical(encryptedContent)
	if err != nil {
		b.Fatal(err)
	}
	for name, in := range map[string][]byte{"unsorted": encryptedContent, "sorted": canonical} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(in)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Canonical(in); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// benchRoom is a room of version 12 with a hundred users in its power levels, and a message in it.
func benchRoom(b *testing.B) (*RoomVersion, StateMap, Proto) {
	v := version(b, DefaultVersion)
	create := build(b, v, Proto{Sender: "@u:domain", Type: TypeCreate, StateKey: sp(""), Content: []byte(`{"room_version":"12"}`)})
	levels := `{"users":{`
	for i := range 100 {
		levels += `"@user` + strconv.Itoa(100+i) + `:domain":50,`
	}
	levels = levels[:len(levels)-1] + `},"events":{"m.room.name":50,"m.room.tombstone":150}}`
	member := build(b, v, Proto{RoomID: create.RoomID, Sender: "@v:domain", Type: TypeMember, StateKey: sp("@v:domain"), Content: []byte(`{"membership":"join","displayname":"V"}`)})
	power := build(b, v, Proto{RoomID: create.RoomID, Sender: "@u:domain", Type: TypePowerLevels, StateKey: sp(""), Content: []byte(levels)})
	return v, NewStateMap(create, member, power), Proto{
		RoomID: create.RoomID, Sender: "@v:domain", Type: TypeEncrypted, Content: encryptedContent, Depth: 100, TS: 1700000000000,
		PrevEvents: []EventID{create.ID}, AuthEvents: []EventID{power.ID, member.ID},
	}
}

func BenchmarkBuild(b *testing.B) {
	v, _, p := benchRoom(b)
	s := vectorSigner(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Build(v, p, s); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkLoadEvent(b *testing.B) {
	v, _, p := benchRoom(b)
	e := build(b, v, p)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := LoadEvent(v, e.ID, e.Raw); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkParseEvent(b *testing.B) {
	v, _, p := benchRoom(b)
	e := build(b, v, p)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ParseEvent(v, e.Raw); err != nil {
			b.Fatal(err)
		}
	}
}

type cachedState struct {
	StateMap
	power *PowerLevels
}

func (c cachedState) Power() *PowerLevels { return c.power }

func BenchmarkAuthorize(b *testing.B) {
	v, st, p := benchRoom(b)
	e := build(b, v, p)
	power := NewPowerLevels(v, st.State(TypeCreate, ""), st.State(TypePowerLevels, ""))
	for name, st := range map[string]StateReader{"plain": st, "cached": cachedState{st, power}} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := Authorize(v, e, st); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkMembership(b *testing.B) {
	_, st, _ := benchRoom(b)
	m := st.State(TypeMember, "@v:domain")
	b.ReportAllocs()
	for b.Loop() {
		if m.Membership() != Join {
			b.Fatal("not joined")
		}
	}
}

func BenchmarkParseUserID(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ParseUserID("@alice.example:matrix.example.org:8448"); err != nil {
			b.Fatal(err)
		}
	}
}
