package doctor

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"conclave.chat/internal/mail"
)

const reachTimeout = 10 * time.Second

// Answers asks a base URL for /_matrix/client/versions and says what is wrong with the answer.
func Answers(ctx context.Context, base string) error {
	ctx, cancel := context.WithTimeout(ctx, reachTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, base+"/_matrix/client/versions", nil)
	if err != nil {
		return err
	}
	res, err := http.DefaultClient.Do(req) //nolint:forbidigo // the address is the operator's own, and the context has a time limit
	if err != nil {
		return err
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
