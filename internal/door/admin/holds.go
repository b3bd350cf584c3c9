package admin

import (
	"conclave.chat/internal/door"
	"conclave.chat/internal/door/openapi"
	"conclave.chat/internal/fault"
	"conclave.chat/internal/mx"
	"conclave.chat/internal/retention"
	"conclave.chat/internal/store/listing"
)

func (h *Handlers) holdOperations() []openapi.Operation {
	const role = " Only for administrators with the compliance role."
	return []openapi.Operation{
		list("holds", "listHolds", "All legal holds, in force and released."+role, retention.HoldOrders(), h.listHolds,
			openapi.Param{Name: "state", Doc: "Only holds in this state.", Enum: retention.HoldStates()[1:]},
			openapi.Param{Name: "case", Doc: "Only holds with this case number."},
			openapi.Param{Name: "custodian", Doc: "Only holds upon this user id."},
			openapi.Param{Name: "room", Doc: "Only holds upon this room id."},
			openapi.Param{Name: "search", Doc: "What the case number or the reason contains."},
		),
		act("POST", "holds", "placeHold", "Keep what a person, a room or a period covers from being destroyed by anything, at once: age, redaction, deletion of rooms, "+
			"erasure of accounts."+role, h.placeHold),
		get("holds/{holdId}", "getHold", "One legal hold."+role, func(r *door.Request) (hold, error) {
			found, err := h.Retention.Hold(r.Context(), by(r), r.Path("holdId"))
			if err != nil {
				return hold{}, err
			}
			return holdOf(found), nil
		}),
		act("POST", "holds/{holdId}/release", "releaseHold", "End a legal hold. What was due meanwhile, and is kept by no other hold, goes; the answer says how much that is."+role,
			h.releaseHold),
	}
}

// hold is a legal hold.
type hold struct {
	ID         string    `json:"hold_id"`
	Case       string    `json:"case"`
	Reason     string    `json:"reason"`
	Custodian  mx.UserID `json:"custodian" doc:"Whose messages are kept, and what was said in all rooms that the person was in meanwhile. Empty: everybody."`
	Room       mx.RoomID `json:"room" doc:"Empty: all rooms."`
	Since      ms        `json:"since" doc:"Messages sent at this time or later. 0: from the beginning."`
	Until      ms        `json:"until" doc:"Messages sent before this time. 0: without end."`
	Created    ms        `json:"created"`
	CreatedBy  string    `json:"created_by"`
	Released   ms        `json:"released" doc:"0: it is in force."`
	ReleasedBy string    `json:"released_by"`
}

func holdOf(h *retention.Hold) hold {
	return hold{h.ID, h.Case, h.Reason, h.Custodian, h.Room, ms(h.Since), ms(h.Until), ms(h.Created), h.CreatedBy, ms(h.Released), h.ReleasedBy}
}

func (h *Handlers) listHolds(p page) (listing.Found[hold], error) {
	state, err := p.Choice("state", retention.HoldStates()...)
	if err != nil {
		return listing.Found[hold]{}, err
	}
	found, err := h.Retention.Holds(p.Context(), by(p.Request), retention.HoldFilter{
		State: state, Case: p.Param("case"), Custodian: mx.UserID(p.Param("custodian")), Room: mx.RoomID(p.Param("room")), Search: p.Param("search"),
	}, p.Page)
	return mapped(found, err, holdOf)
}

type newHold struct {
	Case      string    `json:"case" doc:"The case number, which whoever releases the hold has to say."`
	Reason    string    `json:"reason"`
	Custodian mx.UserID `json:"custodian" optional:"yes" doc:"A person's user id."`
	Room      mx.RoomID `json:"room" optional:"yes" doc:"A room's id."`
	Since     int64     `json:"since" optional:"yes" doc:"Milliseconds. Only messages sent at this time or later."`
	Until     int64     `json:"until" optional:"yes" doc:"Milliseconds. Only messages sent before."`
}

func (h *Handlers) placeHold(r *door.Request, b *newHold) (hold, error) {
	if b.Custodian != "" {
		if _, err := mx.ParseUserID(string(b.Custodian)); err != nil {
			return hold{}, err
		}
	}
	if b.Room != "" && (len(b.Room) < 2 || b.Room[0] != '!' || len(b.Room) > mx.MaxIDBytes) {
		return hold{}, fault.InvalidParam("This is no room id")
	}
	placed, err := h.Retention.PlaceHold(r.Context(), by(r), retention.Hold{
		Case: b.Case, Reason: b.Reason, Custodian: b.Custodian, Room: b.Room, Since: b.Since, Until: b.Until,
	})
	if err != nil {
		return hold{}, err
	}
	return holdOf(placed), nil
}

type holdRelease struct {
	Case string `json:"case" doc:"The hold's case number, as a proof that it is the right one."`
}

// releasedHold is a hold that was released, and what that lets go.
type releasedHold struct {
	Hold hold          `json:"hold"`
	Due  retention.Due `json:"due" doc:"What this hold was the last to keep."`
}

func (h *Handlers) releaseHold(r *door.Request, b *holdRelease) (releasedHold, error) {
	released, due, err := h.Retention.ReleaseHold(r.Context(), by(r), r.Path("holdId"), b.Case)
	if err != nil {
		return releasedHold{}, err
	}
	return releasedHold{holdOf(released), *due}, nil
}
