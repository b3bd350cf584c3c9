package doctor

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"conclave.chat/internal/link"
	"conclave.chat/internal/mail"
	"conclave.chat/internal/notify"
	"conclave.chat/internal/recording"
)

const reachTimeout = 10 * time.Second

// Answers asks a base URL for /_matrix/client/versions and says what is wrong with the answer.
func Answers(ctx context.Context, base string) error {
	return answers(ctx, http.DefaultClient, base) //nolint:forbidigo // the address is the operator's own, and the context has a time limit
}

// AnswersHere is Answers for an address of this machine; name is what its certificate is made out for, which is not looked at.
func AnswersHere(ctx context.Context, base, name string) error {
	t := &http.Transport{TLSClientConfig: &tls.Config{ServerName: name, InsecureSkipVerify: true}} //nolint:gosec // clients meet it at the public address, which is examined too
	defer t.CloseIdleConnections()
	return answers(ctx, &http.Client{Transport: t}, base)
}

func answers(ctx context.Context, client *http.Client, base string) error {
	ctx, cancel := context.WithTimeout(ctx, reachTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, base+"/_matrix/client/versions", nil)
	if err != nil {
		return err
	}
	res, err := client.Do(req)
	if err != nil {
		var u *url.Error
		if errors.As(err, &u) {
			err = u.Err // without the address again
		}
		return fmt.Errorf("%s does not answer: %w", base, err)
	}
	defer func() { _ = res.Body.Close() }()
	var body struct {
		Versions []string `json:"versions"`
	}
	if err := json.NewDecoder(io.LimitReader(res.Body, 1<<20)).Decode(&body); err != nil || res.StatusCode != http.StatusOK || len(body.Versions) == 0 {
		return fmt.Errorf("%s answers with status %d, not as a Matrix server", base, res.StatusCode)
	}
	return nil
}

// Public checks that clients can reach the server under its public address.
func Public(base string) Check {
	return func(ctx context.Context) Finding {
		f := Finding{Check: "public address", Found: base + " answers"}
		if err := Answers(ctx, base); err != nil {
			f.Level, f.Found = Warning, err.Error()
			f.Do = "Start the server; check DNS, the reverse proxy and the firewall; correct public_url."
			var cert *tls.CertificateVerificationError
			if errors.As(err, &cert) {
				f.Do = "Install a certificate that clients trust for this name."
			}
		}
		return f
	}
}

// Mail checks that the SMTP server can be reached and takes the sign-in. It sends no message.
func Mail(c mail.Config) Check {
	return func(ctx context.Context) Finding {
		f := Finding{Check: "e-mail", Found: c.Host + " is ready to take messages"}
		ctx, cancel := context.WithTimeout(ctx, reachTimeout)
		defer cancel()
		if err := mail.Check(ctx, c); err != nil {
			f.Level, f.Found = Warning, fmt.Sprintf("%s: %v", c.Host, err)
			f.Do = "Until this is mended nobody can set a forgotten password: correct smtp.host, port, security, username and password."
		}
		return f
	}
}

// NATS checks that the servers that connect the nodes can be reached.
func NATS(servers string) Check {
	return func(context.Context) Finding {
		f := Finding{Check: "NATS", Found: "answers"}
		if err := notify.Check(servers); err != nil {
			f.Level, f.Found = Warning, err.Error()
			f.Do = "Nodes hear of each other late, and not of typing and presence: start NATS, or correct nats.url."
		}
		return f
	}
}

// Recorder checks that a recorder can be reached, by what the configuration says of it.
func Recorder(o recording.Other, mode string) Check {
	return func(ctx context.Context) Finding {
		f := Finding{Check: "recorder", Found: o.URL + " answers"}
		ctx, cancel := context.WithTimeout(ctx, reachTimeout)
		defer cancel()
		until, err := o.Ping(ctx)
		switch left := time.Until(until); {
		case err != nil:
			f.Level, f.Found = Problem, err.Error()
			f.Do = "Until it is reached nothing is accepted in recorded rooms: start it, or correct recording.url and the firewall."
			if mode == recording.Warn {
				f.Level, f.Do = Warning, "Until it is reached recorded rooms are not archived: start it, or correct recording.url and the firewall."
			}
			if link.Untrusted(err) {
				f.Do = "Renew the recorder's certificate, give it one for the name in recording.url, or name the authority that it comes from in recording.ca_file."
			}
		case !until.IsZero() && left < certificateWarning:
			f.Level, f.Found = Warning, fmt.Sprintf("%s, its certificate is valid until %s", f.Found, until.Format(time.DateOnly))
			f.Do = "Renew the recorder's certificate soon: after that day it is not trusted."
		}
		return f
	}
}

// certificateWarning is how long before its end a certificate is worth a warning.
const certificateWarning = 14 * 24 * time.Hour

// Certificate checks the certificate files.
func Certificate(certFile, keyFile string) Check {
	return func(context.Context) Finding {
		f := Finding{Check: "certificate"}
		cert, err := tls.LoadX509KeyPair(certFile, keyFile)
		if err != nil {
			f.Level, f.Found, f.Do = Problem, err.Error(), "Correct tls.certificate and tls.key."
			return f
		}
		end := cert.Leaf.NotAfter
		f.Found = fmt.Sprintf("%s, valid until %s", cert.Leaf.Subject.CommonName, end.Format(time.DateOnly))
		switch left := time.Until(end); {
		case left < 0:
			f.Level, f.Do = Problem, "Renew the certificate: clients refuse it."
		case left < certificateWarning:
			f.Level, f.Do = Warning, "Renew the certificate soon."
		}
		return f
	}
}
