package door_test

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"conclave.chat/internal/door"
	"conclave.chat/internal/gate"
)

// download is an answer in pieces.
type download struct {
	pieces int // before it fails; less than 0 has no end
	done   chan error
}

func (d download) Respond(w http.ResponseWriter, _ *http.Request) error {
	for i := 0; i != d.pieces; i++ {
		if _, err := w.Write(make([]byte, 64<<10)); err != nil {
			d.done <- err
			return err
		}
	}
	err := errors.New("the file is damaged")
	d.done <- err
	return err
}

// A client that leaves during a download is no event; a file that cannot be read is.
func TestOnlyOurOwnFaultsBreakAnswersOffLoudly(t *testing.T) {
	for pieces, want := range map[int]string{-1: "DEBUG", 2: "WARN"} {
		t.Run(want, func(t *testing.T) {
			limits, err := gate.NewLimiter(gate.Limits{})
			if err != nil {
				t.Fatal(err)
			}
			var log bytes.Buffer
			answer := download{pieces, make(chan error, 1)}
			srv := httptest.NewServer(door.New(door.Deps{
				Limits: limits, Log: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})), Metrics: door.NewMetrics(prometheus.NewRegistry()),
			}, []door.Route{{Method: "GET", Path: "/file", Handle: func(*door.Request) (any, error) { return answer, nil }}}))
			res, err := srv.Client().Get(srv.URL + "/file")
			if err != nil {
				t.Fatal(err)
			}
			if pieces > 0 {
				if _, err := io.ReadAll(res.Body); err == nil {
					t.Error("the client cannot tell that something is missing")
				}
			}
			res.Body.Close()
			if err := <-answer.done; err == nil {
				t.Error("it did not fail")
			}
			srv.Close() // waits for what is under way
			if text := log.String(); !strings.Contains(text, "level="+want+` msg="answer broken off"`) {
				t.Errorf("log: %s", text)
			}
		})
	}
}
