package recording

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/prometheus/client_golang/prometheus"

	"conclave.chat/internal/archive/selfcheck"
)

// watch is what the recorder last told of its archive.
type watch struct {
	mu     sync.Mutex
	status *selfcheck.Status // nil: it does not tell
	alarm  selfcheck.Alarm
	logged selfcheck.Alarm
	said   time.Time // when the alarm was logged
	missed int       // how often in a row it did not answer

	up       prometheus.Gauge
	alarms   *prometheus.GaugeVec
	checked  prometheus.Gauge
	problems prometheus.Gauge
	records  prometheus.Gauge
}

const (
	askEvery = time.Minute
	sayEvery = 24 * time.Hour
	maxSaid  = 3 // problems in the log; administrators see more
)

func newWatch(m prometheus.Registerer) *watch {
	gauge := func(name, help string) prometheus.Gauge {
		return prometheus.NewGauge(prometheus.GaugeOpts{Name: "conclave_recording_" + name, Help: help})
	}
	w := &watch{
		up:       gauge("recorder_up", "1 if the recorder told of its archive when it was last asked, 0 if it did not."),
		checked:  gauge("selfcheck_timestamp_seconds", "When the recorder last verified its archive."),
		problems: gauge("selfcheck_problems", "Problems that the last verification of the archive has found."),
		records:  gauge("selfcheck_records", "Records that the last verification of the archive has counted."),
		alarms: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "conclave_recording_selfcheck_alarm", Help: "1 for what is wrong with the archive: unreachable, problems, failed or overdue.",
		}, []string{"reason"}),
	}
	for _, a := range alarms() {
		w.alarms.WithLabelValues(string(a)).Set(0)
	}
	if m != nil {
		m.MustRegister(w.up, w.checked, w.problems, w.records, w.alarms)
	}
	return w
}

func alarms() []selfcheck.Alarm {
	return []selfcheck.Alarm{selfcheck.Unreachable, selfcheck.Problems, selfcheck.Failed, selfcheck.Overdue}
}

// look asks the recorder how its archive does, and raises an alarm in metrics and log.
func (s *Service) look(ctx context.Context) error {
	status, err := s.askStatus(ctx)
	if ctx.Err() != nil {
		return err
	}
	now := s.Now()
	alarm := selfcheck.Judge(now, status)
	w := s.watch
	w.mu.Lock()
	defer w.mu.Unlock()
	w.status = status
	w.up.Set(0)
	w.missed++
	if status != nil {
		w.missed = 0
		w.up.Set(1)
		if c := status.Check; c != nil {
			w.checked.Set(float64(c.Time.Unix()))
			w.problems.Set(float64(c.Problems))
			w.records.Set(float64(c.Records))
		}
	}
	for _, a := range alarms() {
		v := 0.0
		if a == alarm {
			v = 1
		}
		w.alarms.WithLabelValues(string(a)).Set(v)
	}
	w.alarm = alarm
	if alarm == selfcheck.Quiet {
		if !w.said.IsZero() {
			s.Log.Info("the archive's self-check is right again")
		}
		w.said, w.logged = time.Time{}, selfcheck.Quiet
		return err
	}
	// One answer that does not come is no alarm in the log: the recorder may just be starting.
	if alarm == selfcheck.Unreachable && w.missed < 2 || alarm == w.logged && now.Sub(w.said) < sayEvery {
		return err
	}
	w.said, w.logged = now, alarm
	fields := []any{"reason", string(alarm)}
	if err != nil {
		fields = append(fields, "error", err)
	}
	if status != nil && status.Check != nil {
		first := status.Check.First
		fields = append(fields, "checked", status.Check.Time, "problems", status.Check.Problems, "first", first[:min(len(first), maxSaid)], "failed", status.Check.Error)
	}
	s.Log.Error("alarm: the archive's self-check", fields...)
	return err
}

func (s *Service) askStatus(ctx context.Context) (*selfcheck.Status, error) {
	ctx, cancel := context.WithTimeout(ctx, s.Config.Timeout)
	defer cancel()
	answer, err := s.client.post(ctx, PathStatus, []byte("{}"))
	if err != nil {
		return nil, err
	}
	status := &selfcheck.Status{}
	if err := json.Unmarshal(answer, status); err != nil {
		return nil, fmt.Errorf("recording: the recorder's answer: %w", err)
	}
	return status, nil
}

// Status is how recording does.
type Status struct {
	Recorder   string // ok, none, or what is wrong
	Unrecorded int64  // accepted events that the recorder is not known to have
	Alarm      selfcheck.Alarm
	Archive    *selfcheck.Status
}
