package client

import (
	"conclave.chat/internal/door"
	"conclave.chat/internal/fault"
	"conclave.chat/internal/gate"
	"conclave.chat/internal/ident"
	"conclave.chat/internal/mx"
)

func (h *Handlers) accountRoutes() []door.Route {
	const base = "/_matrix/client/v3/"
	return []door.Route{
		// Spec: cs#post_matrixclientv3accountpassword
		{Method: "POST", Path: base + "account/password", Access: gate.Optional, Limit: gate.Costly, MaxBody: smallBody, Handle: h.changePassword},
		// Spec: cs#post_matrixclientv3accountdeactivate
		{Method: "POST", Path: base + "account/deactivate", Access: gate.User, Limit: gate.Costly, MaxBody: smallBody, Handle: h.deactivate},
		// Spec: cs#post_matrixclientv1loginget_token
		{Method: "POST", Path: "/_matrix/client/v1/login/get_token", Access: gate.User, Limit: gate.Costly, MaxBody: smallBody, Handle: h.getLoginToken},
		// Spec: cs#get_matrixclientv3devices
		{Method: "GET", Path: base + "devices", Access: gate.User, Handle: h.devices},
		// Spec: cs#get_matrixclientv3devicesdeviceid
		{Method: "GET", Path: base + "devices/{deviceId}", Access: gate.User, Handle: h.device},
		// Spec: cs#put_matrixclientv3devicesdeviceid
		{Method: "PUT", Path: base + "devices/{deviceId}", Access: gate.User, MaxBody: smallBody, Handle: h.renameDevice},
		// Spec: cs#delete_matrixclientv3devicesdeviceid
		{Method: "DELETE", Path: base + "devices/{deviceId}", Access: gate.User, Limit: gate.Costly, MaxBody: smallBody, Handle: h.deleteDevice},
		// Spec: cs#post_matrixclientv3delete_devices
		{Method: "POST", Path: base + "delete_devices", Access: gate.User, Limit: gate.Costly, MaxBody: 1 << 20, Handle: h.deleteDevices},
		// Spec: cs#post_matrixclientv3useruseridopenidrequest_token
		{Method: "POST", Path: base + "user/{userId}/openid/request_token", Access: gate.User, Limit: gate.Costly, MaxBody: smallBody, Handle: h.openIDToken},
		// Spec: ss#get_matrixfederationv1openiduserinfo
		{Method: "GET", Path: "/_matrix/federation/v1/openid/userinfo", Access: gate.Open, Handle: h.openIDUser},
	}
}

// changePassword sets the caller's password. Whoever cannot sign in proves instead that they read the account's address.
func (h *Handlers) changePassword(r *door.Request) (any, error) {
	var b struct {
		Password *string `json:"new_password"`
		Logout   *bool   `json:"logout_devices"`
	}
	raw, err := h.confirmable(r, &b)
	if err != nil {
		return nil, err
	}
	c := ident.Challenge{User: r.Caller.User, Action: "change password", Body: raw}
	if c.User == "" {
		if !h.Accounts.HasMail() {
			return nil, fault.New(fault.Unauthorized, "M_MISSING_TOKEN", "This request needs an access token")
		}
		c.Action = ident.ActionResetPassword
	}
	if b.Password != nil {
		if err := h.Accounts.CheckNewPassword(*b.Password); err != nil {
			return nil, err
		}
	}
	done, err := h.Accounts.Confirm(r.Context(), c)
	if err != nil {
		return nil, err
	}
	if b.Password == nil {
		return nil, fault.MissingParam("new_password is missing")
	}
	return nil, h.Accounts.SetPassword(r.Context(), done.User, *b.Password, r.Caller.Device, b.Logout == nil || *b.Logout)
}

func (h *Handlers) deactivate(r *door.Request) (any, error) {
	var b struct {
		Erase bool `json:"erase"`
	}
	raw, err := h.confirmable(r, &b)
	if err != nil {
		return nil, err
	}
	if err := h.confirm(r, raw, "deactivate"); err != nil {
		return nil, err
	}
	if err := h.Accounts.Deactivate(r.Context(), ident.By{}, r.Caller.User, b.Erase); err != nil {
		return nil, err
	}
	// There are no third-party identifiers here, so all of them are unbound.
	return map[string]string{"id_server_unbind_result": "success"}, nil
}

func (h *Handlers) getLoginToken(r *door.Request) (any, error) {
	raw, err := h.confirmable(r, &struct{}{})
	if err != nil {
		return nil, err
	}
	if err := h.confirm(r, raw, "get login token"); err != nil {
		return nil, err
	}
	token, life, err := h.Accounts.LoginToken(r.Caller.User)
	if err != nil {
		return nil, err
	}
	return struct {
		Token     string `json:"login_token"`
		ExpiresIn int64  `json:"expires_in_ms"`
	}{token, life.Milliseconds()}, nil
}

// deviceAnswer is a device as its owner sees it. What is not known is null: matrix-nio takes no device that lacks a field.
type deviceAnswer struct {
	ID   mx.DeviceID `json:"device_id"`
	Name *string     `json:"display_name"`
	Addr *string     `json:"last_seen_ip"`
	Seen *int64      `json:"last_seen_ts"`
}

func toDeviceAnswer(d *ident.Device) deviceAnswer {
	return deviceAnswer{ID: d.ID, Name: known(d.Name), Addr: known(d.Addr), Seen: known(d.Seen)}
}

// known is a value, or nil for none.
func known[T comparable](v T) *T {
	var none T
	if v == none {
		return nil
	}
	return &v
}

func (h *Handlers) devices(r *door.Request) (any, error) {
	list, err := h.Accounts.Devices(r.Context(), r.Caller.User)
	if err != nil {
		return nil, err
	}
	out := make([]deviceAnswer, len(list))
	for i := range list {
		out[i] = toDeviceAnswer(&list[i])
	}
	return map[string][]deviceAnswer{"devices": out}, nil
}

func (h *Handlers) device(r *door.Request) (any, error) {
	d, err := h.Accounts.Device(r.Context(), r.Caller.User, mx.DeviceID(r.Path("deviceId")))
	if err != nil {
		return nil, err
	}
	return toDeviceAnswer(d), nil
}

func (h *Handlers) renameDevice(r *door.Request) (any, error) {
	var b struct {
		Name *string `json:"display_name"`
	}
	if err := r.Decode(&b); err != nil {
		return nil, err
	}
	return nil, h.Accounts.RenameDevice(r.Context(), r.Caller.User, mx.DeviceID(r.Path("deviceId")), b.Name)
}

func (h *Handlers) deleteDevice(r *door.Request) (any, error) {
	raw, err := h.confirmable(r, &struct{}{})
	if err != nil {
		return nil, err
	}
	id := mx.DeviceID(r.Path("deviceId"))
	if err := h.confirm(r, raw, "delete device "+string(id)); err != nil {
		return nil, err
	}
	return nil, h.Accounts.DeleteDevices(r.Context(), r.Caller.User, []mx.DeviceID{id})
}

func (h *Handlers) deleteDevices(r *door.Request) (any, error) {
	var b struct {
		Devices *[]mx.DeviceID `json:"devices"`
	}
	raw, err := h.confirmable(r, &b)
	if err != nil {
		return nil, err
	}
	if b.Devices == nil {
		return nil, fault.MissingParam("devices is missing")
	}
	if err := h.confirm(r, raw, "delete devices"); err != nil {
		return nil, err
	}
	return nil, h.Accounts.DeleteDevices(r.Context(), r.Caller.User, *b.Devices)
}

func (h *Handlers) openIDToken(r *door.Request) (any, error) {
	if mx.UserID(r.Path("userId")) != r.Caller.User {
		return nil, fault.Denied("You can get a token for yourself only")
	}
	if err := r.DecodeOptional(&struct{}{}); err != nil {
		return nil, err
	}
	token, life, err := h.Accounts.OpenIDToken(r.Caller.User)
	if err != nil {
		return nil, err
	}
	return struct {
		Token     string        `json:"access_token"`
		Type      string        `json:"token_type"`
		Server    mx.ServerName `json:"matrix_server_name"`
		ExpiresIn int64         `json:"expires_in"`
	}{token, "Bearer", h.Server, int64(life.Seconds())}, nil
}

// openIDUser answers other services, such as that of calls, who the owner of an OpenID token is. Its path is one of the federation
// API, but the token is its only credential.
func (h *Handlers) openIDUser(r *door.Request) (any, error) {
	token := r.Param("access_token")
	if token == "" {
		return nil, fault.New(fault.Unauthorized, "M_MISSING_TOKEN", "access_token is missing")
	}
	user, err := h.Accounts.OpenIDUser(r.Context(), token)
	if err != nil {
		return nil, err
	}
	return map[string]mx.UserID{"sub": user}, nil
}
