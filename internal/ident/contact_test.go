package ident_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"conclave.chat/internal/fault"
	"conclave.chat/internal/ident"
	"conclave.chat/internal/mx"
)

const address = "alice@example.com"

// outbox keeps messages.
type outbox struct{ to, text []string }

func (o *outbox) Send(to, _, text string) error {
	o.to, o.text = append(o.to, to), append(o.text, text)
	return nil
}

var linkToken = regexp.MustCompile(`token=([\w-]+)`)

func TestCollectValidations(t *testing.T) {
	each(t, config(), func(t *testing.T, r *rig) {
		ctx := context.Background()
		r.Mail = &outbox{}
		_, err := r.RequestToken(ctx, ident.ForAccount, address, "secret", 1)
		r.must(err)
		r.must(r.Collect(ctx, r.clock))
		if r.rows("validation") != 1 {
			t.Error("collected too early")
		}
		r.clock = r.clock.Add(2 * time.Hour)
		r.must(r.Collect(ctx, r.clock))
		if r.rows("validation") != 0 {
			t.Error("an expired validation is left")
		}
	})
}

// An address gets so many messages, whoever asks and whether the address is somebody's or not.
func TestMessagesToAnAddressAreLimited(t *testing.T) {
	each(t, config(), func(t *testing.T, r *rig) {
		ctx := context.Background()
		limited := errors.New("too many")
		o := &outbox{}
		var asked []string
		r.Mail = o
		r.MailLimit = func(a string) error {
			if asked = append(asked, a); len(asked) > 2 {
				return limited
			}
			return nil
		}
		request := func(p ident.Purpose, a, secret string, attempt int64) error {
			_, err := r.RequestToken(ctx, p, a, secret, attempt)
			return err
		}
		r.must(request(ident.ForAccount, "Alice@Example.com", "secret", 1))
		r.must(request(ident.ForAccount, address, "secret", 1)) // the same attempt sends nothing and counts nothing
		r.must(request(ident.ForPassword, address, "secret", 1))
		if err := request(ident.ForAccount, address, "another", 1); !errors.Is(err, limited) {
			t.Errorf("a third message: %v", err)
		}
		if len(o.to) != 1 || !slices.Equal(asked, []string{address, address, address}) {
			t.Errorf("sent to %v, counted %v", o.to, asked)
		}
	})
}

// Neither the token in the message nor the client's secret can be read from the database.
func TestProofsAreKeptAsHashes(t *testing.T) {
	each(t, config(), func(t *testing.T, r *rig) {
		ctx := context.Background()
		o := &outbox{}
		r.Mail = o
		sid, err := r.RequestToken(ctx, ident.ForAccount, address, "secret-of-the-client", 1)
		r.must(err)
		token := linkToken.FindStringSubmatch(o.text[0])[1]
		if len(token) < 43 { // 256 bits
			t.Errorf("token %q", token)
		}
		var secret, hash []byte
		r.must(r.db.QueryRow(ctx, "SELECT secret, token FROM validation WHERE sid = $1", sid).Scan(&secret, &hash))
		if len(secret) != 32 || len(hash) != 32 || bytes.Contains(hash, []byte(token)) {
			t.Errorf("kept: %q %q", secret, hash)
		}
		if r.Validate(ctx, sid, "x") == nil || r.Validate(ctx, "x", token) == nil {
			t.Error("a guess was taken")
		}
		r.must(r.Validate(ctx, sid, token))
	})
}

// Guesses of passwords are counted by what was typed, so that counters do not tell whose an address is.
func TestGuessesByAddress(t *testing.T) {
	each(t, config(), func(t *testing.T, r *rig) {
		ctx := context.Background()
		r.register("alice", ident.Client{})
		r.must(r.SetContact(ctx, ident.By{}, alice, address))
		var counted []string
		r.Attempt = func(who string) error {
			counted = append(counted, who)
			return nil
		}
		_, known := r.LoginByAddress(ctx, "ALICE@example.com", "wrong", ident.Client{})
		_, unknown := r.LoginByAddress(ctx, "nobody@example.com", "wrong", ident.Client{})
		_, none := r.LoginByAddress(ctx, "not an address", "wrong", ident.Client{})
		if known == nil || !errors.Is(known, unknown) || !errors.Is(known, none) {
			t.Errorf("%v, %v, %v", known, unknown, none)
		}
		if !slices.Equal(counted, []string{"mail:" + address, "mail:nobody@example.com"}) {
			t.Errorf("counted: %v", counted)
		}
		g, err := r.LoginByAddress(ctx, address, password, ident.Client{})
		r.must(err)
		if g.User != alice {
			t.Errorf("%+v", g)
		}
	})
}

// Who looks after mail, or has an address put on the account, does not get at accounts on which recording rests.
func TestProtectedAccountsAreNotReachedByMail(t *testing.T) {
	each(t, config(), func(t *testing.T, r *rig) {
		ctx := context.Background()
		o := &outbox{}
		r.Mail = o
		r.register("alice", ident.Client{})
		r.must(r.SetContact(ctx, ident.By{}, alice, address))
		sid, err := r.RequestToken(ctx, ident.ForPassword, address, "secret", 1)
		r.must(err)
		r.must(r.Validate(ctx, sid, linkToken.FindStringSubmatch(o.text[0])[1]))
		r.Protected = func(user mx.UserID) bool { return user == alice }
		if _, err = r.RequestToken(ctx, ident.ForPassword, address, "another", 1); err != nil || linkToken.MatchString(o.text[1]) {
			t.Errorf("a link was sent: %v %q", err, o.text)
		}
		_, err = r.Confirm(ctx, ident.Challenge{Action: ident.ActionResetPassword, Body: []byte(`{}`)})
		session := fault.Of(err).Body["session"]
		body := fmt.Sprintf(`{"auth":{"type":"m.login.email.identity","session":%q,"threepid_creds":{"sid":%q,"client_secret":"secret"}}}`, session, sid)
		if _, err = r.Confirm(ctx, ident.Challenge{Action: ident.ActionResetPassword, Body: []byte(body)}); err == nil || !strings.Contains(fmt.Sprint(fault.Of(err).Body, fault.Of(err).Msg), "compliance") {
			t.Errorf("confirmed by mail: %v", err)
		}
	})
}
