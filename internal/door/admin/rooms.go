package admin

import (
	"conclave.chat/internal/census"
	"conclave.chat/internal/door"
	"conclave.chat/internal/door/openapi"
	"conclave.chat/internal/fault"
	"conclave.chat/internal/mx"
	"conclave.chat/internal/retention"
	"conclave.chat/internal/room/steward"
	stored "conclave.chat/internal/store/census"
	"conclave.chat/internal/store/listing"
)

func (h *Handlers) roomOperations() []openapi.Operation {
	const one = "rooms/{roomId}"
	return []openapi.Operation{
		list("rooms", "listRooms", "All rooms and spaces.", stored.RoomOrders(), h.listRooms,
			openapi.Param{Name: "search", Doc: "Words that the name, the main alias or the id contains."},
			openapi.Param{Name: "kind", Doc: "Only rooms of this kind. orphaned: people are in it, and none of them may give power over it.", Enum: stored.RoomKinds()[1:]},
		),
		get(one, "getRoom", "One room, with a summary of its state.", h.getRoom),
		list(one+"/members", "listRoomMembers", "Who is in a room, or was.", stored.MemberOrders(), h.listMembers,
			openapi.Param{Name: "search", Doc: "Words that the name or the id contains."},
			openapi.Param{Name: "membership", Doc: "Only members with this membership. Default: join.", Enum: []string{"join", "invite", "knock", "leave", "ban"}},
		),
		act("POST", one+"/takeover", "takeOverRoom", "Give somebody power over a room, through a member that can give it, for all members to see.", h.takeOver),
		act("POST", one+"/block", "blockRoom", "Let nothing happen in a room any more but leaving.", h.block(true)),
		act("POST", one+"/unblock", "unblockRoom", "Undo block.", h.block(false)),
		act("POST", one+"/delete", "deleteRoom", "Make all members leave a room, and remove what was said in it, in the background. It cannot be undone.", h.deleteRoom),
		list("jobs", "listJobs", "Deletions of rooms, under way and done.", steward.DeletionOrders(), h.listJobs),
		get("jobs/{jobId}", "getJob", "How far a deletion has come.", h.getJob),
	}
}

// roomItem is a room in lists.
type roomItem struct {
	ID        mx.RoomID `json:"room_id"`
	Name      string    `json:"name" doc:"Empty where the room has none, as direct chats."`
	Alias     string    `json:"alias"`
	Version   string    `json:"version"`
	Creator   mx.UserID `json:"creator"`
	Created   ms        `json:"created"`
	Last      ms        `json:"last_activity"`
	Members   int64     `json:"joined_members"`
	Events    int64     `json:"events"`
	Bytes     int64     `json:"bytes" doc:"Size of the events as they were sent, without media."`
	Encrypted bool      `json:"encrypted"`
	Recorded  bool      `json:"recorded" doc:"Its state names a policy server."`
	Space     bool      `json:"space"`
	Public    bool      `json:"public" doc:"Anybody with an account may join."`
	Published bool      `json:"published" doc:"It is in the directory of rooms."`
	Orphaned  bool      `json:"orphaned" doc:"People are in it, and none of them may give power over it."`
	Blocked   bool      `json:"blocked"`
}

func roomOf(m *census.Room) roomItem {
	return roomItem{
		m.ID, m.Name, m.Alias, m.Version, m.Creator, ms(m.Created), ms(m.Last), m.Members, m.Events, m.Bytes, m.Encrypted, m.Recorded, m.Space, m.Public, m.Published,
		m.Orphaned, m.Blocked,
	}
}

func (h *Handlers) listRooms(p page) (listing.Found[roomItem], error) {
	kind, err := p.Choice("kind", stored.RoomKinds()...)
	if err != nil {
		return listing.Found[roomItem]{}, err
	}
	found, err := h.Census.RoomList(p.Context(), census.RoomFilter{Search: p.Param("search"), Kind: kind}, p.Page)
	return mapped(found, err, roomOf)
}

type roomDetails struct {
	roomItem
	Topic     string         `json:"topic"`
	JoinRule  string         `json:"join_rule"`
	History   string         `json:"history_visibility"`
	OwnAge    int64          `json:"own_max_lifetime" doc:"How long the room itself says that messages are kept: milliseconds. 0: it does not."`
	Age       int64          `json:"max_lifetime" doc:"How long messages are kept, by what the room and the organisation say: milliseconds. 0: for ever."`
	Invited   int64          `json:"invited_members"`
	Banned    int64          `json:"banned_members"`
	State     map[string]int `json:"state" doc:"Number of state events by type."`
	Successor string         `json:"replaced_by" doc:"The room that it was upgraded to; empty if it was not."`
	Giver     mx.UserID      `json:"power_holder" doc:"The member through whom the room can be taken over; empty if there is none."`
}

// roomID is the room in the path.
func roomID(r *door.Request) (mx.RoomID, error) {
	id := r.Path("roomId")
	if len(id) < 2 || id[0] != '!' || len(id) > mx.MaxIDBytes {
		return "", fault.InvalidParam("This is no room id")
	}
	return mx.RoomID(id), nil
}

func (h *Handlers) getRoom(r *door.Request) (roomDetails, error) {
	id, err := roomID(r)
	if err != nil {
		return roomDetails{}, err
	}
	d, err := h.Census.Room(r.Context(), id)
	if err != nil {
		return roomDetails{}, err
	}
	return roomDetails{roomOf(&d.Room), d.Topic, d.JoinRule, d.History, retention.Bounds{}.For(d.Retention).Max, h.Retention.Bounds().For(d.Retention).Max, d.Invited, d.Banned, d.State, d.Successor, d.Giver}, nil
}

type roomMember struct {
	User       mx.UserID `json:"user_id"`
	Name       string    `json:"display_name"`
	Membership string    `json:"membership" enum:"join invite knock leave ban"`
	Power      int64     `json:"power_level" doc:"Creators of rooms of version 12 have the highest there is."`
}

func (h *Handlers) listMembers(p page) (listing.Found[roomMember], error) {
	none := listing.Found[roomMember]{}
	id, err := roomID(p.Request)
	if err != nil {
		return none, err
	}
	membership, err := p.Choice("membership", "join", "invite", "knock", "leave", "ban")
	if err != nil {
		return none, err
	}
	found, err := h.Census.Members(p.Context(), id, membership, p.Param("search"), p.Page)
	return mapped(found, err, func(m *census.Member) roomMember { return roomMember{m.User, m.Display, m.Membership, m.Power} })
}

type takeover struct {
	User mx.UserID `json:"user_id" optional:"yes" doc:"Who gets the power. Default: you."`
}

func (h *Handlers) takeOver(r *door.Request, b *takeover) (roomDetails, error) {
	id, err := roomID(r)
	if err != nil {
		return roomDetails{}, err
	}
	user := r.Caller.User
	if b.User != "" {
		if user, err = mx.ParseUserID(string(b.User)); err != nil {
			return roomDetails{}, err
		}
	}
	if _, err := h.Accounts.Target(r.Context(), user); err != nil { // somebody who can use it
		return roomDetails{}, err
	}
	if err := h.Steward.TakeOver(r.Context(), by(r), id, user); err != nil {
		return roomDetails{}, err
	}
	return h.getRoom(r)
}

func (h *Handlers) block(on bool) func(*door.Request, *none) (roomDetails, error) {
	return func(r *door.Request, _ *none) (roomDetails, error) {
		id, err := roomID(r)
		if err != nil {
			return roomDetails{}, err
		}
		if err := h.Steward.Block(r.Context(), by(r), id, on); err != nil {
			return roomDetails{}, err
		}
		return h.getRoom(r)
	}
}

// job is a deletion.
type job struct {
	ID        string    `json:"job_id"`
	Room      mx.RoomID `json:"room_id"`
	Name      string    `json:"name" doc:"The room's, before."`
	Actor     string    `json:"created_by"`
	Phase     string    `json:"phase" enum:"leaving purging done"`
	Requested ms        `json:"created"`
	Finished  ms        `json:"finished" doc:"0: not yet."`
	Members   int64     `json:"members" doc:"Members to leave."`
	Gone      int64     `json:"members_left" doc:"Those that have."`
	Events    int64     `json:"events" doc:"Events to remove."`
	Purged    int64     `json:"events_removed"`
	Held      bool      `json:"held" doc:"A legal hold keeps the events; the job goes on when that is released."`
}

func jobOf(d *steward.Deletion) job {
	return job{d.ID, d.Room, d.Name, d.Actor, d.Phase, ms(d.Requested), ms(d.Finished), d.Members, d.Gone, d.Events, d.Purged, d.Held}
}

func (h *Handlers) deleteRoom(r *door.Request, _ *none) (job, error) {
	id, err := roomID(r)
	if err != nil {
		return job{}, err
	}
	d, err := h.Census.Room(r.Context(), id)
	if err != nil {
		return job{}, err
	}
	begun, err := h.Steward.Delete(r.Context(), by(r), id, d.Name)
	if err != nil {
		return job{}, err
	}
	return jobOf(begun), nil
}

func (h *Handlers) listJobs(p page) (listing.Found[job], error) {
	found, err := h.Steward.Deletions(p.Context(), p.Page)
	return mapped(found, err, jobOf)
}

func (h *Handlers) getJob(r *door.Request) (job, error) {
	d, err := h.Steward.Deletion(r.Context(), r.Path("jobId"))
	if err != nil {
		return job{}, err
	}
	return jobOf(d), nil
}
