package gateway_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/cloudwego/kitex/client"
	"github.com/cloudwego/kitex/server"

	"tiktok/cmd/api/biz/rpc"
	"tiktok/kitex_gen/chat"
	"tiktok/kitex_gen/chat/chatservice"
	"tiktok/kitex_gen/discovery"
	"tiktok/kitex_gen/discovery/discoveryservice"
	"tiktok/kitex_gen/interaction"
	"tiktok/kitex_gen/interaction/interactionservice"
	"tiktok/kitex_gen/notice"
	"tiktok/kitex_gen/notice/noticeservice"
	"tiktok/kitex_gen/social"
	"tiktok/kitex_gen/social/socialservice"
	"tiktok/kitex_gen/user"
	"tiktok/kitex_gen/user/userservice"
	"tiktok/kitex_gen/video"
	"tiktok/kitex_gen/video/videoservice"
	"tiktok/pkg/errno"
	"tiktok/pkg/telemetry"
	"tiktok/pkg/transport"
)

// fakes are the seven services. Each method that a test does not set answers as an empty but healthy service does: users
// 1..999 exist, nothing else does.
type fakes struct {
	register       func(*user.RegisterRequest) (*user.RegisterResponse, error)
	login          func(*user.LoginRequest) (*user.LoginResponse, error)
	listSessions   func(*user.ListSessionsRequest) (*user.ListSessionsResponse, error)
	revoke         func(*user.RevokeSessionRequest) (*user.RevokeSessionResponse, error)
	revokeOthers   func(*user.RevokeOtherSessionsRequest) (*user.RevokeOtherSessionsResponse, error)
	changePassword func(*user.ChangePasswordRequest) (*user.ChangePasswordResponse, error)
	countUnread    func(*chat.CountUnreadRequest) (*chat.CountUnreadResponse, error)
	listRevoked    func(*user.ListRevokedRequest) (*user.ListRevokedResponse, error)
	touch          func(*user.TouchSessionsRequest) (*user.TouchSessionsResponse, error)
	mgetUsers      func(*user.MGetUsersRequest) (*user.MGetUsersResponse, error)
	findUsers      func(*user.MFindUsersRequest) (*user.MFindUsersResponse, error)
	findUser       func(*user.FindUserRequest) (*user.FindUserResponse, error)
	updateProfile  func(*user.UpdateProfileRequest) (*user.UpdateProfileResponse, error)
	publish        func(*video.PublishRequest) (*video.PublishResponse, error)
	checkUpload    func(*video.CheckUploadRequest) (*video.CheckUploadResponse, error)
	deleteVideo    func(*video.DeleteVideoRequest) (*video.DeleteVideoResponse, error)
	listUploads    func(*video.ListUploadsRequest) (*video.ListUploadsResponse, error)
	feed           func(*video.FeedRequest) (*video.FeedResponse, error)
	listByAuthor   func(*video.ListByAuthorRequest) (*video.ListByAuthorResponse, error)
	mgetVideos     func(*video.MGetVideosRequest) (*video.MGetVideosResponse, error)
	countByAuthor  func(*video.MCountByAuthorRequest) (*video.MCountByAuthorResponse, error)
	favorite       func(*interaction.FavoriteRequest) (*interaction.FavoriteResponse, error)
	unfavorite     func(*interaction.UnfavoriteRequest) (*interaction.UnfavoriteResponse, error)
	listFavorites  func(*interaction.ListFavoritesRequest) (*interaction.ListFavoritesResponse, error)
	createComment  func(*interaction.CreateCommentRequest) (*interaction.CreateCommentResponse, error)
	deleteComment  func(*interaction.DeleteCommentRequest) (*interaction.DeleteCommentResponse, error)
	listComments   func(*interaction.ListCommentsRequest) (*interaction.ListCommentsResponse, error)
	likeComment    func(*interaction.LikeCommentRequest) (*interaction.LikeCommentResponse, error)
	unlikeComment  func(*interaction.UnlikeCommentRequest) (*interaction.UnlikeCommentResponse, error)
	pinComment     func(*interaction.PinCommentRequest) (*interaction.PinCommentResponse, error)
	listThreads    func(*interaction.ListThreadsRequest) (*interaction.ListThreadsResponse, error)
	listReplies    func(*interaction.ListRepliesRequest) (*interaction.ListRepliesResponse, error)
	mgetComments   func(*interaction.MGetCommentsRequest) (*interaction.MGetCommentsResponse, error)
	stats          func(*interaction.MGetStatsRequest) (*interaction.MGetStatsResponse, error)
	follow         func(*social.FollowRequest) (*social.FollowResponse, error)
	unfollow       func(*social.UnfollowRequest) (*social.UnfollowResponse, error)
	following      func(*social.ListFollowingRequest) (*social.ListFollowingResponse, error)
	followers      func(*social.ListFollowersRequest) (*social.ListFollowersResponse, error)
	friends        func(*social.ListFriendsRequest) (*social.ListFriendsResponse, error)
	relations      func(*social.MGetRelationsRequest) (*social.MGetRelationsResponse, error)
	send           func(*chat.SendMessageRequest) (*chat.SendMessageResponse, error)
	listMessages   func(*chat.ListMessagesRequest) (*chat.ListMessagesResponse, error)
	lastMessages   func(*chat.MGetLastMessagesRequest) (*chat.MGetLastMessagesResponse, error)
	conversations  func(*chat.ListConversationsRequest) (*chat.ListConversationsResponse, error)
	markRead       func(*chat.MarkReadRequest) (*chat.MarkReadResponse, error)
	countNotices   func(*notice.CountUnreadRequest) (*notice.CountUnreadResponse, error)
	listNotices    func(*notice.ListNoticesRequest) (*notice.ListNoticesResponse, error)
	markNotices    func(*notice.MarkReadRequest) (*notice.MarkReadResponse, error)
	preferences    func(*notice.GetPreferencesRequest) (*notice.GetPreferencesResponse, error)
	setPreferences func(*notice.SetPreferencesRequest) (*notice.SetPreferencesResponse, error)
	search         func(*discovery.SearchRequest) (*discovery.SearchResponse, error)
	suggest        func(*discovery.SuggestRequest) (*discovery.SuggestResponse, error)
	getTag         func(*discovery.GetTagRequest) (*discovery.GetTagResponse, error)
	tagVideos      func(*discovery.ListTagVideosRequest) (*discovery.ListTagVideosResponse, error)
	trending       func(*discovery.ListTrendingTagsRequest) (*discovery.ListTrendingTagsResponse, error)
	addWatches     func(*discovery.AddWatchesRequest) (*discovery.AddWatchesResponse, error)
	listHistory    func(*discovery.ListHistoryRequest) (*discovery.ListHistoryResponse, error)
	deleteHistory  func(*discovery.DeleteHistoryRequest) (*discovery.DeleteHistoryResponse, error)
	views          func(*discovery.MGetViewsRequest) (*discovery.MGetViewsResponse, error)
	authorStats    func(*discovery.GetAuthorStatsRequest) (*discovery.GetAuthorStatsResponse, error)
	videoStats     func(*discovery.ListVideoStatsRequest) (*discovery.ListVideoStatsResponse, error)
	recommend      func(*discovery.MRecommendRequest) (*discovery.MRecommendResponse, error)
}

// or calls the method the test set, else answers empty.
func or[Req, Resp any](set func(Req) (*Resp, error), req Req, empty *Resp) (*Resp, error) {
	if set != nil {
		return set(req)
	}
	return empty, nil
}

type fakeUser struct {
	*fakes
	user.UserService // nil: the methods that no test calls
}

func (f fakeUser) Register(_ context.Context, r *user.RegisterRequest) (*user.RegisterResponse, error) {
	return or(f.register, r, &user.RegisterResponse{UserId: 1})
}

func (f fakeUser) Login(_ context.Context, r *user.LoginRequest) (*user.LoginResponse, error) {
	return or(f.login, r, &user.LoginResponse{UserId: 1})
}

func (f fakeUser) ListRevoked(_ context.Context, r *user.ListRevokedRequest) (*user.ListRevokedResponse, error) {
	return or(f.listRevoked, r, &user.ListRevokedResponse{NextCursor: "end"})
}

func (f fakeUser) ListSessions(_ context.Context, r *user.ListSessionsRequest) (*user.ListSessionsResponse, error) {
	return or(f.listSessions, r, &user.ListSessionsResponse{})
}

func (f fakeUser) RevokeSession(_ context.Context, r *user.RevokeSessionRequest) (*user.RevokeSessionResponse, error) {
	return or(f.revoke, r, &user.RevokeSessionResponse{})
}

func (f fakeUser) RevokeOtherSessions(
	_ context.Context, r *user.RevokeOtherSessionsRequest,
) (*user.RevokeOtherSessionsResponse, error) {
	return or(f.revokeOthers, r, &user.RevokeOtherSessionsResponse{})
}

func (f fakeUser) ChangePassword(_ context.Context, r *user.ChangePasswordRequest) (*user.ChangePasswordResponse, error) {
	return or(f.changePassword, r, &user.ChangePasswordResponse{})
}

func (f fakeUser) TouchSessions(_ context.Context, r *user.TouchSessionsRequest) (*user.TouchSessionsResponse, error) {
	return or(f.touch, r, &user.TouchSessionsResponse{})
}

func (f fakeUser) MGetUsers(_ context.Context, r *user.MGetUsersRequest) (*user.MGetUsersResponse, error) {
	known := &user.MGetUsersResponse{Users: map[int64]*user.User{}}
	for _, id := range r.UserIds {
		if id > 0 && id < 1000 {
			known.Users[id] = &user.User{Id: id, Name: fmt.Sprintf("user%d", id), Signature: "hello"}
		}
	}
	return or(f.mgetUsers, r, known)
}

func (f fakeUser) MFindUsers(_ context.Context, r *user.MFindUsersRequest) (*user.MFindUsersResponse, error) {
	return or(f.findUsers, r, &user.MFindUsersResponse{})
}

func (f fakeUser) FindUser(_ context.Context, r *user.FindUserRequest) (*user.FindUserResponse, error) {
	if f.findUser == nil {
		return nil, errno.UserNotFound
	}
	return f.findUser(r)
}

func (f fakeUser) UpdateProfile(_ context.Context, r *user.UpdateProfileRequest) (*user.UpdateProfileResponse, error) {
	return or(f.updateProfile, r, &user.UpdateProfileResponse{User: &user.User{Id: r.UserId}})
}

type fakeVideo struct {
	*fakes
	video.VideoService // nil: the methods that no test calls
}

func (f fakeVideo) Publish(_ context.Context, r *video.PublishRequest) (*video.PublishResponse, error) {
	return or(f.publish, r, &video.PublishResponse{Video: &video.Video{Id: 1, AuthorId: r.AuthorId}})
}

func (f fakeVideo) CheckUpload(_ context.Context, r *video.CheckUploadRequest) (*video.CheckUploadResponse, error) {
	return or(f.checkUpload, r, &video.CheckUploadResponse{})
}

func (f fakeVideo) DeleteVideo(_ context.Context, r *video.DeleteVideoRequest) (*video.DeleteVideoResponse, error) {
	return or(f.deleteVideo, r, &video.DeleteVideoResponse{})
}

func (f fakeVideo) ListUploads(_ context.Context, r *video.ListUploadsRequest) (*video.ListUploadsResponse, error) {
	return or(f.listUploads, r, &video.ListUploadsResponse{})
}

func (f fakeVideo) Feed(_ context.Context, r *video.FeedRequest) (*video.FeedResponse, error) {
	return or(f.feed, r, &video.FeedResponse{})
}

func (f fakeVideo) ListByAuthor(_ context.Context, r *video.ListByAuthorRequest) (*video.ListByAuthorResponse, error) {
	return or(f.listByAuthor, r, &video.ListByAuthorResponse{})
}

func (f fakeVideo) MGetVideos(_ context.Context, r *video.MGetVideosRequest) (*video.MGetVideosResponse, error) {
	return or(f.mgetVideos, r, &video.MGetVideosResponse{})
}

func (f fakeVideo) MCountByAuthor(_ context.Context, r *video.MCountByAuthorRequest) (*video.MCountByAuthorResponse, error) {
	return or(f.countByAuthor, r, &video.MCountByAuthorResponse{})
}

type fakeInteraction struct {
	*fakes
	interaction.InteractionService // nil: the methods that no test calls
}

func (f fakeInteraction) Favorite(_ context.Context, r *interaction.FavoriteRequest) (*interaction.FavoriteResponse, error) {
	return or(f.favorite, r, &interaction.FavoriteResponse{})
}

func (f fakeInteraction) Unfavorite(_ context.Context, r *interaction.UnfavoriteRequest) (*interaction.UnfavoriteResponse, error) {
	return or(f.unfavorite, r, &interaction.UnfavoriteResponse{})
}

func (f fakeInteraction) ListFavorites(_ context.Context, r *interaction.ListFavoritesRequest) (*interaction.ListFavoritesResponse, error) {
	return or(f.listFavorites, r, &interaction.ListFavoritesResponse{})
}

func (f fakeInteraction) CreateComment(_ context.Context, r *interaction.CreateCommentRequest) (*interaction.CreateCommentResponse, error) {
	return or(f.createComment, r, &interaction.CreateCommentResponse{
		Comment: &interaction.Comment{Id: 77, VideoId: r.VideoId, UserId: r.UserId, Content: r.Content, CreatedAtMs: 1},
	})
}

func (f fakeInteraction) DeleteComment(_ context.Context, r *interaction.DeleteCommentRequest) (*interaction.DeleteCommentResponse, error) {
	return or(f.deleteComment, r, &interaction.DeleteCommentResponse{})
}

func (f fakeInteraction) ListComments(_ context.Context, r *interaction.ListCommentsRequest) (*interaction.ListCommentsResponse, error) {
	return or(f.listComments, r, &interaction.ListCommentsResponse{})
}

func (f fakeInteraction) LikeComment(_ context.Context, r *interaction.LikeCommentRequest) (*interaction.LikeCommentResponse, error) {
	return or(f.likeComment, r, &interaction.LikeCommentResponse{})
}

func (f fakeInteraction) UnlikeComment(_ context.Context, r *interaction.UnlikeCommentRequest) (*interaction.UnlikeCommentResponse, error) {
	return or(f.unlikeComment, r, &interaction.UnlikeCommentResponse{})
}

func (f fakeInteraction) PinComment(_ context.Context, r *interaction.PinCommentRequest) (*interaction.PinCommentResponse, error) {
	return or(f.pinComment, r, &interaction.PinCommentResponse{})
}

func (f fakeInteraction) ListThreads(_ context.Context, r *interaction.ListThreadsRequest) (*interaction.ListThreadsResponse, error) {
	return or(f.listThreads, r, &interaction.ListThreadsResponse{})
}

func (f fakeInteraction) ListReplies(_ context.Context, r *interaction.ListRepliesRequest) (*interaction.ListRepliesResponse, error) {
	return or(f.listReplies, r, &interaction.ListRepliesResponse{})
}

func (f fakeInteraction) MGetComments(_ context.Context, r *interaction.MGetCommentsRequest) (*interaction.MGetCommentsResponse, error) {
	return or(f.mgetComments, r, &interaction.MGetCommentsResponse{})
}

func (f fakeInteraction) MGetStats(_ context.Context, r *interaction.MGetStatsRequest) (*interaction.MGetStatsResponse, error) {
	return or(f.stats, r, &interaction.MGetStatsResponse{})
}

type fakeSocial struct {
	*fakes
	social.SocialService // nil: the methods that no test calls
}

func (f fakeSocial) Follow(_ context.Context, r *social.FollowRequest) (*social.FollowResponse, error) {
	return or(f.follow, r, &social.FollowResponse{})
}

func (f fakeSocial) Unfollow(_ context.Context, r *social.UnfollowRequest) (*social.UnfollowResponse, error) {
	return or(f.unfollow, r, &social.UnfollowResponse{})
}

func (f fakeSocial) ListFollowing(_ context.Context, r *social.ListFollowingRequest) (*social.ListFollowingResponse, error) {
	return or(f.following, r, &social.ListFollowingResponse{})
}

func (f fakeSocial) ListFollowers(_ context.Context, r *social.ListFollowersRequest) (*social.ListFollowersResponse, error) {
	return or(f.followers, r, &social.ListFollowersResponse{})
}

func (f fakeSocial) ListFriends(_ context.Context, r *social.ListFriendsRequest) (*social.ListFriendsResponse, error) {
	return or(f.friends, r, &social.ListFriendsResponse{})
}

func (f fakeSocial) MGetRelations(_ context.Context, r *social.MGetRelationsRequest) (*social.MGetRelationsResponse, error) {
	return or(f.relations, r, &social.MGetRelationsResponse{})
}

type fakeChat struct {
	*fakes
	chat.ChatService // nil: the methods that no test calls
}

func (f fakeChat) SendMessage(_ context.Context, r *chat.SendMessageRequest) (*chat.SendMessageResponse, error) {
	return or(f.send, r, &chat.SendMessageResponse{Message: &chat.Message{Id: 1}})
}

func (f fakeChat) ListMessages(_ context.Context, r *chat.ListMessagesRequest) (*chat.ListMessagesResponse, error) {
	return or(f.listMessages, r, &chat.ListMessagesResponse{})
}

func (f fakeChat) CountUnread(_ context.Context, r *chat.CountUnreadRequest) (*chat.CountUnreadResponse, error) {
	return or(f.countUnread, r, &chat.CountUnreadResponse{})
}

func (f fakeChat) ListConversations(_ context.Context, r *chat.ListConversationsRequest) (*chat.ListConversationsResponse, error) {
	return or(f.conversations, r, &chat.ListConversationsResponse{})
}

func (f fakeChat) MarkRead(_ context.Context, r *chat.MarkReadRequest) (*chat.MarkReadResponse, error) {
	return or(f.markRead, r, &chat.MarkReadResponse{})
}

func (f fakeChat) MGetLastMessages(_ context.Context, r *chat.MGetLastMessagesRequest) (*chat.MGetLastMessagesResponse, error) {
	return or(f.lastMessages, r, &chat.MGetLastMessagesResponse{})
}

type fakeNotice struct {
	*fakes
	notice.NoticeService // nil: the methods that no test calls
}

func (f fakeNotice) ListNotices(_ context.Context, r *notice.ListNoticesRequest) (*notice.ListNoticesResponse, error) {
	return or(f.listNotices, r, &notice.ListNoticesResponse{})
}

func (f fakeNotice) CountUnread(_ context.Context, r *notice.CountUnreadRequest) (*notice.CountUnreadResponse, error) {
	return or(f.countNotices, r, &notice.CountUnreadResponse{})
}

func (f fakeNotice) MarkRead(_ context.Context, r *notice.MarkReadRequest) (*notice.MarkReadResponse, error) {
	return or(f.markNotices, r, &notice.MarkReadResponse{})
}

func (f fakeNotice) GetPreferences(_ context.Context, r *notice.GetPreferencesRequest) (*notice.GetPreferencesResponse, error) {
	return or(f.preferences, r, &notice.GetPreferencesResponse{})
}

func (f fakeNotice) SetPreferences(_ context.Context, r *notice.SetPreferencesRequest) (*notice.SetPreferencesResponse, error) {
	return or(f.setPreferences, r, &notice.SetPreferencesResponse{})
}

// clients makes clients whose messages cross the codec. more comes first, so it sees every call.
func (f *fakes) clients(t testing.TB, more ...client.Option) rpc.Clients {
	t.Helper()
	return f.connect(t, append(more, transport.Strict()))
}

// connect makes clients with the given options.
func (f *fakes) connect(t testing.TB, more []client.Option) rpc.Clients {
	t.Helper()
	tel := telemetry.Discard()
	opts := func(service string) []server.Option { return transport.ServerOptions(service, tel) }
	return rpc.Clients{
		User:  fake(t, "user", userservice.NewServer(&fakeUser{fakes: f}, opts("user")...), userservice.NewClient, more),
		Video: fake(t, "video", videoservice.NewServer(&fakeVideo{fakes: f}, opts("video")...), videoservice.NewClient, more),
		Interaction: fake(
			t,
			"interaction",
			interactionservice.NewServer(&fakeInteraction{fakes: f}, opts("interaction")...),
			interactionservice.NewClient,
			more,
		),
		Social: fake(t, "social", socialservice.NewServer(&fakeSocial{fakes: f}, opts("social")...), socialservice.NewClient, more),
		Chat:   fake(t, "chat", chatservice.NewServer(&fakeChat{fakes: f}, opts("chat")...), chatservice.NewClient, more),
		Notice: fake(t, "notice", noticeservice.NewServer(&fakeNotice{fakes: f}, opts("notice")...), noticeservice.NewClient, more),
		Discovery: fake(
			t, "discovery", discoveryservice.NewServer(&fakeDiscovery{fakes: f}, opts("discovery")...), discoveryservice.NewClient, more,
		),
	}
}

func fake[C any](
	t testing.TB,
	name string,
	srv server.Server,
	newClient func(string, ...client.Option) (C, error),
	more []client.Option,
) C {
	t.Helper()
	local, err := transport.Local("api", srv)
	if err != nil {
		t.Fatal(err)
	}
	opts := append(append([]client.Option(nil), more...), local)
	c, err := newClient(name, opts...)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

type fakeDiscovery struct {
	*fakes
	discovery.DiscoveryService // nil: the methods that no test calls
}

func (f fakeDiscovery) Search(_ context.Context, r *discovery.SearchRequest) (*discovery.SearchResponse, error) {
	return or(f.search, r, &discovery.SearchResponse{})
}

func (f fakeDiscovery) Suggest(_ context.Context, r *discovery.SuggestRequest) (*discovery.SuggestResponse, error) {
	return or(f.suggest, r, &discovery.SuggestResponse{})
}

func (f fakeDiscovery) GetTag(_ context.Context, r *discovery.GetTagRequest) (*discovery.GetTagResponse, error) {
	return or(f.getTag, r, &discovery.GetTagResponse{Tag: &discovery.Tag{Tag: r.Tag}})
}

func (f fakeDiscovery) ListTagVideos(_ context.Context, r *discovery.ListTagVideosRequest) (*discovery.ListTagVideosResponse, error) {
	return or(f.tagVideos, r, &discovery.ListTagVideosResponse{})
}

func (f fakeDiscovery) ListTrendingTags(
	_ context.Context, r *discovery.ListTrendingTagsRequest,
) (*discovery.ListTrendingTagsResponse, error) {
	return or(f.trending, r, &discovery.ListTrendingTagsResponse{})
}

func (f fakeDiscovery) AddWatches(_ context.Context, r *discovery.AddWatchesRequest) (*discovery.AddWatchesResponse, error) {
	return or(f.addWatches, r, &discovery.AddWatchesResponse{})
}

func (f fakeDiscovery) ListHistory(_ context.Context, r *discovery.ListHistoryRequest) (*discovery.ListHistoryResponse, error) {
	return or(f.listHistory, r, &discovery.ListHistoryResponse{})
}

func (f fakeDiscovery) DeleteHistory(_ context.Context, r *discovery.DeleteHistoryRequest) (*discovery.DeleteHistoryResponse, error) {
	return or(f.deleteHistory, r, &discovery.DeleteHistoryResponse{})
}

func (f fakeDiscovery) MGetViews(_ context.Context, r *discovery.MGetViewsRequest) (*discovery.MGetViewsResponse, error) {
	return or(f.views, r, &discovery.MGetViewsResponse{})
}

func (f fakeDiscovery) GetAuthorStats(_ context.Context, r *discovery.GetAuthorStatsRequest) (*discovery.GetAuthorStatsResponse, error) {
	return or(f.authorStats, r, &discovery.GetAuthorStatsResponse{})
}

func (f fakeDiscovery) ListVideoStats(_ context.Context, r *discovery.ListVideoStatsRequest) (*discovery.ListVideoStatsResponse, error) {
	return or(f.videoStats, r, &discovery.ListVideoStatsResponse{})
}

func (f fakeDiscovery) MRecommend(_ context.Context, r *discovery.MRecommendRequest) (*discovery.MRecommendResponse, error) {
	empty := &discovery.MRecommendResponse{}
	for range r.Queries {
		empty.Answers = append(empty.Answers, &discovery.FeedAnswer{})
	}
	return or(f.recommend, r, empty)
}
