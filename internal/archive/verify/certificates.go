package verify

import (
	"encoding/hex"
	"errors"
	"slices"

	"conclave.chat/internal/archive/certificate"
	"conclave.chat/internal/archive/depot"
	"conclave.chat/internal/archive/segment"
)

// cert is a certificate of destruction, and where it lies.
type cert struct {
	*certificate.Certificate
	path string
}

// readCertificates reads what the archive says of keys that were destroyed. It comes before the log is read, which then shows that it has gone
// through the states that they name.
func (r *run) readCertificates() error {
	for name, err := range r.depot.List(r.ctx, "certificate/") {
		if err != nil {
			return err
		}
		if depot.Unfinished(name) {
			continue
		}
		data, err := r.read(name)
		if err != nil {
			return err
		}
		c, err := certificate.Read(data, r.Policy.Log)
		if err != nil {
			r.problem(name, "%v", err)
			continue
		}
		r.certs = append(r.certs, cert{c, name})
	}
	return nil
}

// checkCertificates compares them with the log and with what is there.
func (r *run) checkCertificates() error {
	if len(r.certs) == 0 {
		return nil
	}
	keys := map[string]string{} // digests of key files, by attachment
	for _, b := range r.blobs {
		keys[depot.BlobPath(b.class, b.name)] = b.key
	}
	ended := r.ended()
	var gone []string // key files that must not be there
	for _, c := range r.certs {
		for _, s := range c.Segments {
			id, err := segment.ParseID(s.ID)
			info := r.segments[id]
			if err != nil || info == nil || !info.shredded || info.class != s.Class || info.shred != s.Entry || s.Entry >= uint64(c.Checkpoint.N) {
				r.problem(c.path, "the log does not say that segment %s of class %s has ended", s.ID, s.Class)
				continue
			}
			if info.records != s.Records || info.gaps != s.Gaps {
				r.problem(c.path, "segment %s held %d records and %d gaps, not %d and %d", s.ID, info.records, info.gaps, s.Records, s.Gaps)
			}
			if key := info.key.String(); key != s.Key {
				r.problem(c.path, "segment %s had another key file: %s", s.ID, key)
			}
			if !info.sealed {
				r.report.Certified++
			}
			info.sealed = true
			gone = append(gone, depot.KeyPath(s.Class, s.ID))
		}
		for _, a := range c.Attachments {
			path := depot.BlobPath(a.Class, a.Blob)
			if raw, err := hex.DecodeString(a.Blob); err != nil || len(raw) != len(segment.Digest{}) || !ended[path] || keys[path] != a.Key {
				r.problem(c.path, "the log does not say that attachment %s of class %s has ended", a.Blob, a.Class)
				continue
			}
			gone = append(gone, depot.KeyPath(a.Class, a.Blob))
		}
	}
	slices.Sort(gone)
	for _, path := range slices.Compact(gone) {
		f, err := r.depot.Open(r.ctx, path)
		switch {
		case errors.Is(err, depot.ErrNotFound):
		case err != nil:
			return err
		default:
			_ = f.Close()
			r.problem(path, "it is there, and a certificate says that it was destroyed")
		}
	}
	return nil
}
