package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// localRun is a run against servers of this repository that it starts itself:
// the null server as the measure, and the program on both of its engines.
type localRun struct {
	program, config  string
	postgres         string
	postgresPid      int
	out, table       string
	quick            bool
	dir              string
	null             *process
	sqlite, onServer *process // onServer: on PostgreSQL
	report           *report
}

// quickArgs make every workload small: to see that it works, not to measure.
var quickArgs = []string{
	"-reps=1", "-messages=20", "-history-events=300", "-fanout-members=10", "-fanout-rate=10", "-fanout-messages=20", "-fanout-burst=20",
	"-sync-rooms=10", "-sync-initials=1", "-sync-increments=3", "-e2ee-devices=10", "-e2ee-batch=10", "-e2ee-sends=10", "-media-mib=1", "-media-count=3",
	"-clients=100", "-hold=4s",
}

func local(ctx context.Context, args []string) error {
	l := &localRun{}
	fs := flag.NewFlagSet("bench local", flag.ContinueOnError)
	fs.StringVar(&l.program, "conclave", "bin/conclave", "the `PROGRAM` to measure")
	fs.StringVar(&l.config, "config", "test/harness/conformance.yaml", "its configuration `FILE`")
	fs.StringVar(&l.postgres, "postgres", os.Getenv("CONCLAVE_TEST_POSTGRES"), "`URL` of an empty PostgreSQL database")
	fs.IntVar(&l.postgresPid, "postgres-pid", atoi(os.Getenv("CONCLAVE_TEST_POSTGRES_PID")), "`PID` of its postmaster")
	fs.StringVar(&l.out, "out", "bench.json", "`FILE` for the report")
	fs.StringVar(&l.table, "table", "bench.md", "`FILE` for the table")
	fs.BoolVar(&l.quick, "quick", false, "small workloads, one repetition: to see that it works")
	if err := fs.Parse(args); err != nil {
		return err
	}
	var err error
	if l.program, err = filepath.Abs(l.program); err != nil {
		return err
	}
	if l.config, err = filepath.Abs(l.config); err != nil {
		return err
	}
	if l.dir, err = os.MkdirTemp("", "conclave-bench-"); err != nil {
		return err
	}
	defer os.RemoveAll(l.dir)
	return l.run(ctx)
}

func atoi(s string) int {
	n, _ := strconv.Atoi(s)
	return n
}

func (l *localRun) run(ctx context.Context) (err error) {
	defer func() {
		for _, p := range []*process{l.null, l.sqlite, l.onServer} {
			err = errors.Join(err, p.stop())
		}
	}()
	l.report = &report{Started: time.Now().UTC(), Machine: machine(), Params: map[string]string{}, Errors: map[string][]string{}}
	if err := l.start(ctx); err != nil {
		return err
	}
	index := func(name string) int {
		return slices.IndexFunc(workloads, func(w namedWorkload) bool { return w.name == name })
	}
	send, connected := index("send"), index("connected")
	if err := l.measure(ctx, send, send+1, nil, l.null, l.sqlite, l.onServer); err != nil {
		return err
	}
	if err := l.measure(ctx, send+1, connected, nil, l.sqlite, l.onServer); err != nil {
		return err
	}
	if err := l.connected(ctx, connected); err != nil {
		return err
	}
	if err := l.write(); err != nil {
		return err
	}
	return l.report.failure()
}

// start starts all servers. Conclave is stopped and started again a few times, to time it.
func (l *localRun) start(ctx context.Context) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	l.null = &process{name: "null", dir: l.dir, path: "/", command: func(addr string) *exec.Cmd {
		return exec.Command(self, "null-server", "-listen", addr)
	}}
	if err := l.null.start(ctx); err != nil {
		return err
	}
	l.sqlite = l.conclave("sqlite", "")
	servers := []*process{l.sqlite}
	if l.postgres != "" {
		l.onServer = l.conclave("postgres", l.postgres)
		servers = append(servers, l.onServer)
	}
	for _, p := range servers {
		if err := l.timeStarts(ctx, p); err != nil {
			return err
		}
	}
	return nil
}

func (l *localRun) conclave(name, dsn string) *process {
	p := &process{name: name, dir: filepath.Join(l.dir, name), path: "/_matrix/client/versions"}
	p.command = func(addr string) *exec.Cmd {
		cmd := exec.Command(l.program, "serve", "--config", l.config)
		cmd.Env = append(os.Environ(), "CONCLAVE_LISTEN="+addr, "CONCLAVE_DATA_DIR="+filepath.Join(p.dir, "data"), "CONCLAVE_DATABASE_POSTGRES="+dsn,
			"CONCLAVE_MASTER_KEY=Y29uY2xhdmUgdGVzdHMgb25seTogbm8gc2VjcmV0ISE=")
		return cmd
	}
	return p
}

// timeStarts starts a server five times and keeps the last. The first start makes the data.
func (l *localRun) timeStarts(ctx context.Context, p *process) error {
	r := result{name: "start"}
	var again []float64
	for i := range 5 {
		if err := p.stop(); err != nil {
			return err
		}
		if err := p.start(ctx); err != nil {
			return err
		}
		if i == 0 {
			r.add("first", ms(p.took), "ms")
		} else {
			again = append(again, ms(p.took))
		}
	}
	r.add("again", median(again), "ms")
	sleep(ctx, 3*time.Second)
	r.add("idle-rss", float64(rssKiB([]int{p.pid()}))/1024, "MiB")
	runs := []runRecord{{Server: p.name, Workload: "start", Case: r.name, Metrics: r.metrics, Speed: calibrate(), Load1: loadAverage()}}
	l.report.Runs = append(l.report.Runs, runs...)
	l.report.Summary = append(l.report.Summary, summarise("start", runs, []*env{{name: p.name}})...)
	return nil
}

// measure runs workloads on some of the servers and adds what they found to the report.
func (l *localRun) measure(ctx context.Context, from, to int, more []string, servers ...*process) error {
	var args []string
	if l.quick {
		known := flag.NewFlagSet("", flag.ContinueOnError)
		new(config).flags(known)
		for _, w := range workloads[from:to] {
			w.w.flags(known)
		}
		for _, a := range quickArgs {
			if name, _, _ := strings.Cut(a[1:], "="); known.Lookup(name) != nil {
				args = append(args, a)
			}
		}
	}
	for _, p := range servers {
		if p == nil {
			continue
		}
		args = append(args, "-server="+p.name+"="+p.url, "-pid="+strconv.Itoa(p.pid()))
		dbPid := ""
		if p == l.onServer && l.postgresPid != 0 {
			dbPid = strconv.Itoa(l.postgresPid)
		}
		args = append(args, "-db-pid="+dbPid)
	}
	rep, err := measure(ctx, append(args, more...), from, to)
	if err != nil {
		return err
	}
	l.report.Runs = append(l.report.Runs, rep.Runs...)
	l.report.Summary = append(l.report.Summary, rep.Summary...)
	for k, v := range rep.Params {
		if k != "server" && k != "pid" && k != "db-pid" && k != "users-file" {
			l.report.Params[k] = v
		}
	}
	for k, v := range rep.Errors {
		l.report.Errors[k] = append(l.report.Errors[k], v...)
	}
	return ctx.Err()
}

// connected makes the users first and restarts the servers, so that the memory
// left from making them is not in the way.
func (l *localRun) connected(ctx context.Context, index int) error {
	n := 5000
	if l.quick {
		n = 100
	}
	more := []string{"-reps=1"}
	servers := []*process{l.sqlite}
	if l.onServer != nil {
		servers = append(servers, l.onServer)
	}
	for _, p := range servers {
		file := filepath.Join(l.dir, p.name+".tsv")
		if err := provision(ctx, []string{"-server=" + p.url, "-n=" + strconv.Itoa(n), "-out=" + file}); err != nil {
			return err
		}
		if err := errors.Join(p.stop(), p.start(ctx)); err != nil {
			return err
		}
		more = append(more, "-users-file="+file)
	}
	return l.measure(ctx, index, index+1, more, servers...)
}

func (l *localRun) write() error {
	f, err := os.Create(l.out)
	if err != nil {
		return err
	}
	if err := errors.Join(l.report.write(f), f.Close()); err != nil {
		return err
	}
	t, err := os.Create(l.table)
	if err != nil {
		return err
	}
	l.report.markdown(t)
	return t.Close()
}

// markdown writes the medians as one table, the servers side by side.
func (r *report) markdown(w io.Writer) {
	type key struct{ workload, c, metric, unit string }
	var order []key
	value := map[key]map[string]float64{}
	var servers []string
	for _, row := range r.Summary {
		k := key{row.Workload, row.Case, row.Metric, row.Unit}
		if value[k] == nil {
			value[k] = map[string]float64{}
			order = append(order, k)
		}
		value[k][row.Server] = row.Median
		if !slices.Contains(servers, row.Server) {
			servers = append(servers, row.Server)
		}
	}
	slices.SortStableFunc(servers, func(a, b string) int { return strings.Compare(fmt.Sprint(a != "null"), fmt.Sprint(b != "null")) })
	fmt.Fprintf(w, "%s, %s\n\n| workload | case | figure | unit | %s |\n|%s\n", r.Started.Format("2006-01-02"), r.Machine, strings.Join(servers, " | "),
		strings.Repeat(" --- |", 4+len(servers)))
	for _, k := range order {
		fmt.Fprintf(w, "| %s | %s | %s | %s |", k.workload, k.c, k.metric, k.unit)
		for _, s := range servers {
			if v, ok := value[k][s]; ok {
				fmt.Fprintf(w, " %s |", short(v))
			} else {
				fmt.Fprint(w, " |")
			}
		}
		fmt.Fprintln(w)
	}
}

// process is a server that this program started.
type process struct {
	name, dir, path string
	url             string
	command         func(addr string) *exec.Cmd
	cmd             *exec.Cmd
	took            time.Duration // from its start to its first answer
}

func (p *process) pid() int { return p.cmd.Process.Pid }

// start starts the server on its data, and waits for its first answer.
func (p *process) start(ctx context.Context) error {
	if err := os.MkdirAll(p.dir, 0o700); err != nil {
		return err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	addr := listener.Addr().String()
	if err := listener.Close(); err != nil {
		return err
	}
	log, err := os.Create(filepath.Join(p.dir, p.name+".log"))
	if err != nil {
		return err
	}
	defer log.Close()
	p.url, p.cmd = "http://"+addr, p.command(addr)
	p.cmd.Stdout, p.cmd.Stderr, p.cmd.SysProcAttr = log, log, &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	begin := time.Now()
	if err := p.cmd.Start(); err != nil {
		return err
	}
	for time.Since(begin) < 30*time.Second && ctx.Err() == nil {
		if res, err := http.Get(p.url + p.path); err == nil {
			res.Body.Close()
			p.took = time.Since(begin)
			return nil
		}
		time.Sleep(time.Millisecond)
	}
	said, _ := os.ReadFile(log.Name())
	return fmt.Errorf("%s does not answer: %s", p.name, said)
}

func (p *process) stop() error {
	if p == nil || p.cmd == nil {
		return nil
	}
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	err := p.cmd.Wait()
	p.cmd = nil
	if p.name == "null" {
		return nil
	}
	return err
}
