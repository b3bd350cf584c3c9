// Command conclave is the whole product in one binary: conclave serve runs the homeserver, the other commands look after it.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"os/user"
	"syscall"

	"github.com/alecthomas/kong"
	"golang.org/x/term"

	"conclave.chat/internal/app"
	"conclave.chat/internal/config"
	"conclave.chat/internal/ident"
	"conclave.chat/internal/keyring"
	"conclave.chat/internal/store/auditlog"
)

// cli is the command line.
type cli struct {
	Config string `help:"Configuration file. Without it, only the environment counts." short:"c" type:"path" env:"CONCLAVE_CONFIG"`

	Init              initCmd              `cmd:"" help:"Create a configuration, a data folder and the keys."`
	Serve             serveCmd             `cmd:"" help:"Run the server."`
	Doctor            doctorCmd            `cmd:"" help:"Examine the installation and say what to do."`
	User              userCmd              `cmd:"" help:"Look after accounts."`
	Group             groupCmd             `cmd:"" help:"Look after groups of people, such as departments."`
	RegistrationToken registrationTokenCmd `cmd:"" help:"Look after registration tokens."`
	Hold              holdCmd              `cmd:"" help:"Look after legal holds: what may not be destroyed."`
	Audit             auditCmd             `cmd:"" help:"Verify and export the audit log: who did what as an administrator."`
	Archive           archiveCmd           `cmd:"" help:"Look after the sealed archive, offline: keys, verification, opening."`
	Recorder          recorderCmd          `cmd:"" help:"Record and archive what is said in recorded rooms: a program for a machine of its own."`
	Version           versionCmd           `cmd:"" help:"Print the version."`
}

func main() { os.Exit(run()) }

// run is the program; it returns the exit status.
func run() int {
	// Nothing that the program writes is for other users of the machine, not even SQLite's and other libraries' files.
	syscall.Umask(0o077)
	var c cli
	k := kong.Parse(&c, kong.Name("conclave"), kong.UsageOnError(),
		kong.Description("Self-hosted, end-to-end encrypted messaging for organisations that answer for what their people say."))
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	k.BindTo(ctx, (*context.Context)(nil))
	err := k.Run(&c)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "conclave:", err)
		return 1
	}
	return 0
}

// load reads the configuration and the master key, as every command that touches data does.
func (c *cli) load() (*config.Config, *keyring.Keyring, error) {
	cfg, err := config.Load(c.Config, os.Environ())
	if err != nil {
		return nil, nil, err
	}
	keys, err := keyring.Open(keyring.Source{Env: os.Getenv(keyring.EnvKey), File: cfg.MasterKey, Passphrase: passphrasePrompt()})
	return cfg, keys, err
}

// passphrasePrompt asks on the terminal, or is nil where there is none.
func passphrasePrompt() func() (string, error) {
	if !term.IsTerminal(int(os.Stdin.Fd())) {
		return nil
	}
	return func() (string, error) { return askHidden("Passphrase of the master key: ") }
}

type serveCmd struct {
	WithRecorder string `help:"Also run the recorder of this configuration file, in the same process. For trial only: the server can then read what is said." type:"path" placeholder:"FILE"`
}

// Run serves until SIGTERM or SIGINT.
func (s *serveCmd) Run(ctx context.Context, c *cli) error {
	cfg, keys, err := c.load()
	if err != nil {
		return err
	}
	a, err := app.Build(ctx, cfg, keys, cfg.Log.Logger(os.Stderr))
	if err != nil {
		return err
	}
	if err := greetFirstAdmin(ctx, a); err != nil {
		return errors.Join(err, a.Close())
	}
	if s.WithRecorder == "" {
		return a.Run(ctx)
	}
	return serveAndRecord(ctx, a, s.WithRecorder)
}

// serveAndRecord runs both. The recorder needs the server until its end, so it stops first.
func serveAndRecord(ctx context.Context, a *app.App, path string) error {
	fmt.Fprint(os.Stderr, "\nWARNING: server and recorder run in one process. Whoever controls this machine reads messages as they are sent, and holds\n"+
		"the keys of both. For more than a trial run conclave recorder on a machine of its own.\n\n")
	recording, stopRecording := context.WithCancel(ctx)
	serving, stopServing := context.WithCancel(context.WithoutCancel(ctx))
	defer stopServing()
	recorded := make(chan error, 1)
	go func() {
		recorded <- runRecorder(recording, path)
		stopServing()
	}()
	err := a.Run(serving)
	stopRecording()
	return errors.Join(err, <-recorded)
}

// greetFirstAdmin prints, as long as there is no administrator, the link by which one begins.
func greetFirstAdmin(ctx context.Context, a *app.App) error {
	link, err := a.FirstAdmin(ctx)
	if err != nil || link == "" {
		return err
	}
	fmt.Printf("\nThe first administrator opens this link, chooses a password and begins:\n\n    %s\n\n"+
		"It is good until somebody has used it, or the server starts again: then it prints another one.\n\n", link)
	if !a.HasWebApp() {
		fmt.Print("But this program was built without the web app, which answers there: build it with Node.js installed, or make an administrator with\n" +
			"conclave user add NAME --admin\n\n")
	}
	return nil
}

type versionCmd struct{}

// Run prints the version.
func (versionCmd) Run() error {
	_, err := io.WriteString(os.Stdout, "conclave "+app.Version()+"\n")
	return err
}

var errTerminal = errors.New("a passphrase needs a terminal to type it on")

// commandLine is who runs this program, as the audit log names them.
func commandLine() ident.By {
	by := ident.By{Name: auditlog.CommandLine}
	if host, err := os.Hostname(); err == nil {
		by.Addr = host
	}
	if u, err := user.Current(); err == nil {
		by.Addr = u.Username + "@" + by.Addr
	}
	return by
}
