package v1

import (
	"net/http"
	"slices"
	"strings"

	"github.com/cloudwego/hertz/pkg/app"

	"tiktok/cmd/api/biz/call"
	"tiktok/cmd/api/biz/middleware"
	"tiktok/pkg/errno"
)

// Route is one operation.
type Route struct {
	Method string
	// Path is what follows call.V1Path, with parameters as :name.
	Path   string
	Access middleware.Access
	// Addr and User limit requests.
	Addr, User middleware.Limit
	// Status is that of a success.
	Status int
	Serve  call.Handler
	// BodyTypes are the content types that the body may have; none for an operation without a body.
	BodyTypes []string
}

const typeJSON = "application/json"

// OwnBody reports whether the handler reads the body as it comes, from Call.Body. Then it bounds its time, too.
func (r Route) OwnBody() bool { return len(r.BodyTypes) > 0 && r.BodyTypes[0] != typeJSON }

// Table is all operations.
type Table []Route

// Routes is the table of all operations, in the order of idl/v1.thrift.
func (a *API) Routes(l middleware.Limits) Table {
	const post, put, del, none = http.MethodPost, http.MethodPut, http.MethodDelete, http.StatusNoContent
	const public, visitor, member = middleware.Anyone, middleware.Visitor, middleware.Member
	var unlimited middleware.Limit // there is no user, or the handler limits them
	json := []string{typeJSON}
	read := func(path string, access middleware.Access, serve call.Handler) Route {
		return Route{http.MethodGet, path, access, l.ReadAddr, l.ReadUser, http.StatusOK, serve, nil}
	}
	// A body is JSON, unless its handler reads another type.
	write := func(method, path string, status int, serve call.Handler, body ...string) Route {
		return Route{method, path, member, l.WriteAddr, l.WriteUser, status, serve, body}
	}
	return Table{
		{post, "/users", public, l.RegisterAddr, unlimited, http.StatusCreated, a.Register, json},
		{post, "/sessions", public, l.LoginAddr, unlimited, http.StatusCreated, a.Login, json},
		read("/sessions", member, a.ListSessions),
		write(del, "/sessions", none, a.RevokeOtherSessions),
		write(del, "/sessions/current", none, a.Logout),
		write(del, "/sessions/:session_id", none, a.RevokeSession),

		read("/me", member, a.GetMe),
		write(http.MethodPatch, "/me", http.StatusOK, a.UpdateProfile, typeJSON),
		write(put, "/me/avatar", http.StatusOK, a.SetAvatar, pictureTypes()...),
		write(del, "/me/avatar", http.StatusOK, a.DeleteAvatar),
		write(put, "/me/background", http.StatusOK, a.SetBackground, pictureTypes()...),
		write(del, "/me/background", http.StatusOK, a.DeleteBackground),
		{put, "/me/password", member, l.LoginAddr, l.WriteUser, none, a.ChangePassword, json},
		read("/me/uploads", member, a.ListUploads),
		read("/me/friends", member, a.ListFriends),

		read("/users/:user_id", visitor, a.GetUser),
		read("/users/by-name/:name", visitor, a.GetUserByName),
		read("/users/:user_id/videos", visitor, a.ListUserVideos),
		read("/users/:user_id/likes", visitor, a.ListUserLikes),
		read("/users/:user_id/following", visitor, a.ListFollowing),
		read("/users/:user_id/followers", visitor, a.ListFollowers),
		write(put, "/users/:user_id/follow", none, a.Follow),
		write(del, "/users/:user_id/follow", none, a.Unfollow),

		read("/feed", visitor, a.Feed),
		read("/videos/:video_id", visitor, a.GetVideo),
		{post, "/videos", member, l.PublishAddr, unlimited, http.StatusCreated, a.Publish, []string{"multipart/form-data"}},
		write(del, "/videos/:video_id", none, a.DeleteVideo),
		write(put, "/videos/:video_id/like", none, a.Like),
		write(del, "/videos/:video_id/like", none, a.Unlike),
		read("/videos/:video_id/comments", visitor, a.ListComments),
		write(post, "/videos/:video_id/comments", http.StatusCreated, a.CreateComment, typeJSON),
		read("/videos/:video_id/comments/:comment_id/replies", visitor, a.ListReplies),
		write(put, "/videos/:video_id/comments/:comment_id/like", none, a.LikeComment),
		write(del, "/videos/:video_id/comments/:comment_id/like", none, a.UnlikeComment),
		write(put, "/videos/:video_id/comments/:comment_id/pin", none, a.PinComment),
		write(del, "/videos/:video_id/pinned-comment", none, a.UnpinComment),
		write(del, "/videos/:video_id/comments/:comment_id", none, a.DeleteComment),

		read("/conversations", member, a.ListConversations),
		read("/conversations/:user_id/messages", member, a.ListMessages),
		write(post, "/conversations/:user_id/messages", http.StatusCreated, a.SendMessage, typeJSON),
		write(put, "/conversations/:user_id/read", none, a.MarkRead, typeJSON),
		write(del, "/conversations/:user_id/messages/:message_id", none, a.DeleteMessage),
		write(del, "/conversations/:user_id", none, a.DeleteConversation),

		read("/notices", member, a.ListNotices),
		write(put, "/notices/read", none, a.MarkNoticesRead, typeJSON),
		read("/notices/settings", member, a.GetNoticeSettings),
		write(put, "/notices/settings", http.StatusOK, a.SetNoticeSettings, typeJSON),

		read("/push", member, a.GetPushKey),
		write(post, "/push/subscriptions", http.StatusCreated, a.Subscribe, typeJSON),
		write(del, "/push/subscriptions/:subscription_id", none, a.Unsubscribe),

		read("/events", member, a.Events),

		read("/search/videos", visitor, a.SearchVideos),
		read("/search/users", visitor, a.SearchUsers),
		read("/search/tags", visitor, a.SearchTags),
		read("/search/suggestions", visitor, a.Suggest),
		read("/tags", visitor, a.ListTrendingTags),
		read("/tags/:tag", visitor, a.GetTag),
		read("/tags/:tag/videos", visitor, a.ListTagVideos),

		read("/feeds/for-you", visitor, a.ForYou),
		read("/feeds/following", member, a.FollowingFeed),
		read("/feeds/hot", visitor, a.HotFeed),

		write(post, "/watches", none, a.AddWatches, typeJSON),
		read("/me/history", member, a.ListHistory),
		write(del, "/me/history", none, a.DeleteHistory),
		write(del, "/me/history/:video_id", none, a.DeleteHistoryItem),
		read("/me/statistics", member, a.GetStatistics),
		read("/me/statistics/videos", member, a.ListVideoStatistics),
	}
}

// NoRoute is the error for a request that is for no operation. It sets Allow for a path of others.
func (t Table) NoRoute(c *app.RequestContext) error {
	path := strings.TrimPrefix(string(c.Path()), call.V1Path)
	var allow []string
	for _, r := range t {
		if matches(r.Path, path) && !slices.Contains(allow, r.Method) {
			allow = append(allow, r.Method)
		}
	}
	if len(allow) == 0 {
		return errno.NotFound.With("no such operation")
	}
	c.Header("Allow", strings.Join(allow, ", "))
	return errno.MethodNotAllowed
}

// matches reports whether a path is one of the pattern, in which :name stands for any part between slashes.
func matches(pattern, path string) bool {
	want, got := strings.Split(pattern, "/"), strings.Split(path, "/")
	return slices.EqualFunc(want, got, func(w, g string) bool { return w == g || strings.HasPrefix(w, ":") && g != "" })
}
