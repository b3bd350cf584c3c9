// Package blackbox tests the program as its users meet it: over HTTP, by signals and by what lies on
// its disk, on both engines.
package blackbox

import (
	"os"
	"testing"

	"conclave.chat/test/harness"
)

func TestMain(m *testing.M) { os.Exit(harness.Main(m)) }
