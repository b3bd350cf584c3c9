//go:build goolm

package e2ee

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/crypto"
	"maunium.net/go/mautrix/crypto/backup"
	"maunium.net/go/mautrix/crypto/ssss"
	"maunium.net/go/mautrix/crypto/verificationhelper"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"
)

// recovery is what a client with a key backup holds.
type recovery struct {
	backup  *backup.MegolmBackupKey
	version id.KeyBackupVersion
}

func (m *mau) Bootstrap() string {
	m.t.Helper()
	phrase, _, err := m.mach.GenerateAndUploadCrossSigningKeysWithPassword(m.ctx, m.password, "")
	m.ok(err)
	m.ok(m.mach.SignOwnDevice(m.ctx, m.mach.OwnIdentity()))
	m.ok(m.mach.SignOwnMasterKey(m.ctx))

	m.key.backup, err = backup.NewMegolmBackupKey()
	m.ok(err)
	auth := backup.MegolmAuthData{PublicKey: id.Ed25519(base64.RawStdEncoding.EncodeToString(m.key.backup.PublicKey().Bytes()))}
	signature, err := m.mach.GetAccount().SignJSON(map[string]any{"public_key": auth.PublicKey})
	m.ok(err)
	auth.Signatures = map[id.UserID]map[id.KeyID]string{
		m.c.UserID: {id.NewKeyID(id.KeyAlgorithmEd25519, m.c.DeviceID.String()): signature},
	}
	made, err := m.c.CreateKeyBackupVersion(m.ctx, &mautrix.ReqRoomKeysVersionCreate[backup.MegolmAuthData]{
		Algorithm: id.KeyBackupAlgorithmMegolmBackupV1, AuthData: auth,
	})
	m.ok(err)
	m.key.version = made.Version
	m.ok(m.mach.SSSS.SetEncryptedAccountData(m.ctx, event.AccountDataMegolmBackupKey, m.key.backup.Bytes(), m.storageKey(phrase)))
	return phrase
}

func (m *mau) storageKey(phrase string) *ssss.Key {
	m.t.Helper()
	keyID, data, err := m.mach.SSSS.GetDefaultKeyData(m.ctx)
	m.ok(err)
	key, err := data.VerifyRecoveryKey(keyID, phrase)
	m.ok(err)
	return key
}

// BackedUp puts all room keys into the backup, which mautrix-go does not do by itself.
func (m *mau) BackedUp() {
	m.t.Helper()
	req := &mautrix.ReqKeyBackup{Rooms: map[id.RoomID]mautrix.ReqRoomKeyBackup{}}
	m.ok(m.mach.CryptoStore.GetAllGroupSessions(m.ctx).Iter(func(s *crypto.InboundGroupSession) (bool, error) {
		exported, err := s.Internal.Export(s.Internal.FirstKnownIndex())
		if err != nil {
			return false, err
		}
		sealed, err := backup.EncryptSessionData(m.key.backup, backup.MegolmSessionData{
			Algorithm: id.AlgorithmMegolmV1, ForwardingKeyChain: s.ForwardingChains, SenderKey: s.SenderKey,
			SenderClaimedKeys: backup.SenderClaimedKeys{Ed25519: s.SigningKey}, SessionKey: string(exported),
		})
		if err != nil {
			return false, err
		}
		data, err := json.Marshal(sealed)
		if err != nil {
			return false, err
		}
		if _, known := req.Rooms[s.RoomID]; !known {
			req.Rooms[s.RoomID] = mautrix.ReqRoomKeyBackup{Sessions: map[id.SessionID]mautrix.ReqKeyBackupData{}}
		}
		req.Rooms[s.RoomID].Sessions[s.ID()] = mautrix.ReqKeyBackupData{
			FirstMessageIndex: int(s.Internal.FirstKnownIndex()), IsVerified: true, SessionData: data,
		}
		return true, nil
	}))
	_, err := m.c.PutKeysInBackup(m.ctx, m.key.version, req)
	m.ok(err)
}

func (m *mau) Restore(phrase string) {
	m.t.Helper()
	m.ok(m.mach.VerifyWithRecoveryKey(m.ctx, phrase))
	raw, err := m.mach.SSSS.GetDecryptedAccountData(m.ctx, event.AccountDataMegolmBackupKey, m.storageKey(phrase))
	m.ok(err)
	m.key.backup, err = backup.MegolmBackupKeyFromBytes(raw)
	m.ok(err)
	m.key.version, err = m.mach.DownloadAndStoreLatestKeyBackup(m.ctx, m.key.backup)
	m.ok(err)
}

func (m *mau) Verified(user, device string) bool {
	m.t.Helper()
	_, err := m.mach.FetchKeys(m.ctx, []id.UserID{id.UserID(user)}, true)
	m.ok(err)
	if device == "" {
		trusted, err := m.mach.IsUserTrusted(m.ctx, id.UserID(user))
		m.ok(err)
		return trusted
	}
	d, err := m.mach.GetOrFetchDevice(m.ctx, id.UserID(user), id.DeviceID(device))
	m.ok(err)
	return m.mach.IsDeviceTrusted(m.ctx, d)
}

// sas is the one verification that a client is in. It is what the helper calls back.
type sas struct {
	helper    *verificationhelper.VerificationHelper
	requested chan verification
	ready     chan id.VerificationTransactionID
	numbers   chan [3]int
	done      chan error
	txn       id.VerificationTransactionID
}

type verification struct {
	txn  id.VerificationTransactionID
	from id.UserID
}

func (m *mau) startVerification() {
	m.sas = &sas{
		requested: make(chan verification, 9), ready: make(chan id.VerificationTransactionID, 9),
		numbers: make(chan [3]int, 9), done: make(chan error, 9),
	}
	m.sas.helper = verificationhelper.NewVerificationHelper(m.c, m.mach, nil, m.sas, false, false, true)
	m.ok(m.sas.helper.Init(m.ctx))
}

func (s *sas) VerificationRequested(_ context.Context, txn id.VerificationTransactionID, from id.UserID, _ id.DeviceID) {
	s.requested <- verification{txn, from}
}

func (s *sas) VerificationReady(_ context.Context, txn id.VerificationTransactionID, _ id.DeviceID, _, _ bool, _ *verificationhelper.QRCode) {
	s.ready <- txn
}

func (s *sas) VerificationCancelled(_ context.Context, _ id.VerificationTransactionID, code event.VerificationCancelCode, reason string) {
	s.done <- fmt.Errorf("verification cancelled: %s %s", code, reason)
}

func (s *sas) VerificationDone(context.Context, id.VerificationTransactionID, event.VerificationMethod) {
	s.done <- nil
}

func (s *sas) ShowSAS(_ context.Context, _ id.VerificationTransactionID, _ []rune, _ []string, decimals []int) {
	s.numbers <- [3]int(decimals)
}

// take waits for one of what the helper calls back, or for the verification's end.
func take[T any](s *sas, c chan T) (v T, err error) {
	select {
	case v = <-c:
		return v, nil
	case err = <-s.done:
		if err == nil {
			err = errors.New("verification ended early")
		}
		return v, err
	case <-time.After(patience):
		return v, errors.New("verification: nothing came")
	}
}

func (m *mau) Knows(user, device string) {
	m.t.Helper()
	m.ok(m.until("device "+device, func() bool {
		devices, err := m.mach.FetchKeys(m.ctx, []id.UserID{id.UserID(user)}, true)
		return err == nil && devices[id.UserID(user)][id.DeviceID(device)] != nil
	}))
}

// Verify sends to-device messages only: mautrix-go's helper takes the answers in a room for requests.
func (m *mau) Verify(user, room, _ string) (err error) {
	if room != "" {
		return errors.New("mautrix-go does not verify in rooms")
	}
	m.sas.txn, err = m.sas.helper.StartVerification(m.ctx, id.UserID(user))
	return err
}

func (m *mau) AcceptVerification(user string) error {
	for {
		v, err := take(m.sas, m.sas.requested)
		if err != nil {
			return err
		}
		if v.from.String() == user {
			m.sas.txn = v.txn
			return m.sas.helper.AcceptVerification(m.ctx, v.txn)
		}
	}
}

func (m *mau) SAS(begin bool) (numbers [3]int, err error) {
	if begin {
		if _, err = take(m.sas, m.sas.ready); err != nil {
			return numbers, err
		}
		if err = m.sas.helper.StartSAS(m.ctx, m.sas.txn); err != nil {
			return numbers, err
		}
	}
	return take(m.sas, m.sas.numbers)
}

func (m *mau) Confirm() error {
	if err := m.sas.helper.ConfirmSAS(m.ctx, m.sas.txn); err != nil {
		return err
	}
	select {
	case err := <-m.sas.done:
		return err
	case <-time.After(patience):
		return errors.New("verification: no end came")
	}
}
