package named

import (
	"fmt"
	"slices"
	"strings"
	"testing"

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
		found, err := In("here", []byte(c.content))
		var got []string
		for _, a := range found {
			one := a.URL + " " + a.Name + " " + a.Type
			if a.Sealed != nil {
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
