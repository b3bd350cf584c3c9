// Package e2ee serves the keys and messages of end-to-end encryption: device keys, one-time and fallback keys, cross-signing, key
// backups, the dehydrated device and to-device messages. What it stores is opaque to it.
//
// Keys and messages enter through Upload, UploadCrossSigning, UploadSignatures, the backup methods and Send; they leave through Query,
// Claim, the backup methods and /sync, which reads store/keys. It refuses objects of the wrong shape, keys in another's name,
// cross-signing keys and signatures that do not verify; it never checks a device's own signatures, for the clients do. It shows the
// signatures of a key's owner to everybody, those of others to their makers alone.
package e2ee

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	"conclave.chat/internal/fault"
	"conclave.chat/internal/mx"
	"conclave.chat/internal/store"
	"conclave.chat/internal/store/keys"
	"conclave.chat/internal/store/securitylog"
)

// Names reads the display names of all devices of some users, by device. A device that is not in there does not exist.
type Names func(ctx context.Context, r store.Reader, users []mx.UserID) (map[mx.UserID]map[mx.DeviceID]string, error)

// Deps are what a Service needs.
type Deps struct {
	DB      *store.DB
	Server  mx.ServerName
	Devices Names
	Config  Config
	// MayErase reports whether what a user stored may be removed, in the transaction that does it. What may not is kept where no client sees it. Nil lets all go.
	MayErase func(ctx context.Context, tx *store.Tx, user mx.UserID) (bool, error)
	// Now is the clock.
	Now func() time.Time
}

// Service is the encryption keys and to-device messages of one server's users.
type Service struct {
	Deps
}

// New makes a Service.
func New(d Deps) *Service {
	if d.Now == nil {
		d.Now = time.Now
	}
	return &Service{d}
}

// IsKeyID reports whether a user has a cross-signing key or a dehydrated device of this name: no other device may be called so.
func (s *Service) IsKeyID(ctx context.Context, user mx.UserID, id string) (bool, error) {
	if d, err := keys.Dehydrated(ctx, s.DB, user); err != nil || (d != nil && string(d.ID) == id) {
		return err == nil, err
	}
	return keys.IsCrossKey(ctx, s.DB, user, id)
}

// errLoggedOut refuses what would stay for ever: its owner went while the request was on its way.
var errLoggedOut = fault.New(fault.Unauthorized, "M_UNKNOWN_TOKEN", "This device was logged out")

// signedIn reads a user's devices, of which there must be some.
func (s *Service) signedIn(ctx context.Context, tx *store.Tx, user mx.UserID) (map[mx.DeviceID]string, error) {
	known, err := s.Devices(ctx, tx, []mx.UserID{user})
	if err == nil && len(known[user]) == 0 {
		err = errLoggedOut
	}
	return known[user], err
}

// EraseDevice drops what is kept for a device, in the transaction that ends it.
func (s *Service) EraseDevice(tx *store.Tx, user mx.UserID, device mx.DeviceID) error {
	return keys.DeleteDevice(tx, user, device)
}

// EraseAccount drops what is kept for a user whose account is deactivated, in the transaction that does it.
func (s *Service) EraseAccount(tx *store.Tx, user mx.UserID, _ bool) error {
	return keys.DeleteUser(tx, user)
}

// held reports whether a copy has to stay of what a user is about to remove.
func (s *Service) held(ctx context.Context, tx *store.Tx, user mx.UserID) (bool, error) {
	if s.MayErase == nil {
		return false, nil
	}
	may, err := s.MayErase(ctx, tx, user)
	return !may, err
}

// record puts what happened to a user's keys into the user's history.
func (s *Service) record(ctx context.Context, tx *store.Tx, user mx.UserID, action, subject string) error {
	return securitylog.Record(ctx, tx, store.Millis(s.Now()), user, action, subject)
}

// devices reads the names of a user's devices, the dehydrated one included.
func (s *Service) devices(ctx context.Context, r store.Reader, users []mx.UserID) (map[mx.UserID]map[mx.DeviceID]string, error) {
	names, err := s.Devices(ctx, r, users)
	if err != nil {
		return nil, err
	}
	if names == nil {
		names = map[mx.UserID]map[mx.DeviceID]string{}
	}
	dry, err := keys.DehydratedNames(ctx, r, users)
	if err != nil {
		return nil, err
	}
	for user, d := range dry {
		if names[user] == nil {
			names[user] = map[mx.DeviceID]string{}
		}
		names[user][d.ID] = d.Name
	}
	return names, nil
}

// local splits users into those of this server and the names of other servers. Ids that are none are the caller's fault.
func local[T any](s *Service, byUser map[string]T) (here []mx.UserID, away map[mx.ServerName]bool, err error) {
	away = map[mx.ServerName]bool{}
	for id := range byUser {
		user, err := mx.ParseUserID(id)
		if err != nil {
			return nil, nil, fault.InvalidParam("%.100q is not a user id", id)
		}
		if user.Server() == s.Server {
			here = append(here, user)
		} else {
			away[user.Server()] = true
		}
	}
	return here, away, nil
}

// appendFailures writes the failures member of an answer: servers that cannot be asked.
func appendFailures(dst []byte, away map[mx.ServerName]bool) []byte {
	dst = append(dst, `"failures":{`...)
	for i, name := range sorted(away) {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = mx.AppendString(dst, string(name))
		dst = append(dst, `:{"errcode":"M_UNREACHABLE","error":"This server does not federate"}`...)
	}
	return append(dst, '}')
}

// sorted gives a map's keys in order, so that answers are always the same.
func sorted[K cmp.Ordered, V any](m map[K]V) []K { return slices.Sorted(maps.Keys(m)) }
