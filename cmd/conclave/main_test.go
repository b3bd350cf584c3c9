package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"filippo.io/age"
	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/mod/sumdb/note"

	"conclave.chat/internal/archive"
	"conclave.chat/internal/archive/record"
	"conclave.chat/internal/archive/segment"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"conclave": func() { os.Exit(run()) },
		"archivist": func() {
			if err := archivist(os.Args[1], os.Args[2]); err != nil {
				fmt.Fprintln(os.Stderr, err)
				os.Exit(1)
			}
		},
	})
}

// archivist writes a small archive with the keys of a folder, as the recorder does.
func archivist(keys, dir string) error {
	recipient, err := os.ReadFile(filepath.Join(keys, recipientFile))
	if err != nil {
		return err
	}
	to, err := age.ParseHybridRecipient(strings.TrimSpace(string(recipient)))
	if err != nil {
		return err
	}
	skey, err := os.ReadFile(filepath.Join(keys, logKeyFile))
	if err != nil {
		return err
	}
	signer, err := note.NewSigner(strings.TrimSpace(string(skey)))
	if err != nil {
		return err
	}
	public, err := readVerifier(filepath.Join(keys, logPublicFile))
	if err != nil {
		return err
	}
	l, err := archive.Open(archive.Config{Dir: dir, Signer: signer, Verifier: public, Recipients: []age.Recipient{to}})
	if err != nil {
		return err
	}
	ctx := context.Background()
	const attachment = "the attachment"
	blob, err := l.PutBlob(ctx, "7y", strings.NewReader(attachment))
	if err != nil {
		return err
	}
	sum := sha256.Sum256([]byte(attachment))
	file := record.Attachment{Name: "a.txt", Type: "text/plain", Size: int64(len(attachment)), SHA256: hex.EncodeToString(sum[:]), Blob: blob.Sum.String()}
	line, err := json.Marshal(&file)
	if err != nil {
		return err
	}
	if _, err := l.Append(ctx, blob.Draft(line)); err != nil {
		return err
	}
	for i, class := range []string{"3y", "7y", "7y"} {
		event := fmt.Sprint("$", i)
		r := record.Record{
			Room: fmt.Sprint("!room", i), RoomName: fmt.Sprint("Desk ", i), EventID: event, Time: time.Now(), Sender: "@ann:example.org", Type: "m.room.message",
			Event:     []byte(fmt.Sprintf(`{"type":"m.room.encrypted","depth":1,"origin_server_ts":%d,"content":{}}`, time.Now().UnixMilli())),
			Plaintext: []byte(`{"msgtype":"m.text","body":"hello, café"}`),
		}
		if i == 1 {
			r.Plaintext, r.Attachments = []byte(`{"msgtype":"m.file","body":"hello, café","filename":"a.txt","url":"mxc://x/y"}`), []record.Attachment{file}
		}
		line, err := r.Encode()
		if err != nil {
			return err
		}
		if _, err := l.Append(ctx, archive.Draft{Class: class, Kind: segment.Record, Subject: segment.Subject(r.Room, event), Line: line}); err != nil {
			return err
		}
	}
	return l.Close()
}

// The scripts in testdata/script use the program as an administrator does.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{Dir: "testdata/script"})
}
