package client

import (
	"conclave.chat/internal/door"
	"conclave.chat/internal/e2ee"
	"conclave.chat/internal/gate"
)

func (h *Handlers) keysBackupRoutes() []door.Route {
	const version, keys = "/_matrix/client/v3/room_keys/version", "/_matrix/client/v3/room_keys/keys"
	unstable := func(p string) []string { return []string{"/_matrix/client/unstable/room_keys/" + p} }
	const room, session = "/{roomId}", "/{roomId}/{sessionId}"
	const body = 8 << 20 // clients send some hundred keys at once; restored exports are larger
	return []door.Route{
		// Spec: cs#post_matrixclientv3room_keysversion
		{Method: "POST", Path: version, Access: gate.User, Limit: gate.Message, MaxBody: 128 << 10, Handle: h.createBackup, Also: unstable("version")},
		// Spec: cs#get_matrixclientv3room_keysversion
		{Method: "GET", Path: version, Access: gate.User, Handle: h.backup, Also: unstable("version")},
		// Spec: cs#get_matrixclientv3room_keysversionversion
		{Method: "GET", Path: version + "/{version}", Access: gate.User, Handle: h.backup, Also: unstable("version/{version}")},
		// Spec: cs#put_matrixclientv3room_keysversionversion
		{
			Method: "PUT", Path: version + "/{version}", Access: gate.User, Limit: gate.Message, MaxBody: 128 << 10,
			Handle: h.updateBackup, Also: unstable("version/{version}"),
		},
		// Spec: cs#delete_matrixclientv3room_keysversionversion
		{
			Method: "DELETE", Path: version + "/{version}", Access: gate.User, Limit: gate.Message,
			Handle: h.deleteBackup, Also: unstable("version/{version}"),
		},
		// Spec: cs#put_matrixclientv3room_keyskeys
		{Method: "PUT", Path: keys, Access: gate.User, Limit: gate.Message, MaxBody: body, Handle: h.putAllKeys, Also: unstable("keys")},
		// Spec: cs#get_matrixclientv3room_keyskeys
		{Method: "GET", Path: keys, Access: gate.User, Limit: gate.Costly, Handle: h.backupKeys, Also: unstable("keys")},
		// Spec: cs#delete_matrixclientv3room_keyskeys
		{Method: "DELETE", Path: keys, Access: gate.User, Limit: gate.Message, Handle: h.deleteKeys, Also: unstable("keys")},
		// Spec: cs#put_matrixclientv3room_keyskeysroomid
		{Method: "PUT", Path: keys + room, Access: gate.User, Limit: gate.Message, MaxBody: body, Handle: h.putRoomKeys, Also: unstable("keys" + room)},
		// Spec: cs#get_matrixclientv3room_keyskeysroomid
		{Method: "GET", Path: keys + room, Access: gate.User, Limit: gate.Costly, Handle: h.backupKeys, Also: unstable("keys" + room)},
		// Spec: cs#delete_matrixclientv3room_keyskeysroomid
		{Method: "DELETE", Path: keys + room, Access: gate.User, Limit: gate.Message, Handle: h.deleteKeys, Also: unstable("keys" + room)},
		// Spec: cs#put_matrixclientv3room_keyskeysroomidsessionid
		{Method: "PUT", Path: keys + session, Access: gate.User, Limit: gate.Message, Handle: h.putKey, Also: unstable("keys" + session)},
		// Spec: cs#get_matrixclientv3room_keyskeysroomidsessionid
		{Method: "GET", Path: keys + session, Access: gate.User, Handle: h.backupKey, Also: unstable("keys" + session)},
		// Spec: cs#delete_matrixclientv3room_keyskeysroomidsessionid
		{Method: "DELETE", Path: keys + session, Access: gate.User, Limit: gate.Message, Handle: h.deleteKeys, Also: unstable("keys" + session)},
	}
}

func (h *Handlers) createBackup(r *door.Request) (any, error) {
	var body e2ee.BackupRequest
	if err := r.Decode(&body); err != nil {
		return nil, err
	}
	version, err := h.Keys.CreateBackup(r.Context(), r.Caller.User, body)
	return map[string]string{"version": version}, err
}

func (h *Handlers) backup(r *door.Request) (any, error) {
	return h.Keys.Backup(r.Context(), r.Caller.User, r.Path("version"))
}

func (h *Handlers) updateBackup(r *door.Request) (any, error) {
	var body e2ee.BackupRequest
	if err := r.Decode(&body); err != nil {
		return nil, err
	}
	return nil, h.Keys.UpdateBackup(r.Context(), r.Caller.User, r.Path("version"), body)
}

func (h *Handlers) deleteBackup(r *door.Request) (any, error) {
	return nil, h.Keys.DeleteBackup(r.Context(), r.Caller.User, r.Path("version"))
}

func (h *Handlers) putAllKeys(r *door.Request) (any, error) {
	var body e2ee.AllRoomKeys
	if err := r.Decode(&body); err != nil {
		return nil, err
	}
	return h.putKeys(r, body)
}

func (h *Handlers) putRoomKeys(r *door.Request) (any, error) {
	var body e2ee.RoomKeys
	if err := r.Decode(&body); err != nil {
		return nil, err
	}
	return h.putKeys(r, e2ee.AllRoomKeys{Rooms: map[string]e2ee.RoomKeys{r.Path("roomId"): body}})
}

func (h *Handlers) putKey(r *door.Request) (any, error) {
	var body e2ee.RoomKey
	if err := r.Decode(&body); err != nil {
		return nil, err
	}
	sessions := e2ee.RoomKeys{Sessions: map[string]e2ee.RoomKey{r.Path("sessionId"): body}}
	return h.putKeys(r, e2ee.AllRoomKeys{Rooms: map[string]e2ee.RoomKeys{r.Path("roomId"): sessions}})
}

func (h *Handlers) putKeys(r *door.Request, all e2ee.AllRoomKeys) (any, error) {
	return h.Keys.PutKeys(r.Context(), r.Caller.User, r.Param("version"), all)
}

func (h *Handlers) backupKeys(r *door.Request) (any, error) {
	return raw(h.Keys.Keys(r.Context(), r.Caller.User, r.Param("version"), r.Path("roomId")))
}

func (h *Handlers) backupKey(r *door.Request) (any, error) {
	return raw(h.Keys.Key(r.Context(), r.Caller.User, r.Param("version"), r.Path("roomId"), r.Path("sessionId")))
}

func (h *Handlers) deleteKeys(r *door.Request) (any, error) {
	return h.Keys.DeleteKeys(r.Context(), r.Caller.User, r.Param("version"), r.Path("roomId"), r.Path("sessionId"))
}
