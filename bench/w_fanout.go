package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// fanoutWorkload: rooms of N members that all long-poll /sync, and one more
// member that sends: first at a fixed rate, for the latency from the start of
// the send to the end of each member's sync answer; then a burst, one send after
// the other without pause, for the rate of delivery.
type fanoutWorkload struct {
	members, messages, burst ints
	rate                     floats
}

func (w *fanoutWorkload) flags(fs *flag.FlagSet) {
	w.members, w.messages, w.burst = ints{10, 100, 1000}, ints{100, 40, 6}, ints{100, 50, 10}
	w.rate = floats{10, 2, 0.2}
	fs.Var(&w.members, "fanout-members", "fanout: members of each room, one `LIST` entry a case")
	fs.Var(&w.rate, "fanout-rate", "fanout: messages per second, for each case")
	fs.Var(&w.messages, "fanout-messages", "fanout: messages at that rate, for each case")
	fs.Var(&w.burst, "fanout-burst", "fanout: messages without pause, for each case (0: no burst; at most 100, the timeline limit)")
}

// fanoutTimeline is the timeline limit of the members' filter: a burst is never
// longer, so that no message is left out of a sync answer.
const fanoutTimeline = 100

type fanoutRoom struct {
	room    string
	sender  *user
	members []*user
}

func (w *fanoutWorkload) setup(ctx context.Context, e *env) (any, error) {
	users, err := e.need(ctx, w.members.max()+1)
	if err != nil {
		return nil, err
	}
	var rooms []fanoutRoom
	for _, n := range w.members {
		room, err := e.roomWith(ctx, fmt.Sprintf("fanout %d", n), users[:n+1])
		if err != nil {
			return nil, err
		}
		rooms = append(rooms, fanoutRoom{room, users[0], users[1 : n+1]})
	}
	return rooms, nil
}

func (w *fanoutWorkload) run(ctx context.Context, e *env, state any) ([]result, error) {
	var results []result
	for i, fr := range state.([]fanoutRoom) {
		rs, err := w.room(ctx, e, fr, i)
		results = append(results, rs...)
		if err != nil {
			return results, fmt.Errorf("with %d members: %w", len(fr.members), err)
		}
		e.logf("fanout N=%d done", len(fr.members))
	}
	return results, nil
}

func (w *fanoutWorkload) room(ctx context.Context, e *env, fr fanoutRoom, i int) ([]result, error) {
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()

	n := len(fr.members)
	paced, burst := w.messages.at(i), min(w.burst.at(i), fanoutTimeline)
	sent := make([]atomic.Int64, paced+burst) // start of each send, ns
	got := make([][]time.Duration, n)         // each member's latencies, in order of arrival
	seen := make([][]bool, n)
	var delivered, answers atomic.Int64
	failed := make(chan error, n)

	filter := lazyFilter(fanoutTimeline)
	since := make([]string, n)
	if err := parallel(ctx, n, 8, func(k int) (err error) {
		_, since[k], err = e.sync(ctx, fr.members[k], "", filter, 0, new(bytes.Buffer))
		return err
	}); err != nil {
		return nil, err
	}
	epoch := time.Now()
	// Messages of earlier repetitions may still be in the stream: count from base.
	base := int64(e.rep) * 1e6
	for k, u := range fr.members {
		seen[k] = make([]bool, len(sent))
		wg.Go(func() {
			var buf bytes.Buffer
			for ctx.Err() == nil {
				body, next, err := e.sync(ctx, u, since[k], filter, 30*time.Second, &buf)
				now := time.Since(epoch)
				if err != nil {
					if ctx.Err() == nil {
						failed <- err
					}
					return
				}
				since[k] = next
				answers.Add(1)
				eachSeq(body, func(seq int64) {
					seq -= base
					if seq < 0 || seq >= int64(len(sent)) || seen[k][seq] {
						return
					}
					seen[k][seq] = true
					got[k] = append(got[k], now-time.Duration(sent[seq].Load()))
					delivered.Add(1)
				})
			}
		})
	}
	sleep(ctx, 2*time.Second) // until all polls are parked

	var buf bytes.Buffer
	send := func(seq int) error {
		sent[seq].Store(int64(time.Since(epoch)))
		return e.send(ctx, fr.sender, fr.room, base+int64(seq), &buf)
	}
	await := func(want int64, limit time.Duration) error {
		end := time.Now().Add(limit)
		for delivered.Load() < want {
			select {
			case err := <-failed:
				return err
			default:
			}
			if time.Now().After(end) {
				return fmt.Errorf("%d of %d deliveries after %s", delivered.Load(), want, limit)
			}
			if !sleep(ctx, 2*time.Millisecond) {
				return ctx.Err()
			}
		}
		return nil
	}

	r := result{name: fmt.Sprintf("N=%d at %g/s", n, w.rate.at(i))}
	m := e.begin()
	tick := time.NewTicker(time.Duration(float64(time.Second) / w.rate.at(i)))
	defer tick.Stop()
	var sendTimes []time.Duration
	for s := range paced {
		start := time.Now()
		if err := send(s); err != nil {
			return nil, err
		}
		sendTimes = append(sendTimes, time.Since(start))
		if s < paced-1 {
			<-tick.C
		}
	}
	want := int64(n * paced)
	if err := await(want, time.Minute); err != nil {
		return nil, err
	}
	var d []time.Duration
	marks := make([]int, n)
	for k := range got {
		marks[k] = paced
		d = append(d, got[k][:paced]...)
	}
	r.latencies("delivery", d)
	r.latencies("send", sendTimes)
	m.end(ctx, &r, int(want), "deliveries")
	r.add("answers", float64(answers.Load())/float64(want), "sync answers/delivery")
	results := []result{r}
	if burst == 0 {
		return results, nil
	}

	b := result{name: fmt.Sprintf("N=%d burst", n)}
	sleep(ctx, time.Second)
	m = e.begin()
	for s := range burst {
		if err := send(paced + s); err != nil {
			return results, err
		}
	}
	if err := await(want+int64(n*burst), time.Minute); err != nil {
		return results, err
	}
	m.end(ctx, &b, n*burst, "deliveries")
	d = nil
	for k := range got {
		d = append(d, got[k][marks[k]:paced+burst]...)
	}
	b.latencies("delivery", d)
	return append(results, b), nil
}

// floats is a comma-separated list of numbers as a flag.
type floats []float64

func (n *floats) String() string {
	s := ""
	for i, v := range *n {
		if i > 0 {
			s += ","
		}
		s += fmt.Sprint(v)
	}
	return s
}

func (n *floats) Set(s string) error {
	*n = nil
	for _, f := range bytes.Split([]byte(s), []byte(",")) {
		var v float64
		if _, err := fmt.Sscan(string(f), &v); err != nil || v <= 0 {
			return errors.New("want numbers above 0, split by commas")
		}
		*n = append(*n, v)
	}
	return nil
}

func (n floats) at(i int) float64 { return n[min(i, len(n)-1)] }
