package recording

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/mod/sumdb/note"

	"conclave.chat/internal/archive/merkle"
	"conclave.chat/internal/archive/selfcheck"
	"conclave.chat/internal/fault"
	"conclave.chat/internal/mx"
	"conclave.chat/internal/roomstate"
	"conclave.chat/internal/store/accepted"
)

// recorder is one of the recorders. All are members of every recorded room and sign with one key; each has an archive of its own. An event is brought to
// one of them, and belongs to the archive of that which signed it.
type recorder struct {
	user   mx.UserID
	log    string // name of its archive's log; "" if it is not known
	logKey note.Verifier
	client *client
	down   atomic.Bool // it gave no answer when it was last asked
	watch  watch
}

func (s *Service) configureRecorders() error {
	c := s.Config
	logs := map[string]bool{}
	for i, o := range c.Recorders() {
		where := ""
		if i > 0 {
			where = fmt.Sprintf("others[%d].", i-1)
		}
		if !mx.ValidLocalpart(o.User) {
			return fmt.Errorf("%suser: %q cannot be the local part of a user id", where, o.User)
		}
		r := &recorder{user: mx.NewUserID(o.User, s.Signer.Server)}
		r.watch.gauges = s.gauges.of(r.user)
		if slices.Contains(s.users, r.user) {
			return fmt.Errorf("%suser: %s is there twice: each recorder has an account of its own", where, r.user)
		}
		var err error
		if o.LogKey != "" {
			if r.logKey, err = merkle.ParseVerifier(o.LogKey); err != nil {
				return fmt.Errorf("%slog_key: %w", where, err)
			}
			r.log = r.logKey.Name()
		}
		if len(c.Others) > 0 && (r.log == "" || logs[r.log]) {
			return fmt.Errorf("%slog_key: several recorders need a log each, with a name of its own: conclave archive logkey makes its key", where)
		}
		logs[r.log] = true
		if r.client, err = newClient(o.URL, o.CA, s.Signer); err != nil {
			return fmt.Errorf("%s%w", where, err)
		}
		s.recorders, s.users = append(s.recorders, r), append(s.users, r.user)
	}
	return nil
}

// order is the recorders in the order in which they are asked about a room: each room has its own (rendezvous hashing), so that they share the work, and what
// is asked twice about a message goes to one. Those that have given no answer come last.
func (s *Service) order(room mx.RoomID) []*recorder {
	if len(s.recorders) < 2 {
		return s.recorders
	}
	weight := func(r *recorder) []byte {
		sum := sha256.Sum256([]byte(string(room) + " " + r.log))
		return sum[:]
	}
	list := slices.Clone(s.recorders)
	slices.SortFunc(list, func(a, b *recorder) int {
		later := func(r *recorder) int {
			if r.down.Load() {
				return 1
			}
			return 0
		}
		return cmp.Or(cmp.Compare(later(a), later(b)), bytes.Compare(weight(a), weight(b)))
	})
	return list
}

// in is which recorders are members of a room; all may be asked where none is, as while it is being made.
func (s *Service) in(room *roomstate.Snapshot) func(mx.UserID) bool {
	if !slices.ContainsFunc(s.users, room.Joined) {
		return nil
	}
	return room.Joined
}

// ask asks the recorders about a room, one after the other until one answers, each for so long at most, and gives that one. A refusal is an answer.
func (s *Service) ask(ctx context.Context, room mx.RoomID, patience time.Duration, f func(context.Context, *recorder) error) (*recorder, error) {
	return s.askIn(ctx, room, nil, patience, f)
}

// askIn asks those that are members: one that is not has no keys of the room, and would refuse. Nil lets all be asked.
func (s *Service) askIn(ctx context.Context, room mx.RoomID, member func(mx.UserID) bool, patience time.Duration, f func(context.Context, *recorder) error) (*recorder, error) {
	err := errNoRecorder
	for _, r := range s.order(room) {
		if member != nil && !member(r.user) {
			continue
		}
		if err = s.askOne(ctx, r, patience, f); err == nil || fault.Of(err) != nil {
			if r.down.Swap(false) {
				s.Log.Info("a recorder answers again", "recorder", r.user)
			}
			return r, err
		}
		if ctx.Err() != nil {
			return nil, err // who asked has gone, which says nothing of the recorder
		}
		if !r.down.Swap(true) && len(s.recorders) > 1 {
			s.Log.Error("a recorder does not answer: others are asked in its place", "recorder", r.user, "error", err)
		}
	}
	return nil, err
}

// Whether a recorder that takes its time is there at all is asked where there is another one.
const (
	doubtAfter = 2 * time.Second
	pingFor    = 2 * time.Second
)

func (s *Service) askOne(ctx context.Context, r *recorder, patience time.Duration, f func(context.Context, *recorder) error) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if len(s.recorders) < 2 {
		return f(ctx, r)
	}
	ended := make(chan struct{})
	defer close(ended)
	doubt := time.AfterFunc(s.doubt, func() {
		for {
			if err := r.ping(ctx); err != nil {
				cancel()
				return
			}
			select {
			case <-ended:
				return
			case <-time.After(s.doubt):
			}
		}
	})
	defer doubt.Stop()
	return f(ctx, r)
}

func (r *recorder) ping(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, pingFor)
	defer cancel()
	_, err := r.client.ping(ctx)
	return err
}

// revive finds out which of the recorders that gave no answer are there again.
func (s *Service) revive(ctx context.Context) {
	for _, r := range s.recorders {
		if r.down.Load() && r.ping(ctx) == nil && r.down.Swap(false) {
			s.Log.Info("a recorder answers again", "recorder", r.user)
		}
	}
}

// State is how a recorder does.
type State struct {
	User mx.UserID
	Log  string // name of its archive's log
	Is   string // ok, or what is wrong

	Alarms  []selfcheck.Alarm // the gravest first
	Archive *selfcheck.Status // what it tells of its archive; nil if it does not
}

// Status says how the recorders and their archives do, and how many accepted events none is known to have.
func (s *Service) Status(ctx context.Context) (list []State, unrecorded int64, err error) {
	if unrecorded, err = accepted.CountOpen(ctx, s.DB); err != nil {
		return nil, 0, err
	}
	return s.states(ctx), unrecorded, nil
}

// Outdated is how many rooms are recorded otherwise than is set, as nobody in them has the power to change that, when all were last looked at.
func (s *Service) Outdated() int64 { return s.behind.Load() }

func (s *Service) states(ctx context.Context) []State {
	list := make([]State, len(s.recorders))
	var running sync.WaitGroup
	for i, r := range s.recorders {
		running.Go(func() {
			list[i] = State{User: r.user, Log: r.log, Is: "ok"}
			if err := s.lookAt(ctx, r); err != nil {
				list[i].Is = err.Error()
			}
			r.watch.mu.Lock()
			defer r.watch.mu.Unlock()
			list[i].Alarms, list[i].Archive = r.watch.alarms, r.watch.status
			if a := r.watch.status; a != nil && a.Stopped != "" {
				list[i].Is = a.Stopped
			}
		})
	}
	running.Wait()
	return list
}

// logOf is the key of a log by its name; nil if it is none of the recorders'.
func (s *Service) logOf(name string) note.Verifier {
	for _, r := range s.recorders {
		if r.logKey != nil && r.log == name {
			return r.logKey
		}
	}
	return nil
}

var errNoRecorder = errors.New("recording: there is no recorder")
