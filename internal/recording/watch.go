package recording

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/prometheus/client_golang/prometheus"

	"conclave.chat/internal/archive/selfcheck"
	"conclave.chat/internal/link"
	"conclave.chat/internal/mx"
)

// watch is what the recorder last told of its archive.
type watch struct {
	mu     sync.Mutex
	status *selfcheck.Status // nil: it does not tell
	alarms []selfcheck.Alarm // the gravest first
	logged []selfcheck.Alarm
	said   time.Time // when the alarm was logged
	missed int       // how often in a row it did not answer

	gauges
}

// gauges are the metrics of one recorder.
type gauges struct {
	up, checked, problems, records prometheus.Gauge
	alarm                          *prometheus.GaugeVec
}

const (
	askEvery = time.Minute
	sayEvery = 24 * time.Hour
	maxSaid  = 3 // problems in the log; administrators see more
)

// watchGauges are the metrics of all recorders.
type watchGauges struct{ up, checked, problems, records, alarms *prometheus.GaugeVec }

func newGauges(m prometheus.Registerer) *watchGauges {
	gauge := func(name, help string, labels ...string) *prometheus.GaugeVec {
		return prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "conclave_recording_" + name, Help: help}, append(labels, "recorder"))
	}
	g := &watchGauges{
		up:       gauge("recorder_up", "1 if the recorder told of its archive when it was last asked, and that takes records; 0 if not."),
		checked:  gauge("selfcheck_timestamp_seconds", "When the recorder last verified its archive."),
		problems: gauge("selfcheck_problems", "Problems that the last verification of the archive has found."),
		records:  gauge("selfcheck_records", "Records that the last verification of the archive has counted."),
		alarms:   gauge("selfcheck_alarm", "1 for each reason why something is wrong with the archive: unreachable, stopped, problems, witness, failed, clock, bucket or overdue.", "reason"),
	}
	if m != nil {
		m.MustRegister(g.up, g.checked, g.problems, g.records, g.alarms)
	}
	return g
}

// of gives the metrics of a recorder.
func (g *watchGauges) of(user mx.UserID) gauges {
	who := prometheus.Labels{"recorder": string(user)}
	one := gauges{g.up.With(who), g.checked.With(who), g.problems.With(who), g.records.With(who), g.alarms.MustCurryWith(who)}
	for _, a := range selfcheck.All() {
		one.alarm.WithLabelValues(string(a)).Set(0)
	}
	return one
}

// look asks the recorders how their archives do.
func (s *Service) look(ctx context.Context) {
	var running sync.WaitGroup
	for _, r := range s.recorders {
		running.Go(func() { _ = s.lookAt(ctx, r) }) // it says itself what is wrong
	}
	running.Wait()
}

// lookAt asks a recorder how its archive does, and raises an alarm in metrics and log.
func (s *Service) lookAt(ctx context.Context, r *recorder) error {
	status, err := s.askStatus(ctx, r)
	if ctx.Err() != nil {
		return err
	}
	now := s.Now()
	alarms := selfcheck.Judge(now, status)
	w := &r.watch
	w.mu.Lock()
	defer w.mu.Unlock()
	w.status = status
	w.up.Set(0)
	w.missed++
	if status != nil {
		w.missed = 0
		if status.Stopped == "" {
			w.up.Set(1)
		}
		if c := status.Check; c != nil {
			w.checked.Set(float64(c.Time.Unix()))
			w.problems.Set(float64(c.Problems))
			w.records.Set(float64(c.Records))
		}
	}
	for _, a := range selfcheck.All() {
		v := 0.0
		if slices.Contains(alarms, a) {
			v = 1
		}
		w.alarm.WithLabelValues(string(a)).Set(v)
	}
	w.alarms = alarms
	if len(alarms) == 0 {
		if !w.said.IsZero() {
			s.Log.Info("the archive's self-check is right again", "recorder", r.user)
		}
		w.said, w.logged = time.Time{}, nil
		return err
	}
	// One answer that does not come is no alarm in the log: the recorder may just be starting. A certificate does not mend itself.
	if status == nil && w.missed < 2 && !link.Untrusted(err) || slices.Equal(alarms, w.logged) && now.Sub(w.said) < sayEvery {
		return err
	}
	w.said, w.logged = now, alarms
	s.Log.Error("alarm: the archive's self-check", append([]any{"recorder", r.user}, saying(alarms, status, err)...)...)
	return err
}

// saying is what the log has of alarms.
func saying(alarms []selfcheck.Alarm, status *selfcheck.Status, err error) []any {
	fields := []any{"reason", string(alarms[0])}
	if len(alarms) > 1 {
		fields = append(fields, "reasons", alarms)
	}
	if err != nil {
		fields = append(fields, "error", err)
	}
	if status == nil {
		return fields
	}
	if status.Stopped != "" {
		fields = append(fields, "stopped", status.Stopped)
	}
	if slices.Contains(alarms, selfcheck.Uncopied) {
		fields = append(fields, "copied", status.Copy.Time, "copying", status.Copy.Error)
	}
	if slices.Contains(alarms, selfcheck.Clock) {
		fields = append(fields, "recorder_time", status.Now)
	}
	if slices.Contains(alarms, selfcheck.Unwitnessed) {
		fields = append(fields, "forked", status.Forked, "witnesses", status.Witnesses)
	}
	if status.Check != nil {
		first := status.Check.First
		fields = append(fields, "checked", status.Check.Time, "problems", status.Check.Problems, "first", first[:min(len(first), maxSaid)], "failed", status.Check.Error)
	}
	return fields
}

func (s *Service) askStatus(ctx context.Context, r *recorder) (*selfcheck.Status, error) {
	ctx, cancel := context.WithTimeout(ctx, s.Config.Timeout)
	defer cancel()
	answer, err := r.client.post(ctx, PathStatus, []byte("{}"))
	if err != nil {
		return nil, err
	}
	status := &selfcheck.Status{}
	if err := json.Unmarshal(answer, status); err != nil {
		return nil, fmt.Errorf("recording: the recorder's answer: %w", err)
	}
	return status, nil
}
