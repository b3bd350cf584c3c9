package statement

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"
)

func keys(t testing.TB) (note.Signer, note.Verifier) {
	t.Helper()
	skey, vkey, err := note.GenerateKey(rand.Reader, "example.org/accepted")
	if err != nil {
		t.Fatal(err)
	}
	s, _ := note.NewSigner(skey)
	v, _ := note.NewVerifier(vkey)
	return s, v
}

func read(data []byte, v note.Verifier) (list []Event, server string, err error) {
	server, err = Read(bytes.NewReader(data), v, func(e Event) error {
		list = append(list, e)
		return nil
	})
	return list, server, err
}

func TestStatementsComeBack(t *testing.T) {
	s, v := keys(t)
	for _, want := range [][]Event{
		nil,
		{{Room: "!a:x", Seq: 1, ID: "$1"}, {Room: "!a:x", Seq: 2, ID: "$2"}, {Room: "!b", Seq: 7, ID: "$3"}},
		{{Room: "!a", Seq: 1, ID: "$1"}, {Room: "!a", Seq: 3, ID: "$3"}},
		{{"!a", 1, "$1", "x/log"}, {"!a", 2, "$2", "x/log"}, {"!a", 3, "$3", "x/log-2"}, {"!b", 1, "$4", "x/log-2"}, {"!c", 9, "$5", "x/log"}},
	} {
		var b bytes.Buffer
		if err := Write(&b, s, "example.org", want); err != nil {
			t.Fatal(err)
		}
		got, server, err := read(b.Bytes(), v)
		if err != nil || server != "example.org" || fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("got %v by %s, want %v: %v", got, server, want, err)
		}
		for i := range b.Len() {
			bad := bytes.Clone(b.Bytes())
			bad[i] ^= 1
			if _, _, err := read(bad, v); err == nil {
				t.Errorf("byte %d is free", i)
			}
			if _, _, err := read(b.Bytes()[:i], v); err == nil {
				t.Errorf("it can be cut at %d", i)
			}
		}
		if _, _, err := read(append(b.Bytes(), "$x\n"...), v); err == nil {
			t.Error("something can be added")
		}
	}
}

func TestIdsThatWouldBreakTheListAreRefused(t *testing.T) {
	s, _ := keys(t)
	for _, e := range []Event{{Room: "!a", Seq: 1, ID: "$a\n$b"}, {Room: "!a b", Seq: 1, ID: "$a"}, {Room: "!a", Seq: 1, ID: ""}, {Room: "!a", Seq: 1, ID: "room"}, {"!a", 1, "$a", "x y"}, {"!a", 1, "log", "x"}, {Room: "!a", Seq: 1, ID: "$" + strings.Repeat("x", 2000)}} {
		if err := Write(&bytes.Buffer{}, s, "example.org", []Event{e}); err == nil {
			t.Errorf("%v was taken", e)
		}
	}
}

// Without the signature's protection the reader of the list has to hold too.
func FuzzStatement(f *testing.F) {
	s, v := keys(f)
	var b bytes.Buffer
	if err := Write(&b, s, "example.org", []Event{{Room: "!a", Seq: 1, ID: "$1"}, {Room: "!b", Seq: 7, ID: "$3"}}); err != nil {
		f.Fatal(err)
	}
	head, list, _ := strings.Cut(b.String(), "\n\nroom")
	f.Add(head+"\n\n", "room"+list)
	f.Fuzz(func(t *testing.T, head, tail string) {
		if events, server, err := read([]byte(head+tail), v); err == nil && (server != "example.org" || len(events) != 2 || !strings.HasSuffix(tail, list)) {
			t.Fatalf("what nobody signed is taken: %s %+v", server, events)
		}
	})
}
