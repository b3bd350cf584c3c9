//go:build goolm

package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/term"

	"conclave.chat/internal/recorder"
)

// recorderCmd is the member who records. It needs nothing of the homeserver's but its address.
type recorderCmd struct {
	Init  recorderInitCmd  `cmd:"" help:"Sign a new recorder in, make its keys, and write its configuration."`
	Share recorderShareCmd `cmd:"" help:"Write the key that signs events into a file, from which recorder init --policy-key takes it for one more recorder."`
	Run   recorderRunCmd   `cmd:"" default:"withargs" help:"Record until it is told to stop."`

	Check  recorderCheckCmd  `cmd:"" help:"Verify the archive and compare it with what the homeserver accepted, as the recorder does once a day."`
	Expire recorderExpireCmd `cmd:"" help:"Destroy the keys of what is older than its retention class keeps it, as the recorder does once a day."`
	Hold   recorderHoldCmd   `cmd:"" help:"Place, list and release legal holds, which keep the archive's records whatever their age."`
}

type recorderInitCmd struct {
	Homeserver    string `help:"Address of the homeserver." required:""`
	CAFile        string `help:"PEM file with the authority that the homeserver's certificate comes from. Default: those of the system." name:"ca-file" type:"path"`
	User          string `help:"User name of the recorder's account, made with conclave user add." default:"recorder"`
	PasswordStdin bool   `help:"Read the account's password from the first line of standard input."`
	Recipient     string `help:"File with the archive's recipient, as conclave archive keygen made it." required:"" type:"path"`
	LogKey        string `help:"File with the key of the archive's log; log.public lies beside it." required:"" type:"path"`
	Dir           string `help:"Folder for the configuration, keys and archive." required:"" type:"path"`
	Archive       string `help:"Folder for the archive. Default: archive in that folder." type:"path"`
	Listen        string `help:"Address and port at which the homeserver reaches the recorder." default:"127.0.0.1:8090"`
	Certificate   string `help:"PEM file with the certificate chain of that address." type:"path"`
	Key           string `help:"PEM file with the certificate's private key." type:"path"`
	PolicyKey     string `help:"File with the key that signs events, from the first recorder, for one more beside it." type:"path"`
}

// Run makes a recorder.
func (i *recorderInitCmd) Run(ctx context.Context) error {
	password, err := i.password()
	if err != nil {
		return err
	}
	recipient, err := os.ReadFile(filepath.Clean(i.Recipient))
	if err != nil {
		return err
	}
	if i.Archive == "" {
		i.Archive = filepath.Join(i.Dir, "archive")
	}
	path := filepath.Join(i.Dir, "recorder.yaml")
	f, err := recorder.Init(ctx, recorder.Setup{User: i.User, Password: password, Path: path, PolicyKey: i.PolicyKey, Config: recorder.Config{
		Homeserver: strings.TrimSuffix(i.Homeserver, "/"), CA: i.CAFile, Listen: i.Listen, Certificate: i.Certificate, Key: i.Key, DataDir: filepath.Join(i.Dir, "keys"),
		Archive: i.Archive, Class: "standard", Recipients: []string{strings.TrimSpace(string(recipient))}, LogKey: i.LogKey, Wait: 15 * time.Second, MaxFile: 1 << 30, LogLevel: "info",
	}})
	if err != nil {
		return err
	}
	fmt.Printf("Recovery key of the recorder's identity, shown this once; compliance keeps it:\n\n    %s\n\n", f.RecoveryKey)
	if i.PolicyKey != "" {
		fmt.Printf("For the homeserver's configuration, which then has to be restarted, beside what is in there:\n\nrecording:\n  others:\n    - url: %q\n      user: %q\n      log_key: %q\n\n",
			f.URL, f.User, strings.TrimSpace(f.LogKey))
		fmt.Printf("Start: conclave recorder run %s\n", path)
		return nil
	}
	fmt.Printf("For the homeserver's configuration, which then has to be restarted:\n\nrecording:\n  url: %q\n  user: %q\n  public_key: %q\n  log_key: %q\n\n",
		f.URL, f.User, f.PublicKey, strings.TrimSpace(f.LogKey))
	fmt.Printf("Start: conclave recorder run %s\n", path)
	return nil
}

func (i *recorderInitCmd) password() (string, error) {
	if i.PasswordStdin {
		return passwordLine()
	}
	if !term.IsTerminal(int(os.Stdin.Fd())) {
		return "", errors.New("the password is asked for on a terminal; --password-stdin reads it elsewhere")
	}
	return askHidden(fmt.Sprintf("Password of %s: ", i.User))
}

type recorderShareCmd struct {
	Path string `arg:"" help:"The recorder's configuration file." type:"path"`
	Out  string `help:"The file; it is made. Delete it when the other recorder has it." required:"" type:"path"`
}

// Run writes the key.
func (r *recorderShareCmd) Run() error {
	if _, err := os.Stat(r.Out); err == nil {
		return fmt.Errorf("%s exists already", r.Out)
	}
	c, err := recorder.Load(r.Path)
	if err != nil {
		return err
	}
	return c.SharePolicyKey(r.Out)
}

type recorderRunCmd struct {
	Path string `arg:"" help:"The recorder's configuration file." type:"path"`
}

// Run records until SIGTERM or SIGINT.
func (r *recorderRunCmd) Run(ctx context.Context) error { return runRecorder(ctx, r.Path) }

func runRecorder(ctx context.Context, path string) error {
	c, err := recorder.Load(path)
	if err != nil {
		return err
	}
	var level slog.Level
	if err := level.UnmarshalText([]byte(c.LogLevel)); err != nil {
		return fmt.Errorf("log_level: %w", err)
	}
	rec, err := recorder.Open(ctx, c, slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: level})))
	if err != nil {
		return err
	}
	return rec.Run(ctx)
}
