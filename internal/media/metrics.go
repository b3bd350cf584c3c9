package media

import "github.com/prometheus/client_golang/prometheus"

// metrics counts what is stored; never by user.
type metrics struct {
	uploads    prometheus.Counter
	broken     prometheus.Counter
	stored     prometheus.Counter
	thumbnails prometheus.Counter
	previews   *prometheus.CounterVec
}

func newMetrics(reg prometheus.Registerer) *metrics {
	m := &metrics{
		uploads:    prometheus.NewCounter(prometheus.CounterOpts{Name: "conclave_media_uploads_total", Help: "Files stored."}),
		broken:     prometheus.NewCounter(prometheus.CounterOpts{Name: "conclave_media_uploads_failed_total", Help: "Uploads that broke off or were refused."}),
		stored:     prometheus.NewCounter(prometheus.CounterOpts{Name: "conclave_media_stored_bytes_total", Help: "Bytes of files stored, before encryption."}),
		thumbnails: prometheus.NewCounter(prometheus.CounterOpts{Name: "conclave_media_thumbnails_total", Help: "Thumbnails made."}),
		previews:   prometheus.NewCounterVec(prometheus.CounterOpts{Name: "conclave_media_previews_total", Help: "Pages read for previews."}, []string{"result"}),
	}
	if reg != nil {
		reg.MustRegister(m.uploads, m.broken, m.stored, m.thumbnails, m.previews)
	}
	return m
}
