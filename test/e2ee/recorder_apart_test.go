//go:build goolm

package e2ee

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"

	"conclave.chat/test/bucket"
	"conclave.chat/test/harness"
)

// certified gives the recorder a certificate, the server the recorder's authority, and the recorder the server's. A recorder that trusts somebody else does
// not give its password away.
func (o *office) certified(settings, init []string) (own, all []string) {
	o.Helper()
	cert, key := harness.Certificate(o, o.dir, time.Now().Add(30*24*time.Hour))
	own = []string{"--certificate", cert, "--key", key}
	for _, wrong := range [][]string{nil, {"--ca-file", cert}} {
		if out, err := o.try("password\n", append(append(init, own...), wrong...)...); err == nil || !strings.Contains(out, "certificate signed by unknown authority") {
			o.Errorf("recorder init trusts anybody, with %v: %v %s", wrong, err, out)
		}
	}
	return append(own, "--ca-file", o.s.Authority), append(settings, "CONCLAVE_RECORDING_CA_FILE="+cert)
}

// shipment is an office's archive in a bucket.
type shipment struct {
	*office
	b      *bucket.Bucket
	access string // the file that says how to reach it
}

// ship has the recorder copy its archive to a bucket, under Object Lock for its class's term, and has officers read it there.
func (o *office) ship(b *bucket.Bucket) *shipment {
	o.Helper()
	s := &shipment{o, b, filepath.Join(o.dir, "s3.yaml")}
	o.end(syscall.SIGTERM)
	o.place = "s3://" + s.b.Bucket + "/conclave"
	reach := fmt.Sprintf("endpoint: %s\nregion: %s\naccess_key: %s\nsecret_key: %s\nplain_http: true\npath_style: true\n", s.b.Endpoint, s.b.Region, s.b.AccessKey, s.b.SecretKey)
	if err := os.WriteFile(s.access, []byte(reach), 0o600); err != nil {
		o.Fatal(err)
	}
	o.configure("retention:\n  classes:\n    standard: 3y\n  lock: true\nbucket:\n  bucket: " + s.b.Bucket + "\n  prefix: conclave/\n" + indented(reach))
	harness.Env("AWS_ENDPOINT_URL=http://"+s.b.Endpoint, "AWS_REGION="+s.b.Region, "AWS_ACCESS_KEY_ID="+s.b.AccessKey, "AWS_SECRET_ACCESS_KEY="+s.b.SecretKey)(o.s)
	o.begin()
	return s
}

func indented(text string) string {
	return regexp.MustCompile("(?m)^(.)").ReplaceAllString(text, "  $1")
}

// verified looks at what the recorder has shipped as officers do, with the variables of the environment and with a file, and at what nobody can do there.
func (s *shipment) verified() {
	s.Helper()
	ctx := context.Background()
	key := filepath.Join(s.dir, "officers", "log.public")
	if out := s.run("", "archive", "verify", s.place, "--key", key, "--s3", s.access); !strings.Contains(out, "The archive is right") {
		s.Error(out)
	}
	if out := s.run("", "archive", "certificates", s.place, "--key", key); !strings.Contains(out, "The signatures are right: 0 certificates") {
		s.Error(out)
	}
	if out, err := s.try("", "archive", "verify", s.place+"/elsewhere", "--key", key); err == nil || !strings.Contains(out, "there is no archive") {
		s.Errorf("%v %s", err, out)
	}
	if out, err := s.try("", "archive", "verify", "s3://nobody-has-this", "--key", key); err == nil || !strings.Contains(out, "bucket does not exist") {
		s.Errorf("%v %s", err, out)
	}
	segments := s.b.Versions(s, "conclave/segment/standard/")
	if len(segments) < 2 { // one of before the restart, and one of after
		s.Fatalf("the bucket has %v", segments)
	}
	for _, kind := range []string{"segment", "key", "blob"} {
		list := s.b.Versions(s, "conclave/"+kind+"/standard/")
		if len(list) == 0 {
			s.Errorf("the bucket has no %s", kind)
		}
		for _, o := range list {
			if err := s.b.RemoveObject(ctx, s.b.Bucket, o.Key, minio.RemoveObjectOptions{VersionID: o.VersionID}); err == nil {
				s.Errorf("%s can be deleted before its term is over", o.Key)
			}
		}
	}
	// Object Lock lets anybody put another version over a file. That is found, and the locked one is there all the same, from which it comes back.
	name := segments[0].Key
	put := func(data []byte) {
		s.Helper()
		if _, err := s.b.PutObject(ctx, s.b.Bucket, name, bytes.NewReader(data), int64(len(data)), minio.PutObjectOptions{}); err != nil {
			s.Fatal(err)
		}
	}
	put([]byte("other bytes"))
	if out, err := s.try("", "archive", "verify", s.place, "--key", key); err == nil || !strings.Contains(out, "PROBLEM "+strings.TrimPrefix(name, "conclave/")) {
		s.Errorf("%v %s", err, out)
	}
	locked, err := s.b.GetObject(ctx, s.b.Bucket, name, minio.GetObjectOptions{VersionID: segments[0].VersionID})
	if err != nil {
		s.Fatal(err)
	}
	data, err := io.ReadAll(locked)
	if err != nil {
		s.Fatal(err)
	}
	put(data)
}

// distrusted goes through what is wrong with the connection between server and recorder: nothing is accepted, and log and doctor say why.
func distrusted(t *testing.T, o *office, user *harness.User, room string) {
	t.Helper()
	doctor := func(want ...string) {
		t.Helper()
		out, _ := o.try("", "doctor")
		for _, w := range want {
			if !strings.Contains(out, w) {
				t.Errorf("doctor does not say %q:\n%s", w, out)
			}
		}
	}
	refused := func(because string) {
		t.Helper()
		from := len(o.s.Log(1 << 24))
		status, a := user.Do(http.MethodPut, harness.Path("rooms", room, "state", "m.room.topic", ""), harness.M{"topic": because})
		if status != http.StatusForbidden || !strings.Contains(a.Get("error").String(), "does not answer") {
			t.Errorf("%d %s", status, a.Raw)
		}
		if log := o.s.Log(1 << 24)[from:]; !strings.Contains(log, "refused in a recorded room") || !strings.Contains(log, because) {
			t.Errorf("the log does not say %q:\n%s", because, log)
		}
	}
	o.begin()
	doctor("ok       recorder       https://127.0.0.1:")
	old := filepath.Join(o.dir, "old")
	if err := os.Mkdir(old, 0o700); err != nil {
		t.Fatal(err)
	}
	expired, key := harness.Certificate(t, old, time.Now().Add(-time.Hour))

	// The server trusts somebody else.
	harness.Env("CONCLAVE_RECORDING_CA_FILE=" + expired)(o.s)
	o.s.Restart()
	refused("certificate signed by unknown authority")
	doctor("PROBLEM  recorder", "certificate signed by unknown authority", "recording.ca_file")

	// The certificate has run out.
	o.end(syscall.SIGTERM)
	for from, to := range map[string]string{expired: "CERTIFICATE.pem", key: "PRIVATE KEY.pem"} {
		if err := os.Rename(from, filepath.Join(o.dir, to)); err != nil {
			t.Fatal(err)
		}
	}
	harness.Env("CONCLAVE_RECORDING_CA_FILE=" + filepath.Join(o.dir, "CERTIFICATE.pem"))(o.s)
	o.s.Restart()
	o.begin()
	refused("certificate has expired")
	doctor("PROBLEM  recorder", "certificate has expired", "Renew the recorder's certificate")
	o.end(syscall.SIGTERM)

	// No TLS, and not on this machine.
	o.s.Stop()
	harness.Env("CONCLAVE_RECORDING_URL=http://recorder.example.org:8090")(o.s)
	if out, err := o.try("", "serve"); err == nil || !strings.Contains(out, "without TLS") {
		t.Errorf("serve: %v %s", err, out)
	}
	doctor("PROBLEM  recorder", "without TLS")
	text, err := os.ReadFile(o.config())
	if err != nil {
		t.Fatal(err)
	}
	plain := strings.Replace(string(text), "homeserver: "+o.s.URL, "homeserver: http://chat.example.org", 1)
	if err := os.WriteFile(o.config(), []byte(plain), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := o.try("", "recorder", "check", o.config()); err == nil || !strings.Contains(out, "without TLS") || !strings.Contains(out, "homeserver") {
		t.Errorf("recorder: %v %s", err, out)
	}
}
