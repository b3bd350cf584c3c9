package admin

import (
	"conclave.chat/internal/door"
	"conclave.chat/internal/door/openapi"
	"conclave.chat/internal/group"
	"conclave.chat/internal/mx"
	stored "conclave.chat/internal/store/group"
	"conclave.chat/internal/store/listing"
)

// membersBody is the size limit of lists of people.
const membersBody = 1 << 20

func (h *Handlers) groupOperations() []openapi.Operation {
	const one = "groups/{groupId}"
	change := act("POST", one+"/members", "changeMembers", "Put people into a group, and take others out. Who is in it already, or is not, stays so.", h.changeMembers)
	change.MaxBody = membersBody
	search := openapi.Param{Name: "search", Doc: "Words that the name or the id contains."}
	return []openapi.Operation{
		list("groups", "listGroups", "All groups of people, such as departments.", stored.Orders(), func(p page) (listing.Found[groupItem], error) {
			found, err := h.Groups.List(p.Context(), p.Param("search"), p.Page)
			return mapped(found, err, groupOf)
		}, search),
		act("POST", "groups", "createGroup", "Make a group without members.", func(r *door.Request, b *newGroup) (groupItem, error) {
			return groupAnswer(h.Groups.Make(r.Context(), by(r), b.ID, b.Name))
		}),
		get(one, "getGroup", "One group.", func(r *door.Request) (groupItem, error) {
			return groupAnswer(h.Groups.Find(r.Context(), r.Path("groupId")))
		}),
		act("PUT", one, "renameGroup", "Give a group another name. Its id stays.", func(r *door.Request, b *groupName) (groupItem, error) {
			return groupAnswer(h.Groups.Rename(r.Context(), by(r), r.Path("groupId"), b.Name))
		}),
		act("DELETE", one, "deleteGroup", "End a group. Its members stay what they are otherwise. Refused while what is recorded names it.", func(r *door.Request, _ *none) (none, error) {
			return none{}, h.Groups.Remove(r.Context(), by(r), r.Path("groupId"))
		}),
		list(one+"/members", "listGroupMembers", "Who is in a group.", stored.MemberOrders(), h.listGroupMembers, search),
		change,
	}
}

// groupItem is a group in lists.
type groupItem struct {
	ID      string `json:"group_id"`
	Name    string `json:"name"`
	Members int64  `json:"members" doc:"Number of people in it."`
	Created ms     `json:"created"`
}

func groupOf(g *group.Group) groupItem { return groupItem{g.ID, g.Name, g.Members, ms(g.Created)} }

func groupAnswer(g *group.Group, err error) (groupItem, error) {
	if err != nil {
		return groupItem{}, err
	}
	return groupOf(g), nil
}

type newGroup struct {
	ID   string `json:"group_id" doc:"Small letters, digits and . _ -, 64 at most. It cannot be changed."`
	Name string `json:"name" optional:"yes" doc:"Default: the id."`
}

type groupName struct {
	Name string `json:"name"`
}

// groupMember is somebody in a group.
type groupMember struct {
	User  mx.UserID `json:"user_id"`
	Name  string    `json:"display_name"`
	Added ms        `json:"added"`
}

func (h *Handlers) listGroupMembers(p page) (listing.Found[groupMember], error) {
	found, err := h.Groups.Members(p.Context(), p.Path("groupId"), p.Param("search"), p.Page)
	return mapped(found, err, func(m *group.Member) groupMember { return groupMember{m.User, m.Display, ms(m.Added)} })
}

type membersChange struct {
	Add    []mx.UserID `json:"add" optional:"yes" doc:"User ids, 5000 at most with those of remove."`
	Remove []mx.UserID `json:"remove" optional:"yes" doc:"User ids. From a group that decides what is recorded only administrators with the compliance role take people."`
}

func (h *Handlers) changeMembers(r *door.Request, b *membersChange) (groupItem, error) {
	return groupAnswer(h.Groups.Change(r.Context(), by(r), r.Path("groupId"), b.Add, b.Remove))
}
