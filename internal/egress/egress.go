// Package egress decides which addresses this server may open connections to on behalf of somebody else: a page whose preview a
// user asks for, a push gateway that a client names.
//
// Only addresses of the public internet pass, and those that the configuration names. The check sits in the dialer, behind name
// resolution: whatever a name or a redirect leads to, the address that is about to be connected to is what is judged. The server's
// own addresses are refused too, public or not, since a firewall may let it reach on itself what it keeps from others.
//
// It owns no data. A Guard comes from a list of exceptions and leaves as an HTTP client.
package egress

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"syscall"
)

// ErrForbidden means that an address may not be connected to. Whoever shows errors to users tells it from no other failure: the
// difference would map a private network.
var ErrForbidden = errors.New("egress: the address is not on the public internet")

// Guard judges addresses.
type Guard struct {
	allow []netip.Prefix
	local func() ([]net.Addr, error)
}

// New makes a guard. allow lists addresses and networks that pass although they are not public.
func New(allow []string) (*Guard, error) {
	g := &Guard{local: net.InterfaceAddrs}
	for _, s := range allow {
		prefix, err := netip.ParsePrefix(s)
		if err != nil {
			addr, aerr := netip.ParseAddr(s)
			if aerr != nil {
				return nil, fmt.Errorf("egress: %q is neither an address nor a network", s)
			}
			prefix = netip.PrefixFrom(addr, addr.BitLen())
		}
		g.allow = append(g.allow, prefix.Masked())
	}
	return g, nil
}

// Control is for net.Dialer: it refuses an address just before the connection is made.
func (g *Guard) Control(network, address string, _ syscall.RawConn) error {
	if network != "tcp4" && network != "tcp6" {
		return fmt.Errorf("%w: network %s", ErrForbidden, network)
	}
	target, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("%w: %s", ErrForbidden, address)
	}
	if !g.Permits(target.Addr()) {
		return fmt.Errorf("%w: %s", ErrForbidden, target.Addr())
	}
	return nil
}

// Permits reports whether the address may be connected to.
func (g *Guard) Permits(addr netip.Addr) bool {
	addr = addr.Unmap()
	if slices.ContainsFunc(g.allow, func(p netip.Prefix) bool { return p.Contains(addr) }) {
		return true
	}
	return Public(addr) && !g.own(addr)
}

// own reports whether an interface of this machine has the address. If the machine does not say, no address passes.
func (g *Guard) own(addr netip.Addr) bool {
	list, err := g.local()
	if err != nil {
		return true
	}
	return slices.ContainsFunc(list, func(a net.Addr) bool {
		n, ok := a.(*net.IPNet)
		if !ok {
			return false
		}
		mine, ok := netip.AddrFromSlice(n.IP)
		return ok && mine.Unmap() == addr
	})
}

// Public reports whether an address belongs to the public internet, by the special-purpose registries of IANA (RFC 6890 and its
// later entries). An IPv6 address that carries an IPv4 address to be translated to is judged by that one.
func Public(addr netip.Addr) bool {
	addr = addr.Unmap()
	if !addr.IsValid() || addr.Zone() != "" {
		return false
	}
	if addr.Is4() {
		return !in(special4, addr)
	}
	if nat64.Contains(addr) {
		b := addr.As16()
		return Public(netip.AddrFrom4([4]byte(b[12:])))
	}
	return global6.Contains(addr) && !in(special6, addr)
}

func in(list []netip.Prefix, addr netip.Addr) bool {
	return slices.ContainsFunc(list, func(p netip.Prefix) bool { return p.Contains(addr) })
}

func prefixes(list ...string) []netip.Prefix {
	out := make([]netip.Prefix, len(list))
	for i, s := range list {
		out[i] = netip.MustParsePrefix(s)
	}
	return out
}

var (
	special4 = prefixes( //nolint:gochecknoglobals // table
		"0.0.0.0/8",       // this network
		"10.0.0.0/8",      // private
		"100.64.0.0/10",   // carrier-grade NAT
		"127.0.0.0/8",     // loopback
		"169.254.0.0/16",  // link-local, and the metadata services of clouds
		"172.16.0.0/12",   // private
		"192.0.0.0/24",    // protocol assignments
		"192.0.2.0/24",    // documentation
		"192.88.99.0/24",  // 6to4 relays
		"192.168.0.0/16",  // private
		"198.18.0.0/15",   // benchmarks
		"198.51.100.0/24", // documentation
		"203.0.113.0/24",  // documentation
		"224.0.0.0/4",     // multicast
		"240.0.0.0/4",     // reserved, and broadcast
	)
	// nat64 is the prefix under which IPv6-only networks reach the IPv4 internet.
	nat64 = netip.MustParsePrefix("64:ff9b::/96") //nolint:gochecknoglobals // table
	// global6 is all of IPv6 that has been given out for the public internet; everything outside of it, such as unique local
	// (fc00::/7), link-local (fe80::/10), multicast (ff00::/8), loopback and IPv4-compatible addresses, is not public.
	global6  = netip.MustParsePrefix("2000::/3") //nolint:gochecknoglobals // table
	special6 = prefixes(                         //nolint:gochecknoglobals // table
		"2001::/23",     // protocol assignments: Teredo, benchmarks, ORCHID
		"2001:db8::/32", // documentation
		"2002::/16",     // 6to4, which hides an IPv4 address
		"3fff::/20",     // documentation
	)
)
