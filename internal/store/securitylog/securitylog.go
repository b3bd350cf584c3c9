// Package securitylog is the SQL of accounts' security histories: what was done to a person's keys, devices, password and addresses,
// by whom and from where, for the person to read.
//
// Tables: security_history. Rows enter through Record, in the transaction of the act that they tell of, and never change. Who acts comes
// with the context, from the door. Invariants: seq counts up for each account; of each action an account has at most perAction rows, so
// that no number of one act pushes out the others. Where and on which device an administrator worked is not kept here: it is not the
// person's to see, and the audit log has it.
package securitylog

import (
	"context"

	"conclave.chat/internal/mx"
	"conclave.chat/internal/store"
	"conclave.chat/internal/store/account"
	"conclave.chat/internal/store/listing"
)

// What is recorded.
const (
	RecoveryKeyCreated = "recovery_key.created"
	RecoveryKeyChanged = "recovery_key.changed"
	RecoveryKeyRemoved = "recovery_key.removed"
	SecretsChanged     = "secrets.changed" // what the recovery key opens
	SecretsRemoved     = "secrets.removed"
	BackupCreated      = "key_storage.created"
	BackupChanged      = "key_storage.changed"
	BackupDeleted      = "key_storage.deleted"
	IdentityCreated    = "identity.created"
	IdentityReset      = "identity.reset"
	IdentityChanged    = "identity.changed"
	DeviceSignedIn     = "device.signed_in"
	DeviceConfirmed    = "device.confirmed"
	DeviceRemoved      = "device.removed"
	PasswordChanged    = "password.changed"
	EmailAdded         = "email.added"
	EmailRemoved       = "email.removed"
)

// perAction is how many rows of one action an account keeps.
const perAction = 200

// server is the actor where no request asked: the command line, or the server's own housekeeping.
const server = "server"

// Origin is who makes a request, and from where.
type Origin struct {
	User   mx.UserID // "" who is not signed in
	Device mx.DeviceID
	Addr   string
}

type originKey struct{}

// With notes who makes the request that a context belongs to.
func With(ctx context.Context, o Origin) context.Context {
	return context.WithValue(ctx, originKey{}, o)
}

// Entry is a row of a history.
type Entry struct {
	Seq         int64
	Time        int64
	Action      string
	Actor       string // "" is the person; a user id, or "server"
	Device      mx.DeviceID
	DeviceName  string
	Addr        string
	Subject     string // what it was done to: a device id, an address, a version
	SubjectName string // a device's name
}

const columns = "seq, ts, action, actor, device, device_name, addr, subject, subject_name"

func (e *Entry) fields() []any {
	return []any{&e.Seq, &e.Time, &e.Action, &e.Actor, &e.Device, &e.DeviceName, &e.Addr, &e.Subject, &e.SubjectName}
}

// Record appends an act upon an account to its history.
func Record(ctx context.Context, tx *store.Tx, now int64, user mx.UserID, action, subject string) error {
	e := Entry{Time: now, Action: action, Actor: server, Subject: subject}
	o, asked := ctx.Value(originKey{}).(Origin)
	switch {
	case asked && (o.User == "" || o.User == user):
		e.Actor, e.Device, e.Addr = "", o.Device, o.Addr
	case asked:
		e.Actor = string(o.User)
	}
	var err error
	if e.DeviceName, err = nameOf(ctx, tx, user, e.Device); err != nil {
		return err
	}
	switch action {
	case DeviceSignedIn, DeviceConfirmed, DeviceRemoved:
		if e.SubjectName, err = nameOf(ctx, tx, user, mx.DeviceID(subject)); err != nil {
			return err
		}
	}
	if err := tx.QueryRow(ctx, "SELECT coalesce(max(seq), 0) + 1 FROM security_history WHERE user_id = $1", user).Scan(&e.Seq); err != nil {
		return err
	}
	if _, err := tx.Exec("INSERT INTO security_history (user_id, "+columns+") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
		user, e.Seq, e.Time, e.Action, e.Actor, e.Device, e.DeviceName, e.Addr, e.Subject, e.SubjectName); err != nil {
		return err
	}
	_, err = tx.Exec(`DELETE FROM security_history WHERE user_id = $1 AND action = $2 AND seq <= (SELECT seq FROM security_history
		WHERE user_id = $1 AND action = $2 ORDER BY seq DESC LIMIT 1 OFFSET $3)`, user, action, perAction)
	return err
}

func nameOf(ctx context.Context, tx *store.Tx, user mx.UserID, device mx.DeviceID) (string, error) {
	if device == "" {
		return "", nil
	}
	d, err := account.FindDevice(ctx, tx, user, device)
	if err != nil || d == nil {
		return "", err
	}
	return d.Name, nil
}

// Removed records that a device is about to be removed, if there is such a device.
func Removed(ctx context.Context, tx *store.Tx, now int64, user mx.UserID, device mx.DeviceID) error {
	if d, err := account.FindDevice(ctx, tx, user, device); err != nil || d == nil {
		return err
	}
	return Record(ctx, tx, now, user, DeviceRemoved, string(device))
}

// Administered records what the audit log calls by its own name, where it concerns the account's safety.
func Administered(ctx context.Context, tx *store.Tx, now int64, user mx.UserID, action string) error {
	switch action {
	case "account.reset_password":
		return Record(ctx, tx, now, user, PasswordChanged, "")
	case "account.lock", "account.unlock", "account.suspend", "account.unsuspend", "account.promote", "account.demote":
		return Record(ctx, tx, now, user, action, "")
	}
	return nil
}

// Orders are the orders of List; the first is the default.
func Orders() []string { return []string{"-seq", "seq"} }

// List reads a page of an account's history.
func List(ctx context.Context, r store.Reader, user mx.UserID, p listing.Page) (listing.Found[Entry], error) {
	if p.Order == "" {
		p.Order = Orders()[0]
	}
	q := listing.Query{Columns: columns, From: "security_history", ID: "seq", Keys: map[string]listing.Key{"seq": {SQL: "seq", Number: true}}}
	q.Where("user_id = ?", user)
	return listing.Read(ctx, r, &q, p, (*Entry).fields)
}

// DeleteUser removes an account's history.
func DeleteUser(tx *store.Tx, user mx.UserID) error {
	_, err := tx.Exec("DELETE FROM security_history WHERE user_id = $1", user)
	return err
}

// Expire removes up to limit rows from before a time and says how many.
func Expire(tx *store.Tx, before int64, limit int) (int64, error) {
	return tx.Exec(`DELETE FROM security_history WHERE (user_id, seq) IN
		(SELECT user_id, seq FROM security_history WHERE ts < $1 ORDER BY ts LIMIT $2)`, before, limit)
}
