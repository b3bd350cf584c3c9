package client

import (
	"encoding/json"
	"net/http"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"

	"conclave.chat/internal/clientevent"
	"conclave.chat/internal/door"
	"conclave.chat/internal/fault"
	"conclave.chat/internal/gate"
	"conclave.chat/internal/pushrule"
	"conclave.chat/internal/store"
	"conclave.chat/internal/store/pushdata"
)

func (h *Handlers) pushRoutes() []door.Route {
	const rule = "/_matrix/client/v3/pushrules/global/{kind}/{ruleId}"
	return []door.Route{
		// Spec: cs#get_matrixclientv3pushrules
		{Method: "GET", Path: "/_matrix/client/v3/pushrules/", Access: gate.User, Handle: h.pushRules},
		// Spec: cs#get_matrixclientv3pushrulesglobal
		{Method: "GET", Path: "/_matrix/client/v3/pushrules/global/", Access: gate.User, Handle: h.globalPushRules},
		// Spec: cs#get_matrixclientv3pushrulesglobalkindruleid
		{Method: "GET", Path: rule, Access: gate.User, Handle: h.pushRule},
		// Spec: cs#put_matrixclientv3pushrulesglobalkindruleid
		{Method: "PUT", Path: rule, Access: gate.User, Limit: gate.Message, Handle: h.putPushRule},
		// Spec: cs#delete_matrixclientv3pushrulesglobalkindruleid
		{Method: "DELETE", Path: rule, Access: gate.User, Handle: h.deletePushRule},
		// Spec: cs#get_matrixclientv3pushrulesglobalkindruleidenabled
		{Method: "GET", Path: rule + "/enabled", Access: gate.User, Handle: h.pushRuleEnabled},
		// Spec: cs#put_matrixclientv3pushrulesglobalkindruleidenabled
		{Method: "PUT", Path: rule + "/enabled", Access: gate.User, Handle: h.enablePushRule},
		// Spec: cs#get_matrixclientv3pushrulesglobalkindruleidactions
		{Method: "GET", Path: rule + "/actions", Access: gate.User, Handle: h.pushRuleActions},
		// Spec: cs#put_matrixclientv3pushrulesglobalkindruleidactions
		{Method: "PUT", Path: rule + "/actions", Access: gate.User, Handle: h.setPushRuleActions},
		// Spec: cs#get_matrixclientv3pushers
		{Method: "GET", Path: "/_matrix/client/v3/pushers", Access: gate.User, Handle: h.pushers},
		// Spec: cs#post_matrixclientv3pushersset
		{Method: "POST", Path: "/_matrix/client/v3/pushers/set", Access: gate.User, Limit: gate.Message, Handle: h.setPusher},
		// Spec: MSC4174
		{Method: "POST", Path: "/_matrix/client/v3/pushers/ack", Access: gate.User, MaxBody: smallBody, Handle: h.ackPusher},
		// Spec: cs#get_matrixclientv3notifications
		{Method: "GET", Path: "/_matrix/client/v3/notifications", Access: gate.User, Limit: gate.Costly, Handle: h.notifications},
	}
}

func (h *Handlers) pushRules(r *door.Request) (any, error) {
	raw, err := h.Push.PushRules(r.Context(), r.Caller.User)
	return door.Raw(raw), err
}

func (h *Handlers) globalPushRules(r *door.Request) (any, error) {
	set, err := h.Push.Ruleset(r.Context(), r.Caller.User)
	if err != nil {
		return nil, err
	}
	return rawJSON(set)
}

// rawJSON encodes what has tags of the standard library's encoder.
func rawJSON(v any) (door.Raw, error) {
	raw, err := json.Marshal(v)
	return raw, err
}

// ruleOf finds the rule that the path names.
func (h *Handlers) ruleOf(r *door.Request) (*pushrule.Rule, error) {
	set, err := h.Push.Ruleset(r.Context(), r.Caller.User)
	if err != nil {
		return nil, err
	}
	return set.Get(pushrule.Kind(r.Path("kind")), r.Path("ruleId"))
}

func (h *Handlers) pushRule(r *door.Request) (any, error) {
	rule, err := h.ruleOf(r)
	if err != nil {
		return nil, err
	}
	return rawJSON(rule)
}

func (h *Handlers) pushRuleEnabled(r *door.Request) (any, error) {
	rule, err := h.ruleOf(r)
	if err != nil {
		return nil, err
	}
	return map[string]bool{"enabled": rule.Enabled}, nil
}

func (h *Handlers) pushRuleActions(r *door.Request) (any, error) {
	rule, err := h.ruleOf(r)
	if err != nil {
		return nil, err
	}
	return rawJSON(map[string]any{"actions": rule.Actions})
}

func (h *Handlers) putPushRule(r *door.Request) (any, error) {
	var body struct {
		Actions    []jsontext.Value `json:"actions"`
		Conditions []struct {
			Kind    string         `json:"kind"`
			Key     string         `json:"key"`
			Pattern *string        `json:"pattern"`
			Value   jsontext.Value `json:"value"`
			Is      string         `json:"is"`
		} `json:"conditions"`
		Pattern string `json:"pattern"`
	}
	if err := r.Decode(&body); err != nil {
		return nil, err
	}
	rule := pushrule.Rule{ID: r.Path("ruleId"), Pattern: body.Pattern, Actions: messages(body.Actions)}
	for _, c := range body.Conditions {
		rule.Conditions = append(rule.Conditions, pushrule.Condition{Kind: c.Kind, Key: c.Key, Pattern: c.Pattern, Value: json.RawMessage(c.Value), Is: c.Is})
	}
	kind := pushrule.Kind(r.Path("kind"))
	return nil, h.Push.ChangeRules(r.Caller.User, func(set *pushrule.Ruleset) error {
		return set.Put(kind, rule, r.Param("before"), r.Param("after"))
	})
}

// messages turns one library's raw JSON into another's; an absent list stays absent.
func messages(list []jsontext.Value) []json.RawMessage {
	if list == nil {
		return nil
	}
	raw := make([]json.RawMessage, len(list))
	for i, v := range list {
		raw[i] = json.RawMessage(v)
	}
	return raw
}

func (h *Handlers) deletePushRule(r *door.Request) (any, error) {
	return nil, h.Push.ChangeRules(r.Caller.User, func(set *pushrule.Ruleset) error {
		return set.Delete(pushrule.Kind(r.Path("kind")), r.Path("ruleId"))
	})
}

func (h *Handlers) enablePushRule(r *door.Request) (any, error) {
	var body struct {
		Enabled *bool `json:"enabled"`
	}
	if err := r.Decode(&body); err != nil {
		return nil, err
	}
	if body.Enabled == nil {
		return nil, fault.MissingParam("enabled is missing")
	}
	return nil, h.Push.ChangeRules(r.Caller.User, func(set *pushrule.Ruleset) error {
		return set.Enable(pushrule.Kind(r.Path("kind")), r.Path("ruleId"), *body.Enabled)
	})
}

func (h *Handlers) setPushRuleActions(r *door.Request) (any, error) {
	var body struct {
		Actions []jsontext.Value `json:"actions"`
	}
	if err := r.Decode(&body); err != nil {
		return nil, err
	}
	if body.Actions == nil {
		return nil, fault.MissingParam("actions is missing")
	}
	return nil, h.Push.ChangeRules(r.Caller.User, func(set *pushrule.Ruleset) error {
		return set.SetActions(pushrule.Kind(r.Path("kind")), r.Path("ruleId"), messages(body.Actions))
	})
}

func (h *Handlers) pushers(r *door.Request) (any, error) {
	list, err := h.Push.Pushers(r.Context(), r.Caller.User)
	if err != nil {
		return nil, err
	}
	type pusher struct {
		Key        string         `json:"pushkey"`
		Kind       string         `json:"kind"`
		AppID      string         `json:"app_id"`
		AppName    string         `json:"app_display_name"`
		DeviceName string         `json:"device_display_name"`
		ProfileTag string         `json:"profile_tag,omitempty"`
		Lang       string         `json:"lang"`
		Data       map[string]any `json:"data"`
		Activated  *bool          `json:"activated,omitempty"` // MSC4174
	}
	answer := make([]pusher, len(list))
	for i, p := range list {
		data := map[string]any{}
		if err := json.Unmarshal(p.Data, &data); err != nil {
			return nil, err
		}
		data["url"] = p.URL
		var activated *bool
		if p.Kind == "webpush" {
			activated = new(p.AckToken == "")
		}
		answer[i] = pusher{p.Key, p.Kind, p.AppID, p.AppName, p.DeviceName, p.ProfileTag, p.Lang, data, activated}
	}
	return map[string]any{"pushers": answer}, nil
}

func (h *Handlers) setPusher(r *door.Request) (any, error) {
	var body struct {
		Key        string         `json:"pushkey"`
		Kind       *string        `json:"kind"`
		AppID      string         `json:"app_id"`
		AppName    *string        `json:"app_display_name"`
		DeviceName *string        `json:"device_display_name"`
		ProfileTag string         `json:"profile_tag"`
		Lang       *string        `json:"lang"`
		Data       map[string]any `json:"data"`
		Append     bool           `json:"append"`
	}
	if err := r.Decode(&body); err != nil {
		return nil, err
	}
	if body.Key == "" || body.AppID == "" {
		return nil, fault.MissingParam("pushkey and app_id are needed")
	}
	if body.Kind == nil {
		return nil, h.Push.DeletePusher(r.Caller.User, body.AppID, body.Key)
	}
	if body.AppName == nil || body.DeviceName == nil || body.Lang == nil || body.Data == nil {
		return nil, fault.MissingParam("app_display_name, device_display_name, lang and data are needed")
	}
	url, _ := body.Data["url"].(string)
	delete(body.Data, "url")
	data, err := json.Marshal(body.Data)
	if err != nil {
		return nil, err
	}
	active, err := h.Push.SetPusher(pushdata.Pusher{
		User: r.Caller.User, Device: r.Caller.Device, Key: body.Key, Kind: *body.Kind, AppID: body.AppID, AppName: *body.AppName,
		DeviceName: *body.DeviceName, ProfileTag: body.ProfileTag, Lang: *body.Lang, URL: url, Data: data,
	}, body.Append)
	if err != nil || active {
		return nil, err
	}
	return door.Status{Code: http.StatusCreated, Body: struct{}{}}, nil
}

func (h *Handlers) ackPusher(r *door.Request) (any, error) {
	var body struct {
		AppID string `json:"app_id"`
		Token string `json:"ack_token"`
	}
	if err := r.Decode(&body); err != nil {
		return nil, err
	}
	return nil, h.Push.AckPusher(r.Context(), r.Caller.User, body.AppID, body.Token)
}

// Page sizes of /notifications.
const (
	defaultNotifications = 20
	maxNotifications     = 200
)

func (h *Handlers) notifications(r *door.Request) (any, error) {
	limit, err := r.Int("limit", defaultNotifications, 1, maxNotifications)
	if err != nil {
		return nil, err
	}
	before := store.Pos(1<<62 - 1)
	if from := r.Param("from"); from != "" {
		n, err := strconv.ParseInt(from, 10, 64)
		if err != nil || n < 0 {
			return nil, fault.InvalidParam("from is not a token of this endpoint")
		}
		before = store.Pos(n)
	}
	list, next, err := h.Push.Notifications(r.Context(), r.Caller.User, before, limit, r.Param("only") == "highlight")
	if err != nil {
		return nil, err
	}
	type item struct {
		Actions []json.RawMessage `json:"actions"`
		Event   json.RawMessage   `json:"event"`
		Read    bool              `json:"read"`
		Room    string            `json:"room_id"`
		TS      int64             `json:"ts"`
	}
	items := make([]item, len(list))
	for i, n := range list {
		v := clientevent.View{Because: n.Because}
		items[i] = item{n.Actions, clientevent.Append(nil, n.Event, &v), n.Read, string(n.Event.RoomID), n.Event.TS}
	}
	answer := map[string]any{"notifications": items}
	if next > 0 {
		answer["next_token"] = strconv.FormatInt(int64(next), 10)
	}
	return rawJSON(answer)
}
