package record

import (
	"bytes"
	"reflect"
	"testing"
	"time"
)

func full() Record {
	return Record{
		Salt: "salt", Time: time.Date(2026, 1, 2, 3, 4, 5, 6000000, time.UTC), Room: "!r", RoomName: "Desk <1>", EventID: "$e", Event: []byte(`{"type":"m.room.encrypted"}`),
		Type: "m.room.message", Plaintext: []byte(`{"body":"line\nfeed"}`), Sender: "@a:x", Device: &Device{ID: "D", Key: "k", Verification: "verified"},
		Members: []string{"@a:x", "@b:x"}, Policy: "p", Attachments: []Attachment{{Name: "f", Type: "t", Size: 1, SHA256: "00", Blob: "11"}},
		Verdict: &Verdict{Action: "warn", Reason: "r", Rules: []string{"1"}}, Reason: "why",
	}
}

func TestRecordsComeBack(t *testing.T) {
	want := full()
	line, err := want.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if line, err = Number(42, line); err != nil || bytes.IndexByte(line, '\n') >= 0 || !bytes.HasPrefix(line, []byte(`{"seq":42,"salt":"salt"`)) {
		t.Fatalf("%s, %v", line, err)
	}
	seq, got, err := Decode(line)
	if err != nil || seq != 42 || !reflect.DeepEqual(*got, want) {
		t.Errorf("%d, %+v, %v", seq, got, err)
	}
	a, b := Record{}, Record{}
	la, _ := a.Encode()
	lb, _ := b.Encode()
	if bytes.Equal(la, lb) {
		t.Error("two records that say the same have the same bytes: they can be guessed by their hash")
	}
}

func FuzzLine(f *testing.F) {
	r := full()
	line, _ := r.Encode()
	line, _ = Number(1, line)
	f.Add(line)
	f.Fuzz(func(t *testing.T, data []byte) {
		_, r, err := Decode(data)
		if err == nil && r == nil {
			t.Fatal("nothing, and no error")
		}
	})
}
