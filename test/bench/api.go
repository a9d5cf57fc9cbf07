package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"time"

	"github.com/cloudwego/hertz/pkg/app/client"
	"github.com/cloudwego/hertz/pkg/protocol"
)

// authors is a feed page's worth of people, each with one video.
const authors = 30

// api calls the public HTTP API.
type api struct {
	client *client.Client
	url    string
}

// ok reads just the start of an answer: decoding the page would cost the machine under test.
func ok(body []byte) bool { return bytes.HasPrefix(body, []byte(`{"status_code":0,`)) }

// prepare registers the authors under new names, lets each publish the clip, and returns their tokens.
func (a api) prepare(ctx context.Context, clip string) ([]string, error) {
	run := time.Now().UnixNano()
	tokens := make([]string, authors)
	for i := range tokens {
		name := fmt.Sprintf("bench%d_%d", run, i)
		q := url.Values{"username": {name}, "password": {name[:12]}}
		var answer struct {
			StatusCode int    `json:"status_code"`
			StatusMsg  string `json:"status_msg"`
			Token      string `json:"token"`
		}
		if err := a.post(ctx, "/douyin/user/register/?"+q.Encode(), nil, &answer); err != nil {
			return nil, err
		}
		if answer.StatusCode != 0 {
			return nil, fmt.Errorf("register: %s", answer.StatusMsg)
		}
		tokens[i] = answer.Token
		upload := func(req *protocol.Request) {
			req.SetMultipartFormData(map[string]string{"token": answer.Token, "title": fmt.Sprintf("bench %d", i)})
			req.SetFile("data", clip)
		}
		if err := a.post(ctx, "/douyin/publish/action/", upload, &answer); err != nil {
			return nil, err
		}
		if answer.StatusCode != 0 {
			return nil, fmt.Errorf("publish: %s", answer.StatusMsg)
		}
		fmt.Printf("\rprepared %d/%d authors", i+1, authors)
	}
	fmt.Println()
	return tokens, nil
}

func (a api) post(ctx context.Context, path string, fill func(*protocol.Request), answer any) error {
	req, resp := protocol.AcquireRequest(), protocol.AcquireResponse()
	defer protocol.ReleaseRequest(req)
	defer protocol.ReleaseResponse(resp)
	req.SetMethod("POST")
	req.SetRequestURI(a.url + path)
	if fill != nil {
		fill(req)
	}
	if err := a.client.Do(ctx, req, resp); err != nil {
		return fmt.Errorf("%s: %w", path[:15], err)
	}
	return json.Unmarshal(resp.Body(), answer)
}
