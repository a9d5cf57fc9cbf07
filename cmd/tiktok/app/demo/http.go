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

	"tiktok/pkg/errno"
)

// maxAnswer bounds an answer of the API; the longest here is a chat.
const maxAnswer = 4 << 20

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
	return h.do(ctx, http.MethodPost, path, strings.NewReader(params.Encode()), "application/x-www-form-urlencoded")
}

func (h HTTP) do(ctx context.Context, method, path string, body io.Reader, contentType string) (answer, error) {
	var a answer
	req, err := http.NewRequestWithContext(ctx, method, strings.TrimRight(h.URL, "/")+"/douyin/"+path, body)
	if err != nil {
		return a, err
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	res, err := h.Client.Do(req)
	if err != nil {
		var failed *url.Error // names the address, and with it the token
		if errors.As(err, &failed) {
			err = failed.Err
		}
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
		if a, err = h.post(ctx, "user/login/", params("username", name, "password", password)); err != nil {
			err = errors.Join(errors.New("the name belongs to somebody else, or has another password"), err)
		}
	}
	return Account{ID: a.UserID, Token: a.Token}, err
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
	_, err = h.do(ctx, http.MethodPost, "publish/action/", &body, form.FormDataContentType())
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
