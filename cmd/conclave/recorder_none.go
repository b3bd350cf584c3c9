//go:build !goolm

package main

import (
	"context"
	"errors"
)

var errNoRecorder = errors.New("this program was built without the recorder: build it with make build, or with go build -tags goolm")

// recorderCmd says that there is no recorder in this build.
type recorderCmd struct {
	Args []string `arg:"" optional:"" passthrough:""`
}

// Run fails.
func (recorderCmd) Run() error { return errNoRecorder }

func runRecorder(context.Context, string) error { return errNoRecorder }
