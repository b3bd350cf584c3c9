package admin

import (
	"net/http"
	"reflect"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"

	"conclave.chat/internal/door"
	"conclave.chat/internal/door/openapi"
	"conclave.chat/internal/fault"
	"conclave.chat/internal/organisation"
	"conclave.chat/internal/retention"
)

func (h *Handlers) settingsOperations() []openapi.Operation {
	put := act("PUT", "settings", "putSettings", "Replace what is set at run time. What is absent falls back to the configuration.", h.putSettings)
	put.Header = []openapi.Param{{Name: "If-Match", Doc: "The ETag of the settings that these are made from. Somebody else's change meanwhile is answered with 412."}}
	return []openapi.Operation{
		get("settings", "getSettings", "What the organisation has set, what holds, and where that comes from.", func(r *door.Request) (settingsAnswer, error) {
			return h.settings(h.Organisation.State(r.Context()))
		}),
		put,
		act("POST", "retention/estimate", "estimateRetention", "Count the messages that would be removed at once if these times were set.", h.estimateRetention),
	}
}

type retentionTimes struct {
	Days int64 `json:"retention_days"`
	Min  int64 `json:"retention_min_days"`
	Max  int64 `json:"retention_max_days"`
}

type retentionEstimate struct {
	Rooms    int64 `json:"rooms" doc:"Rooms in which messages would be removed."`
	Messages int64 `json:"messages" doc:"Messages, reactions and the like; not state."`
}

func (h *Handlers) estimateRetention(r *door.Request, b *retentionTimes) (retentionEstimate, error) {
	v := organisation.Values{RetentionDays: b.Days, RetentionMinDays: b.Min, RetentionMaxDays: b.Max}
	if err := v.CheckRetention(); err != nil {
		return retentionEstimate{}, err
	}
	e, err := h.Retention.Estimate(r.Context(), retention.InDays(b.Days, b.Min, b.Max))
	return retentionEstimate{e.Rooms, e.Messages}, err
}

// settingsAnswer is the answer about settings.
type settingsAnswer struct {
	Version int64                 `json:"version" doc:"Also the ETag, in quotes."`
	Set     organisation.Settings `json:"set" doc:"What is set at run time: what PUT takes."`
	Values  organisation.Values   `json:"values" doc:"What holds."`
	Sources map[string]string     `json:"sources" doc:"Where each value comes from: console, environment, file or default."`
}

// Respond writes the answer with its ETag.
func (s settingsAnswer) Respond(w http.ResponseWriter, _ *http.Request) error {
	data, err := json.Marshal(struct {
		Version int64                 `json:"version"`
		Set     organisation.Settings `json:"set"`
		Values  organisation.Values   `json:"values"`
		Sources map[string]string     `json:"sources"`
	}(s), json.Deterministic(true))
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("ETag", `"`+strconv.FormatInt(s.Version, 10)+`"`)
	_, err = w.Write(data)
	return err
}

func (h *Handlers) settings(st *organisation.State, err error) (settingsAnswer, error) {
	if err != nil {
		return settingsAnswer{}, err
	}
	s := settingsAnswer{st.Version, st.Set, st.Values, map[string]string{}}
	set := reflect.ValueOf(st.Set)
	for i := range set.NumField() {
		name, _, _ := strings.Cut(set.Type().Field(i).Tag.Get("json"), ",")
		switch {
		case !set.Field(i).IsNil():
			s.Sources[name] = "console"
		case h.Sources[name] != "":
			s.Sources[name] = h.Sources[name]
		default:
			s.Sources[name] = "default"
		}
	}
	return s, nil
}

func (h *Handlers) putSettings(r *door.Request, b *organisation.Settings) (settingsAnswer, error) {
	tag := r.HTTP.Header.Get("If-Match")
	if tag == "" {
		return settingsAnswer{}, fault.MissingParam("The If-Match header is missing: it says which settings yours are made from")
	}
	version, err := strconv.ParseInt(strings.Trim(strings.TrimPrefix(tag, "W/"), `"`), 10, 64)
	if err != nil {
		return settingsAnswer{}, fault.InvalidParam("If-Match is no ETag of the settings")
	}
	return h.settings(h.Organisation.Put(r.Context(), by(r), *b, version))
}
