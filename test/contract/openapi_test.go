package contract_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"tiktok/cmd/api/openapi"
	"tiktok/pkg/errno"
	"tiktok/test/harness"
)

// document is the part of the OpenAPI document that describes /douyin, and which of its operations were seen to succeed and to fail.
type document struct {
	*openapi3.T
	mu               sync.Mutex
	succeeded, other map[string]bool
}

func loadOpenAPI(t *testing.T) *document {
	t.Helper()
	doc := readOpenAPI(t)
	for path := range doc.Paths.Map() {
		if !strings.HasPrefix(path, "/douyin/") {
			doc.Paths.Delete(path)
		}
	}
	for _, schema := range doc.Components.Schemas {
		shut(t, schema.Value)
	}
	return &document{T: doc, succeeded: map[string]bool{}, other: map[string]bool{}}
}

func readOpenAPI(t *testing.T) *openapi3.T {
	t.Helper()
	text, err := openapi.Document()
	if err != nil {
		t.Fatal(err)
	}
	doc, err := openapi3.NewLoader().LoadFromData(text)
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

// shut refuses what the document does not name. Clients must accept new keys and values; the server may not send what is not documented.
func shut(t *testing.T, schema *openapi3.Schema) {
	t.Helper()
	if schema.Type.Is("object") {
		no := false
		schema.AdditionalProperties.Has = &no
	}
	for _, p := range schema.Properties {
		shut(t, p.Value)
	}
	if values, ok := schema.Extensions["x-extensible-enum"].([]any); ok {
		schema.Enum = values
	}
}

// operation finds what a request is documented as: doubled and missing slashes are the same path.
func (d *document) operation(r harness.Request) *openapi3.Operation {
	path := "/" + strings.Trim(r.Path, "/") + "/"
	item := d.Paths.Find(path)
	if item == nil {
		return nil
	}
	return item.GetOperation(r.Method)
}

func answerSchema(op *openapi3.Operation) *openapi3.Schema {
	return op.Responses.Status(200).Value.Content.Get("application/json").Schema.Value
}

// check compares one live answer with the document. It is called with every exchange of this package's tests.
func (d *document) check(t testing.TB, r harness.Request, a harness.Answer) {
	t.Helper()
	op := d.operation(r)
	schema := d.Components.Schemas["DouyinPublishActionResponse"].Value
	if op != nil {
		schema = answerSchema(op)
		d.mu.Lock()
		if a.Code == 0 {
			d.succeeded[op.OperationID] = true
		} else {
			d.other[op.OperationID] = true
		}
		d.mu.Unlock()
	}
	var body any
	if err := json.Unmarshal(a.Raw, &body); err != nil {
		t.Errorf("%s %s: %v", r.Method, r.Path, err)
		return
	}
	if err := schema.VisitJSON(body, openapi3.MultiErrors()); err != nil {
		t.Errorf("%s %s is not what the OpenAPI document says: %v\n%.600s", r.Method, r.Path, err, a.Raw)
	}
}

func (d *document) operations() map[string]string {
	all := map[string]string{}
	for path, item := range d.Paths.Map() {
		for method, op := range item.Operations() {
			all[op.OperationID] = method + " " + path
		}
	}
	return all
}

// requireAllSeen fails the test when an endpoint was never seen to succeed, or never to fail.
func (d *document) requireAllSeen(t *testing.T) {
	t.Helper()
	for id := range d.operations() {
		if !d.succeeded[id] {
			t.Errorf("no test has seen a success of %s", id)
		}
		if !d.other[id] {
			t.Errorf("no test has seen a failure of %s", id)
		}
	}
}

func TestOpenAPIDocumentIsValid(t *testing.T) {
	doc := readOpenAPI(t)
	if err := doc.Validate(t.Context(), openapi3.EnableExamplesValidation()); err != nil {
		t.Fatal(err)
	}
	if len(doc.Servers) == 0 || doc.Servers[0].URL != "http://localhost:10001" {
		t.Error("the first server should be the one that make run starts")
	}
}

// The examples of responses stand beside their schema, where kin-openapi's validation does not look at all versions.
func TestOpenAPIExamples(t *testing.T) {
	doc := loadOpenAPI(t)
	for path, item := range doc.Paths.Map() {
		for method, op := range item.Operations() {
			media := op.Responses.Status(200).Value.Content.Get("application/json")
			var success, failure bool
			for name, example := range media.Examples {
				if err := media.Schema.Value.VisitJSON(example.Value.Value); err != nil {
					t.Errorf("%s %s, example %s: %v", method, path, name, err)
				}
				o, ok := example.Value.Value.(map[string]any)
				if !ok {
					t.Errorf("%s %s, example %s is no object", method, path, name)
					continue
				}
				code := fmt.Sprint(o["status_code"])
				success, failure = success || code == "0", failure || code != "0"
			}
			if !success || !failure {
				t.Errorf("%s %s needs an example of a success and of a failure", method, path)
			}
			if op.Summary == "" {
				t.Errorf("%s %s has no summary", method, path)
			}
		}
	}
}

// The IDL is the source: its endpoints, its parameters, its keys.
func TestOpenAPIMatchesIDL(t *testing.T) {
	doc := loadOpenAPI(t)
	idl, err := os.ReadFile(filepath.Join(harness.RepoRoot(t), "idl", "api.thrift"))
	if err != nil {
		t.Fatal(err)
	}
	rpc := regexp.MustCompile(`(\w+) (\w+)\(1: (\w+) req\)\s*\(api\.(get|post)="([^"]+)"`)
	structs := thriftStructs(string(idl), `(?:optional )?`)
	always := thriftStructs(string(idl), "")
	want := map[string]string{}
	for _, m := range rpc.FindAllStringSubmatch(string(idl), -1) {
		answer, name, request, method, path := m[1], "douyin"+m[2], m[3], strings.ToUpper(m[4]), m[5]
		want[name] = method + " " + path
		op := doc.operation(harness.Request{Method: method, Path: path})
		if op == nil {
			t.Errorf("%s %s is not in the document", method, path)
			continue
		}
		if got := slices.Sorted(maps.Keys(answerSchema(op).Properties)); !slices.Equal(got, structs[answer]) {
			t.Errorf("%s answers %v, the document says %v", name, structs[answer], got)
		}
		takes, required := slices.Contains(structs[request], "token"), slices.Contains(always[request], "token")
		visitor := func(r openapi3.SecurityRequirement) bool { return len(r) == 0 }
		if got := *op.Security; takes != (len(got) > 0) || takes && required == slices.ContainsFunc(got, visitor) {
			t.Errorf("%s: takes a token %v, required %v, the document says %v", name, takes, required, got)
		}
		if got := parameters(op); !slices.Equal(got, structs[request]) {
			t.Errorf("%s has the parameters %v, the document says %v", name, structs[request], got)
		}
	}
	if len(want) != 17 {
		t.Errorf("found %d endpoints in the IDL, want 17", len(want))
	}
	if got := doc.operations(); !maps.Equal(got, want) {
		t.Errorf("document has %v, the IDL %v", got, want)
	}
	for _, name := range []string{"User", "Video", "ProcessingVideo", "Comment", "FriendUser", "Message"} {
		schema := doc.Components.Schemas["Douyin"+name].Value
		if got := slices.Sorted(maps.Keys(schema.Properties)); !slices.Equal(got, structs[name]) {
			t.Errorf("%s has %v, the document says %v", name, structs[name], got)
		}
		if slices.Sort(schema.Required); !slices.Equal(schema.Required, always[name]) {
			t.Errorf("%s: required are %v, the document says %v", name, always[name], schema.Required)
		}
	}
}

// thriftStructs are the names of the fields that begin with what the pattern allows.
func thriftStructs(idl, begin string) map[string][]string {
	block := regexp.MustCompile(`(?s)struct (\w+) \{(.*?)\n\}`)
	field := regexp.MustCompile(`(?m)^\s+\d+: ` + begin + `[\w<>]+ (\w+)(?: \(.*)?$`)
	all := map[string][]string{}
	for _, m := range block.FindAllStringSubmatch(idl, -1) {
		for _, f := range field.FindAllStringSubmatch(m[2], -1) {
			all[m[1]] = append(all[m[1]], f[1])
		}
		slices.Sort(all[m[1]])
	}
	return all
}

// parameters are the names of a request's parameters, the token, which is a security scheme, included.
func parameters(op *openapi3.Operation) []string {
	names := map[string]bool{}
	for _, scheme := range *op.Security {
		if _, ok := scheme["token"]; ok {
			names["token"] = true
		}
	}
	for _, p := range op.Parameters {
		if p.Value.In != openapi3.ParameterInHeader { // of HTTP, not of the operation
			names[p.Value.Name] = true
		}
	}
	if op.RequestBody != nil {
		for _, media := range op.RequestBody.Value.Content {
			for name := range media.Schema.Value.Properties {
				names[name] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(names))
}

func TestOpenAPIListsAllStatusCodes(t *testing.T) {
	doc := loadOpenAPI(t)
	want := []string{"0"}
	for _, e := range errno.All() {
		want = append(want, fmt.Sprint(e.Code))
	}
	var got []string
	for _, code := range doc.Components.Schemas["DouyinStatusCode"].Value.Enum {
		got = append(got, fmt.Sprint(code))
	}
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("the document lists %v, pkg/errno %v", got, want)
	}
	for _, e := range errno.All() {
		if text := doc.Components.Schemas["DouyinStatusCode"].Value.Description; !strings.Contains(text, fmt.Sprintf("%d %s", e.Code, e.Msg)) {
			t.Errorf("the document does not explain %d %s", e.Code, e.Msg)
		}
	}
}
