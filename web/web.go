// Package web embeds the web app as `make web` built it into dist/. Without a build there is only a placeholder, so that the Go code
// compiles on machines without Node.js; Built tells which it is.
package web

import (
	"embed"
	"io/fs"
)

//go:embed all:dist
var dist embed.FS

// Files are the app's files by the path they are served under. Those that compress well are there as brotli alone, named with .br at the end.
func Files() fs.FS {
	sub, err := fs.Sub(dist, "dist")
	if err != nil {
		panic(err) // the directive above names it
	}
	return sub
}

// Built says whether the app is in this binary.
func Built() bool {
	_, err := fs.Stat(Files(), "index.html.br")
	return err == nil
}
