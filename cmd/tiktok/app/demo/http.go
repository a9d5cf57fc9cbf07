package demo

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"
	"time"

	"tiktok/pkg/errno"
)

// maxAnswer bounds an answer of the API; the longest here is a chat.
const maxAnswer = 4 << 20

// maxRefusal bounds what is shown of a refusal.
const maxRefusal = 1 << 10

// HTTP is a deployment as clients see it.
type HTTP struct {
	// URL is where its gateway answers, without a path.
	URL string
	// Client makes the requests.
	Client *http.Client
}

var _ Backend = HTTP{}

// answer is what an endpoint answers, of which each fills a part.
type answer struct {
	Code    int32  `json:"status_code"`
	Message string `json:"status_msg"`

	UserID int64  `json:"user_id"`
	Token  string `json:"token"`
	Videos []struct {
		ID    int64  `json:"id"`
		Title string `json:"title"`
	} `json:"video_list"`
	Comments []struct{} `json:"comment_list"`
	Messages []struct{} `json:"message_list"`
}

// refused is a status code other than 0.
type refused struct {
	code    int32
	message string
}

// Error implements error.
func (r refused) Error() string { return fmt.Sprintf("refused: %s (%d)", r.message, r.code) }

func (h HTTP) get(ctx context.Context, path string, params url.Values) (answer, error) {
	return h.do(ctx, http.MethodGet, path+"?"+params.Encode(), nil, "")
}

func (h HTTP) post(ctx context.Context, path string, params url.Values) (answer, error) {
	return h.do(ctx, http.MethodPost, path, []byte(params.Encode()), "application/x-www-form-urlencoded")
}

// tooFast bounds how often a request is repeated that came too fast for the deployment's limits.
const tooFast = 60

// do makes a request, again a second later when the deployment says that there were too many.
func (h HTTP) do(ctx context.Context, method, path string, body []byte, contentType string) (a answer, err error) {
	for range tooFast {
		a, err = h.once(ctx, method, path, body, contentType)
		var no refused
		if !errors.As(err, &no) || no.code != errno.TooManyRequests.Code {
			return a, err
		}
		select {
		case <-time.After(time.Second):
		case <-ctx.Done():
			return a, ctx.Err()
		}
	}
	return a, err
}

func (h HTTP) once(ctx context.Context, method, path string, body []byte, contentType string) (a answer, err error) {
	res, err := h.send(ctx, method, "/douyin/"+path, body, "Content-Type", contentType)
	if err != nil {
		return a, err
	}
	defer res.Body.Close()
	if err := json.NewDecoder(io.LimitReader(res.Body, maxAnswer)).Decode(&a); err != nil {
		return a, fmt.Errorf("HTTP status %d, and no answer of this API: %w", res.StatusCode, err)
	}
	if a.Code != 0 {
		return a, refused{a.Code, a.Message}
	}
	return a, nil
}

// send makes one request; headers are names and values. The caller closes the answer's body.
func (h HTTP) send(ctx context.Context, method, path string, body []byte, headers ...string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, strings.TrimRight(h.URL, "/")+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	for i := 0; i+1 < len(headers); i += 2 {
		if headers[i+1] != "" {
			req.Header.Set(headers[i], headers[i+1])
		}
	}
	res, err := h.Client.Do(req)
	var failed *url.Error // names the address, and with it the token
	if errors.As(err, &failed) {
		err = failed.Err
	}
	return res, err
}

// params are pairs of names and values.
func params(pairs ...any) url.Values {
	v := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		v.Set(fmt.Sprint(pairs[i]), fmt.Sprint(pairs[i+1]))
	}
	return v
}

// Empty implements Backend.
func (h HTTP) Empty(ctx context.Context) (bool, error) {
	a, err := h.get(ctx, "feed/", nil)
	return len(a.Videos) == 0, err
}

// Account implements Backend.
func (h HTTP) Account(ctx context.Context, name, password string) (Account, error) {
	a, err := h.post(ctx, "user/register/", params("username", name, "password", password))
	var no refused
	if errors.As(err, &no) && no.code == errno.UserNameTaken.Code {
		known, err := h.login(ctx, name, password)
		if err != nil {
			err = errors.Join(errors.New("the name belongs to somebody else, or has another password"), err)
		}
		return known, err
	}
	return Account{ID: a.UserID, Token: a.Token}, err
}

func (h HTTP) login(ctx context.Context, name, password string) (Account, error) {
	a, err := h.post(ctx, "user/login/", params("username", name, "password", password))
	return Account{ID: a.UserID, Token: a.Token}, err
}

// Profile implements Backend. /douyin cannot set it, and nothing can in a deployment of the version before: there it stays as it is.
func (h HTTP) Profile(ctx context.Context, of Account, a Author) error {
	return h.v1(ctx, of, http.MethodPatch, "me", map[string]string{"display_name": a.DisplayName, "signature": a.Signature})
}

// v1 sends JSON to /api/v1. That a deployment of the version before does not know the operation is no error.
func (h HTTP) v1(ctx context.Context, by Account, method, path string, content any) error {
	body, err := json.Marshal(content)
	if err != nil {
		return err
	}
	res, err := h.send(ctx, method, "/api/v1/"+path, body, "Content-Type", "application/json", "Authorization", "Bearer "+by.Token)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	switch res.StatusCode {
	case http.StatusOK, http.StatusNoContent, http.StatusNotFound, http.StatusMethodNotAllowed:
		return nil
	}
	text, err := io.ReadAll(io.LimitReader(res.Body, maxRefusal))
	return errors.Join(fmt.Errorf("refused with status %d: %s", res.StatusCode, text), err)
}

// Videos implements Backend.
func (h HTTP) Videos(ctx context.Context, author Account) (map[string]int64, error) {
	a, err := h.get(ctx, "publish/list/", params("token", author.Token, "user_id", author.ID))
	ids := make(map[string]int64, len(a.Videos))
	for _, v := range a.Videos {
		ids[v.Title] = v.ID
	}
	return ids, err
}

// Publish implements Backend.
func (h HTTP) Publish(ctx context.Context, author Account, v Video) error {
	data, err := clips.ReadFile("clips/" + v.Clip + ".mp4")
	if err != nil {
		return err
	}
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	err = errors.Join(form.WriteField("token", author.Token), form.WriteField("title", v.Title))
	file, ferr := form.CreateFormFile("data", v.Clip+".mp4")
	if err = errors.Join(err, ferr); err != nil {
		return err
	}
	if _, err := file.Write(data); err != nil {
		return err
	}
	if err := form.Close(); err != nil {
		return err
	}
	_, err = h.do(ctx, http.MethodPost, "publish/action/", body.Bytes(), form.FormDataContentType())
	return err
}

// Follow implements Backend.
func (h HTTP) Follow(ctx context.Context, follower, followed Account) error {
	_, err := h.post(ctx, "relation/action/", params("token", follower.Token, "to_user_id", followed.ID, "action_type", 1))
	return err
}

// Like implements Backend.
func (h HTTP) Like(ctx context.Context, by Account, video int64) error {
	_, err := h.post(ctx, "favorite/action/", params("token", by.Token, "video_id", video, "action_type", 1))
	return err
}

// Watch implements Backend. /douyin cannot tell it.
func (h HTTP) Watch(ctx context.Context, by Account, videos []int64) error {
	watches := make([]map[string]any, len(videos))
	for i, id := range videos {
		watches[i] = map[string]any{"video_id": id, "session": watchedSession, "watched_ms": watchedMs, "is_finished": true}
	}
	return h.v1(ctx, by, http.MethodPost, "watches", map[string]any{"items": watches})
}

// Comments implements Backend.
func (h HTTP) Comments(ctx context.Context, video int64) (int, error) {
	a, err := h.get(ctx, "comment/list/", params("video_id", video))
	return len(a.Comments), err
}

// Comment implements Backend.
func (h HTTP) Comment(ctx context.Context, by Account, video int64, text string) error {
	_, err := h.post(ctx, "comment/action/", params("token", by.Token, "video_id", video, "action_type", 1, "comment_text", text))
	return err
}

// Messages implements Backend.
func (h HTTP) Messages(ctx context.Context, one, other Account) (int, error) {
	a, err := h.get(ctx, "message/chat/", params("token", one.Token, "to_user_id", other.ID, "pre_msg_time", 0))
	return len(a.Messages), err
}

// Send implements Backend.
func (h HTTP) Send(ctx context.Context, from, to Account, text string) error {
	_, err := h.post(ctx, "message/action/", params("token", from.Token, "to_user_id", to.ID, "action_type", 1, "content", text))
	return err
}
