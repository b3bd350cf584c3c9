package door

import (
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Metrics counts requests by route and status, never by user or room.
type Metrics struct {
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
	inflight prometheus.Gauge
	known    sync.Map // series -> observers, so that the hot path looks up once
}

type series struct {
	route  *Route
	status int
}

type observers struct {
	count   prometheus.Counter
	seconds prometheus.Observer
}

// NewMetrics registers the door's metrics.
func NewMetrics(reg prometheus.Registerer) *Metrics {
	m := &Metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "conclave_http_requests_total", Help: "Requests answered.",
		}, []string{"method", "route", "status"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "conclave_http_request_seconds", Help: "Time from the first byte read to the last byte written, seconds.",
			Buckets: []float64{.001, .005, .02, .1, .5, 2, 10, 60},
		}, []string{"method", "route"}),
		inflight: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "conclave_http_requests_in_flight", Help: "Requests being answered, long polls included.",
		}),
	}
	reg.MustRegister(m.requests, m.seconds, m.inflight)
	return m
}

func (m *Metrics) observe(rt *Route, status int, took time.Duration) {
	key := series{rt, status}
	o, ok := m.known.Load(key)
	if !ok {
		o, _ = m.known.LoadOrStore(key, observers{
			count:   m.requests.WithLabelValues(rt.Method, rt.Path, strconv.Itoa(status)),
			seconds: m.seconds.WithLabelValues(rt.Method, rt.Path),
		})
	}
	obs, _ := o.(observers)
	obs.count.Inc()
	obs.seconds.Observe(took.Seconds())
}
