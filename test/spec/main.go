// Command spec checks docs/spec/index.txt, the list of what of the Matrix specification the server
// does, against the `// Spec: ANCHOR` comments in code and tests. Run it as `make spec`; with
// -update (`make spec-update`) it first moves the lines whose status follows from those comments.
//
// A line of the index is `ANCHOR<TAB>yes|partial|never<TAB>REASON`. "yes" needs a comment in code
// and one in a test (a Go test, or a script under test/js). "partial" and "never" need a reason.
// Reasons noCode and noTest are written here and kept true here; any other is a person's word.
package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

const (
	indexFile = "docs/spec/index.txt"
	noCode    = "no code names it yet"
	noTest    = "no test names it yet"
)

var (
	comment  = regexp.MustCompile(`^\s*(?://|\*) ?Spec: (.+)$`)
	endpoint = regexp.MustCompile(`^cs#(get|put|post|delete)(_matrix|\.?well)`)
	dropped  = regexp.MustCompile(`[^a-z0-9/#]`)
)

// key makes anchors comparable: the site's own keep underscores and hyphens that our comments may not.
func key(anchor string) string { return dropped.ReplaceAllString(strings.ToLower(anchor), "") }

// refs are the places that name an anchor.
type refs struct {
	anchor     string // as first written
	code, test []string
}

type line struct{ anchor, status, reason string }

func main() {
	update := flag.Bool("update", false, "write the index's own kind of lines anew")
	flag.Parse()
	if err := run(*update); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(update bool) error {
	found, err := scan()
	if err != nil {
		return err
	}
	index, err := os.ReadFile(indexFile)
	if err == nil && update {
		index = updated(index, found)
		err = os.WriteFile(indexFile, index, 0o644)
	}
	if err != nil {
		return err
	}
	problems, summary := check(index, found)
	fmt.Println(summary)
	if len(problems) > 0 {
		return errors.New(strings.Join(problems, "\n"))
	}
	return nil
}

// scan collects the comments of all code and tests, by key.
func scan() (map[string]*refs, error) {
	found := map[string]*refs{}
	for _, folder := range []string{"internal", "test"} {
		err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
			if err == nil && d.Name() == "node_modules" {
				return filepath.SkipDir
			}
			if ext := filepath.Ext(path); err != nil || ext != ".go" && ext != ".js" && ext != ".mjs" {
				return err
			}
			return scanFile(path, found)
		})
		if err != nil {
			return nil, err
		}
	}
	return found, nil
}

func scanFile(path string, found map[string]*refs) error {
	src, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	isTest := strings.HasSuffix(path, "_test.go") || strings.HasPrefix(path, "test/")
	for i, text := range strings.Split(string(src), "\n") {
		m := comment.FindStringSubmatch(text)
		if m == nil {
			continue
		}
		for _, part := range strings.Split(m[1], ",") {
			// What follows a space is a rule number or a remark.
			anchor, _, _ := strings.Cut(strings.TrimSpace(part), " ")
			anchor = strings.TrimRight(anchor, ".;:")
			r := found[key(anchor)]
			if r == nil {
				r = &refs{anchor: anchor}
				found[key(anchor)] = r
			}
			list := &r.code
			if isTest {
				list = &r.test
			}
			*list = append(*list, fmt.Sprintf("%s:%d", path, i+1))
		}
	}
	return nil
}

func parse(text string) line {
	f := append(strings.SplitN(text, "\t", 3), "", "")
	return line{f[0], f[1], f[2]}
}

// derived is the status that the comments alone give.
func derived(r *refs) (status, reason string) {
	switch {
	case r == nil || len(r.code) == 0:
		return "partial", noCode
	case len(r.test) == 0:
		return "partial", noTest
	}
	return "yes", ""
}

func render(anchor string, found map[string]*refs) string {
	status, reason := derived(found[key(anchor)])
	return strings.TrimRight(anchor+"\t"+status+"\t"+reason, "\t")
}

func byHand(l line) bool {
	return l.status == "never" || l.status == "partial" && l.reason != noCode && l.reason != noTest
}

// updated gives the index with the derived lines brought up to date and new sections appended. An
// unknown endpoint is left to the check: the list of endpoints is complete, so it is a misspelling.
func updated(index []byte, found map[string]*refs) []byte {
	var out bytes.Buffer
	known := map[string]bool{}
	for text := range strings.SplitSeq(strings.TrimRight(string(index), "\n"), "\n") {
		if l := parse(text); text != "" && text[0] != '#' {
			known[key(l.anchor)] = true
			if !byHand(l) {
				text = render(l.anchor, found)
			}
		}
		out.WriteString(text + "\n")
	}
	var added []string
	for k, r := range found {
		if !known[k] && !endpoint.MatchString(r.anchor) {
			added = append(added, render(r.anchor, found))
		}
	}
	slices.Sort(added)
	out.WriteString(strings.Join(append(added, ""), "\n"))
	return out.Bytes()
}

func check(index []byte, found map[string]*refs) (problems []string, summary string) {
	known, count := map[string]bool{}, map[string]int{}
	for i, text := range strings.Split(string(index), "\n") {
		if text == "" || text[0] == '#' {
			continue
		}
		l := parse(text)
		bad := func(why string) {
			problems = append(problems, fmt.Sprintf("%s:%d: %s: %s", indexFile, i+1, l.anchor, why))
		}
		if known[key(l.anchor)] {
			bad("listed twice")
		}
		known[key(l.anchor)] = true
		count[l.status]++
		status, reason := derived(found[key(l.anchor)])
		switch {
		case l.status != "yes" && l.status != "partial" && l.status != "never":
			bad("status must be yes, partial or never")
		case l.status != "yes" && l.reason == "":
			bad("give the reason")
		case !byHand(l) && (status != l.status || reason != l.reason):
			bad("should read: " + strings.TrimSpace(status+" "+reason) + "; run make spec-update")
		}
	}
	for k, r := range found {
		if !known[k] {
			problems = append(problems, fmt.Sprintf("%s: unknown anchor %s", slices.Concat(r.code, r.test)[0], r.anchor))
		}
	}
	slices.Sort(problems)
	return problems, fmt.Sprintf("spec: %d yes, %d partial, %d never", count["yes"], count["partial"], count["never"])
}
