package app

import "runtime/debug"

// release is set when a release is built.
var release = "" //nolint:gochecknoglobals // written by the linker only

// Version names this build: the release, or the commit that it was built from.
func Version() string {
	if release != "" {
		return release
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	version, dirty := "development", ""
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			version = "development " + s.Value[:min(12, len(s.Value))]
		case s.Key == "vcs.modified" && s.Value == "true":
			dirty = " (changed)"
		}
	}
	return version + dirty
}
