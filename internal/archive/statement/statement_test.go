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
		{{"!a:x", 1, "$1"}, {"!a:x", 2, "$2"}, {"!b", 7, "$3"}},
		{{"!a", 1, "$1"}, {"!a", 3, "$3"}},
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
	for _, e := range []Event{{"!a", 1, "$a\n$b"}, {"!a b", 1, "$a"}, {"!a", 1, ""}, {"!a", 1, "room"}, {"!a", 1, "$" + strings.Repeat("x", 2000)}} {
		if err := Write(&bytes.Buffer{}, s, "example.org", []Event{e}); err == nil {
			t.Errorf("%v was taken", e)
		}
	}
}

// Without the signature's protection the reader of the list has to hold too.
func FuzzStatement(f *testing.F) {
	s, v := keys(f)
	var b bytes.Buffer
	if err := Write(&b, s, "example.org", []Event{{"!a", 1, "$1"}, {"!b", 7, "$3"}}); err != nil {
		f.Fatal(err)
	}
	head, list, _ := strings.Cut(b.String(), "\n\nroom")
	f.Add(head+"\n\n", "room"+list)
	f.Fuzz(func(_ *testing.T, head, list string) { _, _, _ = read([]byte(head+list), v) })
}
