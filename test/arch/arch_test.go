// Package arch holds the tests of the house's plan: which package may import which, how large
// a file or a package may grow, and that its pages hold true. It reads text and owns nothing else.
package arch

import (
	"bytes"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "conclave.chat/"

// layers are the packages under internal/ from the ground up. One may import those of the layers
// below its own, never those beside it; its subfolders belong to it.
var layers = [][]string{
	{"fault"},
	{"mx", "precedence"},
	{"store", "blob", "egress", "mail", "keyring", "sheet", "link"},
	{"archive"}, // offline tools use it alone: nothing of a server comes with it
	{"notify"},
	{"roomstate", "ephemeral", "policy", "clientevent", "filter", "pushrule", "group"},
	{"visibility"},
	{"room", "history", "directory", "ident", "e2ee", "feed", "personal", "media", "push", "audit", "census", "organisation", "retention", "recording", "recorder", "subject"},
	{"gate"},
	{"door"},
	{"config"},
	{"doctor"},
	{"app"},
	{"tools"}, // programs that write what is generated
}

func layer(name string) int {
	return slices.IndexFunc(layers, func(l []string) bool { return slices.Contains(l, name) })
}

// sources calls f for each Go file under the folder, paths relative to the module.
func sources(t *testing.T, folder string, f func(path string, src []byte)) {
	t.Helper()
	root := filepath.Join("..", "..")
	err := filepath.WalkDir(filepath.Join(root, folder), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") {
			return err
		}
		src, err := os.ReadFile(path)
		rel, _ := filepath.Rel(root, path)
		f(filepath.ToSlash(rel), src)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestImportsGoDown(t *testing.T) {
	sources(t, "internal", func(path string, src []byte) {
		file, err := parser.ParseFile(token.NewFileSet(), path, src, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		own := strings.Split(path, "/")[1]
		if layer(own) < 0 {
			t.Errorf("%s: internal/%s has no layer; add it to the table above", path, own)
		}
		for _, spec := range file.Imports {
			target, _ := strconv.Unquote(spec.Path.Value)
			target, inside := strings.CutPrefix(target, module)
			if !inside {
				continue
			}
			parts := strings.Split(target, "/")
			switch {
			case target == "web" && own == "app": // the built web app, which app hands to its door
			case parts[0] != "internal":
				// Test helpers under test/ may be used by tests alone.
				if parts[0] != "test" || !strings.HasSuffix(path, "_test.go") {
					t.Errorf("%s imports %s", path, target)
				}
			case strings.HasSuffix(path, "_test.go") && strings.HasSuffix(file.Name.Name, "_test"):
				// Tests from outside of a package put real neighbours together, as app does.
			case parts[1] != own && layer(parts[1]) >= layer(own):
				t.Errorf("%s imports %s, which is not below it", path, target)
			}
		}
	})
}

func TestSizes(t *testing.T) {
	const fileLimit, testLimit, packageLimit = 500, 700, 3000
	// One package holds all handlers: a table of routes for each module of the specification, and nothing that two modules share but the
	// package's few helpers.
	larger := map[string]int{"internal/door/client": 4500}
	packages := map[string]int{}
	count := func(path string, src []byte) {
		n := bytes.Count(src, []byte("\n"))
		limit := testLimit
		if !strings.HasSuffix(path, "_test.go") {
			limit = fileLimit
			packages[filepath.Dir(path)] += n
		}
		if n > limit {
			t.Errorf("%s has %d lines; %d are the limit", path, n, limit)
		}
	}
	sources(t, "internal", count)
	for name, n := range packages {
		if limit := max(packageLimit, larger[name]); n > limit {
			t.Errorf("package %s has %d lines; %d are the limit", name, n, limit)
		}
	}
}
