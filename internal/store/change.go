package store

import "conclave.chat/internal/mx"

// Kind says what sort of thing changed.
type Kind uint8

// The kinds of change. The comment names the fields of Change that are set.
const (
	KindEvent       Kind = iota + 1 // an event in Room; User is the target of a membership event, else ""
	KindReceipt                     // a receipt in Room by User; with Private set only User may see it
	KindAccountData                 // account data of User, in Room or global
	KindToDevice                    // a to-device message for User's Device
	KindDeviceList                  // User's devices or cross-signing keys changed; with Private set, what User alone sees of others. keys did
	KindKeyCount                    // User's Device: number of one-time keys or unused fallback keys changed
	KindSession                     // sessions of User (of Device, if set) ended or the account changed: forget what is cached
	KindProfile                     // profile of User changed
	KindRoom                        // Room was upgraded, purged or otherwise changed outside of its events
	KindPusher                      // pushers of User
	KindThread                      // thread subscriptions of User in Room
	KindSettings                    // what the organisation has set
	KindBlocked                     // Room was blocked, or is not any more
	KindPruned                      // messages of Room up to Pos were removed for their age
	KindErased                      // some messages of Room up to Pos were removed, but not all
	KindHold                        // a legal hold was released: what waited for that is due
	KindGroup                       // groups of people, or who is in them
)

// Change is one thing that changed at a position. It crosses nodes, so it carries names only, no content.
type Change struct {
	Pos     Pos         `json:"p,omitempty"`
	Kind    Kind        `json:"k"`
	Room    mx.RoomID   `json:"r,omitempty"`
	User    mx.UserID   `json:"u,omitempty"`
	Device  mx.DeviceID `json:"d,omitempty"`
	Private bool        `json:"x,omitempty"`
}

// Batch is what one transaction changed: everything after From up to and including To.
type Batch struct {
	From    Pos      `json:"f"`
	To      Pos      `json:"t"`
	Changes []Change `json:"c"`
	// Lost says that what changed in the range is not known, as word from another node did not arrive: whoever keeps copies of
	// what the database holds drops them, and whoever waits looks.
	Lost bool `json:"-"`
}
