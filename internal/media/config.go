package media

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"conclave.chat/internal/blob"
)

// Config is what can be set about media.
type Config struct {
	MaxUpload       int64         `yaml:"max_upload" doc:"Largest file that can be uploaded: bytes."`
	QuotaBytes      int64         `yaml:"quota_bytes" doc:"What the files of one user may take together: bytes. 0 means no limit."`
	QuotaFiles      int64         `yaml:"quota_files" doc:"How many files one user may have. 0 means no limit."`
	PendingUploads  int           `yaml:"pending_uploads" doc:"How many announced files one user may have whose content is still to come."`
	PendingLifetime time.Duration `yaml:"pending_lifetime" doc:"How long the content of an announced file may take to come."`
	MaxWait         time.Duration `yaml:"max_wait" doc:"How long a download waits at most for content that is still to come."`
	LegacyDownloads bool          `yaml:"legacy_downloads" doc:"Serve files without a login, at the addresses that Matrix 1.11 deprecated. Whoever knows a file's id can read it then: meant for tests and for the move from very old clients."`
	Store           blob.Config   `yaml:"store"`
	Thumbnails      Thumbnails    `yaml:"thumbnails"`
	URLPreviews     URLPreviews   `yaml:"url_previews"`
}

// Thumbnails bound the making of small pictures.
type Thumbnails struct {
	Sides  []int         `yaml:"sides" doc:"Side lengths in pixels that requested sizes are rounded up to. Larger requests get the original."`
	Memory int64         `yaml:"memory" doc:"Memory for the making of all thumbnails at a time: bytes. Pictures that would need more alone get none."`
	Keep   time.Duration `yaml:"keep" doc:"How long a thumbnail is kept before it is made anew when somebody asks for it."`
}

// URLPreviews says whether and how the server reads pages that users mention.
type URLPreviews struct {
	Enabled      bool          `yaml:"enabled" doc:"Read pages on behalf of users, to show a title and a picture. The server learns which pages they mention."`
	AllowPrivate []string      `yaml:"allow_private" doc:"Addresses and networks that are read although they are not public. Meant for tests and for an intranet that everybody may see."`
	Blocked      []string      `yaml:"blocked" doc:"Host names that are never read; *.example.org stands for all names below example.org."`
	Timeout      time.Duration `yaml:"timeout" doc:"How long reading one page may take."`
	MaxPage      int64         `yaml:"max_page" doc:"How much of a page is read: bytes."`
	MaxImage     int64         `yaml:"max_image" doc:"Largest picture of a page that is kept: bytes."`
	CacheFor     time.Duration `yaml:"cache_for" doc:"How long a preview is kept before the page is read anew."`
	KeepImages   time.Duration `yaml:"keep_images" doc:"How long a preview's picture is kept."`
}

// DefaultConfig suits an organisation of people who send each other files.
func DefaultConfig() Config {
	const mib, day = 1 << 20, 24 * time.Hour
	return Config{
		MaxUpload: 1 << 30, QuotaBytes: 10 << 30, QuotaFiles: 100_000,
		PendingUploads: 20, PendingLifetime: day, MaxWait: 20 * time.Second,
		Thumbnails: Thumbnails{Sides: []int{32, 96, 320, 640, 800, 1600}, Memory: 256 * mib, Keep: 90 * day},
		URLPreviews: URLPreviews{
			Timeout: 10 * time.Second, MaxPage: mib, MaxImage: 5 * mib, CacheFor: time.Hour, KeepImages: 7 * day,
		},
	}
}

// maxSide bounds what can be configured as a thumbnail's side: pixels.
const maxSide = 4096

// Check names values that cannot work.
func (c *Config) Check() error {
	t, p := c.Thumbnails, c.URLPreviews
	switch {
	case c.MaxUpload <= 0:
		return errors.New("media.max_upload must be greater than 0")
	case c.PendingUploads <= 0 || c.PendingLifetime <= 0:
		return errors.New("media.pending_uploads and media.pending_lifetime must be greater than 0")
	case c.MaxWait < 0:
		return errors.New("media.max_wait must not be negative")
	case len(t.Sides) == 0 || !slices.IsSorted(t.Sides) || t.Sides[0] < 1 || t.Sides[len(t.Sides)-1] > maxSide:
		return fmt.Errorf("media.thumbnails.sides must be numbers from 1 to %d in rising order", maxSide)
	case t.Memory < 16<<20 || t.Keep <= 0:
		return errors.New("media.thumbnails.memory must be at least 16777216, and keep greater than 0")
	case p.Enabled && (p.Timeout <= 0 || p.MaxPage <= 0 || p.MaxImage <= 0 || p.CacheFor <= 0 || p.KeepImages < p.CacheFor):
		return errors.New("media.url_previews: timeout, max_page, max_image and cache_for must be greater than 0, and keep_images not less than cache_for")
	case slices.ContainsFunc(p.Blocked, func(s string) bool { return strings.TrimPrefix(s, "*.") == "" || strings.Contains(s, "/") }):
		return errors.New("media.url_previews.blocked lists host names, such as example.org or *.example.org")
	}
	return nil
}
