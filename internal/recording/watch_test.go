package recording

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/prometheus/client_golang/prometheus"

	"conclave.chat/internal/archive/selfcheck"
	"conclave.chat/internal/mx"
)

// What the recorder tells of its archive becomes an alarm in metrics and log; a log line is written once a day at most.
func TestAlarmsOfTheSelfCheck(t *testing.T) {
	now := time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)
	answer := &selfcheck.Status{Since: now}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if answer == nil || r.URL.Path != PathStatus || r.Method != http.MethodPost || !strings.HasPrefix(r.Header.Get("Authorization"), "X-Matrix ") {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		_ = json.MarshalWrite(w, answer)
	}))
	defer srv.Close()
	var log bytes.Buffer
	reg := prometheus.NewRegistry()
	_, key, _ := ed25519.GenerateKey(nil)
	c := DefaultConfig()
	c.URL, c.PublicKey = srv.URL, mx.EncodeBase64(key.Public().(ed25519.PublicKey))
	s, err := New(Deps{
		Signer: mx.Signer{Server: "x", KeyID: "ed25519:1", Key: key}, Config: c, Seed: func(string) []byte { return make([]byte, 32) },
		Log: slog.New(slog.NewTextHandler(&log, nil)), Metrics: reg, Now: func() time.Time { return now },
	})
	if err != nil {
		t.Fatal(err)
	}
	metric := func(name, label string) float64 {
		t.Helper()
		families, err := reg.Gather()
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range families {
			for _, m := range f.GetMetric() {
				if f.GetName() == "conclave_recording_"+name && (label == "" || m.GetLabel()[0].GetValue() == label) {
					return m.GetGauge().GetValue()
				}
			}
		}
		t.Fatalf("there is no metric %s", name)
		return 0
	}
	for i, step := range []struct {
		later time.Duration
		tell  *selfcheck.Status
		alarm selfcheck.Alarm
		said  bool
	}{
		{0, &selfcheck.Status{Since: now}, selfcheck.Quiet, false},
		{time.Minute, &selfcheck.Status{Check: &selfcheck.Result{Time: now, Records: 7}}, selfcheck.Quiet, false},
		{time.Minute, nil, selfcheck.Unreachable, false}, // it may be starting
		{time.Minute, nil, selfcheck.Unreachable, true},
		{time.Minute, nil, selfcheck.Unreachable, false},
		{25 * time.Hour, nil, selfcheck.Unreachable, true}, // again, after a day
		{time.Minute, &selfcheck.Status{Check: &selfcheck.Result{Time: now.Add(26 * time.Hour), Records: 7}}, selfcheck.Quiet, true},
		{time.Minute, &selfcheck.Status{Check: &selfcheck.Result{Time: now.Add(25 * time.Hour), Records: 7, Problems: 2, First: []string{"tile/0: it was altered"}}}, selfcheck.Problems, true},
		{time.Minute, &selfcheck.Status{Check: &selfcheck.Result{Time: now.Add(25 * time.Hour), Error: "no answer"}}, selfcheck.Failed, true},
		{time.Minute, &selfcheck.Status{Check: &selfcheck.Result{Time: now.Add(-10 * time.Hour)}}, selfcheck.Overdue, true},
		{time.Minute, &selfcheck.Status{Check: &selfcheck.Result{Time: now.Add(26 * time.Hour)}, Stopped: "no space left on device"}, selfcheck.Stopped, true},
	} {
		now = now.Add(step.later)
		answer = step.tell
		log.Reset()
		s.look(context.Background())
		if first(s.recorders[0].watch.alarms) != step.alarm || (log.Len() > 0) != step.said {
			t.Errorf("step %d: alarm %q, log %q", i, s.recorders[0].watch.alarms, log.String())
		}
		for _, a := range selfcheck.All() {
			want := 0.0
			if a == step.alarm {
				want = 1
			}
			if got := metric("selfcheck_alarm", string(a)); got != want {
				t.Errorf("step %d: metric of %s is %v", i, a, got)
			}
		}
		if up := metric("recorder_up", ""); (up == 1) != (step.tell != nil && step.tell.Stopped == "") {
			t.Errorf("step %d: up is %v", i, up)
		}
	}
	if list := s.states(context.Background()); list[0].Is != "no space left on device" || list[0].Alarms[0] != selfcheck.Stopped {
		t.Errorf("the status of a recorder that takes nothing: %+v", list)
	}
	if got := metric("selfcheck_problems", ""); got != 0 {
		t.Errorf("problems: %v", got)
	}
}

func first(list []selfcheck.Alarm) selfcheck.Alarm {
	if len(list) == 0 {
		return selfcheck.Quiet
	}
	return list[0]
}
