package gate

import (
	"math"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"conclave.chat/internal/fault"
	"conclave.chat/internal/mx"
)

// Class groups routes that share a rate limit.
type Class uint8

// The limit classes. Reads that cost little have none.
const (
	Unlimited Class = iota
	Message         // sending events, receipts and the like; per user
	Join            // joining, inviting, knocking, creating rooms; per user
	Costly          // searches, previews, uploads, key queries; per user
	Login           // log-in attempts; per address, and per account inside ident
	Register        // registrations, and requests for e-mail messages; per address
	Mail            // e-mail messages; per e-mail address that gets them
)

// Rate is a limit: so many per second in the long run, and so many at once. A zero PerSecond means no limit.
type Rate struct {
	PerSecond float64 `yaml:"per_second" doc:"Requests per second in the long run; 0 switches the limit off."`
	Burst     int     `yaml:"burst" doc:"Requests allowed at once."`
}

// Limits are the configured limits.
type Limits struct {
	Message  Rate     `yaml:"message" doc:"Sending events, receipts, typing and to-device messages, for each user."`
	Join     Rate     `yaml:"join" doc:"Creating, joining, inviting and knocking, for each user."`
	Costly   Rate     `yaml:"costly" doc:"Searches, previews, uploads and key queries, for each user."`
	Login    Rate     `yaml:"login" doc:"Log-in attempts, for each address and for each account."`
	Register Rate     `yaml:"register" doc:"Registrations, and requests for e-mail messages, for each address."`
	Mail     Rate     `yaml:"mail" doc:"E-mail messages that people ask for, for each address that gets them."`
	Exempt   []string `yaml:"exempt" doc:"User ids without limits, such as bots."`
	Proxies  []string `yaml:"trusted_proxies" doc:"Addresses or networks of reverse proxies whose X-Forwarded-For names the client."`
}

// DefaultLimits suit an organisation of people typing.
func DefaultLimits() Limits {
	return Limits{
		Message: Rate{20, 100}, Join: Rate{5, 50}, Costly: Rate{20, 100},
		Login: Rate{0.2, 10}, Register: Rate{0.1, 5}, Mail: Rate{0.002, 4},
	}
}

// Limiter counts requests in token buckets that are forgotten once full.
type Limiter struct {
	rates   map[Class]Rate
	exempt  map[mx.UserID]bool
	proxies []netip.Prefix

	mu      sync.Mutex
	buckets map[bucketKey]*bucket
	swept   time.Time
}

type bucketKey struct {
	class Class
	who   string
}

type bucket struct {
	*rate.Limiter
	used time.Time
}

// NewLimiter checks the configuration and makes a Limiter.
func NewLimiter(l Limits) (*Limiter, error) {
	lim := &Limiter{
		rates: map[Class]Rate{
			Message: l.Message, Join: l.Join, Costly: l.Costly, Login: l.Login, Register: l.Register, Mail: l.Mail,
		},
		exempt:  map[mx.UserID]bool{},
		buckets: map[bucketKey]*bucket{},
	}
	for _, u := range l.Exempt {
		lim.exempt[mx.UserID(u)] = true
	}
	for _, p := range l.Proxies {
		prefix, err := netip.ParsePrefix(p)
		if err != nil {
			addr, aerr := netip.ParseAddr(p)
			if aerr != nil {
				return nil, fault.InvalidParam("rate_limits.trusted_proxies: %q is neither an address nor a network", p)
			}
			prefix = netip.PrefixFrom(addr, addr.BitLen())
		}
		lim.proxies = append(lim.proxies, prefix)
	}
	return lim, nil
}

// Allow counts one request of the class by the caller, or from the address where there is none.
func (l *Limiter) Allow(class Class, c Caller, addr string, now time.Time) error {
	if class == Unlimited || (c.User != "" && l.exempt[c.User]) {
		return nil
	}
	who := string(c.User)
	if who == "" {
		who = network(addr)
	}
	return l.AllowKey(class, who, now)
}

// network is what counts as one caller of an address: with IPv6 the /64 that a household or a machine has to itself.
func network(addr string) string {
	a, err := netip.ParseAddr(addr)
	if err != nil || a.Unmap().Is4() {
		return addr
	}
	prefix, err := a.WithZone("").Prefix(64)
	if err != nil {
		return addr
	}
	return prefix.String()
}

// AllowKey counts one request of the class under any name, e.g. an account that somebody tries to log in to.
func (l *Limiter) AllowKey(class Class, who string, now time.Time) error {
	r := l.rates[class]
	if r.PerSecond <= 0 {
		return nil
	}
	b := l.bucket(bucketKey{class, who}, r, now)
	res := b.ReserveN(now, 1)
	if !res.OK() {
		return limited(time.Second)
	}
	if d := res.DelayFrom(now); d > 0 {
		res.CancelAt(now)
		return limited(d)
	}
	return nil
}

func (l *Limiter) bucket(k bucketKey, r Rate, now time.Time) *bucket {
	l.mu.Lock()
	defer l.mu.Unlock()
	if now.Sub(l.swept) > time.Minute {
		l.sweep(now)
	}
	b := l.buckets[k]
	if b == nil {
		b = &bucket{Limiter: rate.NewLimiter(rate.Limit(r.PerSecond), max(1, r.Burst))}
		l.buckets[k] = b
	}
	b.used = now
	return b
}

// sweep forgets the buckets that are full again.
func (l *Limiter) sweep(now time.Time) {
	l.swept = now
	for k, b := range l.buckets {
		if b.TokensAt(now) >= float64(b.Burst()) {
			delete(l.buckets, k)
		}
	}
}

func limited(wait time.Duration) error {
	ms := int64(math.Ceil(float64(wait) / float64(time.Millisecond)))
	return fault.New(fault.Limited, "M_LIMIT_EXCEEDED", "Too many requests; try again later").With("retry_after_ms", max(ms, 1))
}

// ClientAddr is the address of the client, as told by a trusted proxy where there is one.
func (l *Limiter) ClientAddr(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	if len(l.proxies) == 0 || !l.trusted(host) {
		return host
	}
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(hops) - 1; i >= 0; i-- { // the nearest hop that is no proxy of ours
		hop := strings.TrimSpace(hops[i])
		if hop == "" {
			continue
		}
		if _, err := netip.ParseAddr(hop); err != nil {
			return host
		}
		host = hop
		if !l.trusted(hop) {
			break
		}
	}
	return host
}

func (l *Limiter) trusted(host string) bool {
	addr, err := netip.ParseAddr(host)
	if err != nil {
		return false
	}
	for _, p := range l.proxies {
		if p.Contains(addr.Unmap()) {
			return true
		}
	}
	return false
}
