// Package securitylog is the SQL of accounts' security histories: what was done to a person's keys, devices, password and addresses,
// by whom and from where, for the person to read.
//
// Tables: security_history. Rows enter through Record, in the transaction of the act that they tell of, and never change. Who acts comes
// with the context, from the door. Invariants: seq counts up for each account; of each action an account has at most perAction rows, so
// that no number of one act pushes out the others; of somebody whom a legal hold names everything stays. Where and on which device an administrator worked is not kept here: it is not the
// person's to see, and the audit log has it.
package securitylog

import (
	"context"
	"errors"
	"time"

	"conclave.chat/internal/mx"
	"conclave.chat/internal/precedence"
	"conclave.chat/internal/store"
	"conclave.chat/internal/store/account"
	"conclave.chat/internal/store/holds"
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
	may, err := mayGo(ctx, tx, user, precedence.Claim{Deleted: true})
	if err != nil || !may {
		return err
	}
	_, err = tx.Exec(`DELETE FROM security_history WHERE user_id = $1 AND action = $2 AND seq <= (SELECT seq FROM security_history
		WHERE user_id = $1 AND action = $2 ORDER BY seq DESC LIMIT 1 OFFSET $3)`, user, action, perAction)
	return err
}

// mayGo reports whether entries of an account may be removed on which there is a claim.
func mayGo(ctx context.Context, tx *store.Tx, user mx.UserID, c precedence.Claim) (may bool, err error) {
	c.Held, err = holds.OfAccount(ctx, tx, user)
	return precedence.Decide(c).Remove, err
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

// List reads a page of an account's history, from a time on.
func List(ctx context.Context, r store.Reader, user mx.UserID, since int64, p listing.Page) (listing.Found[Entry], error) {
	if p.Order == "" {
		p.Order = Orders()[0]
	}
	q := listing.Query{Columns: columns, From: "security_history", ID: "seq", Keys: map[string]listing.Key{"seq": {SQL: "seq", Number: true}}}
	q.Where("user_id = ?", user)
	if since > 0 {
		q.Where("ts >= ?", since)
	}
	return listing.Read(ctx, r, &q, p, (*Entry).fields)
}

// DeleteUser removes an account's history.
func DeleteUser(tx *store.Tx, user mx.UserID) error {
	_, err := tx.Exec("DELETE FROM security_history WHERE user_id = $1", user)
	return err
}

// Kept is for how long a person sees what happened: longer than a laptop lies in a drawer, and no longer than addresses need be kept.
const Kept = 400 * 24 * time.Hour

// Since is when a history begins for the person. What a hold has kept of the time before is not theirs to see, as the hold is not.
func Since(now time.Time) int64 { return store.Millis(now.Add(-Kept)) }

// Expire removes what is too old of up to limit accounts after a user id, and gives the last of them; "" if there are no more.
func Expire(ctx context.Context, tx *store.Tx, now time.Time, after mx.UserID, limit int) (last mx.UserID, err error) {
	before := Since(now)
	rows, err := tx.Query(ctx, "SELECT user_id, min(ts) FROM security_history WHERE ts < $1 AND user_id > $2 GROUP BY user_id ORDER BY user_id LIMIT $3",
		before, string(after), limit)
	if err != nil {
		return "", err
	}
	oldest := map[mx.UserID]int64{}
	for rows.Next() {
		var ts int64
		if err := rows.Scan(&last, &ts); err != nil {
			return "", errors.Join(err, rows.Close())
		}
		oldest[last] = ts
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return "", err
	}
	for user, ts := range oldest {
		// By the oldest entry: those after it that are too old are too.
		may, err := mayGo(ctx, tx, user, precedence.Claim{Age: store.Millis(now) - ts, Rule: precedence.Rule{Max: Kept.Milliseconds()}})
		if err != nil || !may {
			if err != nil {
				return "", err
			}
			continue
		}
		if _, err := tx.Exec("DELETE FROM security_history WHERE user_id = $1 AND ts < $2", user, before); err != nil {
			return "", err
		}
	}
	if len(oldest) < limit {
		return "", nil
	}
	return last, nil
}
