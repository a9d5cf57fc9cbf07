package contract_test

import (
	"encoding/json"
	"fmt"
	"mime"
	"strconv"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"

	"tiktok/pkg/errno"
	"tiktok/pkg/push"
	"tiktok/pkg/telemetry"
	"tiktok/test/harness"
)

// hintWithin bounds the way of a hint, on a busy machine.
const hintWithin = 20 * time.Second

// testV1Events: the answer goes on, so it is checked piece by piece: the head, and each hint.
func testV1Events(t *testing.T, d *harness.Deployment, doc *v1Document) {
	ann, visitor := d.NewUser(t), doc.user(d, d.Visitor())
	visitor.fails(t, get, "/events", nil, errno.Unauthenticated)
	doc.user(d, ann).fails(t, post, "/events", nil, errno.MethodNotAllowed)

	op := doc.find(get, harness.PathEvents)
	response := op.Responses.Status(200).Value
	stream := ann.Events(t)
	doc.mu.Lock()
	doc.succeeded[op.OperationID] = true
	doc.mu.Unlock()
	for header, h := range response.Headers {
		if h.Value.Required && stream.Header.Get(header) == "" {
			t.Errorf("no header %s", header)
		}
	}
	for header, want := range map[string]string{"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "X-Accel-Buffering": "no"} {
		if got := stream.Header.Get(header); got != want {
			t.Errorf("%s: %q, want %q", header, got, want)
		}
	}
	kind, _, err := mime.ParseMediaType(stream.Header.Get("Content-Type"))
	media := response.Content.Get(kind)
	if err != nil || media == nil {
		t.Fatalf("content type %q is not in the document", stream.Header.Get("Content-Type"))
	}
	if ms, err := strconv.Atoi(stream.Retry); err != nil || ms < 1000 || ms > 10_000 {
		t.Errorf("retry: %q", stream.Retry)
	}
	if !tellEveryKind(t, d, ann) {
		return // hints cannot be published into another process
	}
	for _, want := range []harness.Hint{
		{Kind: "message", UserID: 7},
		{Kind: "read", UserID: 7},
		{Kind: "notice"},
		{Kind: "upload", VideoID: 9, State: "uploaded"},
		{Kind: "upload", VideoID: 10, State: "processing"},
		{Kind: "upload", VideoID: 11, State: "ready"},
		{Kind: "upload", VideoID: 12, State: "failed"},
	} {
		stream.Want(t, hintWithin, want)
	}
	for _, data := range stream.Hints() {
		var hint any
		if err := json.Unmarshal(data, &hint); err != nil {
			t.Fatal(err)
		}
		if err := media.Schema.Value.VisitJSON(hint, openapi3.MultiErrors()); err != nil {
			t.Errorf("%s is not what the document says: %v", data, err)
		}
	}
}

// tellEveryKind publishes hints of all kinds for u as the notice service does. It returns false where that cannot be.
func tellEveryKind(t *testing.T, d *harness.Deployment, u *harness.User) bool {
	t.Helper()
	if d.Name != harness.NameDistributed {
		return false
	}
	broker, err := push.Open(t.Context(), d.Config.Cache, telemetry.Discard())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = broker.Close() })
	var hints []push.Hint
	for _, rest := range []string{
		`"message","peer_id":7`, `"read","peer_id":7`, `"notice"`, `"upload","video_id":9,"state":1`, `"upload","video_id":10,"state":2`,
		`"upload","video_id":11,"state":3`, `"upload","video_id":12,"state":4`, `"of a newer service","peer_id":7`,
	} {
		hints = append(hints, push.Hint{UserID: u.ID, Data: fmt.Appendf(nil, `{"user_id":%d,"kind":%s}`, u.ID, rest)})
	}
	if err := broker.Publish(t.Context(), hints); err != nil {
		t.Fatal(err)
	}
	return true
}
