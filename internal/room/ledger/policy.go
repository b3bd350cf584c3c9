package ledger

import (
	"slices"
	"strings"

	"conclave.chat/internal/fault"
	"conclave.chat/internal/mx"
	"conclave.chat/internal/roomstate"
)

// Policy decides on events that the authorization rules let in. It is asked between authorization and commit, with the room locked:
// it must be quick.
type Policy interface {
	// Judge gives nil, or a fault that tells the sender why the event is refused. room is the state before the event.
	Judge(room *roomstate.Snapshot, ev *mx.Event) error
}

// judge asks all policies. Whatever an event must carry besides the server's own signature is to be added here.
func (l *Ledger) judge(room *roomstate.Snapshot, ev *mx.Event) error {
	for _, p := range l.policies {
		if err := p.Judge(room, ev); err != nil {
			return err
		}
	}
	return nil
}

// Encryption is the policy that keeps encrypted rooms encrypted: what people say in them must be.
type Encryption struct{}

// cleartext lists the message events that the protocol sends unencrypted in encrypted rooms too: they carry no words, or are needed
// before there are keys.
func cleartext(ev *mx.Event) bool {
	typ := ev.Type
	// Element and others ask for verification in the clear. The answers have types of their own.
	if typ == mx.TypeMessage && ev.Str("msgtype") == "m.key.verification.request" {
		return true
	}
	return slices.Contains([]string{
		mx.TypeEncrypted, mx.TypeRedaction, "m.reaction",
		"m.rtc.notification", "org.matrix.msc4075.rtc.notification", "org.matrix.msc4075.call.notify",
		"m.rtc.member", "org.matrix.msc3401.call.member", "org.matrix.msc4143.rtc.member", "m.rtc.decline", "org.matrix.msc4310.rtc.decline",
	}, typ) || strings.HasPrefix(typ, "m.call.") || strings.HasPrefix(typ, "m.key.verification.")
}

// Judge refuses unencrypted messages in encrypted rooms, and state that would end the encryption.
func (Encryption) Judge(room *roomstate.Snapshot, ev *mx.Event) error {
	if ev.IsState() {
		if ev.Is(mx.TypeEncryption, "") && ev.Str("algorithm") == "" {
			return fault.Denied("A room's encryption cannot be switched off")
		}
		return nil
	}
	if !room.Encrypted() || cleartext(ev) {
		return nil
	}
	return fault.Denied("This room is encrypted and takes no unencrypted messages (%s): use a client with end-to-end encryption", ev.Type)
}
