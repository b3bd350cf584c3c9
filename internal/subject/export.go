package subject

import (
	"archive/zip"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"conclave.chat/internal/mx"
	"conclave.chat/internal/store"
	"conclave.chat/internal/store/account"
	"conclave.chat/internal/store/auditlog"
	"conclave.chat/internal/store/eventlog"
	groupstore "conclave.chat/internal/store/group"
	"conclave.chat/internal/store/listing"
	"conclave.chat/internal/store/mediameta"
	"conclave.chat/internal/store/personal"
	"conclave.chat/internal/store/retain"
	"conclave.chat/internal/store/securitylog"
)

// batch is how many rows are read at a time.
const batch = 500

// readme explains an export to whoever opens it.
const readme = `Copy of the data that the server %s keeps of %s
Made on %s

This archive answers articles 15 and 20 of the General Data Protection Regulation. All files are UTF-8. Those that end in .json hold one JSON
value, those that end in .jsonl one JSON object on each line. Times are milliseconds since 1970, UTC.

account.json           the account: names, e-mail addresses, groups, devices (with the address and the program of their last request)
account_data.json      settings and other data that your apps keep on the server; some of it is encrypted by them
rooms.json             the rooms that you are or were in, with your part in them: join, invite, knock, leave or ban
security_history.jsonl what happened to your keys, devices, password and addresses, of the last 400 days
events.jsonl           all events that you sent, as the Matrix protocol has them: messages, reactions, changes of rooms
media.json             the files that you uploaded; media/ holds them, each under its id
manifest.json          what this archive holds, for programs

Messages of encrypted rooms are there as they are on the server: encrypted (type m.room.encrypted). The server cannot read them. Your own apps can:
export the keys there, or read the messages in the app. The same holds for files that were sent in encrypted rooms. Messages that you deleted have no content.
Messages of others are not in this archive: they are their data.

Where your organisation records messages, a copy of those is in its sealed archive, which this server cannot open. Ask the organisation.
`

// export is an archive under way.
type export struct {
	s     *Service
	user  mx.UserID
	zip   *zip.Writer
	count map[string]int64
	rooms []eventlog.Member
}

// Export writes a copy of all that this server has of somebody, as a zip archive. The act is in the audit log before the first byte leaves.
func (s *Service) Export(ctx context.Context, by auditlog.Actor, user mx.UserID) (func(context.Context, io.Writer) error, error) {
	a, err := s.find(ctx, by, user)
	if err != nil {
		return nil, err
	}
	err = s.DB.Write(func(tx *store.Tx) error {
		return auditlog.Record(tx, store.Millis(s.Now()), by, auditlog.Act{Action: "account.export", Target: string(user)})
	})
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context, w io.Writer) error { return s.write(ctx, w, a) }, nil
}

// Name is what an export is called.
func (s *Service) Name(user mx.UserID) string {
	local := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '.' || r == '-' || r == '_' {
			return r
		}
		return '-'
	}, user.Localpart())
	return "data-of-" + local + "-" + s.Now().UTC().Format(time.DateOnly) + ".zip"
}

func (s *Service) write(ctx context.Context, w io.Writer, a *account.Account) error {
	x := &export{s: s, user: a.User, zip: zip.NewWriter(w), count: map[string]int64{}}
	var err error
	if x.rooms, err = eventlog.Memberships(ctx, s.DB, a.User); err != nil {
		return err
	}
	f, err := x.create("README.txt", zip.Deflate)
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintf(f, readme, s.Server, a.User, s.Now().UTC().Format(time.RFC1123)); err != nil {
		return err
	}
	for _, part := range []func(context.Context) error{
		func(ctx context.Context) error { return x.account(ctx, a) }, x.accountData, x.roomList, x.security, x.events, x.media, x.manifest,
	} {
		if err := part(ctx); err != nil {
			return err
		}
	}
	return x.zip.Close()
}

func (x *export) create(name string, method uint16) (io.Writer, error) {
	return x.zip.CreateHeader(&zip.FileHeader{Name: name, Method: method, Modified: x.s.Now().UTC()})
}

// whole writes a file with one JSON value.
func (x *export) whole(name string, v any) error {
	f, err := x.create(name, zip.Deflate)
	if err != nil {
		return err
	}
	return json.MarshalWrite(f, v, json.Deterministic(true), jsontext.WithIndent("  "))
}

// line writes one JSON object into a file with many.
func line(f io.Writer, v any) error {
	if err := json.MarshalWrite(f, v, json.Deterministic(true)); err != nil {
		return err
	}
	_, err := io.WriteString(f, "\n")
	return err
}

type contact struct {
	Address   string `json:"address"`
	Validated int64  `json:"validated"`
	Added     int64  `json:"added"`
}

type group struct {
	ID   string `json:"group_id"`
	Name string `json:"name"`
}

type device struct {
	ID      mx.DeviceID `json:"device_id"`
	Name    string      `json:"display_name"`
	Created int64       `json:"created"`
	Seen    int64       `json:"last_seen"`
	Addr    string      `json:"address"`
	Agent   string      `json:"user_agent"`
}

func (x *export) account(ctx context.Context, a *account.Account) error {
	out := struct {
		User        mx.UserID                 `json:"user_id"`
		Created     int64                     `json:"created"`
		Admin       bool                      `json:"administrator"`
		Locked      bool                      `json:"locked"`
		Suspended   bool                      `json:"suspended"`
		Deactivated bool                      `json:"deactivated"`
		Profile     map[string]jsontext.Value `json:"profile"`
		Emails      []contact                 `json:"emails"`
		Groups      []group                   `json:"groups"`
		Devices     []device                  `json:"devices"`
	}{
		User: a.User, Created: a.Created, Admin: a.Admin, Locked: a.Locked, Suspended: a.Suspended, Deactivated: a.Deactivated,
		Profile: map[string]jsontext.Value{}, Emails: []contact{}, Groups: []group{}, Devices: []device{},
	}
	fields, err := account.Profile(ctx, x.s.DB, a.User)
	if err != nil {
		return err
	}
	for _, f := range fields {
		out.Profile[f.Name] = f.Value
	}
	contacts, err := account.Contacts(ctx, x.s.DB, a.User)
	if err != nil {
		return err
	}
	for i := range contacts {
		c := &contacts[i]
		out.Emails = append(out.Emails, contact{c.Address, c.Validated, c.Added})
	}
	groups, err := groupstore.Of(ctx, x.s.DB, a.User)
	if err != nil {
		return err
	}
	for i := range groups {
		out.Groups = append(out.Groups, group{groups[i].ID, groups[i].Name})
	}
	devices, err := account.Devices(ctx, x.s.DB, a.User)
	if err != nil {
		return err
	}
	for i := range devices {
		d := &devices[i]
		out.Devices = append(out.Devices, device{d.ID, d.Name, d.Created, d.Seen, d.Addr, d.Agent})
	}
	x.count["emails"], x.count["devices"] = int64(len(contacts)), int64(len(devices))
	return x.whole("account.json", &out)
}

func (x *export) accountData(ctx context.Context) error {
	list, err := personal.AccountData(ctx, x.s.DB, x.user, 0, 1<<62)
	if err != nil {
		return err
	}
	type datum struct {
		Room    mx.RoomID      `json:"room_id,omitempty"`
		Type    string         `json:"type"`
		Content jsontext.Value `json:"content"`
	}
	out := make([]datum, len(list))
	for i := range list {
		out[i] = datum{list[i].Room, list[i].Type, list[i].Content}
	}
	x.count["account_data"] = int64(len(out))
	return x.whole("account_data.json", out)
}

func (x *export) roomList(ctx context.Context) error {
	type room struct {
		ID         mx.RoomID `json:"room_id"`
		Name       string    `json:"name,omitempty"`
		Membership string    `json:"membership"`
		Forgotten  bool      `json:"forgotten"`
	}
	out := make([]room, len(x.rooms))
	for i := range x.rooms {
		m := &x.rooms[i]
		out[i] = room{ID: m.Room, Membership: m.Membership, Forgotten: m.Forgotten}
		upto := m.Pos // who has left is not told of what the room is called since
		if m.Membership == mx.Join {
			upto = 1 << 62
		}
		named, err := eventlog.StateEventAt(ctx, x.s.DB, m.Room, "m.room.name", "", upto)
		if err != nil {
			return err
		}
		if named != nil {
			out[i].Name = named.Str("name")
		}
	}
	x.count["rooms"] = int64(len(out))
	return x.whole("rooms.json", out)
}

func (x *export) security(ctx context.Context) error {
	f, err := x.create("security_history.jsonl", zip.Deflate)
	if err != nil {
		return err
	}
	for p := (listing.Page{Order: "seq", Limit: batch, Uncounted: true}); ; {
		found, err := securitylog.List(ctx, x.s.DB, x.user, securitylog.Since(x.s.Now()), p)
		if err != nil {
			return err
		}
		for i := range found.Items {
			e := &found.Items[i]
			if err := line(f, map[string]any{
				"time": e.Time, "action": e.Action, "actor": e.Actor, "device": e.Device, "device_name": e.DeviceName, "address": e.Addr, "subject": e.Subject,
				"subject_name": e.SubjectName,
			}); err != nil {
				return err
			}
		}
		x.count["security_history"] += int64(len(found.Items))
		if p.From = found.Next; p.From == "" {
			return nil
		}
	}
}

// sent is an event as an export has it.
type sent struct {
	ID       mx.EventID     `json:"event_id"`
	Room     mx.RoomID      `json:"room_id"`
	Type     string         `json:"type"`
	StateKey *string        `json:"state_key,omitempty"`
	TS       int64          `json:"origin_server_ts"`
	Redacted bool           `json:"redacted,omitempty"`
	Content  jsontext.Value `json:"content"`
}

func (x *export) events(ctx context.Context) error {
	f, err := x.create("events.jsonl", zip.Deflate)
	if err != nil {
		return err
	}
	for i := range x.rooms {
		for after := store.Pos(0); ; {
			list, err := retain.SentAny(ctx, x.s.DB, x.rooms[i].Room, x.user, after, batch)
			if err != nil {
				return err
			}
			for _, e := range list {
				after = e.Pos
				x.count["events"]++
				if e.Type == mx.TypeEncrypted {
					x.count["encrypted_events"]++
				}
				if err := line(f, &sent{e.ID, e.RoomID, e.Type, e.StateKey, e.TS, e.RedactedBy != "", e.Content}); err != nil {
					return err
				}
			}
			if len(list) < batch {
				break
			}
		}
	}
	return nil
}

// file is an uploaded file as an export has it.
type file struct {
	ID       string `json:"media_id"`
	URI      string `json:"uri"`
	Name     string `json:"name,omitempty"`
	Type     string `json:"type"`
	Size     int64  `json:"size"`
	Uploaded int64  `json:"uploaded"`
	Path     string `json:"path,omitempty"` // where it is in the archive; absent where it has no content
	Missing  bool   `json:"missing,omitempty"`
}

func (x *export) media(ctx context.Context) error {
	out := []file{}
	for after := (mediameta.Place{}); ; {
		list, err := mediameta.OwnedBy(ctx, x.s.DB, x.user, after, batch)
		if err != nil {
			return err
		}
		for i := range list {
			m := &list[i]
			after = mediameta.Place{Uploaded: m.Uploaded, ID: m.ID}
			one := file{ID: m.ID, URI: "mxc://" + string(x.s.Server) + "/" + m.ID, Name: m.Name, Type: m.Type, Size: m.Size, Uploaded: m.Uploaded}
			if m.Blob != "" {
				if one.Path, err = x.copy(ctx, m.ID); err != nil {
					return err
				}
				one.Missing = one.Path == ""
			}
			out = append(out, one)
		}
		if len(list) < batch {
			break
		}
	}
	x.count["files"] = int64(len(out))
	return x.whole("media.json", out)
}

// copy puts a file into the archive. One that cannot be opened, as it was removed meanwhile, is left out; one that breaks off ends the archive.
func (x *export) copy(ctx context.Context, id string) (string, error) {
	r, err := x.s.Open(ctx, id)
	if err != nil {
		x.s.Log.Warn("a file is missing from an export", "file", id, "error", err)
		return "", ctx.Err()
	}
	path := "media/" + id
	f, err := x.create(path, zip.Store)
	if err == nil {
		_, err = io.Copy(f, r)
	}
	return path, errors.Join(err, r.Close())
}

func (x *export) manifest(context.Context) error {
	return x.whole("manifest.json", map[string]any{
		"format": "chat.conclave.data-export", "version": 1, "server_name": x.s.Server, "user_id": x.user, "created": store.Millis(x.s.Now()), "counts": x.count,
	})
}
