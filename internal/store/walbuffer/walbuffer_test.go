package walbuffer

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/ncruces/go-sqlite3"
	_ "github.com/ncruces/go-sqlite3/driver"
	"github.com/ncruces/go-sqlite3/util/vfsutil"
	"github.com/ncruces/go-sqlite3/vfs"
)

const schema = `CREATE TABLE IF NOT EXISTS total (n INTEGER NOT NULL, sum INTEGER NOT NULL);
	CREATE TABLE IF NOT EXISTS item (id INTEGER PRIMARY KEY, v INTEGER NOT NULL, pad BLOB NOT NULL);
	CREATE INDEX IF NOT EXISTS item_v ON item (v)`

func open(t testing.TB, path, vfsName string) *sqlite3.Conn {
	t.Helper()
	c, err := sqlite3.Open("file:" + path + "?vfs=" + vfsName + "&hexkey=" + strings.Repeat("07", 32))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	run(t, c, "PRAGMA busy_timeout=60000; PRAGMA temp_store=memory; PRAGMA journal_mode=wal; PRAGMA synchronous=full; PRAGMA wal_autocheckpoint=300")
	return c
}

func committer(t testing.TB, c *sqlite3.Conn) *Committer {
	t.Helper()
	w, err := NewCommitter(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.Close() })
	return w
}

func run(t testing.TB, c *sqlite3.Conn, sql string) {
	t.Helper()
	if err := c.Exec(sql); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

func text(t testing.TB, c *sqlite3.Conn, sql string) string {
	t.Helper()
	s, _, err := c.Prepare(sql)
	if err != nil {
		t.Fatal(err)
	}
	out := ""
	for s.Step() {
		out += s.ColumnText(0)
	}
	if err := s.Close(); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return out
}

// work writes transactions that keep the table total true: small ones, ones that spill pages, and ones that are rolled back.
func work(t testing.TB, c *sqlite3.Conn, w *Committer, n int, rnd *rand.Rand) (done int) {
	t.Helper()
	run(t, c, "PRAGMA cache_size=10")
	for range n {
		rows, base := 1+rnd.IntN(8), rnd.IntN(5000)
		if rnd.IntN(10) == 0 {
			rows = 200
		}
		if err := w.Begin(); err != nil {
			t.Fatal(err)
		}
		for i := range rows {
			id := base + i*7
			run(t, c, fmt.Sprintf(`UPDATE total SET sum = sum - coalesce((SELECT v FROM item WHERE id = %[1]d), 0) + %[2]d;
				INSERT INTO item VALUES (%[1]d, %[2]d, randomblob(%[3]d)) ON CONFLICT (id) DO UPDATE SET v = excluded.v, pad = excluded.pad`,
				id, rnd.IntN(1000), rnd.IntN(3000)))
		}
		if rnd.IntN(5) == 0 {
			run(t, c, "ROLLBACK")
			continue
		}
		run(t, c, "UPDATE total SET n = n + 1")
		if err := w.Commit(); err != nil {
			t.Fatal(err)
		}
		done++
	}
	return done
}

const consistent = "SELECT sum = (SELECT coalesce(sum(v), 0) FROM item NOT INDEXED) FROM total"

func start(t testing.TB, path string) (*sqlite3.Conn, *Committer) {
	t.Helper()
	Register()
	c := open(t, path, Name)
	run(t, c, schema)
	run(t, c, "INSERT INTO total VALUES (0, 0)")
	return c, committer(t, c)
}

func check(t *testing.T, path string, commits int) {
	t.Helper()
	c := open(t, path, "adiantum") // the file is what the cipher alone would have made
	if got := text(t, c, "PRAGMA integrity_check"); got != "ok" {
		t.Error(got)
	}
	if got := text(t, c, consistent); got != "1" {
		t.Error("the sum is not that of the rows")
	}
	if got := text(t, c, "SELECT n FROM total"); got != strconv.Itoa(commits) {
		t.Errorf("%s commits, want %d", got, commits)
	}
}

func TestReadersSeeWholeCommits(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	c, w := start(t, path)
	var stop atomic.Bool
	var looks atomic.Int64
	var wg sync.WaitGroup
	for i := range 3 {
		r := open(t, path, []string{Name, Name, "adiantum"}[i])
		run(t, r, "PRAGMA cache_size=5")
		wg.Go(func() {
			for last := 0; !stop.Load(); looks.Add(1) {
				if got := text(t, r, consistent); got != "1" {
					t.Error("a reader saw half a commit")
					return
				}
				n, _ := strconv.Atoi(text(t, r, "SELECT n FROM total"))
				if n < last {
					t.Errorf("a reader went back from commit %d to %d", last, n)
				}
				last = n
			}
		})
	}
	n := work(t, c, w, 150, rand.New(rand.NewPCG(1, 1)))
	stop.Store(true)
	wg.Wait()
	if looks.Load() < 20 {
		t.Errorf("only %d looks at %d commits", looks.Load(), n)
	}
	check(t, path, n)
}

// Every commit is at once what another connection sees, its last page too: that is where padding goes.
func TestCommitIsVisibleWhenItReturns(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	c, w := start(t, path)
	r := open(t, path, Name)
	run(t, r, "PRAGMA cache_size=5")
	for i := range 200 {
		work(t, c, w, 1, rand.New(rand.NewPCG(2, uint64(i))))
		if a, b := text(t, c, "SELECT n||' '||sum FROM total"), text(t, r, "SELECT n||' '||sum FROM total"); a != b {
			t.Fatalf("transaction %d: the writer has %s, a reader %s", i, a, b)
		}
	}
}

// Two processes write by turns: what one holds back and gives up must never reach the log after the other has written.
func TestTwoProcessesWrite(t *testing.T) {
	const env = "WALBUFFER_CHILD"
	if path := os.Getenv(env); path != "" {
		Register()
		c := open(t, path, Name)
		fmt.Printf("commits=%d\n", work(t, c, committer(t, c), 150, rand.New(rand.NewPCG(3, 3))))
		return
	}
	path := filepath.Join(t.TempDir(), "x.db")
	c, w := start(t, path)
	child := exec.Command(os.Args[0], "-test.run=^TestTwoProcessesWrite$")
	child.Env = append(os.Environ(), env+"="+path)
	var out bytes.Buffer
	child.Stdout, child.Stderr = &out, &out
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	n := work(t, c, w, 150, rand.New(rand.NewPCG(4, 4)))
	if err := child.Wait(); err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	_, rest, _ := strings.Cut(out.String(), "commits=")
	other, _, _ := strings.Cut(rest, "\n")
	m, err := strconv.Atoi(other)
	if err != nil || m == 0 {
		t.Fatalf("the other process said %q", out.String())
	}
	check(t, path, n+m)
}

// faulty counts writes to the log and fails them when told.
type faulty struct {
	vfs.VFS
	writes, fail atomic.Int64
}

type faultyFile struct {
	vfs.File
	v *faulty
}

func (v *faulty) OpenFilename(name *vfs.Filename, flags vfs.OpenFlag) (vfs.File, vfs.OpenFlag, error) {
	f, flags, err := vfsutil.WrapOpenFilename(v.VFS, name, flags)
	if err != nil || flags&vfs.OPEN_WAL == 0 {
		return f, flags, err
	}
	return &faultyFile{f, v}, flags, nil
}

func (f *faultyFile) WriteAt(p []byte, off int64) (int, error) {
	if n := f.v.writes.Add(1); f.v.fail.Load() == n {
		return 0, errors.New("disk is full")
	}
	return f.File.WriteAt(p, off)
}

func TestFewWritesAndNoneAfterAFailure(t *testing.T) {
	v := &faulty{VFS: vfs.Find("")}
	vfs.Register("faulty", wrap(v))
	t.Cleanup(func() { vfs.Unregister("faulty") })
	path := filepath.Join(t.TempDir(), "x.db")
	c := open(t, path, "faulty")
	run(t, c, schema)
	run(t, c, "INSERT INTO total VALUES (0, 0)")
	w := committer(t, c)
	insert := func() error {
		run(t, c, "BEGIN IMMEDIATE; WITH RECURSIVE s(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM s WHERE i < 100) "+
			"INSERT INTO item SELECT NULL, 0, randomblob(2000) FROM s; UPDATE total SET n = n + 1")
		return w.Commit()
	}
	commits := 0
	for fail := range int64(6) {
		v.writes.Store(0)
		v.fail.Store(fail)
		err := insert()
		n := v.writes.Load()
		switch {
		case err == nil:
			commits++
			if n > 4 {
				t.Errorf("a commit of more than 50 pages took %d writes, want 4 at most", n)
			}
		case n != fail:
			t.Errorf("write %d failed, and %d were made", fail, n)
		}
		if got := text(t, c, "SELECT n FROM total"); got != strconv.Itoa(commits) {
			t.Fatalf("%s commits, want %d", got, commits)
		}
	}
	if commits < 2 || commits > 4 {
		t.Errorf("%d commits of 6 went well", commits)
	}
	check(t, path, commits)
}

func TestRefusesWhatDoesNotSync(t *testing.T) {
	Register()
	c := open(t, filepath.Join(t.TempDir(), "x.db"), Name)
	run(t, c, "PRAGMA synchronous=normal")
	if _, err := NewCommitter(c); err == nil {
		t.Error("synchronous=NORMAL was taken")
	}
}

func BenchmarkCommit(b *testing.B) {
	for _, gather := range []bool{false, true} {
		for _, rows := range []int{1, 20, 100} {
			b.Run(fmt.Sprintf("gather=%v/rows=%d", gather, rows), func(b *testing.B) {
				c, w := start(b, filepath.Join(b.TempDir(), "x.db"))
				insert := fmt.Sprintf("BEGIN IMMEDIATE; WITH RECURSIVE s(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM s WHERE i < %d) "+
					"INSERT INTO item SELECT NULL, random(), randomblob(1000) FROM s", rows)
				from := cpu(b)
				for b.Loop() {
					run(b, c, insert)
					if gather {
						if err := w.Commit(); err != nil {
							b.Fatal(err)
						}
					} else {
						run(b, c, "COMMIT")
					}
				}
				b.ReportMetric(float64(cpu(b)-from)/float64(b.N), "cpu-µs/op")
			})
		}
	}
}

func cpu(b *testing.B) int64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return (u.Utime.Nano() + u.Stime.Nano()) / 1000
}
