package archive

import (
	"bufio"
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"filippo.io/age"
	"golang.org/x/mod/sumdb/note"

	"conclave.chat/internal/archive/depot"
	"conclave.chat/internal/archive/merkle"
	"conclave.chat/internal/archive/verify"
)

const killEnv = "CONCLAVE_TEST_ARCHIVE_WRITER"

// TestWriter is no test, but the process that the next test kills: it writes without end and prints what was answered.
func TestWriter(t *testing.T) {
	env := strings.Split(os.Getenv(killEnv), "\n")
	if len(env) != 5 {
		t.Skip("only as a process of its own")
	}
	signer, err := note.NewSigner(env[2])
	if err != nil {
		t.Fatal(err)
	}
	verifier, _ := merkle.ParseVerifier(env[3])
	to, _ := age.ParseHybridRecipient(env[4])
	l, err := Open(Config{Dir: env[0], Signer: signer, Verifier: verifier, Recipients: []age.Recipient{to}, SegmentBytes: 20000})
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Go(func() {
			for i := 0; ; i++ {
				event := fmt.Sprintf("$%s-%d-%d", env[1], g, i)
				seqs, err := l.Append(context.Background(), draft(t, []string{"3y", "7y"}[i%2], event))
				if err != nil {
					fmt.Println("ERROR", err)
					return
				}
				mu.Lock()
				fmt.Printf("ANSWERED %s %d\n", event, seqs[0])
				mu.Unlock()
				if i%10 == 9 && g == 0 {
					if _, err := l.Checkpoint(context.Background()); err != nil {
						fmt.Println("ERROR", err)
						return
					}
				}
			}
		})
	}
	wg.Wait()
}

// A writer that is killed at any moment, again and again, loses nothing that it answered and archives nothing twice.
func TestKilledWriterLosesNothing(t *testing.T) {
	dir := t.TempDir()
	k := testKeys()
	skey, vkey, _ := merkle.GenerateKey(rand.Reader, "example.org/killed")
	verifier, _ := merkle.ParseVerifier(vkey)
	signer, _ := note.NewSigner(skey)
	answered := map[string]string{}
	for life := range 8 {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestWriter$")
		cmd.Env = append(os.Environ(), killEnv+"="+strings.Join([]string{dir, fmt.Sprint(life), skey, vkey, k.id.Recipient().String()}, "\n"))
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		for n := 0; lines.Scan(); {
			var event, seq string
			if strings.HasPrefix(lines.Text(), "ERROR") {
				t.Error(lines.Text())
			}
			if c, _ := fmt.Sscanf(lines.Text(), "ANSWERED %s %s", &event, &seq); c != 2 {
				continue
			}
			answered[event] = seq
			if n++; n == 15+life*7 {
				if err := cmd.Process.Kill(); err != nil { // SIGKILL; what it printed meanwhile is read still
					t.Fatal(err)
				}
			}
		}
		if err := cmd.Wait(); err == nil {
			t.Fatal("it ended by itself")
		}
	}
	l, err := Open(Config{Dir: dir, Signer: signer, Verifier: verifier, Recipients: []age.Recipient{k.id.Recipient()}})
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	for seq, event := range readAll(t, dir) {
		if found[event] != "" {
			t.Errorf("%s is there twice", event)
		}
		found[event] = fmt.Sprint(seq)
	}
	for event, seq := range answered {
		if found[event] != seq {
			t.Errorf("%s was answered as %s and is %q", event, seq, found[event])
		}
	}
	d, _ := depot.OpenDir(dir)
	r, err := verify.Run(context.Background(), d, verify.Options{Policy: merkle.Policy{Log: verifier}})
	if err != nil || len(r.Problems) > 0 || r.Records < int64(len(answered)) {
		t.Errorf("%+v, %v", r, err)
	}
	if len(answered) < 8*15 {
		t.Errorf("only %d answers", len(answered))
	}
}
