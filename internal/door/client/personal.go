package client

import (
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"conclave.chat/internal/door"
	"conclave.chat/internal/fault"
	"conclave.chat/internal/gate"
	"conclave.chat/internal/mx"
	"conclave.chat/internal/personal"
	data "conclave.chat/internal/store/personal"
)

func (h *Handlers) personalRoutes() []door.Route {
	const user = "/_matrix/client/v3/user/{userId}/"
	const room = user + "rooms/{roomId}/"
	const unstable = "/_matrix/client/unstable/org.matrix.msc3391/user/{userId}/"
	return []door.Route{
		// Spec: cs#put_matrixclientv3useruseridaccount_datatype
		{Method: "PUT", Path: user + "account_data/{type}", Access: gate.User, MaxBody: personal.MaxAccountData, Handle: h.putAccountData},
		// Spec: cs#get_matrixclientv3useruseridaccount_datatype
		{Method: "GET", Path: user + "account_data/{type}", Access: gate.User, Handle: h.accountData},
		// Spec: MSC3391
		{Method: "DELETE", Path: unstable + "account_data/{type}", Access: gate.User, Handle: h.deleteAccountData},
		// Spec: cs#put_matrixclientv3useruseridroomsroomidaccount_datatype
		{Method: "PUT", Path: room + "account_data/{type}", Access: gate.User, MaxBody: personal.MaxAccountData, Handle: h.putAccountData},
		// Spec: cs#get_matrixclientv3useruseridroomsroomidaccount_datatype
		{Method: "GET", Path: room + "account_data/{type}", Access: gate.User, Handle: h.accountData},
		// Spec: MSC3391
		{Method: "DELETE", Path: unstable + "rooms/{roomId}/account_data/{type}", Access: gate.User, Handle: h.deleteAccountData},

		// Spec: cs#get_matrixclientv3useruseridroomsroomidtags
		{Method: "GET", Path: room + "tags", Access: gate.User, Handle: h.tags},
		// Spec: cs#put_matrixclientv3useruseridroomsroomidtagstag
		{Method: "PUT", Path: room + "tags/{tag}", Access: gate.User, MaxBody: smallBody, Handle: h.putTag},
		// Spec: cs#delete_matrixclientv3useruseridroomsroomidtagstag
		{Method: "DELETE", Path: room + "tags/{tag}", Access: gate.User, Handle: h.deleteTag},

		// Spec: cs#post_matrixclientv3roomsroomidreceiptreceipttypeeventid
		{
			Method: "POST", Path: "/_matrix/client/v3/rooms/{roomId}/receipt/{receiptType}/{eventId}", Access: gate.User,
			Limit: gate.Message, MaxBody: smallBody, Handle: h.receipt,
		},
		// Spec: cs#post_matrixclientv3roomsroomidread_markers
		{
			Method: "POST", Path: "/_matrix/client/v3/rooms/{roomId}/read_markers", Access: gate.User,
			Limit: gate.Message, MaxBody: smallBody, Handle: h.readMarkers,
		},
	}
}

// place reads whose account data, of which room and type, a request is about.
func place(r *door.Request) personal.Place {
	return personal.Place{User: mx.UserID(r.Path("userId")), Room: r.Path("roomId"), Type: r.Path("type")}
}

func (h *Handlers) putAccountData(r *door.Request) (any, error) {
	body, err := r.Object()
	if err != nil {
		return nil, err
	}
	return nil, h.Personal.PutAccountData(r.Context(), r.Caller.User, place(r), body)
}

func (h *Handlers) accountData(r *door.Request) (any, error) {
	return raw(h.Personal.AccountData(r.Context(), r.Caller.User, place(r)))
}

func (h *Handlers) deleteAccountData(r *door.Request) (any, error) {
	return nil, h.Personal.DeleteAccountData(r.Context(), r.Caller.User, place(r))
}

func (h *Handlers) tags(r *door.Request) (any, error) {
	return h.Personal.Tags(r.Context(), r.Caller.User, place(r))
}

func (h *Handlers) putTag(r *door.Request) (any, error) {
	body, err := r.Object()
	if err != nil {
		return nil, err
	}
	return nil, h.Personal.PutTag(r.Context(), r.Caller.User, place(r), r.Path("tag"), body)
}

func (h *Handlers) deleteTag(r *door.Request) (any, error) {
	return nil, h.Personal.DeleteTag(r.Context(), r.Caller.User, place(r), r.Path("tag"))
}

func (h *Handlers) receipt(r *door.Request) (any, error) {
	var body struct {
		Thread jsontext.Value `json:"thread_id"`
	}
	if err := r.DecodeOptional(&body); err != nil {
		return nil, err
	}
	m := personal.Mark{Type: r.Path("receiptType"), Event: r.Path("eventId")}
	if body.Thread != nil {
		if body.Thread.Kind() != '"' || strings.Trim(string(body.Thread), `"`) == "" {
			return nil, fault.InvalidParam("thread_id field must be a non-empty string")
		}
		if err := door.Decode(body.Thread, &m.Thread); err != nil {
			return nil, err
		}
	}
	return nil, h.Personal.MarkRead(r.Context(), r.Caller.User, r.Path("roomId"), m)
}

func (h *Handlers) readMarkers(r *door.Request) (any, error) {
	var body struct {
		FullyRead   *string `json:"m.fully_read"`
		Read        *string `json:"m.read"`
		ReadPrivate *string `json:"m.read.private"`
	}
	if err := r.Decode(&body); err != nil {
		return nil, err
	}
	var marks []personal.Mark
	for typ, event := range map[string]*string{
		data.TypeFullyRead: body.FullyRead, data.Read: body.Read, data.ReadPrivate: body.ReadPrivate,
	} {
		if event != nil {
			marks = append(marks, personal.Mark{Type: typ, Event: *event})
		}
	}
	return nil, h.Personal.MarkRead(r.Context(), r.Caller.User, r.Path("roomId"), marks...)
}
