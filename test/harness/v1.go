package harness

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
)

// V1 sends a request below /api/v1 as the user, with body as JSON unless it is nil. An error means that there was no answer at all.
func (u *User) V1(ctx context.Context, method, path string, query url.Values, body any) (Answer, error) {
	r := Request{Method: method, Path: "/api/v1" + path, Query: query, Header: http.Header{}}
	if u.Token != "" {
		r.Header.Set("Authorization", "Bearer "+u.Token)
	}
	if body != nil {
		raw, err := json.Marshal(body)
		if err != nil {
			return Answer{}, err
		}
		r.Body, r.ContentType = raw, "application/json"
	}
	return u.d.send(ctx, r)
}

// Into decodes the answer of V1 when it has that status, and is an error otherwise. to may be nil.
func (a Answer) Into(status int, to any) error {
	if a.Status != status {
		return fmt.Errorf("HTTP status %d, want %d: %.300s", a.Status, status, a.Raw)
	}
	if to == nil {
		return nil
	}
	return json.Unmarshal(a.Raw, to)
}
