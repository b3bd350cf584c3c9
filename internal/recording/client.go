package recording

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"conclave.chat/internal/fault"
	"conclave.chat/internal/link"
	"conclave.chat/internal/mx"
)

// client speaks to the recorder. Requests are signed as those between servers are.
//
// Spec: ss#request-authentication
type client struct {
	base   string
	signer mx.Signer
	http   *http.Client
}

// Paths of the recorder's API. The first is the specification's; the others are ours.
const (
	PathSign   = "/_matrix/policy/v1/sign"
	PathCheck  = "/_conclave/recorder/v1/check"  // will it be signed? Waits for keys and attachments.
	PathRecord = "/_conclave/recorder/v1/record" // archive what was accepted without a signature
	PathHealth = "/_conclave/recorder/v1/health"
	PathStatus = "/_conclave/recorder/v1/status" // how does the archive do?
)

// Of a request for a signature: with ParamAtOnce the recorder neither waits for a key nor fetches a file, but answers CodeUnready. ParamClass is the
// retention class of a room that is being made. CodeWorking asks for patience: a file is being fetched.
const (
	ParamAtOnce = "at_once"
	ParamClass  = "retention_class"
	CodeUnready = "CHAT.CONCLAVE.UNREADY"
	CodeWorking = "CHAT.CONCLAVE.WORKING"
)

func newClient(addr, ca string, signer mx.Signer) (*client, error) {
	t, err := link.Transport(addr, ca, tls.VersionTLS13)
	if err != nil {
		return nil, fmt.Errorf("url: %w", err)
	}
	return &client{base: strings.TrimSuffix(addr, "/"), signer: signer, http: &http.Client{
		Transport:     t,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

// maxAnswer bounds what is read of an answer.
const maxAnswer = 1 << 20

// post sends a JSON object and gives the answer. What the recorder refuses is a fault with its words; any other error means that it gave no answer.
func (c *client) post(ctx context.Context, path string, body []byte) ([]byte, error) {
	auth, err := authorization(c.signer, http.MethodPost, path, body)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.base+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", auth)
	req.Header.Set("Content-Type", "application/json")
	res, err := c.http.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err != nil {
		return nil, err
	}
	if res.StatusCode == http.StatusOK {
		return answer, nil
	}
	var said struct {
		Code string `json:"errcode"`
		Msg  string `json:"error"`
	}
	if err := json.Unmarshal(answer, &said); err != nil || said.Code == "" || res.StatusCode >= 500 || res.StatusCode == http.StatusTooManyRequests {
		return nil, fmt.Errorf("recording: the recorder answers %s", res.Status)
	}
	if res.StatusCode != http.StatusBadRequest {
		return nil, fmt.Errorf("recording: the recorder answers %s: %s", res.Status, said.Msg)
	}
	return nil, fault.New(fault.Forbidden, said.Code, "%s", said.Msg)
}

// authorization is the header of a request between servers.
func authorization(s mx.Signer, method, uri string, content []byte) (string, error) {
	raw, err := json.Marshal(map[string]any{
		"method": method, "uri": uri, "origin": s.Server, "destination": s.Server, "content": jsontext.Value(content),
	})
	if err != nil {
		return "", err
	}
	signed, err := mx.SignJSON(raw, s)
	if err != nil {
		return "", err
	}
	var sigs struct {
		Signatures map[string]map[string]string `json:"signatures"`
	}
	if err := json.Unmarshal(signed, &sigs); err != nil {
		return "", err
	}
	return fmt.Sprintf(`X-Matrix origin="%s",destination="%s",key="%s",sig="%s"`, s.Server, s.Server, s.KeyID, sigs.Signatures[string(s.Server)][s.KeyID]), nil
}

// withVersion adds what the recorder cannot know of a room that is being made: the event format.
func withVersion(path string, v *mx.RoomVersion) string {
	return path + "?room_version=" + url.QueryEscape(v.ID)
}

// sign asks for the signature of one event and puts it in. At once means that the answer is CodeUnready if the recorder lacks something.
//
// Spec: ss#post_matrixpolicyv1sign
func (c *client) sign(ctx context.Context, v *mx.RoomVersion, ev *mx.Event, key []byte, class string, atOnce bool) (*mx.Event, error) {
	path := withVersion(PathSign, v)
	if class != "" {
		path += "&" + ParamClass + "=" + url.QueryEscape(class)
	}
	if atOnce {
		path += "&" + ParamAtOnce + "=true"
	}
	answer, err := c.post(ctx, path, ev.Raw)
	if err != nil {
		return nil, err
	}
	var sigs map[string]map[string]string
	if err := json.Unmarshal(answer, &sigs); err != nil {
		return nil, fmt.Errorf("recording: the recorder's answer: %w", err)
	}
	sig, err := mx.DecodeBase64(sigs[string(c.signer.Server)][KeyID])
	if err != nil {
		return nil, err
	}
	signed, err := mx.AddSignature(v, ev, c.signer.Server, KeyID, sig)
	if err != nil {
		return nil, err
	}
	return signed, mx.VerifyEvent(v, signed, c.signer.Server, KeyID, key)
}

// ping asks whether the recorder is there, and until when its certificate is good; without TLS that is the zero time.
func (c *client) ping(ctx context.Context) (until time.Time, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.base+PathHealth, nil)
	if err != nil {
		return until, err
	}
	res, err := c.http.Do(req)
	if err != nil {
		return until, err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return until, fmt.Errorf("recording: the recorder answers %s", res.Status)
	}
	if res.TLS != nil {
		until = res.TLS.PeerCertificates[0].NotAfter
	}
	return until, nil
}

// Ping asks a recorder of the configuration whether it is there, as the server does, and until when its certificate is good.
func (o Other) Ping(ctx context.Context) (until time.Time, err error) {
	c, err := newClient(o.URL, o.CA, mx.Signer{})
	if err != nil {
		return until, err
	}
	defer c.http.CloseIdleConnections()
	return c.ping(ctx)
}
