package app

import (
	"crypto/sha256"
	"encoding/base64"
	"regexp"
	"testing"
)

func TestWelcomePolicyAllowsThePagesStyle(t *testing.T) {
	style := regexp.MustCompile(`(?s)<style>(.*?)</style>`).FindStringSubmatch(welcomePage)
	if style == nil {
		t.Fatal("the page has no style")
	}
	sum := sha256.Sum256([]byte(style[1]))
	if got := base64.StdEncoding.EncodeToString(sum[:]); got != welcomeStyleHash {
		t.Errorf("welcomeStyleHash is %q, the style's hash %q", welcomeStyleHash, got)
	}
}
