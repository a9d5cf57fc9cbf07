package v1_test

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tiktok/cmd/api/biz/call"
	"tiktok/cmd/api/biz/handler"
	"tiktok/cmd/api/biz/middleware"
	"tiktok/cmd/api/biz/v1"
	"tiktok/cmd/api/biz/view"
)

// TestRoutesAreThoseOfTheIDL compares method, path, access and status of all operations.
func TestRoutesAreThoseOfTheIDL(t *testing.T) {
	idl, err := os.ReadFile("../../../../idl/v1.thrift")
	if err != nil {
		t.Fatal(err)
	}
	method := regexp.MustCompile(`(?m)^ +(\w+) \w+\(1: \w+ req\)\s+\(([^)]*)\)`)
	annotation := regexp.MustCompile(`api\.(\w+)="([^"]*)"`)
	var want []string
	for _, m := range method.FindAllStringSubmatch(string(idl), -1) {
		line := map[string]string{"access": "visitor", "status": "200"}
		if m[1] == "Empty" {
			line["status"] = "204"
		}
		for _, a := range annotation.FindAllStringSubmatch(m[2], -1) {
			line[a[1]] = a[2]
		}
		for _, verb := range []string{"get", "post", "put", "patch", "delete"} {
			if path, ok := line[verb]; ok {
				want = append(want, fmt.Sprintf("%s %s %s %s", strings.ToUpper(verb), path, line["access"], line["status"]))
			}
		}
	}
	if len(want) < 30 {
		t.Fatalf("found only %d operations in the IDL", len(want))
	}
	access := map[middleware.Access]string{middleware.Anyone: "public", middleware.Visitor: "visitor", middleware.Member: "member"}
	var got []string
	for _, r := range v1.New(&handler.Handler{Deps: handler.Deps{View: &view.View{}}}).Routes(middleware.Limits{}) {
		got = append(got, fmt.Sprintf("%s %s%s %s %d", r.Method, call.V1Path, r.Path, access[r.Access], r.Status))
	}
	slices.Sort(got)
	slices.Sort(want)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("operations (- of the IDL, + of the table):\n%s", diff)
	}
}
