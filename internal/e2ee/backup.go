package e2ee

import (
	"context"
	"errors"
	"strconv"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"conclave.chat/internal/fault"
	"conclave.chat/internal/mx"
	"conclave.chat/internal/store"
	"conclave.chat/internal/store/keys"
	"conclave.chat/internal/store/retain"
	"conclave.chat/internal/store/securitylog"
)

const (
	// maxSession is how large one backed-up key may be, in bytes.
	maxSession = 65536
	// maxBackups is how many versions a user may have. Clients delete those that they replace.
	maxBackups = 100
)

// BackupInfo describes a backup version.
type BackupInfo struct {
	Algorithm string         `json:"algorithm"`
	AuthData  jsontext.Value `json:"auth_data"`
	Count     int64          `json:"count"`
	ETag      string         `json:"etag"`
	Version   string         `json:"version"`
}

func infoOf(b *keys.Backup) *BackupInfo {
	return &BackupInfo{b.Algorithm, b.AuthData, b.Count, strconv.FormatInt(b.ETag, 10), strconv.FormatInt(b.Version, 10)}
}

// BackupChange is what a change of keys answers.
type BackupChange struct {
	Count int64  `json:"count"`
	ETag  string `json:"etag"`
}

func changeOf(b *keys.Backup) *BackupChange {
	return &BackupChange{b.Count, strconv.FormatInt(b.ETag, 10)}
}

// BackupRequest is what a client says of a backup when it makes or changes one.
type BackupRequest struct {
	Algorithm *string        `json:"algorithm"`
	AuthData  jsontext.Value `json:"auth_data"`
	Version   *string        `json:"version"`
}

func (r *BackupRequest) check() error {
	switch {
	case r.Algorithm == nil:
		return fault.MissingParam("algorithm is missing")
	case r.AuthData.Kind() == 0:
		return fault.MissingParam("auth_data is missing")
	case *r.Algorithm == "" || len(*r.Algorithm) > mx.MaxIDBytes:
		return fault.InvalidParam("algorithm must be a name of at most %d bytes", mx.MaxIDBytes)
	case r.AuthData.Kind() != '{':
		return fault.BadJSON("auth_data must be an object")
	case len(r.AuthData) > maxKey:
		return fault.Oversize("auth_data is larger than %d bytes", maxKey)
	}
	return r.AuthData.Compact()
}

var errNoBackup = fault.Missing("No current backup version")

// parseVersion reads a version as it was given out. What never was is a version that does not exist.
func parseVersion(version string) int64 {
	v, err := strconv.ParseInt(version, 10, 64)
	if err != nil || strconv.FormatInt(v, 10) != version {
		return 0
	}
	return v
}

// findBackup reads the version that a client named.
func findBackup(ctx context.Context, r store.Reader, user mx.UserID, version string) (*keys.Backup, error) {
	if version == "" {
		return nil, fault.MissingParam("version is missing")
	}
	b, err := keys.FindBackup(ctx, r, user, parseVersion(version))
	if err == nil && b == nil {
		err = fault.Missing("Unknown backup version")
	}
	return b, err
}

// currentBackup reads the newest version, which must be the one that a client named.
func currentBackup(ctx context.Context, r store.Reader, user mx.UserID, version string) (*keys.Backup, error) {
	if version == "" {
		return nil, fault.MissingParam("version is missing")
	}
	b, err := keys.CurrentBackup(ctx, r, user)
	if err != nil {
		return nil, err
	}
	if b == nil {
		return nil, errNoBackup
	}
	if current := strconv.FormatInt(b.Version, 10); current != version {
		return nil, fault.New(fault.Forbidden, "M_WRONG_ROOM_KEYS_VERSION", "Wrong backup version").With("current_version", current)
	}
	return b, nil
}

// CreateBackup begins a new backup version and gives its name.
//
// Spec: cs#post_matrixclientv3room_keysversion
func (s *Service) CreateBackup(ctx context.Context, user mx.UserID, r BackupRequest) (version string, err error) {
	if err := r.check(); err != nil {
		return "", err
	}
	err = s.DB.Write(func(tx *store.Tx) error {
		if _, err := s.signedIn(ctx, tx, user); err != nil {
			return err
		}
		n, _, err := keys.CountBackups(ctx, tx, user)
		if err != nil {
			return err
		}
		if n >= maxBackups {
			return fault.Denied("There are %d versions of the backup already: delete old ones first", maxBackups)
		}
		v, err := keys.CreateBackup(tx, user, *r.Algorithm, r.AuthData)
		version = strconv.FormatInt(v, 10)
		if err != nil {
			return err
		}
		return s.record(ctx, tx, user, securitylog.BackupCreated, version)
	})
	return version, err
}

// Backup describes a version, the newest one if version is "".
//
// Spec: cs#get_matrixclientv3room_keysversion
func (s *Service) Backup(ctx context.Context, user mx.UserID, version string) (*BackupInfo, error) {
	var b *keys.Backup
	var err error
	if version == "" {
		if b, err = keys.CurrentBackup(ctx, s.DB, user); err == nil && b == nil {
			err = errNoBackup
		}
	} else {
		b, err = findBackup(ctx, s.DB, user, version)
	}
	if err != nil {
		return nil, err
	}
	return infoOf(b), nil
}

// UpdateBackup changes a version's auth_data.
//
// Spec: cs#put_matrixclientv3room_keysversionversion
func (s *Service) UpdateBackup(ctx context.Context, user mx.UserID, version string, r BackupRequest) error {
	if err := r.check(); err != nil {
		return err
	}
	if r.Version != nil && *r.Version != version {
		return fault.InvalidParam("The version in the body is not the one in the path")
	}
	return s.DB.Write(func(tx *store.Tx) error {
		b, err := findBackup(ctx, tx, user, version)
		if err != nil {
			return err
		}
		if b.Algorithm != *r.Algorithm {
			return fault.InvalidParam("Algorithm does not match")
		}
		if publicKey(b.AuthData) != publicKey(r.AuthData) {
			if err := s.record(ctx, tx, user, securitylog.BackupChanged, version); err != nil {
				return err
			}
		}
		held, err := s.held(ctx, tx, user)
		if err != nil {
			return err
		}
		if held && string(b.AuthData) != string(r.AuthData) {
			if err := retain.WithholdBackup(tx, user, b.Version, store.Millis(s.Now())); err != nil {
				return err
			}
		}
		return keys.SetBackupAuth(tx, user, b.Version, r.AuthData)
	})
}

// publicKey is the key for which a backup is encrypted, "" where its algorithm has another shape.
func publicKey(authData jsontext.Value) string {
	var a struct {
		PublicKey string `json:"public_key"`
	}
	if json.Unmarshal(authData, &a) != nil {
		return ""
	}
	return a.PublicKey
}

// DeleteBackup removes a version with its keys. One that was deleted before is no error.
//
// Spec: cs#delete_matrixclientv3room_keysversionversion
func (s *Service) DeleteBackup(ctx context.Context, user mx.UserID, version string) error {
	v := parseVersion(version)
	return s.DB.Write(func(tx *store.Tx) error {
		last, err := keys.LastBackupVersion(ctx, tx, user)
		if err != nil {
			return err
		}
		if v < 1 || v > last {
			return fault.Missing("Unknown backup version")
		}
		held, err := s.held(ctx, tx, user)
		if err != nil {
			return err
		}
		if held {
			now := store.Millis(s.Now())
			if err := errors.Join(retain.WithholdBackup(tx, user, v, now), retain.WithholdKeys(tx, user, v, "", "", now)); err != nil {
				return err
			}
		}
		existed, err := keys.DeleteBackup(tx, user, v)
		if err != nil || !existed {
			return err
		}
		return s.record(ctx, tx, user, securitylog.BackupDeleted, version)
	})
}

// RoomKey is one room key in a backup.
type RoomKey struct {
	FirstMessageIndex *int64         `json:"first_message_index"`
	ForwardedCount    *int64         `json:"forwarded_count"`
	IsVerified        *bool          `json:"is_verified"`
	SessionData       jsontext.Value `json:"session_data"`
}

// RoomKeys are the keys of a room by session.
type RoomKeys struct {
	Sessions map[string]RoomKey `json:"sessions"`
}

// AllRoomKeys are keys by room.
type AllRoomKeys struct {
	Rooms map[string]RoomKeys `json:"rooms"`
}

func (k RoomKey) check(room, session string) (keys.BackupKey, error) {
	var b keys.BackupKey
	switch {
	case room == "" || len(room) > mx.MaxIDBytes || room[0] != '!':
		return b, fault.InvalidParam("%.100q is not a room id", room)
	case session == "" || len(session) > mx.MaxIDBytes:
		return b, fault.InvalidParam("A session id has 1 to %d bytes", mx.MaxIDBytes)
	case k.FirstMessageIndex == nil || k.ForwardedCount == nil || k.IsVerified == nil || k.SessionData.Kind() == 0:
		return b, fault.BadJSON("A key needs first_message_index, forwarded_count, is_verified and session_data")
	case *k.FirstMessageIndex < 0 || *k.ForwardedCount < 0:
		return b, fault.BadJSON("first_message_index and forwarded_count cannot be negative")
	case k.SessionData.Kind() != '{':
		return b, fault.BadJSON("session_data must be an object")
	case len(k.SessionData) > maxSession:
		return b, fault.Oversize("session_data is larger than %d bytes", maxSession)
	}
	err := k.SessionData.Compact()
	return keys.BackupKey{
		Room: room, Session: session, Verified: *k.IsVerified, FirstIndex: *k.FirstMessageIndex, Forwarded: *k.ForwardedCount, Data: k.SessionData,
	}, err
}

// PutKeys stores keys in the current backup where they are better than what is there.
//
// Spec: cs#put_matrixclientv3room_keyskeys
func (s *Service) PutKeys(ctx context.Context, user mx.UserID, version string, all AllRoomKeys) (*BackupChange, error) {
	if all.Rooms == nil {
		return nil, fault.BadJSON("rooms is missing")
	}
	var list []keys.BackupKey
	for _, room := range sorted(all.Rooms) {
		if all.Rooms[room].Sessions == nil {
			return nil, fault.BadJSON("sessions is missing")
		}
		for _, session := range sorted(all.Rooms[room].Sessions) {
			k, err := all.Rooms[room].Sessions[session].check(room, session)
			if err != nil {
				return nil, err
			}
			list = append(list, k)
		}
	}
	var change *BackupChange
	err := s.DB.Write(func(tx *store.Tx) error {
		b, err := currentBackup(ctx, tx, user, version)
		if err != nil {
			return err
		}
		if err := s.mayBackUp(ctx, tx, user, list); err != nil {
			return err
		}
		held, err := s.held(ctx, tx, user)
		if err != nil {
			return err
		}
		err = keys.PutBackupKeys(tx, user, b, list, func(k keys.BackupKey) error {
			if !held {
				return nil
			}
			return retain.WithholdKeys(tx, user, b.Version, k.Room, k.Session, store.Millis(s.Now()))
		})
		change = changeOf(b)
		return err
	})
	return change, err
}

// mayBackUp refuses keys that the user's backups have no room for. Those that would replace others count too.
func (s *Service) mayBackUp(ctx context.Context, tx *store.Tx, user mx.UserID, list []keys.BackupKey) error {
	if s.Config.BackupBytes == 0 {
		return nil
	}
	_, bytes, err := keys.CountBackups(ctx, tx, user)
	if err != nil {
		return err
	}
	for _, k := range list {
		bytes += int64(len(k.Data))
	}
	if bytes > s.Config.BackupBytes {
		return fault.Oversize("Your key backups would take more than the %d bytes that each user has: delete old versions", s.Config.BackupBytes)
	}
	return nil
}

// Keys reads keys of a backup, all or those of a room, as the JSON value of rooms or sessions in the answer.
//
// Spec: cs#get_matrixclientv3room_keyskeys
func (s *Service) Keys(ctx context.Context, user mx.UserID, version, room string) ([]byte, error) {
	b, err := findBackup(ctx, s.DB, user, version)
	if err != nil {
		return nil, err
	}
	list, err := keys.BackupKeys(ctx, s.DB, user, b.Version, room, "")
	if err != nil {
		return nil, err
	}
	if room != "" {
		return append(appendSessions([]byte(`{"sessions":`), list), '}'), nil
	}
	dst := []byte(`{"rooms":{`)
	first := true
	for len(list) > 0 {
		n := 1
		for n < len(list) && list[n].Room == list[0].Room {
			n++
		}
		dst = appendName(dst, &first, list[0].Room)
		dst = append(appendSessions(append(dst, `{"sessions":`...), list[:n]), '}')
		list = list[n:]
	}
	return append(dst, "}}"...), nil
}

// Key reads one key of a backup.
//
// Spec: cs#get_matrixclientv3room_keyskeysroomidsessionid
func (s *Service) Key(ctx context.Context, user mx.UserID, version, room, session string) ([]byte, error) {
	b, err := findBackup(ctx, s.DB, user, version)
	if err != nil {
		return nil, err
	}
	list, err := keys.BackupKeys(ctx, s.DB, user, b.Version, room, session)
	if err != nil {
		return nil, err
	}
	if len(list) == 0 {
		return nil, fault.Missing("Key not found")
	}
	return appendKey(nil, list[0]), nil
}

func appendSessions(dst []byte, list []keys.BackupKey) []byte {
	dst = append(dst, '{')
	first := true
	for _, k := range list {
		dst = appendKey(appendName(dst, &first, k.Session), k)
	}
	return append(dst, '}')
}

func appendKey(dst []byte, k keys.BackupKey) []byte {
	dst = strconv.AppendInt(append(dst, `{"first_message_index":`...), k.FirstIndex, 10)
	dst = strconv.AppendInt(append(dst, `,"forwarded_count":`...), k.Forwarded, 10)
	dst = strconv.AppendBool(append(dst, `,"is_verified":`...), k.Verified)
	dst = append(append(dst, `,"session_data":`...), k.Data...)
	return append(dst, '}')
}

// DeleteKeys removes keys of a backup: all, those of a room, or one.
//
// Spec: cs#delete_matrixclientv3room_keyskeys
func (s *Service) DeleteKeys(ctx context.Context, user mx.UserID, version, room, session string) (*BackupChange, error) {
	var change *BackupChange
	err := s.DB.Write(func(tx *store.Tx) error {
		b, err := findBackup(ctx, tx, user, version)
		if err != nil {
			return err
		}
		held, err := s.held(ctx, tx, user)
		if err != nil {
			return err
		}
		if held {
			if err := retain.WithholdKeys(tx, user, b.Version, room, session, store.Millis(s.Now())); err != nil {
				return err
			}
		}
		err = keys.DeleteBackupKeys(tx, user, b, room, session)
		change = changeOf(b)
		return err
	})
	return change, err
}
