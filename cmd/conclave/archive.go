package main

import (
	"bufio"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/term"

	"conclave.chat/internal/archive/access"
	"conclave.chat/internal/archive/depot"
	"conclave.chat/internal/archive/export"
	"conclave.chat/internal/archive/merkle"
	"conclave.chat/internal/archive/officer"
	"conclave.chat/internal/archive/verify"
)

// archiveCmd is the officers' tool. It needs no server and no configuration.
type archiveCmd struct {
	Logkey archiveLogkeyCmd `cmd:"" help:"Make the key of one more log, for one more recorder of the same organisation."`
	Keygen archiveKeygenCmd `cmd:"" help:"Make the keys of an archive; the one that opens it is split among officers."`
	Verify archiveVerifyCmd `cmd:"" help:"Prove that nothing of an archive was altered, removed, reordered or added, or that an export is what it says. Needs public keys alone."`
	Copy   archiveCopyCmd   `cmd:"" help:"Copy an archive, also while it is written, or out of its bucket: to verify it elsewhere, or for the officers' machine."`
	Unseal archiveUnsealCmd `cmd:"" help:"Open what a case is about, with the shares of a quorum of officers, into an encrypted case."`
	Search archiveSearchCmd `cmd:"" help:"Search a case."`
	Show   archiveShowCmd   `cmd:"" help:"Show a conversation of a case as its members saw it, or list its rooms."`
	Export archiveExportCmd `cmd:"" help:"Write a case, or part of it, for other tools, with what proves it."`
	Case   archiveCaseCmd   `cmd:"" help:"Manage cases."`
	Access archiveAccessCmd `cmd:"" help:"List who opened the archive, after verifying that log."`

	Certificates archiveCertificatesCmd `cmd:"" help:"List which keys were destroyed because their time was over, after verifying the certificates."`
}

// Names of the files that keygen makes.
const (
	recipientFile = "archive.recipient"
	logKeyFile    = "log.key"
	logPublicFile = "log.public"
	accessFile    = "access.public"
)

type archiveKeygenCmd struct {
	Origin   string         `help:"Name of the archive's log, such as example.org/archive. It cannot change later." required:""`
	Officers officer.Quorum `help:"How many officers of how many open the archive together, such as 3-of-5." required:""`
	Names    []string       `help:"The officers' names, separated by commas. Default: officer-1, officer-2 …" name:"names"`
	Out      string         `help:"Folder for the keys; it is made." required:"" type:"path"`
}

// Run makes the keys. Each officer types a passphrase, or they are the lines of standard input.
func (k *archiveKeygenCmd) Run() error {
	if len(k.Names) == 0 {
		for i := range k.Officers.Of {
			k.Names = append(k.Names, fmt.Sprint("officer-", i+1))
		}
	}
	if len(k.Names) != k.Officers.Of {
		return fmt.Errorf("there are %d names for %d officers", len(k.Names), k.Officers.Of)
	}
	if _, err := os.Stat(k.Out); err == nil {
		return fmt.Errorf("%s exists already", k.Out)
	}
	o := officer.Options{Origin: k.Origin, Need: k.Officers.Need}
	in := bufio.NewReader(os.Stdin)
	for _, name := range k.Names {
		if !filepath.IsLocal(name) || strings.ContainsAny(name, `/\`) {
			return fmt.Errorf("%q is not a name for a file", name)
		}
		pass, err := askPassphrase(in, "New passphrase of "+name, true)
		if err != nil {
			return err
		}
		o.Officers = append(o.Officers, officer.Officer{Name: name, Passphrase: pass})
	}
	keys, err := officer.Generate(o)
	if err != nil {
		return err
	}
	files := map[string]string{
		recipientFile: keys.Recipient + "\n", logKeyFile: keys.LogKey + "\n", logPublicFile: keys.LogPublic + "\n", accessFile: keys.Access + "\n",
	}
	for i, name := range k.Names {
		files[name+".share"] = string(keys.Shares[i])
	}
	for name, text := range files {
		if err := depot.Replace(k.Out, name, []byte(text)); err != nil {
			return err
		}
	}
	fmt.Printf("For the recorder:  %s (public), %s (secret: it signs the log)\n", recipientFile, logKeyFile)
	fmt.Printf("For everybody:     %s, %s (they verify)\n", logPublicFile, accessFile)
	fmt.Printf("For each officer:  NAME.share. Give each officer theirs and delete it here; %d of %d open the archive.\n", k.Officers.Need, k.Officers.Of)
	return nil
}

type archiveLogkeyCmd struct {
	Origin string `help:"Name of the log, such as example.org/archive-2: another one than the first's." required:""`
	Out    string `help:"Folder for the key; it is made." required:"" type:"path"`
}

// Run makes the key.
func (k *archiveLogkeyCmd) Run() error {
	if _, err := os.Stat(k.Out); err == nil {
		return fmt.Errorf("%s exists already", k.Out)
	}
	secret, public, err := merkle.GenerateKey(rand.Reader, k.Origin)
	if err != nil {
		return err
	}
	for name, text := range map[string]string{logKeyFile: secret, logPublicFile: public} {
		if err := depot.Replace(k.Out, name, []byte(text+"\n")); err != nil {
			return err
		}
	}
	fmt.Printf("For the recorder:  %s (secret: it signs the log)\nFor everybody:     %s (they verify)\n", logKeyFile, logPublicFile)
	return nil
}

// askPassphrase reads one on the terminal, or the next line where there is none.
func askPassphrase(in *bufio.Reader, prompt string, twice bool) (string, error) {
	if !term.IsTerminal(int(os.Stdin.Fd())) {
		line, err := in.ReadString('\n')
		pass := strings.TrimRight(line, "\r\n")
		if pass == "" {
			return "", errors.Join(fmt.Errorf("%s: no line on standard input", prompt), err)
		}
		return pass, nil
	}
	if twice {
		return askNewPassphrase(prompt + ": ")
	}
	return askHidden(prompt + ": ")
}

func readVerifier(path string) (note.Verifier, error) {
	text, err := os.ReadFile(filepath.Clean(path)) //nolint:gosec // the file that the command line names
	if err != nil {
		return nil, err
	}
	return merkle.ParseVerifier(string(text))
}

// bucketWorkers is how many files of a bucket are read at once: each has to be waited for.
const bucketWorkers = 16

type archiveVerifyCmd struct {
	Dir        []place  `arg:"" help:"The archive's folder, or an export's, or s3://BUCKET/PREFIX. Where several recorders archive, give all of them."`
	Key        []string `help:"File with the log's public key: one for each archive, in the same order." required:"" type:"path"`
	AccessKey  string   `help:"For an export: file with the access log's public key." type:"path"`
	Checkpoint []string `help:"File with a checkpoint that you kept: the log must have grown from it." type:"path"`
	Witness    []string `help:"File with a witness's public key." type:"path"`
	Quorum     int      `help:"How many of the witnesses must have signed. Default: all."`
	Statement  []string `help:"File with the homeserver's statement of accepted events." type:"path"`
	ServerKey  string   `help:"File with the public key of these statements." type:"path"`
	places
}

// Run verifies archives, or exports, whichever lies in the folders.
func (v *archiveVerifyCmd) Run(ctx context.Context) error {
	if len(v.Dir) != len(v.Key) {
		return fmt.Errorf("there are %d archives and %d keys: each archive's log has a key", len(v.Dir), len(v.Key))
	}
	var logs []note.Verifier
	for _, path := range v.Key {
		key, err := readVerifier(path)
		if err != nil {
			return err
		}
		if slices.ContainsFunc(logs, func(k note.Verifier) bool { return k.Name() == key.Name() }) {
			return fmt.Errorf("%s is of the log %s too", path, key.Name())
		}
		logs = append(logs, key)
	}
	var wrong error
	elsewhere := map[string]int64{}
	for i, dir := range v.Dir {
		if len(v.Dir) > 1 {
			fmt.Printf("%s, log %s\n", dir, logs[i].Name())
		}
		r, err := v.steady(ctx, dir, logs[i])
		if err != nil {
			return err
		}
		if r == nil {
			continue
		}
		maps.Copy(elsewhere, r.Elsewhere)
		wrong = errors.Join(wrong, printReport(os.Stdout, r))
	}
	for _, key := range logs {
		delete(elsewhere, key.Name())
	}
	for _, name := range slices.Sorted(maps.Keys(elsewhere)) {
		fmt.Printf("PROBLEM log %s: the statements name it for %d accepted events, and its archive was not given\n", name, elsewhere[name])
		wrong = errors.Join(wrong, errors.New("not every log that the statements name was verified"))
	}
	return wrong
}

// steady verifies one archive. While a recorder copies to a bucket, files get other names in there: what is wrong at a checkpoint that is replaced meanwhile
// is looked at again.
func (v *archiveVerifyCmd) steady(ctx context.Context, dir place, log note.Verifier) (*verify.Report, error) {
	for {
		r, err := v.one(ctx, dir, log)
		if err != nil || r == nil || len(r.Problems) == 0 || !dir.bucket() {
			return r, err
		}
		again, err := v.checkpoint(ctx, dir, log)
		if err != nil || again == r.Checkpoint {
			return r, err
		}
	}
}

func (v *archiveVerifyCmd) checkpoint(ctx context.Context, dir place, log note.Verifier) (c merkle.Checkpoint, err error) {
	d, err := v.open(ctx, dir)
	if err != nil {
		return c, err
	}
	msg, err := depot.ReadFile(ctx, d, depot.Checkpoint, depot.MaxFile)
	if err != nil {
		return c, err
	}
	c, err = (merkle.Policy{Log: log}).Open(msg)
	if err != nil {
		return merkle.Checkpoint{}, nil //nolint:nilerr // the report says so
	}
	return c, nil
}

// one verifies one archive; of an export there is no report.
func (v *archiveVerifyCmd) one(ctx context.Context, dir place, log note.Verifier) (*verify.Report, error) {
	o := verify.Options{Policy: merkle.Policy{Log: log}}
	if dir.bucket() {
		o.Workers = bucketWorkers
	}
	var err error
	for _, path := range v.Witness {
		w, err := readVerifier(path)
		if err != nil {
			return nil, err
		}
		o.Policy.Witnesses = append(o.Policy.Witnesses, w)
	}
	if o.Policy.Quorum = v.Quorum; v.Quorum == 0 {
		o.Policy.Quorum = len(v.Witness)
	}
	if name, part := strings.CutSuffix(filepath.Clean(string(dir)), export.PartSuffix); part {
		if _, is := export.Unfinished(name); is {
			return nil, fmt.Errorf("%s is an export that is not finished: the command that began it goes on with it", dir)
		}
	}
	d, err := v.open(ctx, dir)
	if err != nil {
		return nil, err
	}
	if export.Is(ctx, d) {
		return nil, v.verifyExport(ctx, dir, d, export.Keys{Policy: o.Policy})
	}
	for _, path := range v.Checkpoint {
		kept, err := os.ReadFile(filepath.Clean(path))
		if err != nil {
			return nil, err
		}
		if origin, _, _ := strings.Cut(string(kept), "\n"); len(v.Dir) == 1 || origin == log.Name() {
			o.Kept = append(o.Kept, kept)
		}
	}
	if len(v.Statement) > 0 {
		if o.Server, err = readVerifier(v.ServerKey); err != nil {
			return nil, fmt.Errorf("--server-key: %w", err)
		}
	}
	for _, path := range v.Statement {
		f, err := os.Open(filepath.Clean(path))
		if err != nil {
			return nil, err
		}
		defer f.Close()
		o.Statements = append(o.Statements, f)
	}
	bar := newVerifyProgress(string(dir))
	o.Progress = bar.add
	defer bar.end()
	return verify.Run(ctx, d, o)
}

func printReport(w io.Writer, r *verify.Report) error {
	for _, g := range r.Gaps {
		what := g.Room + " " + g.Event
		if g.Event == "" {
			what = "of an event that no statement names"
		}
		fmt.Fprintf(w, "gap %d: %s: %s\n", g.Seq, what, g.Reason)
	}
	for _, s := range r.Strays {
		fmt.Fprintf(w, "note: %s: the log does not refer to it\n", s)
	}
	for _, p := range r.Problems {
		fmt.Fprintf(w, "PROBLEM %s\n", p)
	}
	if n := len(r.Problems); n > 0 {
		return fmt.Errorf("the archive is not right: %d problems, see above", n)
	}
	fmt.Fprintf(w, "The archive is right: %d records, %d gaps, %d attachments in %d segments; %d more segments were removed at the end of their time.\n",
		r.Records, len(r.Gaps), r.Blobs, r.Segments, r.Shredded)
	if r.Receipts > 0 {
		fmt.Fprintf(w, "%d receipts say who has read what.\n", r.Receipts)
	}
	if r.Certified > 0 {
		fmt.Fprintf(w, "The keys of %d segments were destroyed at the end of their time, as certificates say: conclave archive certificates lists them.\n", r.Certified)
	}
	if r.Ending > 0 {
		fmt.Fprintf(w, "note: the log says of %d segments that their time is over, and no certificate says yet that their keys are destroyed.\n", r.Ending)
	}
	if r.Newer > 0 {
		fmt.Fprintf(w, "%d more entries are newer than the checkpoint, and not proved by it.\n", r.Newer)
	}
	if r.Stated > 0 {
		fmt.Fprintf(w, "Each of the %d accepted events that the statements name is archived, or a gap above.\n", r.Stated)
	}
	if r.Unused > 0 {
		fmt.Fprintf(w, "%d records are of accepted events whose record is in another log, as the statements say.\n", r.Unused)
	}
	fmt.Fprintf(w, "Keep a copy of the file checkpoint elsewhere, to verify against it later: %d entries, root %s\n", r.Checkpoint.N, r.Checkpoint.Hash)
	return nil
}

type archiveAccessCmd struct {
	Dir string `arg:"" help:"The access log's folder." type:"path"`
	Key string `help:"File with the access log's public key." required:"" type:"path"`
}

// Run lists the access log.
func (a *archiveAccessCmd) Run(ctx context.Context) error {
	key, err := readVerifier(a.Key)
	if err != nil {
		return err
	}
	d, err := depot.OpenDir(a.Dir)
	if err != nil {
		return err
	}
	entries, err := access.Read(ctx, d, key)
	if err != nil {
		return err
	}
	for _, e := range entries {
		fmt.Printf("%s  case %s  %s  %d segments  %s\n", e.Time.Format(time.RFC3339), e.Case, strings.Join(slices.Sorted(slices.Values(e.Officers)), ", "),
			len(e.Segments), e.Reason)
	}
	fmt.Printf("The access log is right: %d entries.\n", len(entries))
	return nil
}
