package admin

import (
	"context"

	"conclave.chat/internal/census"
	"conclave.chat/internal/door"
	"conclave.chat/internal/door/openapi"
)

func (h *Handlers) dashboardOperations() []openapi.Operation {
	return []openapi.Operation{
		get("dashboard", "getDashboard", "Numbers about the whole, without content.", h.dashboard),
		get("health", "getHealth", "What conclave doctor finds, on this node, and what to do about it.", func(r *door.Request) (health, error) {
			a := health{OK: true, Checks: h.Health(r.Context())}
			for _, f := range a.Checks {
				a.OK = a.OK && f.Level != "problem"
			}
			return a, nil
		}),
	}
}

// Status is how this node does.
type Status struct {
	Server      string `json:"server_name"`
	Version     string `json:"version"`
	Engine      string `json:"database" enum:"sqlite postgres"`
	Started     int64  `json:"started"`
	CommitQueue int    `json:"commit_queue" doc:"Writes that wait for a transaction."`
	Parked      int    `json:"parked_requests" doc:"Connections whose requests wait for news."`
	Waiting     int    `json:"waiting_syncs"`
	MailQueue   *int64 `json:"mail_queue" doc:"Messages that wait to be delivered; null where no mail server is configured."`
	Pushed      int64  `json:"push_delivered" doc:"Notifications that gateways took since the start."`
	PushFailed  int64  `json:"push_failed" doc:"Attempts that failed since the start."`
}

// Finding is what one check of health found.
type Finding struct {
	Check string `json:"check"`
	Level string `json:"level" enum:"ok warning problem"`
	Found string `json:"found"`
	Do    string `json:"do" doc:"What to do about it; empty where all is well."`
}

type health struct {
	OK     bool      `json:"ok" doc:"There is no problem; there may be warnings."`
	Checks []Finding `json:"checks"`
}

type dayCount struct {
	Date     string `json:"date" doc:"UTC"`
	Messages int64  `json:"messages"`
	Events   int64  `json:"events"`
}

type peopleCount struct {
	Total       int64 `json:"total"`
	Active1     int64 `json:"active_1d" doc:"Used in the last day."`
	Active7     int64 `json:"active_7d"`
	Active30    int64 `json:"active_30d"`
	Admins      int64 `json:"admins"`
	Locked      int64 `json:"locked"`
	Suspended   int64 `json:"suspended"`
	Deactivated int64 `json:"deactivated" doc:"Not in total."`
	Invited     int64 `json:"open_invitations"`
}

type roomCount struct {
	Total     int64 `json:"total"`
	Spaces    int64 `json:"spaces"`
	Encrypted int64 `json:"encrypted"`
	Orphaned  int64 `json:"orphaned"`
}

type storage struct {
	Database int64 `json:"database_bytes"`
	Events   int64 `json:"events"`
	Bytes    int64 `json:"event_bytes"`
	Files    int64 `json:"media_files"`
	Media    int64 `json:"media_bytes"`
}

type dashboard struct {
	People   peopleCount `json:"people"`
	Devices  int64       `json:"devices"`
	Pushers  int64       `json:"pushers"`
	Reports  int64       `json:"reports" doc:"What people reported to you."`
	Rooms    roomCount   `json:"rooms"`
	Messages []dayCount  `json:"messages" doc:"The last 30 days, today last."`
	Storage  storage     `json:"storage"`
	Node     Status      `json:"node"`
}

func (h *Handlers) dashboard(r *door.Request) (dashboard, error) {
	n, err := h.Census.Numbers(r.Context())
	if err != nil {
		return dashboard{}, err
	}
	return dashboardOf(n, h.Status(r.Context())), nil
}

func dashboardOf(n *census.Numbers, node Status) dashboard {
	d := dashboard{
		People: peopleCount{n.People, n.Active[0], n.Active[1], n.Active[2], n.Admins, n.Locked, n.Suspended, n.Deactivated, n.Invitations},
		Rooms:  roomCount{n.Rooms, n.Spaces, n.EncryptedRooms, n.Orphaned}, Devices: n.Devices, Pushers: n.Pushers, Reports: n.Reports,
		Storage: storage{n.DatabaseBytes, n.Events, n.EventBytes, n.Files, n.FileBytes}, Node: node,
	}
	for _, day := range n.Days {
		d.Messages = append(d.Messages, dayCount(day))
	}
	return d
}

// Nodes tells of this node.
type Nodes struct {
	Status func(context.Context) Status
	Health func(context.Context) []Finding
}
