//go:build goolm

package recorder

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"filippo.io/age"
	"golang.org/x/mod/sumdb/note"
	"maunium.net/go/mautrix"

	"conclave.chat/internal/archive"
	"conclave.chat/internal/archive/merkle"
	"conclave.chat/internal/fault"
)

const (
	aKey   = `{"alg":"A256CTR","ext":true,"k":"aWF6-32KGYaC3A_FEUCk1Bt0JA37zP0wrStgmdCaW-0","key_ops":["encrypt","decrypt"],"kty":"oct"}`
	aFile  = `{"url":"mxc://here/secret","v":"v2","iv":"w+sE15fzSc0AAAAAAAAAAA","hashes":{"sha256":"fdSLu/YkRx3Wyh3KQabP3rd6+SFiKg5lsJZQHtkSAYA"},"key":` + aKey + `}`
	bad    = "!"
	locked = " locked"
)

// What members of a room can see must be in the archive, however the event says it.
func TestEveryFileOfAnEventIsFound(t *testing.T) {
	for _, c := range []struct {
		content string
		want    []string // "!": refused
	}{
		{`{"msgtype":"m.text","body":"hello"}`, nil},
		{`{"msgtype":"m.file","body":"a.pdf","url":"mxc://here/abc","info":{"mimetype":"application/pdf"}}`, []string{"mxc://here/abc a.pdf application/pdf"}},
		{
			`{"msgtype":"m.image","body":"caption","filename":"a.png","file":` + aFile + `,"info":{"mimetype":"image/png","thumbnail_file":` + strings.Replace(aFile, "secret", "small", 1) + `}}`,
			[]string{"mxc://here/secret a.png image/png" + locked, "mxc://here/small thumbnail of a.png " + locked},
		},
		{
			`{"msgtype":"m.image","body":"a.png","url":"mxc://here/abc","info":{"thumbnail_url":"mxc://here/def","mimetype":"image/png"}}`,
			[]string{"mxc://here/abc a.png image/png", "mxc://here/def thumbnail of a.png "},
		},
		// Fields of a wrong type: apps show the file all the same.
		{`{"msgtype":"m.file","body":"a","url":"mxc://here/abc","info":"x"}`, []string{"mxc://here/abc a "}},
		{`{"msgtype":"m.file","body":7,"url":"mxc://here/abc","info":{"thumbnail_url":1,"mimetype":5}}`, []string{"mxc://here/abc  "}},
		{`{"msgtype":"m.file","body":"a","file":` + strings.Replace(aFile, `"ext":true`, `"ext":"true"`, 1) + `}`, []string{"mxc://here/secret a " + locked}},
		{`{"msgtype":"m.file","body":"a","file":` + strings.Replace(aFile, `AAAA"`, `AAAA=="`, 1) + `}`, []string{"mxc://here/secret a " + locked}},
		{`{"msgtype":"m.file","body":"a","file":` + strings.Replace(aFile, `"v2"`, `2`, 1) + `}`, []string{bad}},
		{`{"msgtype":"m.file","body":"a","file":` + strings.Replace(aFile, `A256CTR`, `A128CTR`, 1) + `}`, []string{bad}},
		// Elsewhere than at the top.
		{`{"msgtype":"m.text","body":"* a","m.new_content":{"msgtype":"m.file","body":"a.pdf","url":"mxc://here/abc"}}`, []string{"mxc://here/abc a.pdf "}},
		{
			`{"msgtype":"dm.filament.gallery","body":"two","itemtypes":[{"body":"1.png","url":"mxc://here/one"},{"body":"2.png","file":` + aFile + `}]}`,
			[]string{"mxc://here/one 1.png ", "mxc://here/secret 2.png " + locked},
		},
		{`{"msgtype":"m.text","body":"x","formatted_body":"<b>x</b><img src=\"mxc://here/abc\"/> <img src='mxc://elsewhere/def'>"}`, []string{"mxc://here/abc x "}},
		{`{"msgtype":"m.text","body":"x","org.example.voice":{"deep":[{"at":"mxc:\/\/here\/abc"}]}}`, []string{"mxc://here/abc x "}},
		{`{"msgtype":"m.text","body":"x","link":"\u006dxc://here/abc"}`, []string{"mxc://here/abc x "}},
		// A decoy beside the file.
		{`{"msgtype":"m.file","body":"a","file":` + aFile + `,"url":"mxc://here/abc"}`, []string{"mxc://here/secret a " + locked, "mxc://here/abc a "}},
		{`{"msgtype":"m.file","body":"a","file":{},"url":"mxc://here/abc"}`, []string{"mxc://here/abc a "}},
		// Named twice, it is one.
		{`{"msgtype":"m.file","body":"a","url":"mxc://here/abc","m.new_content":{"msgtype":"m.file","body":"a","url":"mxc://here/abc"}}`, []string{"mxc://here/abc a "}},
		{`{"url":"mxc://here/abc","url":"mxc://here/def"}`, []string{bad}},
		{`{"files":[` + strings.TrimSuffix(func() (s string) {
			for i := range maxNamed + 1 {
				s += fmt.Sprintf(`"mxc://here/%d",`, i)
			}
			return s
		}(), ",") + `]}`, []string{bad}},
	} {
		f := finder{server: "here"}
		err := f.look([]byte(c.content))
		var got []string
		for _, a := range f.found {
			one := a.URL + " " + a.Name + " " + a.Type
			if a.File != nil {
				one += locked
			}
			got = append(got, one)
		}
		if fault.Of(err) != nil {
			got = []string{bad}
		} else if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%.120s:\n got %q\nwant %q", c.content, got, c.want)
		}
	}
}

// A file that takes long goes on coming when nobody waits for it any more, and is fetched once.
func TestAFileIsFetchedOnce(t *testing.T) {
	var asked atomic.Int64
	begun, more := make(chan struct{}), make(chan struct{})
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/missing") {
			w.WriteHeader(http.StatusNotFound)
			_, _ = io.WriteString(w, `{"errcode":"M_NOT_FOUND","error":"no"}`)
			return
		}
		if strings.HasSuffix(r.URL.Path, "/broken") {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		asked.Add(1)
		_, _ = io.WriteString(w, "first half, ")
		_ = http.NewResponseController(w).Flush()
		close(begun)
		<-more
		_, _ = io.WriteString(w, "second half")
	}))
	defer srv.Close()
	client, err := mautrix.NewClient(srv.URL, "@recorder:here", "token")
	if err != nil {
		t.Fatal(err)
	}
	client.DefaultHTTPRetries = 0
	secret, public, err := merkle.GenerateKey(rand.Reader, "here/archive")
	if err != nil {
		t.Fatal(err)
	}
	signer, _ := note.NewSigner(secret)
	verifier, _ := merkle.ParseVerifier(public)
	officer, err := age.GenerateHybridIdentity()
	if err != nil {
		t.Fatal(err)
	}
	log, err := archive.Open(archive.Config{Dir: t.TempDir(), Signer: signer, Verifier: verifier, Recipients: []age.Recipient{officer.Recipient()}})
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	fs := &files{client: client, log: log, most: 1 << 20, known: map[string]*file{}}
	ctx, cancel := context.WithCancel(context.Background())
	go func() { <-begun; cancel() }()
	if _, err := fs.seal(ctx, attached{URL: "mxc://here/abc"}, "standard"); err == nil {
		t.Fatal("it was there before it had come")
	}
	close(more)
	f, err := fs.seal(context.Background(), attached{URL: "mxc://here/abc"}, "standard")
	if err != nil {
		t.Fatal(err)
	}
	if f.size != int64(len("first half, second half")) || asked.Load() != 1 {
		t.Errorf("%d bytes, asked for %d times", f.size, asked.Load())
	}
	if _, err := fs.seal(context.Background(), attached{URL: "mxc://here/missing"}, "standard"); fault.Of(err) == nil {
		t.Errorf("%v: want a refusal, for it is not there", err)
	}
	if _, err := fs.seal(context.Background(), attached{URL: "mxc://here/broken"}, "standard"); err == nil || fault.Of(err) != nil {
		t.Errorf("%v: want no refusal, for it may pass", err)
	}
}

// What was signed and never happened is no longer taken for the state of the room.
func TestStateThatDoesNotComeIsDoubted(t *testing.T) {
	s := &roomState{members: map[string]string{"@ann:here": "join"}}
	s.expect("m.room.topic", "", "$topic", map[string]any{"topic": "x"}) // records do not say it: it may come or not
	s.expect("m.room.member", "@ann:here", "$left", map[string]any{"membership": "leave"})
	if f := s.look(); len(f.members) != 0 || s.doubtful() {
		t.Errorf("right after the signature: %v, doubtful %v", f.members, s.doubtful())
	}
	s.expected["$left"] = s.expected["$left"].Add(-expectedFor - 1)
	if !s.doubtful() {
		t.Error("it has not come, and is believed")
	}
	s.met("$left")
	if s.doubtful() {
		t.Error("it has come, and is not believed")
	}
}
