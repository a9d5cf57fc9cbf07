package cluster_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"mime/multipart"
	"net/http"
	"slices"
	"time"

	"tiktok/test/harness"
)

// act does one thing, and reads it back where the user's next request could go. ctx ends the traffic.
func (p *person) act(ctx context.Context, s *scene) {
	v := p.rand.IntN(hotVideos)
	switch x := p.rand.IntN(100); {
	case x < 16:
		p.like(ctx, s, v)
	case x < 22:
		p.comment(ctx, s, v)
	case x < 28:
		p.follow(ctx)
	case x < 35:
		p.send(ctx)
	case x < 37:
		p.publish(ctx)
	case x < 38:
		p.enrol(ctx, s)
	case x < 55:
		p.get(ctx, "feed", harness.PathFeed)
	case x < 63:
		p.get(ctx, "for you", "/api/v1/feeds/for-you")
	case x < 71:
		p.get(ctx, "profile", harness.PathUser, "user_id", p.other().id)
	case x < 79:
		p.get(ctx, "comments", harness.PathCommentList, "video_id", s.videos[v])
	case x < 86:
		p.get(ctx, "videos", harness.PathPublishList, "user_id", s.author.id)
	case x < 90:
		p.get(ctx, "favorites", harness.PathFavoriteList, "user_id", p.id)
	case x < 93:
		p.get(ctx, "followers", harness.PathFollowerList, "user_id", p.other().id)
	case x < 96:
		p.get(ctx, "notices", "/api/v1/notices")
	case x < 98:
		p.get(ctx, "search", "/api/v1/search/videos", "q", s.author.name)
	default:
		p.login(ctx, p.name, p.password())
	}
}

// peer is whom p chats with, other is anybody else.
func (p *person) peer() *person { return p.c.people[p.n^1] }

func (p *person) other() *person {
	i := p.rand.IntN(users - 1)
	if i >= p.n {
		i++
	}
	return p.c.people[i]
}

func (p *person) get(ctx context.Context, kind, path string, pairs ...any) answer {
	return p.do(ctx, kind, read, harness.Request{Method: http.MethodGet, Path: path, Query: harness.Params(pairs...)})
}

func (p *person) post(ctx context.Context, kind, path string, to at, pairs ...any) answer {
	return p.do(ctx, kind, to, harness.Request{Method: http.MethodPost, Path: path, Query: harness.Params(pairs...)})
}

func action(on bool) int {
	if on {
		return 1
	}
	return 2
}

func span(a answer) harness.Span { return harness.Span{From: a.from, To: a.from.Add(a.took)} }

// back reads what was just written, if it was acknowledged, and takes down when seen denies it.
func (p *person) back(ctx context.Context, wrote answer, kind, what, path string, seen func(raw []byte) (bool, error), pairs ...any) {
	if wrote.outcome != harness.Done {
		return
	}
	p.owes++
	a := p.get(ctx, kind, path, pairs...)
	if a.outcome != harness.Done {
		return
	}
	ok, err := seen(a.Raw)
	if err != nil || !ok {
		p.c.misread(a, kind, "%s (acknowledged after %v, read %v later, which took %v): %v", what, wrote.took.Round(time.Millisecond),
			a.from.Sub(wrote.from.Add(wrote.took)).Round(time.Millisecond), a.took.Round(time.Millisecond), err)
	}
}

func (p *person) like(ctx context.Context, s *scene, v int) {
	f, on := &s.liked[p.n][v], p.rand.IntN(2) == 0
	a := p.post(ctx, "like", harness.PathFavorite, state, "video_id", s.videos[v], "action_type", action(on))
	f.Add(on, a.outcome, span(a))
	p.back(ctx, a, "videos", fmt.Sprintf("is_favorite of video %d is not %v", v, on), harness.PathPublishList, func(raw []byte) (bool, error) {
		list, err := videos(raw)
		i := slices.IndexFunc(list, func(x harness.Video) bool { return x.ID == s.videos[v] })
		return i >= 0 && f.Allows(list[i].IsFavorite), err
	}, "user_id", s.author.id)
}

func (p *person) comment(ctx context.Context, s *scene, v int) {
	n := note{text: fmt.Sprintf("%s says %d", p.name, p.c.names.Add(1)), video: v}
	a := p.post(ctx, "comment", harness.PathComment, write, "video_id", s.videos[v], "action_type", 1, "comment_text", n.text)
	n.outcome = a.outcome
	s.comments[p.n] = append(s.comments[p.n], n)
	p.back(ctx, a, "comments", "no comment "+n.text, harness.PathCommentList, func(raw []byte) (bool, error) {
		list, err := comments(raw)
		return slices.Contains(list, n.text), err
	}, "video_id", s.videos[v])
}

func (p *person) follow(ctx context.Context) {
	to, on := p.other(), p.rand.IntN(2) == 0
	f := p.follows[to.n]
	if f == nil {
		f = &harness.Fate{}
		p.follows[to.n] = f
	}
	a := p.post(ctx, "follow", harness.PathRelation, state, "to_user_id", to.id, "action_type", action(on))
	f.Add(on, a.outcome, span(a))
	p.back(ctx, a, "profile", fmt.Sprintf("is_follow is not %v", on), harness.PathUser, func(raw []byte) (bool, error) {
		var got struct {
			User harness.Card `json:"user"`
		}
		err := json.Unmarshal(raw, &got)
		return f.Allows(got.User.IsFollow), err
	}, "user_id", to.id)
}

func (p *person) send(ctx context.Context) {
	n := note{text: fmt.Sprintf("%s writes %d", p.name, p.c.names.Add(1))}
	a := p.post(ctx, "message", harness.PathMessage, write, "to_user_id", p.peer().id, "action_type", 1, "content", n.text)
	n.outcome = a.outcome
	p.sent = append(p.sent, n)
	p.back(ctx, a, "chat", "no message "+n.text, harness.PathChat, func(raw []byte) (bool, error) {
		list, err := messages(raw)
		return slices.Contains(list, n.text), err
	}, "to_user_id", p.peer().id)
}

func (p *person) publish(ctx context.Context) {
	n := note{text: fmt.Sprintf("%s shows %d", p.name, p.c.names.Add(1))}
	a := p.upload(ctx, n.text)
	n.outcome = a.outcome
	p.published = append(p.published, n)
	p.back(ctx, a, "videos", "no video "+n.text, harness.PathPublishList, func(raw []byte) (bool, error) {
		list, err := videos(raw)
		return slices.ContainsFunc(list, func(v harness.Video) bool { return v.Title == n.text }), err
	}, "user_id", p.id)
}

func (p *person) upload(ctx context.Context, title string) answer {
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	_ = w.WriteField("title", title) // a buffer takes everything
	if part, err := w.CreateFormFile("data", "video.mp4"); err == nil {
		_, _ = part.Write(p.c.clip)
	}
	_ = w.Close()
	return p.do(ctx, "publish", write, harness.Request{
		Method: http.MethodPost, Path: harness.PathPublish, Body: body.Bytes(), ContentType: w.FormDataContentType(),
	})
}

// enrol registers somebody new, who then logs in.
func (p *person) enrol(ctx context.Context, s *scene) {
	n := note{text: fmt.Sprintf("%sn%d", p.c.prefix, p.c.names.Add(1))}
	a := p.post(ctx, "register", harness.PathRegister, write, "username", n.text, "password", "pass-"+n.text)
	n.outcome = a.outcome
	s.accounts[p.n] = append(s.accounts[p.n], n)
	if a.outcome != harness.Done {
		return
	}
	p.owes++
	if a := p.login(ctx, n.text, "pass-"+n.text); a.Code == wrongPassword {
		p.c.misread(a, "login", "there is no account %s", n.text)
	}
}

func (p *person) login(ctx context.Context, name, password string) answer {
	// Another session; repeated, it is one more.
	return p.do(ctx, "login", read, harness.Request{
		Method: http.MethodPost, Path: harness.PathLogin, Query: harness.Params("username", name, "password", password),
	})
}

func videos(raw []byte) ([]harness.Video, error) {
	var got struct {
		VideoList []harness.Video `json:"video_list"`
	}
	return got.VideoList, json.Unmarshal(raw, &got)
}

func comments(raw []byte) (texts []string, err error) {
	var got struct {
		CommentList []harness.Comment `json:"comment_list"`
	}
	err = json.Unmarshal(raw, &got)
	for _, c := range got.CommentList {
		texts = append(texts, c.Content)
	}
	return texts, err
}

func messages(raw []byte) (texts []string, err error) {
	var got struct {
		MessageList []harness.Message `json:"message_list"`
	}
	err = json.Unmarshal(raw, &got)
	for _, m := range got.MessageList {
		texts = append(texts, m.Content)
	}
	return texts, err
}

// sees reads something when nothing is broken.
func (p *person) sees(ctx context.Context, path string, pairs ...any) ([]byte, error) {
	a := p.get(ctx, "recount", path, pairs...)
	if a.outcome != harness.Done {
		return nil, errors.Join(fmt.Errorf("%s: %d %s", path, a.Code, a.Msg), a.err)
	}
	return a.Raw, nil
}

// videos is a user's list as p sees it.
func (p *person) videos(ctx context.Context, id int64) ([]harness.Video, error) {
	raw, err := p.sees(ctx, harness.PathPublishList, "user_id", id)
	if err != nil {
		return nil, err
	}
	return videos(raw)
}
