package opensearch

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"

	"tiktok/cmd/discovery/index"
)

// writeAlias is the alias that an index is written through.
func writeAlias(name string) string { return name + "-w" }

// Apply implements index.Engine.
//
// OpenSearch compares the versions (external_gte): of writes that meet, late ones, those of a leader that was thought dead too, the newest
// stays. A deletion of OpenSearch is forgotten after index.gc_deletes, and an older write would then bring the document back. So nothing is
// deleted: what is gone is a document without anything, which keeps its version as long as the index lives.
// The documents of a batch are on every copy that is in sync, and found, when OpenSearch answers; then the position moves.
func (e *Engine) Apply(ctx context.Context, docs []index.Doc, position int64) error {
	if len(docs) > index.MaxBatch {
		return fmt.Errorf("opensearch: %d documents in a batch, want %d at most", len(docs), index.MaxBatch)
	}
	return try(ctx, writeTimeout, func(ctx context.Context) error {
		now, err := e.serving(ctx, e.writer)
		if err != nil {
			return err
		}
		newer := make([]*index.Doc, 0, len(docs))
		for i := range docs {
			if docs[i].Version > now.position {
				newer = append(newer, &docs[i])
			}
		}
		err = e.put(ctx, now.name, newer, true)
		if err == nil && position > now.position {
			err = e.mark(ctx, now.name, position)
		}
		var f *failure
		if errors.As(err, &f) && errors.Is(err, index.ErrNoIndex) {
			f.again = true // another one serves by now, or none, which is seen by asking again
		}
		return err
	})
}

// mark writes the position of an index. A greater one stays.
func (e *Engine) mark(ctx context.Context, name string, position int64) error {
	body, err := json.Marshal(mark{Position: position, Format: format})
	if err != nil {
		return err
	}
	r := request{method: http.MethodPut, path: "/" + writeAlias(name) + "/_doc/" + positionID, body: body, query: params(
		"version", strconv.FormatInt(position, 10), "version_type", "external_gte", "require_alias", "true", "timeout", waitForShard)}
	err = send(ctx, e.writer, r, (*nothing)(nil))
	var f *failure
	if errors.As(err, &f) && f.status == http.StatusConflict {
		return nil
	}
	return err
}

// waitForShard is how long a node waits for a primary shard before it answers that there is none: less than writeAttempt.
const waitForShard = "10s"

// maxDocumentID is what OpenSearch takes, in bytes.
const maxDocumentID = 512

// documentID is the Key, or its hash when it is too long.
func documentID(key string) string {
	if len(key) <= maxDocumentID {
		return key
	}
	sum := sha256.Sum256([]byte(key))
	return "#" + hex.EncodeToString(sum[:])
}

// put writes documents in one request. found waits until they are found.
func (e *Engine) put(ctx context.Context, name string, docs []*index.Doc, found bool) error {
	if len(docs) == 0 {
		return nil
	}
	type action struct {
		ID      string `json:"_id"`
		Version int64  `json:"version"`
		Type    string `json:"version_type"`
	}
	var body bytes.Buffer
	lines := json.NewEncoder(&body)
	for _, d := range docs {
		head := map[string]action{"index": {ID: documentID(d.Key()), Version: d.Version, Type: "external_gte"}}
		if err := lines.Encode(head); err != nil {
			return err
		}
		var content any = object{}
		if !d.Gone {
			content = documentOf(d)
		}
		if err := lines.Encode(content); err != nil {
			return err
		}
	}
	r := request{method: http.MethodPost, path: "/" + writeAlias(name) + "/_bulk", body: body.Bytes(), lines: true, query: params(
		"require_alias", "true", "refresh", strconv.FormatBool(found), "timeout", waitForShard,
		"filter_path", "errors,items.*.status,items.*.error.type,items.*.error.reason")}
	var got struct {
		Errors bool `json:"errors"`
		Items  []map[string]struct {
			Status int `json:"status"`
			Error  struct {
				Type   string `json:"type"`
				Reason string `json:"reason"`
			} `json:"error"`
		} `json:"items"`
	}
	if err := send(ctx, e.writer, r, &got); err != nil || !got.Errors {
		return err
	}
	var failed *failure
	for _, item := range got.Items {
		for _, did := range item {
			// A conflict is a newer version that is there.
			if did.Status < http.StatusBadRequest || did.Status == http.StatusConflict {
				continue
			}
			f := &failure{status: did.Status, code: did.Error.Type, text: short("write: " + did.Error.Type + " " + did.Error.Reason)}
			switch {
			case did.Error.Type == "index_not_found_exception":
				f.kind = index.ErrNoIndex
			case did.Status == http.StatusTooManyRequests || did.Status >= http.StatusInternalServerError:
				f.kind, f.again = index.ErrUnavailable, true
			default:
				return f // the same again would fail again
			}
			failed = f
		}
	}
	if failed != nil {
		return failed
	}
	return nil
}
