package push

import (
	"context"
	"crypto/ecdh"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"

	webpush "github.com/SherClockHolmes/webpush-go"

	"conclave.chat/internal/fault"
	"conclave.chat/internal/mx"
	"conclave.chat/internal/store/pushdata"
)

const (
	ackTime     = 5 * time.Minute
	inactiveFor = 24 * time.Hour
	maxAcks     = 16
	webPushKeep = 24 * time.Hour // how long a push service keeps what a sleeping browser does not fetch
	authBytes   = 16
)

// WebPushKey is how push services know this server (VAPID, RFC 8292): a P-256 key, and a contact of who runs it.
type WebPushKey struct {
	Public, Private string // base64url
	Contact         string // an https address or an e-mail address
}

// NewWebPushKey makes a key from its private half: 32 bytes.
func NewWebPushKey(private []byte, contact string) (WebPushKey, error) {
	key, err := ecdh.P256().NewPrivateKey(private)
	if err != nil {
		return WebPushKey{}, fmt.Errorf("push: web push key: %w", err)
	}
	encode := base64.RawURLEncoding.EncodeToString
	return WebPushKey{Public: encode(key.PublicKey().Bytes()), Private: encode(private), Contact: contact}, nil
}

// WebPushKey is the public key that browsers subscribe with, or "" where there are no pushers of kind webpush.
func (s *Service) WebPushKey() string { return s.webPush.Public }

// webAuth is the authentication secret of a browser's subscription.
func webAuth(p *pushdata.Pusher) string {
	var data struct {
		Auth string `json:"auth"`
	}
	_ = json.Unmarshal(p.Data, &data) // what is no text is no secret
	return data.Auth
}

func checkWebPusher(p *pushdata.Pusher) error {
	key, err := base64.RawURLEncoding.DecodeString(p.Key)
	if err == nil {
		_, err = ecdh.P256().NewPublicKey(key)
	}
	if err != nil {
		return fault.InvalidParam("pushkey must be a P-256 public key, uncompressed, in base64url without padding (RFC 8291)")
	}
	if auth, err := base64.RawURLEncoding.DecodeString(webAuth(p)); err != nil || len(auth) != authBytes {
		return fault.InvalidParam("data.auth must be %d bytes in base64url without padding (RFC 8291)", authBytes)
	}
	return nil
}

// webNotification is what a browser gets: enough to say that there is something, and where. The content is fetched and decrypted by the app.
type webNotification struct {
	EventID mx.EventID     `json:"event_id,omitempty"`
	RoomID  mx.RoomID      `json:"room_id,omitempty"`
	Counts  map[string]int `json:"counts"`
}

// sendWebPush tells a browser, and reports whether it wants no more.
func (s *Service) sendWebPush(ctx context.Context, p *pushdata.Pusher, n *notification) (rejected bool, err error) {
	message, err := json.Marshal(webNotification{n.EventID, n.RoomID, n.Counts})
	if err != nil {
		return false, err
	}
	urgency := webpush.UrgencyNormal
	switch n.Priority {
	case "high":
		urgency = webpush.UrgencyHigh
	case "":
		urgency = webpush.UrgencyLow // only a count
	}
	// The latest of a room is enough for a browser that sleeps. The push service learns no room's name from it.
	topic := sha256.Sum256([]byte("topic " + string(p.User) + " " + string(n.RoomID)))
	return s.postWebPush(ctx, p, message, urgency, base64.RawURLEncoding.EncodeToString(topic[:24]))
}

func (s *Service) postWebPush(ctx context.Context, p *pushdata.Pusher, message []byte, urgency webpush.Urgency, topic string) (rejected bool, err error) {
	to := &webpush.Subscription{Endpoint: p.URL, Keys: webpush.Keys{Auth: webAuth(p), P256dh: p.Key}}
	res, err := webpush.SendNotificationWithContext(ctx, message, to, &webpush.Options{
		HTTPClient: s.gateways, Subscriber: s.webPush.Contact, TTL: int(webPushKeep / time.Second), Urgency: urgency, Topic: topic,
		VAPIDPublicKey: s.webPush.Public, VAPIDPrivateKey: s.webPush.Private,
	})
	if err != nil {
		return false, err
	}
	defer func() { _ = res.Body.Close() }()
	_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, maxAnswer))
	switch res.StatusCode {
	case http.StatusOK, http.StatusCreated, http.StatusAccepted, http.StatusNoContent:
		return false, nil
	case http.StatusNotFound, http.StatusGone, http.StatusForbidden: // RFC 8030 section 7.3: the subscription is no more
		return true, nil
	}
	return false, fmt.Errorf("push: push service answers with status %d", res.StatusCode)
}

// sendAck sends a new pusher the token that its client has to send back. It does not wait: a client whose token got lost sets its pusher again.
func (s *Service) sendAck(p pushdata.Pusher) {
	select {
	case s.acks <- struct{}{}:
	default:
		s.log.Warn("push: too many activations at once: one is not sent", "user", p.User)
		return
	}
	go func() {
		defer func() { <-s.acks }()
		ctx, cancel := context.WithTimeout(context.Background(), gatewayTimeout)
		defer cancel()
		message, err := json.Marshal(map[string]string{"app_id": p.AppID, "ack_token": p.AckToken})
		if err == nil {
			_, err = s.postWebPush(ctx, &p, message, webpush.UrgencyHigh, "")
		}
		if err != nil {
			s.log.Warn("push: activation not sent", "user", p.User, "app", p.AppID, "error", err)
		}
	}()
}
