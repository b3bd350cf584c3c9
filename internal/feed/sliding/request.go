package sliding

import (
	"errors"
	"strconv"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"conclave.chat/internal/fault"
	"conclave.chat/internal/mx"
)

// Limits of requests.
//
// Spec: MSC4186
const (
	maxLists         = 100
	maxSubscriptions = 100
	maxTimeline      = 100
	maxName          = 255 // bytes of a list's or connection's name
	maxElements      = 500 // of one required_state
)

// Request is one request of sliding sync, of either form.
type Request struct {
	User   mx.UserID
	Device mx.DeviceID

	Conn     string
	Pos      string
	Timeout  time.Duration
	Presence string
	Txn      string // echoed
	Stable   bool   // answered in the form of the merged proposal, else in the one that clients call under the unstable path

	Lists         map[string]*List
	Subscriptions map[mx.RoomID]*Config
	Extensions    Extensions
}

// List is a window on the user's rooms.
type List struct {
	Config  *Config
	Ranges  [][2]int // of indexes, both ends included; nil for all
	Filters Filters
}

// Filters select the rooms of a list. What is nil selects all.
type Filters struct {
	IsDM         *bool     `json:"is_dm"`
	Spaces       []string  `json:"spaces"`
	IsEncrypted  *bool     `json:"is_encrypted"`
	IsInvited    *bool     `json:"is_invited"`
	IsInvite     *bool     `json:"is_invite"` // as older clients call it
	RoomTypes    []*string `json:"room_types"`
	NotRoomTypes []*string `json:"not_room_types"`
	Tags         []string  `json:"tags"`
	NotTags      []string  `json:"not_tags"`
	RoomName     string    `json:"room_name_like"`
}

// Extensions are what else the client wants to know.
type Extensions struct {
	ToDevice struct {
		Enabled bool   `json:"enabled"`
		Limit   *int   `json:"limit"`
		Since   string `json:"since"`
	} `json:"to_device"`
	E2EE struct {
		Enabled bool `json:"enabled"`
	} `json:"e2ee"`
	AccountData     Scope   `json:"account_data"`
	Receipts        Scope   `json:"receipts"`
	Typing          Scope   `json:"typing"`
	Threads         Threads `json:"thread_subscriptions"`
	UnstableThreads Threads `json:"io.element.msc4308.thread_subscriptions"`
}

// Scope is an extension about rooms, and which of the rooms: those of some lists, and some of the subscribed ones. What is nil means all.
type Scope struct {
	Enabled bool     `json:"enabled"`
	Lists   []string `json:"lists"`
	Rooms   []string `json:"rooms"`
}

// Threads is the extension about thread subscriptions.
//
// Spec: MSC4308
type Threads struct {
	Enabled bool `json:"enabled"`
	Limit   *int `json:"limit"`
}

type wireConfig struct {
	TimelineLimit *int           `json:"timeline_limit"`
	RequiredState jsontext.Value `json:"required_state"`
}

type wireList struct {
	wireConfig
	Range   *[2]int  `json:"range"`
	Ranges  [][2]int `json:"ranges"`
	Filters *Filters `json:"filters"`
}

type wireRequest struct {
	Conn          string                `json:"conn_id"`
	Pos           *string               `json:"pos"`
	Timeout       *int64                `json:"timeout"`
	Presence      *string               `json:"set_presence"`
	Txn           string                `json:"txn_id"`
	Lists         map[string]wireList   `json:"lists"`
	Subscriptions map[string]wireConfig `json:"room_subscriptions"`
	Extensions    Extensions            `json:"extensions"`
}

// Query is what clients of the unstable path give in the URL.
type Query struct{ Pos, Timeout, Presence string }

// Parse reads a request. It takes either form of every part: some clients mix them.
//
// Spec: MSC4186
func Parse(body []byte, q Query, user mx.UserID, device mx.DeviceID, stable bool) (*Request, error) {
	var w wireRequest
	if err := json.Unmarshal(body, &w); err != nil {
		return nil, explain(err)
	}
	r := &Request{
		User: user, Device: device, Conn: w.Conn, Pos: q.Pos, Presence: q.Presence, Txn: w.Txn, Stable: stable, Extensions: w.Extensions,
		Lists: make(map[string]*List, len(w.Lists)), Subscriptions: make(map[mx.RoomID]*Config, len(w.Subscriptions)),
	}
	if w.Pos != nil {
		r.Pos = *w.Pos
	}
	if w.Presence != nil {
		r.Presence = *w.Presence
	}
	if err := r.setTimeout(w.Timeout, q.Timeout); err != nil {
		return nil, err
	}
	switch {
	case len(r.Conn) > maxName || len(r.Txn) > maxName:
		return nil, fault.InvalidParam("conn_id and txn_id have at most %d bytes", maxName)
	case len(w.Lists) > maxLists:
		return nil, fault.InvalidParam("There can be at most %d lists", maxLists)
	case len(w.Subscriptions) > maxSubscriptions:
		return nil, fault.InvalidParam("There can be at most %d room subscriptions", maxSubscriptions)
	}
	for name, wl := range w.Lists {
		l, err := wl.list(name, user, stable)
		if err != nil {
			return nil, err
		}
		r.Lists[name] = l
	}
	for room, wc := range w.Subscriptions {
		if _, err := mx.ParseRoomID(room); err != nil {
			return nil, err
		}
		c, err := wc.config(user, stable)
		if err != nil {
			return nil, err
		}
		r.Subscriptions[mx.RoomID(room)] = c
	}
	return r, r.checkExtensions()
}

func explain(err error) error {
	var semantic *json.SemanticError
	var syntax *jsontext.SyntacticError
	switch {
	case errors.As(err, &semantic):
		return fault.BadJSON("The body has a value of the wrong type at %s", semantic.JSONPointer).Because(err)
	case errors.As(err, &syntax) && !errors.Is(err, jsontext.ErrDuplicateName):
		return fault.NotJSON("The body is not valid JSON").Because(err)
	}
	return fault.BadJSON("The body cannot be read").Because(err)
}

func (r *Request) setTimeout(body *int64, query string) error {
	ms := int64(0)
	if body != nil {
		ms = *body
	} else if query != "" {
		var err error
		if ms, err = strconv.ParseInt(query, 10, 64); err != nil {
			ms = -1
		}
	}
	if ms < 0 {
		return fault.InvalidParam("timeout must be a number of milliseconds")
	}
	r.Timeout = time.Duration(min(ms, time.Hour.Milliseconds())) * time.Millisecond
	return nil
}

func (r *Request) checkExtensions() error {
	for _, limit := range []*int{r.Extensions.ToDevice.Limit, r.Extensions.Threads.Limit, r.Extensions.UnstableThreads.Limit} {
		if limit != nil && *limit < 1 {
			return fault.InvalidParam("A limit must be greater than zero")
		}
	}
	return nil
}

func (w *wireList) list(name string, user mx.UserID, stable bool) (*List, error) {
	if !opaque(name) {
		return nil, fault.InvalidParam("The name of a list has characters that it may not have")
	}
	c, err := w.config(user, stable)
	if err != nil {
		return nil, err
	}
	l := &List{Config: c, Ranges: w.Ranges}
	if w.Range != nil {
		l.Ranges = append(l.Ranges, *w.Range)
	}
	for _, r := range l.Ranges {
		if r[0] < 0 || r[1] < r[0] {
			return nil, fault.InvalidParam("A range must be two indexes in order")
		}
	}
	if w.Filters != nil {
		l.Filters = *w.Filters
		if l.Filters.IsInvited == nil {
			l.Filters.IsInvited = l.Filters.IsInvite
		}
	}
	return l, nil
}

// opaque checks the grammar of opaque identifiers.
//
// Spec: appendices#opaque-identifiers
func opaque(s string) bool {
	for i := range len(s) {
		c := s[i]
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' && c != '.' && c != '_' && c != '~' {
			return false
		}
	}
	return s != "" && len(s) <= maxName
}

func (w *wireConfig) config(user mx.UserID, stable bool) (*Config, error) {
	if w.TimelineLimit == nil || (stable && w.RequiredState == nil) {
		return nil, fault.MissingParam("A list and a subscription need timeline_limit and required_state")
	}
	if *w.TimelineLimit < 0 {
		return nil, fault.InvalidParam("timeline_limit cannot be negative")
	}
	c := &Config{Limit: min(*w.TimelineLimit, maxTimeline)}
	if w.RequiredState == nil || w.RequiredState.Kind() == 'n' {
		return c, nil
	}
	rules, err := parseRules(w.RequiredState, user)
	if err != nil {
		return nil, err
	}
	c.Rules, c.key = []*Rules{rules}, rules.key
	return c, nil
}
