package contract_test

import (
	"net/url"
	"testing"

	"tiktok/pkg/errno"
	"tiktok/test/harness"
)

// endpoint is one row of the API: a request that succeeds, one that does not, and what both look like.
type endpoint struct {
	name, method, path string
	// good are parameters of a request that succeeds, again and again.
	good func(w *world) url.Values
	// bad fail with want.
	bad  func(w *world) url.Values
	want *errno.Error
	// ok and fail are the keys beside the envelope.
	ok, fail object
}

// endpoints are all but publish/action, whose file cannot be in the query.
func endpoints() []endpoint {
	p := harness.Params
	return []endpoint{
		{
			"feed", get, harness.PathFeed,
			func(w *world) url.Values { return p("token", w.ann.Token, "latest_time", 0) },
			nil, nil,
			object{"video_list": listOf{videoShape()}, "next_time": leaf(count)},
			object{"video_list": listOf{videoShape()}, "next_time": leaf(zero)},
		},
		{
			"register", post, harness.PathRegister,
			func(w *world) url.Values { return p("username", w.d.NewName(), "password", "secret") },
			func(w *world) url.Values { return p("username", w.ann.Name, "password", "secret") }, errno.UserNameTaken,
			object{"user_id": leaf(id), "token": leaf(filled)},
			object{"user_id": leaf(zero), "token": leaf(empty)},
		},
		{
			"login", post, harness.PathLogin,
			func(w *world) url.Values { return p("username", w.ann.Name, "password", w.ann.Password) },
			func(w *world) url.Values { return p("username", w.ann.Name, "password", "wrong") }, errno.UserBadCredentials,
			object{"user_id": leaf(id), "token": leaf(filled)},
			object{"user_id": leaf(zero), "token": leaf(empty)},
		},
		{
			"user", get, harness.PathUser,
			func(w *world) url.Values { return p("user_id", w.bob.ID, "token", w.ann.Token) },
			func(w *world) url.Values { return p("user_id", 1, "token", w.ann.Token) }, errno.UserNotFound,
			object{"user": userShape()},
			object{"user": noUserShape()},
		},
		{
			"publish list", get, harness.PathPublishList,
			func(w *world) url.Values { return p("user_id", w.bob.ID, "token", w.ann.Token) },
			func(w *world) url.Values { return p("user_id", "x", "token", w.ann.Token) }, errno.InvalidArgument,
			object{"video_list": listOf{videoShape()}, "processing_list": leaf(nothing)},
			object{"video_list": listOf{videoShape()}, "processing_list": leaf(nothing)},
		},
		{
			"favorite action", post, harness.PathFavorite,
			func(w *world) url.Values {
				return p("video_id", w.video.ID, "action_type", 1, "token", w.ann.Token)
			},
			func(w *world) url.Values { return p("video_id", 1, "action_type", 1, "token", w.ann.Token) }, errno.VideoNotFound,
			object{},
			object{},
		},
		{
			"favorite list", get, harness.PathFavoriteList,
			func(w *world) url.Values { return p("user_id", w.ann.ID, "token", w.bob.Token) },
			func(*world) url.Values { return p() }, errno.Unauthenticated,
			object{"video_list": listOf{videoShape()}},
			object{"video_list": listOf{videoShape()}},
		},
		{
			"comment", post, harness.PathComment,
			func(w *world) url.Values {
				return p("video_id", w.video.ID, "action_type", 1, "comment_text", "nice, 不错", "token", w.ann.Token)
			},
			func(w *world) url.Values {
				return p("video_id", 1, "action_type", 1, "comment_text", "nice", "token", w.ann.Token)
			}, errno.VideoNotFound,
			object{"comment": commentShape()},
			object{},
		},
		{
			"comment list", get, harness.PathCommentList,
			func(w *world) url.Values { return p("video_id", w.video.ID, "token", w.ann.Token) },
			func(w *world) url.Values { return p("video_id", 1, "token", w.ann.Token) }, errno.VideoNotFound,
			object{"comment_list": listOf{commentShape()}},
			object{"comment_list": listOf{commentShape()}},
		},
		{
			"relation action", post, harness.PathRelation,
			func(w *world) url.Values {
				return p("to_user_id", w.bob.ID, "action_type", 1, "token", w.ann.Token)
			},
			func(w *world) url.Values {
				return p("to_user_id", w.ann.ID, "action_type", 1, "token", w.ann.Token)
			}, errno.SocialSelf,
			object{},
			object{},
		},
		{
			"follow list", get, harness.PathFollowList,
			func(w *world) url.Values { return p("user_id", w.ann.ID, "token", w.bob.Token) },
			func(w *world) url.Values { return p("user_id", -1, "token", w.bob.Token) }, errno.InvalidArgument,
			object{"user_list": listOf{userShape()}},
			object{"user_list": listOf{userShape()}},
		},
		{
			"follower list", get, harness.PathFollowerList,
			func(w *world) url.Values { return p("user_id", w.bob.ID, "token", w.bob.Token) },
			func(w *world) url.Values { return p("user_id", "1e400", "token", w.bob.Token) }, errno.InvalidArgument,
			object{"user_list": listOf{userShape()}},
			object{"user_list": listOf{userShape()}},
		},
		{
			"friend list", get, harness.PathFriendList,
			func(w *world) url.Values { return p("user_id", w.ann.ID, "token", w.ann.Token) },
			func(w *world) url.Values { return p("user_id", w.ann.ID) }, errno.Unauthenticated,
			object{"user_list": listOf{friendShape()}},
			object{"user_list": listOf{friendShape()}},
		},
		{
			"message action", post, harness.PathMessage,
			func(w *world) url.Values {
				return p("to_user_id", w.bob.ID, "action_type", 1, "content", "hi 你好", "token", w.ann.Token)
			},
			func(w *world) url.Values {
				return p("to_user_id", w.ann.ID, "action_type", 1, "content", "hi", "token", w.ann.Token)
			}, errno.ChatSelf,
			object{},
			object{},
		},
		{
			"chat", get, harness.PathChat,
			func(w *world) url.Values { return p("to_user_id", w.bob.ID, "token", w.ann.Token) },
			func(w *world) url.Values { return p("to_user_id", w.bob.ID) }, errno.Unauthenticated,
			object{"message_list": listOf{messageShape()}},
			object{"message_list": listOf{messageShape()}},
		},
	}
}

// in sends parameters in the query.
func (e endpoint) in(query url.Values) harness.Request {
	return harness.Request{Method: e.method, Path: e.path, Query: query}
}

// requireGood fails the test unless the request succeeds with the endpoint's answer.
func (e endpoint) requireGood(t *testing.T, d *harness.Deployment, r harness.Request) {
	t.Helper()
	requireShape(t, enveloped(e.ok), d.Do(t, r).OK(t).Body, true)
}

func testEndpoints(t *testing.T, d *harness.Deployment) {
	w := newWorld(t, d)
	for _, e := range endpoints() {
		t.Run(e.name, func(t *testing.T) {
			e.requireGood(t, d, e.in(e.good(w)))
			if e.bad == nil {
				return
			}
			a := d.Do(t, e.in(e.bad(w))).Fails(t, e.want)
			requireShape(t, enveloped(e.fail), a.Body, false)
		})
	}
	t.Run("publish action", func(t *testing.T) {
		a := w.bob.TryPublish(t, "shape", harness.File{Data: harness.TestData(t, "tiny.mp4")}).OK(t)
		requireShape(t, enveloped(object{}), a.Body, true)
		a = w.bob.TryPublish(t, "shape", harness.File{Data: []byte("no video")}).Fails(t, errno.VideoUnplayable)
		requireShape(t, enveloped(object{}), a.Body, true)
	})
	t.Run("delete a comment", func(t *testing.T) {
		q := harness.Params("video_id", w.video.ID, "action_type", 2, "comment_id", w.comment.ID, "token", w.ann.Token)
		a := d.Call(t, post, harness.PathComment, q, nil).OK(t)
		requireShape(t, enveloped(object{}), a.Body, true)
		a = d.Call(t, post, harness.PathComment, q, nil).Fails(t, errno.CommentNotFound)
		requireShape(t, enveloped(object{}), a.Body, true)
	})
	t.Run("empty lists", func(t *testing.T) {
		for _, e := range endpoints() {
			if e.method != get || e.name == "user" {
				continue
			}
			a := d.Call(t, get, e.path, harness.Params("token", w.eve.Token, "to_user_id", w.ann.ID, "video_id", w.video.ID, "latest_time", 1), nil).
				OK(t)
			requireShape(t, enveloped(e.ok), a.Body, false)
		}
	})
}

// The feed never fails by its parameters, only for such reasons.
func testTooManyRequests(t *testing.T, doc *document) {
	d := harness.AllInOne(
		t,
		harness.Set("limits.read_addr.rate", "0.001"),
		harness.Set("limits.read_addr.burst", "2"),
		harness.Observe(doc.check),
	)
	var a harness.Answer
	for range 3 {
		a = d.Do(t, harness.Request{Method: get, Path: harness.PathFeed})
	}
	a.Fails(t, errno.TooManyRequests)
	requireShape(t, enveloped(object{"video_list": listOf{videoShape()}, "next_time": leaf(zero)}), a.Body, false)
}
