package e2ee

import (
	"context"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"conclave.chat/internal/fault"
	"conclave.chat/internal/mx"
	"conclave.chat/internal/store"
	"conclave.chat/internal/store/keys"
)

const (
	// MaxMessage is how large the content of one to-device message may be, in bytes: as large as an event.
	MaxMessage = 65536
	// allDevices stands for all of a user's devices.
	allDevices = "*"
)

// Sender is the device that a request comes from.
type Sender struct {
	User   mx.UserID
	Device mx.DeviceID
}

// Messages are contents by user and device; the device may be *.
type Messages map[string]map[string]jsontext.Value

// Send puts messages of one type into the queues of devices. Devices that do not exist are passed over. A request that was carried out
// before is not carried out again.
//
// Spec: cs#put_matrixclientv3sendtodeviceeventtypetxnid
func (s *Service) Send(ctx context.Context, from Sender, typ, txnID string, messages Messages) error { //nolint:gocognit // a straight line of checks
	if len(typ) > mx.MaxIDBytes || len(txnID) > mx.MaxIDBytes {
		return fault.InvalidParam("The event type and the transaction id are at most %d bytes long", mx.MaxIDBytes)
	}
	here, _, err := local(s, messages)
	if err != nil {
		return err
	}
	events, err := toEvents(from.User, typ, messages)
	if err != nil {
		return err
	}
	now := store.Millis(s.Now())
	return s.DB.Write(func(tx *store.Tx) error {
		first, err := keys.BeginTxn(tx, keys.Txn{User: from.User, Device: from.Device, Type: typ, ID: txnID}, now)
		if err != nil || !first {
			return err
		}
		known, err := s.devices(ctx, tx, here)
		if err != nil {
			return err
		}
		var to []keys.Recipient
		for _, user := range here {
			for device, event := range events[user] {
				if device != allDevices {
					if _, ok := known[user][device]; ok {
						to = append(to, keys.Recipient{User: user, Device: device, Event: event})
					}
					continue
				}
				for d := range known[user] {
					if events[user][d] == nil { // one message for each device: the one in its own name
						to = append(to, keys.Recipient{User: user, Device: d, Event: event})
					}
				}
			}
		}
		return keys.Send(tx, now, to)
	})
}

// toEvents makes the events that devices get from the contents that were sent.
func toEvents(sender mx.UserID, typ string, messages Messages) (map[mx.UserID]map[mx.DeviceID][]byte, error) {
	events := make(map[mx.UserID]map[mx.DeviceID][]byte, len(messages))
	for user, byDevice := range messages {
		events[mx.UserID(user)] = make(map[mx.DeviceID][]byte, len(byDevice))
		for device, content := range byDevice {
			if content.Kind() != '{' {
				return nil, fault.BadJSON("The content of a message must be an object")
			}
			if err := content.Compact(); err != nil {
				return nil, err
			}
			if len(content) > MaxMessage {
				return nil, fault.Oversize("The content of a message is larger than %d bytes", MaxMessage)
			}
			e := append([]byte(`{"content":`), content...)
			e = mx.AppendString(append(e, `,"sender":`...), string(sender))
			e = mx.AppendString(append(e, `,"type":`...), typ)
			events[mx.UserID(user)][mx.DeviceID(device)] = append(e, '}')
		}
	}
	return events, nil
}

const (
	// txnLife is how long a request to send is remembered.
	txnLife = 24 * time.Hour
	// messageLife is how long a message waits for a device that does not come back.
	messageLife = 180 * 24 * time.Hour
	// maxQueue is how many messages wait for one device at most; the oldest go.
	maxQueue = 100_000
	// collectAtOnce is how many queues one write looks at.
	collectAtOnce = 100
)

// Collect removes what is no longer needed: requests that no client sends again, messages for devices that do not exist or did not
// come for months, and what is beyond the limits of a queue.
func (s *Service) Collect(ctx context.Context, now time.Time) error {
	if err := s.DB.Write(func(tx *store.Tx) error {
		if _, err := keys.DeleteTxns(tx, store.Millis(now.Add(-txnLife))); err != nil {
			return err
		}
		_, err := keys.DeleteMessages(tx, store.Millis(now.Add(-messageLife)))
		return err
	}); err != nil {
		return err
	}
	list, err := keys.Queues(ctx, s.DB)
	if err != nil {
		return err
	}
	for len(list) > 0 {
		n := min(len(list), collectAtOnce)
		if err := s.DB.Write(func(tx *store.Tx) error { return s.collectQueues(ctx, tx, list[:n]) }); err != nil {
			return err
		}
		list = list[n:]
	}
	return nil
}

func (s *Service) collectQueues(ctx context.Context, tx *store.Tx, list []keys.Queue) error {
	users := make([]mx.UserID, len(list))
	for i, q := range list {
		users[i] = q.User
	}
	known, err := s.devices(ctx, tx, users)
	if err != nil {
		return err
	}
	for _, q := range list {
		keep := maxQueue
		if _, ok := known[q.User][q.Device]; !ok {
			keep = 0
		}
		if q.Len > keep {
			if err := keys.TrimQueue(tx, q.User, q.Device, keep); err != nil {
				return err
			}
		}
		if share := s.Config.ToDeviceBytes / int64(max(1, len(known[q.User]))); keep > 0 && s.Config.ToDeviceBytes > 0 && q.Bytes > share {
			if err := keys.TrimQueueBytes(tx, q.User, q.Device, share); err != nil {
				return err
			}
		}
	}
	return nil
}
