// Package keys is the SQL of end-to-end encryption: device keys, one-time and fallback keys, cross-signing keys and signatures,
// device-list changes, to-device messages, the dehydrated device and key backups. All of it is opaque to the server.
//
// Tables (migrations 0030 to 0039): device_key, one_time_key, fallback_key, cross_signing_key, key_signature, device_list,
// device_list_private, to_device, to_device_txn, dehydrated_device, backup_version, backup_counter, backup_key.
//
// Invariants: an unclaimed one-time key becomes claimed once and never goes back; device_list holds one row for each user whose
// devices ever changed, with the position of the last change; a to-device message has a position that no other message to that device
// has; self-signing and user-signing keys are signed by the master key that is stored beside them; backup_version.keys is the number
// of the version's rows in backup_key.
package keys

import (
	"context"

	"conclave.chat/internal/mx"
	"conclave.chat/internal/store"
)

// maxList is how many placeholders one IN list gets.
const maxList = 500

// chunks calls f for at most maxList of the list at a time, padded by repeating the last one so that few SQL texts arise.
func chunks[T ~string](list []T, f func(args []any) error) error {
	for len(list) > 0 {
		n := min(len(list), maxList)
		size := 1
		for size < n {
			size *= 4
		}
		size = min(size, maxList)
		args := make([]any, 0, size+1)
		for i := range size {
			args = append(args, string(list[min(i, n-1)]))
		}
		if err := f(args); err != nil {
			return err
		}
		list = list[n:]
	}
	return nil
}

// DeleteDevice removes all that is kept for a device: its keys, signatures on them, waiting messages and carried-out requests. It
// records a device-list change if the device had identity keys. Whoever deletes a device calls it in the same transaction.
func DeleteDevice(tx *store.Tx, user mx.UserID, device mx.DeviceID) error {
	had, err := tx.Exec("DELETE FROM device_key WHERE user_id = $1 AND device_id = $2", user, device)
	if err != nil {
		return err
	}
	for _, q := range []string{
		"DELETE FROM one_time_key WHERE user_id = $1 AND device_id = $2",
		"DELETE FROM fallback_key WHERE user_id = $1 AND device_id = $2",
		"DELETE FROM key_signature WHERE user_id = $1 AND target = $2",
		"DELETE FROM to_device WHERE user_id = $1 AND device_id = $2",
		"DELETE FROM to_device_txn WHERE user_id = $1 AND device_id = $2",
	} {
		if _, err := tx.Exec(q, user, device); err != nil {
			return err
		}
	}
	if _, err := tx.Exec("DELETE FROM key_signature WHERE signer = $1 AND signer_key = $2", user, "ed25519:"+string(device)); err != nil {
		return err
	}
	tx.Emit(store.Change{Kind: store.KindKeyCount, User: user, Device: device})
	if had == 0 {
		return nil
	}
	return TouchList(tx, user)
}

// DeleteUser removes what belongs to a user and to none of the user's devices: cross-signing keys, key backups and the dehydrated
// device. Whoever deactivates an account calls it after DeleteDevice for each device.
func DeleteUser(tx *store.Tx, user mx.UserID) error {
	if d, err := Dehydrated(context.Background(), tx, user); err != nil {
		return err
	} else if d != nil {
		if err := DeleteDehydrated(tx, user); err != nil {
			return err
		}
	}
	for _, q := range []string{
		"DELETE FROM cross_signing_key WHERE user_id = $1",
		"DELETE FROM key_signature WHERE user_id = $1",
		"DELETE FROM key_signature WHERE signer = $1",
		"DELETE FROM device_list_private WHERE viewer = $1",
		"DELETE FROM backup_version WHERE user_id = $1",
		"DELETE FROM backup_key WHERE user_id = $1",
	} {
		if _, err := tx.Exec(q, user); err != nil {
			return err
		}
	}
	return TouchList(tx, user)
}
