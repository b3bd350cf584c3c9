// Package verify proves, from an archive and public keys alone, that nothing in it was altered, removed, reordered or added. It needs no server and
// no key that opens anything, reads each byte once, and names each place that is not right in one line.
//
// It goes from the signature down: the checkpoint is signed by whom the caller trusts; the entries lead to its root, through the tiles; every block of every
// segment gives exactly the entries that the log holds, and every entry comes from a block; key files and blobs are those that entries name. Checkpoints that
// were kept elsewhere must be states that the log went through. With statements of the homeserver, each accepted event has a record, or a gap with
// its reason. Where statements name the log of each event, as with several recorders, each in its own is what counts: a record of it in another log is like one
// of an event that was given up.
package verify

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"sync"

	"golang.org/x/mod/sumdb/note"

	"conclave.chat/internal/archive/depot"
	"conclave.chat/internal/archive/merkle"
	"conclave.chat/internal/archive/segment"
)

// Options say what is verified against what.
type Options struct {
	Policy merkle.Policy
	// Kept are checkpoints of this log that were kept elsewhere.
	Kept [][]byte
	// Statements are the homeserver's, signed by Server.
	Statements []io.Reader
	Server     note.Verifier
	// Live is for who verifies the archive that it writes itself: an accepted event counts as archived, too, where no checkpoint covers its record yet.
	Live bool
	// Workers is how many files are read at once; 0 is one for each processor.
	Workers int
	// Progress is told of bytes that were read, by several goroutines.
	Progress func(bytes int64)
}

// Problem is something that is not right.
type Problem struct {
	Place string // a file of the archive, or a room
	What  string
}

func (p Problem) String() string { return p.Place + ": " + p.What }

// GapEvent is an accepted event that the archive says it does not hold.
type GapEvent struct {
	Seq    uint64
	Room   string // known if a statement names the event
	Event  string
	Reason string
}

// Report is what was found.
type Report struct {
	Checkpoint merkle.Checkpoint
	Records    int64
	Blobs      int64
	Segments   int64
	Shredded   int64 // segments whose time was over, and whose end is in the log
	Certified  int64 // of these, those whose keys were destroyed as a certificate says
	Ending     int64 // segments whose end is in the log, and whose destruction no certificate says yet
	Stated     int64 // accepted events of this log that statements name
	// Elsewhere is how many accepted events are in other logs, by the logs' names, as statements say.
	Elsewhere map[string]int64
	// Unused is how many records here are of accepted events whose record is in another log.
	Unused int64
	Bytes  int64
	Gaps   []GapEvent
	// Receipts say who has read what, where that is recorded.
	Receipts int64
	// Newer is how many entries are not covered by a checkpoint yet.
	Newer int64
	// Strays are files that nothing in the log refers to, as a message that was refused leaves its attachment, or an upload that broke off. They prove nothing, and harm nothing;
	// the recorder removes them when the term of their class is over.
	Strays   []string
	Problems []Problem
}

// run is a verification under way.
type run struct {
	Options
	ctx   context.Context
	depot depot.Reader

	mu       sync.Mutex
	report   Report
	size     int64
	seen     bitmap               // leaves that a segment gave
	segments map[segment.ID]*info // by what the log says
	blobs    []blob
	certs    []cert
	stated   map[segment.Digest]*accepted
	badTiles map[int64]bool // bundles that are not the ones that were signed
}

// info is what is known of a segment.
type info struct {
	class    string
	shredded bool
	shred    uint64         // number of its end in the log
	key      segment.Digest // of its key file, as its end says
	found    bool           // its file is there
	bad      bool           // it has been reported
	records  int64
	gaps     int64
	sealed   bool // a certificate says that its key was destroyed
}

type blob struct {
	segment          segment.ID
	class, name, key string
}

// Run verifies an archive. The error is about the verification, not about the archive: what is wrong with that is in the report.
func Run(ctx context.Context, d depot.Reader, o Options) (*Report, error) {
	if o.Workers <= 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	r := &run{Options: o, ctx: ctx, depot: d, segments: map[segment.ID]*info{}, badTiles: map[int64]bool{}}
	if err := r.readStatements(); err != nil {
		return nil, err
	}
	steps := []func() error{r.openCheckpoint, r.readCertificates, r.walkLog, r.checkCertificates, r.readSegments, r.findMissing, r.readBlobs, r.compareStatements}
	for _, step := range steps {
		if err := step(); err != nil && !errors.Is(err, errStop) {
			return nil, err
		} else if err != nil {
			break
		}
	}
	for _, s := range r.segments {
		if s.shredded && !s.sealed {
			r.report.Ending++
		}
	}
	// Files come first: what is wrong with one may be why events are missing.
	slices.SortStableFunc(r.report.Problems, func(a, b Problem) int {
		if aRoom, bRoom := strings.HasPrefix(a.Place, "room "), strings.HasPrefix(b.Place, "room "); aRoom != bRoom {
			if aRoom {
				return 1
			}
			return -1
		}
		return strings.Compare(a.Place, b.Place)
	})
	slices.Sort(r.report.Strays)
	return &r.report, nil
}

// errStop ends a verification that cannot go on; the report says why.
var errStop = errors.New("stop")

func (r *run) problem(place, what string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.report.Problems = append(r.report.Problems, Problem{place, fmt.Sprintf(what, args...)})
}

func (r *run) read(name string) ([]byte, error) {
	return depot.ReadFile(r.ctx, r.depot, name, depot.MaxFile)
}

func (r *run) openCheckpoint() error {
	msg, err := r.read(depot.Checkpoint)
	if errors.Is(err, depot.ErrNotFound) {
		r.problem(depot.Checkpoint, "it is missing")
		return errStop
	}
	if err != nil {
		return err
	}
	if r.report.Checkpoint, err = r.Policy.Open(msg); err != nil {
		r.problem(depot.Checkpoint, "%v", err)
		return errStop
	}
	r.size = r.report.Checkpoint.N
	r.seen = newBitmap(r.size)
	return nil
}

// bitmap marks leaves. Workers set bits of it at the same time.
type bitmap struct {
	mu   *sync.Mutex
	bits []uint64
	n    int64
}

func newBitmap(n int64) bitmap { return bitmap{&sync.Mutex{}, make([]uint64, (n+63)/64), n} }

// set marks a leaf and tells whether it was unmarked.
func (b bitmap) set(first uint64, n int) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	fresh := true
	for i := first; i < first+uint64(n); i++ {
		fresh = fresh && b.bits[i/64]&(1<<(i%64)) == 0
		b.bits[i/64] |= 1 << (i % 64)
	}
	return fresh
}

// missing calls f for each unmarked leaf until it gives false.
func (b bitmap) missing(f func(int64) bool) {
	for i := int64(0); i < b.n; i++ {
		if i%64 == 0 && b.bits[i/64] == ^uint64(0) {
			i += 63
			continue
		}
		if b.bits[i/64]&(1<<(i%64)) == 0 && !f(i) {
			return
		}
	}
}
