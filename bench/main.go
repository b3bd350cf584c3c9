// Command bench puts load on Matrix homeservers through the standard
// client-server API and reports throughput, latency, memory and CPU cost.
//
// It takes one or several servers. With several it runs every repetition on
// each of them in turn (A B, B A, A B, ...), so that drift of the machine hits
// all alike, and it prints the ratio of each server to the first.
//
//	bench WORKLOAD -server [NAME=]URL [-server ...] [flags] > result.json
//
// bench local starts Conclave itself, on both of its engines, beside a server
// that does nothing, and runs every workload: make bench calls it.
//
// The human table goes to standard error, JSON to standard output.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"sort"
	"strings"
	"syscall"
	"time"
)

// A workload prepares a server once and is then run once per repetition.
type workload interface {
	// flags declares the workload's own flags.
	flags(fs *flag.FlagSet)
	// setup prepares users, rooms and data; its cost is not measured.
	setup(ctx context.Context, e *env) (state any, err error)
	// run does one measured repetition.
	run(ctx context.Context, e *env, state any) ([]result, error)
}

type namedWorkload struct {
	name, about string
	w           workload
}

// workloads lists what can be run, in the order that `all` runs it.
var workloads = []namedWorkload{
	{"send", "concurrent senders over several rooms", &sendWorkload{}},
	{"fanout", "one sender, N long-polling members: delivery latency and rate", &fanoutWorkload{}},
	{"sync-initial", "initial and incremental /sync of a user in K rooms", &syncWorkload{}},
	{"history", "paginate /messages backwards", &historyWorkload{}},
	{"e2ee", "device keys, one-time keys, to-device messages", &e2eeWorkload{}},
	{"media", "upload and download, with peak memory", &mediaWorkload{}},
	{"connected", "memory per idle long-polling client", &connectedWorkload{}},
}

func usage() {
	fmt.Fprintln(os.Stderr, "usage: bench COMMAND [flags]   (bench COMMAND -h lists the flags)\n\nworkloads:")
	for _, w := range workloads {
		fmt.Fprintf(os.Stderr, "  %-13s %s\n", w.name, w.about)
	}
	fmt.Fprint(os.Stderr, `  all           every workload above, one after the other

other commands:
  local         start Conclave on SQLite and on PostgreSQL, and run all workloads
  provision     register (and join and sync) users and write a users file
  null-server   a stand-in homeserver that stores nothing: the ceiling for send
  limits        what this machine can do: fsync, SHA-256, Ed25519 per second
`)
}

func main() {
	if len(os.Args) < 2 {
		usage()
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := dispatch(ctx, os.Args[1], os.Args[2:]); err != nil {
		if !errors.Is(err, flag.ErrHelp) {
			fmt.Fprintln(os.Stderr, "bench:", err)
		}
		os.Exit(1)
	}
}

func dispatch(ctx context.Context, cmd string, args []string) error {
	switch cmd {
	case "null-server":
		return nullServer(ctx, args)
	case "limits":
		return limits(args)
	case "local":
		return local(ctx, args)
	case "provision":
		return provision(ctx, args)
	case "-h", "--help", "help":
		usage()
		return nil
	}
	for i, w := range workloads {
		if cmd == w.name {
			return runWorkloads(ctx, args, i, i+1)
		}
	}
	if cmd == "all" {
		return runWorkloads(ctx, args, 0, len(workloads))
	}
	usage()
	return fmt.Errorf("no command %q", cmd)
}

// report is the JSON document that a run prints.
type report struct {
	Started time.Time           `json:"started"`
	Machine string              `json:"machine"`
	Args    []string            `json:"args"`
	Params  map[string]string   `json:"params"`
	Runs    []runRecord         `json:"runs"`
	Summary []summaryRow        `json:"summary"`
	Errors  map[string][]string `json:"errors,omitempty"`
}

// runRecord is one repetition of one case on one server.
type runRecord struct {
	Server   string   `json:"server"`
	Workload string   `json:"workload"`
	Rep      int      `json:"rep"`
	Load1    float64  `json:"load1_before"`
	Speed    float64  `json:"calibration_us"` // CPU time of a fixed piece of work: see calibrate
	Case     string   `json:"case"`
	Metrics  []metric `json:"metrics"`
}

// runWorkloads measures and prints the report.
func runWorkloads(ctx context.Context, args []string, from, to int) error {
	rep, err := measure(ctx, args, from, to)
	if err != nil {
		return err
	}
	if err := rep.write(os.Stdout); err != nil {
		return err
	}
	return rep.failure()
}

func (r *report) write(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", " ")
	return enc.Encode(r)
}

func (r *report) failure() error {
	if len(r.Errors) > 0 {
		return errors.New("some workloads failed")
	}
	return nil
}

// measure runs some of the workloads as the arguments say.
func measure(ctx context.Context, args []string, from, to int) (*report, error) {
	fs := flag.NewFlagSet("bench", flag.ContinueOnError)
	var c config
	c.flags(fs)
	for _, w := range workloads[from:to] {
		w.w.flags(fs)
	}
	if err := fs.Parse(args); err != nil {
		return nil, err
	}
	envs, err := c.envs()
	if err != nil {
		return nil, err
	}
	rep := &report{Started: time.Now().UTC(), Machine: machine(), Args: args, Params: map[string]string{}, Errors: map[string][]string{}}
	fs.VisitAll(func(f *flag.Flag) {
		if f.Name != "shared-secret" {
			rep.Params[f.Name] = f.Value.String()
		}
	})
	for _, w := range workloads[from:to] {
		runs, errs := runOne(ctx, &c, w.name, w.w, envs)
		rep.Runs = append(rep.Runs, runs...)
		rows := summarise(w.name, runs, envs)
		rep.Summary = append(rep.Summary, rows...)
		printTable(os.Stderr, w.name, rows, envs)
		for _, e := range errs {
			fmt.Fprintf(os.Stderr, "bench: %s: %v\n", w.name, e)
			rep.Errors[w.name] = append(rep.Errors[w.name], e.Error())
		}
		if ctx.Err() != nil {
			break
		}
	}
	return rep, nil
}

// runOne runs one workload: setup on every server, then the repetitions, the
// order of the servers turned round every second time.
func runOne(ctx context.Context, c *config, name string, w workload, envs []*env) (runs []runRecord, errs []error) {
	states := map[*env]any{}
	for _, e := range envs {
		start := time.Now()
		st, err := w.setup(ctx, e)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: setup: %w", e.name, err))
			continue
		}
		states[e] = st
		e.logf("%s: setup took %.1fs", name, time.Since(start).Seconds())
	}
	for r := 0; r < c.reps; r++ {
		order := append([]*env(nil), envs...)
		if r%2 == 1 {
			for i, j := 0, len(order)-1; i < j; i, j = i+1, j-1 {
				order[i], order[j] = order[j], order[i]
			}
		}
		for _, e := range order {
			st, ok := states[e]
			if !ok || ctx.Err() != nil {
				continue
			}
			sleep(ctx, c.settle)
			e.quiesce(ctx) // what setup or the last repetition left to do
			load, speed := loadAverage(), calibrate()
			e.rep = r
			results, err := w.run(ctx, e, st)
			speed = (speed + calibrate()) / 2
			for _, res := range results {
				runs = append(runs, runRecord{e.name, name, r, load, speed, res.name, res.metrics})
			}
			if err != nil {
				errs = append(errs, fmt.Errorf("%s: repetition %d: %w", e.name, r+1, err))
				delete(states, e)
			}
			e.logf("%s: repetition %d of %d done (load %.1f, calibration %.1f us)", name, r+1, c.reps, load, speed)
		}
	}
	return runs, errs
}

// config holds the flags that every workload shares. Flags marked per server
// may be given several times; the i-th belongs to the i-th -server.
type config struct {
	servers, pids, dbPids, secrets, userFiles, sizeCmds list
	reps                                                int
	settle                                              time.Duration
	roomVersion                                         string
	encrypted                                           bool
	payload                                             int
	httpTimeout                                         time.Duration
}

func (c *config) flags(fs *flag.FlagSet) {
	fs.Var(&c.servers, "server", "`[NAME=]URL` of a homeserver; repeat for several (per server)")
	fs.Var(&c.pids, "pid", "`PID[,PID]` of the server, for memory and CPU; child processes count too (per server)")
	fs.Var(&c.dbPids, "db-pid", "`PID[,PID]` of its database, reported apart; give the postmaster's (per server)")
	fs.Var(&c.secrets, "shared-secret", "register through /_synapse/admin/v1/register with this `SECRET` (per server; empty: plain m.login.dummy)")
	fs.Var(&c.userFiles, "users-file", "`FILE` of users to use instead of registering: user ID, password, access token, optional since token, split by tabs (per server)")
	fs.Var(&c.sizeCmds, "size-cmd", "shell `COMMAND` that prints the stored bytes, for bytes per event (per server)")
	fs.IntVar(&c.reps, "reps", 3, "repetitions on each server; the table shows medians")
	fs.DurationVar(&c.settle, "settle", time.Second, "pause before each repetition")
	fs.StringVar(&c.roomVersion, "room-version", "", "room version asked for (empty: the server's default)")
	fs.BoolVar(&c.encrypted, "encrypted", true, "create rooms with m.room.encryption set")
	fs.IntVar(&c.payload, "payload", 600, "bytes of JSON content in each message")
	fs.DurationVar(&c.httpTimeout, "http-timeout", 2*time.Minute, "limit on one request (long polls have their own on top)")
}

func (c *config) envs() ([]*env, error) {
	if len(c.servers) == 0 {
		return nil, errors.New("-server is needed")
	}
	var envs []*env
	for i, s := range c.servers {
		name, url, ok := strings.Cut(s, "=")
		if !ok || strings.Contains(name, "/") {
			name, url = fmt.Sprintf("server%d", i+1), s
		}
		e := &env{c: c, name: name, secret: c.secrets.at(i), sizeCmd: c.sizeCmds.at(i)}
		e.http = newHTTP(strings.TrimRight(url, "/"), c.httpTimeout)
		var err error
		if e.pids, err = parsePids(c.pids.at(i)); err != nil {
			return nil, err
		}
		if e.dbPids, err = parsePids(c.dbPids.at(i)); err != nil {
			return nil, err
		}
		if f := c.userFiles.at(i); f != "" {
			if e.users, err = readUsers(f); err != nil {
				return nil, err
			}
			e.usersGiven = true
		}
		e.runID = fmt.Sprintf("%x", time.Now().UnixMilli())
		envs = append(envs, e)
	}
	return envs, nil
}

// env is one server under test, with the users made on it so far.
type env struct {
	c          *config
	name       string
	http       *httpClient
	pids       []int
	dbPids     []int
	secret     string
	sizeCmd    string
	runID      string
	users      []*user
	usersGiven bool
	rep        int
	txn        counter
}

func (e *env) logf(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "%s %-10s %s\n", time.Now().Format("15:04:05"), e.name, fmt.Sprintf(format, args...))
}

// list is a repeatable string flag.
type list []string

func (l *list) String() string     { return strings.Join(*l, " ") }
func (l *list) Set(s string) error { *l = append(*l, s); return nil }
func (l list) at(i int) string {
	if i < len(l) {
		return l[i]
	}
	return ""
}

// ints is a comma-separated list of numbers as a flag.
type ints []int

func (n *ints) String() string {
	return strings.Trim(strings.ReplaceAll(fmt.Sprint([]int(*n)), " ", ","), "[]")
}

func (n *ints) Set(s string) error {
	*n = nil
	for _, f := range strings.Split(s, ",") {
		var v int
		if _, err := fmt.Sscanf(strings.TrimSpace(f), "%d", &v); err != nil {
			return fmt.Errorf("%q is no number", f)
		}
		*n = append(*n, v)
	}
	return nil
}

// at gives the i-th number, or the last one if the list is shorter.
func (n ints) at(i int) int {
	if len(n) == 0 {
		return 0
	}
	return n[min(i, len(n)-1)]
}

func (n ints) max() int {
	s := append([]int(nil), n...)
	sort.Ints(s)
	if len(s) == 0 {
		return 0
	}
	return s[len(s)-1]
}
