package services

import (
	"context"

	"github.com/cloudwego/kitex/server"

	"tiktok/cmd/api/biz/rpc"
	"tiktok/cmd/api/gateway"
	chatdb "tiktok/cmd/chat/dal/db"
	chatrpc "tiktok/cmd/chat/rpc"
	chatservice "tiktok/cmd/chat/service"
	discoverydb "tiktok/cmd/discovery/dal/db"
	discoveryrpc "tiktok/cmd/discovery/rpc"
	discoveryservice "tiktok/cmd/discovery/service"
	"tiktok/cmd/interaction/dal/cache"
	interactiondb "tiktok/cmd/interaction/dal/db"
	interactionrpc "tiktok/cmd/interaction/rpc"
	interactionservice "tiktok/cmd/interaction/service"
	noticedb "tiktok/cmd/notice/dal/db"
	noticerpc "tiktok/cmd/notice/rpc"
	noticeservice "tiktok/cmd/notice/service"
	socialdb "tiktok/cmd/social/dal/db"
	socialrpc "tiktok/cmd/social/rpc"
	socialservice "tiktok/cmd/social/service"
	userdb "tiktok/cmd/user/dal/db"
	userservice "tiktok/cmd/user/service"
	videodb "tiktok/cmd/video/dal/db"
	videoservice "tiktok/cmd/video/service"
	"tiktok/config"
	kitexchat "tiktok/kitex_gen/chat/chatservice"
	kitexdiscovery "tiktok/kitex_gen/discovery/discoveryservice"
	"tiktok/kitex_gen/event"
	kitexinteraction "tiktok/kitex_gen/interaction/interactionservice"
	kitexnotice "tiktok/kitex_gen/notice/noticeservice"
	kitexsocial "tiktok/kitex_gen/social/socialservice"
	kitexuser "tiktok/kitex_gen/user/userservice"
	kitexvideo "tiktok/kitex_gen/video/videoservice"
	"tiktok/pkg/kv"
	"tiktok/pkg/telemetry"
	"tiktok/pkg/transport"
)

// read is a method that changes nothing.
func read(callers ...string) transport.Method {
	return transport.Method{Kind: transport.Read, Callers: callers}
}

// repeatable is a method that sets a state. It may be sent twice: also with another change of the same thing between the two, which
// only happens when its first request was lost on the way.
func repeatable(callers ...string) transport.Method {
	return transport.Method{Kind: transport.RepeatableWrite, Callers: callers}
}

// write is every other method: done twice it makes two of something, refuses the second time, or takes away what came between.
func write(callers ...string) transport.Method {
	return transport.Method{Kind: transport.Write, Callers: callers}
}

func user() Spec {
	return Spec{
		Process: config.Process{
			Name: "user", RPCAddr: "127.0.0.1:10002", AdminAddr: "127.0.0.1:10102", Uses: config.Uses{DB: true, Queue: true},
		},
		Methods: transport.Methods{
			"Register":  write("api"),
			"Login":     repeatable("api"),
			"MGetUsers": read("api", "social", "chat", "discovery"), // two check that a user exists, one shows names in its index
			"ScanUsers": read("discovery"),

			"FindUser":            read("api"),
			"MFindUsers":          read("api"),
			"UpdateProfile":       repeatable("api"),
			"ListSessions":        read("api"),
			"RevokeSession":       repeatable("api"),
			"RevokeOtherSessions": repeatable("api"),
			"ChangePassword":      write("api"),
			"ListRevoked":         read("api", "notice"), // which pushes to no session that has ended
			"TouchSessions":       repeatable("api"),
		},
		Migrations: userdb.Migrations,
		Open: func(ctx context.Context, d Deps) (Part, error) {
			s, err := userservice.Open(ctx, d.Config, d.Telemetry, d.IDs, d.Bus)
			if err != nil {
				return Part{}, err
			}
			return part("user", s, func(opts ...server.Option) server.Server { return kitexuser.NewServer(s, opts...) }), nil
		},
	}
}

func video() Spec {
	return Spec{
		Process: config.Process{
			Name: "video", RPCAddr: "127.0.0.1:10003", AdminAddr: "127.0.0.1:10103", Uses: config.Uses{DB: true, Queue: true, Media: true},
		},
		Methods: transport.Methods{
			"Publish":        write("api"),
			"CheckUpload":    read("api"),
			"DeleteVideo":    write("api"),
			"ListUploads":    read("api"),
			"Feed":           read("api"),
			"ListByAuthor":   read("api"),
			"MGetVideos":     read("api", "interaction", "discovery"), // which check that a video exists, and whose it is
			"ScanVideos":     read("discovery"),
			"MCountByAuthor": read("api"),
		},
		Migrations: videodb.Migrations,
		Audit:      func(s Schemas, _ kv.Store) Auditor { return videodb.New(s["video"]) },
		Open: func(ctx context.Context, d Deps) (Part, error) {
			s, err := videoservice.Open(ctx, d.Config, d.Telemetry, d.IDs, d.Bus)
			if err != nil {
				return Part{}, err
			}
			p := part("video", s, func(opts ...server.Option) server.Server { return kitexvideo.NewServer(s, opts...) })
			p.Checks = append(p.Checks, telemetry.Check{Name: "media_tools", Info: s.DescribeTools})
			return p, nil
		},
	}
}

func interaction() Spec {
	return Spec{
		Process: config.Process{
			Name: "interaction", RPCAddr: "127.0.0.1:10004", AdminAddr: "127.0.0.1:10104", Uses: config.Uses{DB: true, Queue: true},
		},
		Methods: transport.Methods{
			"Favorite":      repeatable("api"),
			"Unfavorite":    repeatable("api"),
			"ListFavorites": read("api"),
			"CreateComment": write("api"),
			"DeleteComment": write("api"),
			"ListComments":  read("api"),
			"MGetStats":     read("api", "discovery"), // which ranks by likes
			"ScanLikes":     read("discovery"),

			"LikeComment":   repeatable("api"),
			"UnlikeComment": repeatable("api"),
			"PinComment":    repeatable("api"),
			"ListThreads":   read("api"),
			"ListReplies":   read("api"),
			"MGetComments":  read("api"),
		},
		Consumes:   []string{event.TOPIC_VIDEO}, // deletions
		Migrations: interactiondb.Migrations,
		Audit: func(s Schemas, shared kv.Store) Auditor {
			return interactionAudit{interactiondb.New(s["interaction"]), cache.NewStats(shared, nil, nil, nil, nil)} // it only invalidates
		},
		Open: func(ctx context.Context, d Deps) (Part, error) {
			videos, err := transport.NewClient(d.Dial, "video", kitexvideo.NewClient)
			if err != nil {
				return Part{}, err
			}
			s, err := interactionservice.Open(ctx, d.Config, d.Telemetry, d.IDs, interactionrpc.Peers{Videos: videos}, d.Bus)
			if err != nil {
				return Part{}, err
			}
			return part("interaction", s, func(opts ...server.Option) server.Server { return kitexinteraction.NewServer(s, opts...) }), nil
		},
	}
}

// Media does the video service's work on videos in processes of its own, when media.separate says so. It answers no calls, makes no ids
// and needs no etcd; any number of them share the jobs.
func Media() Spec {
	return Spec{
		Process: config.Process{
			Name: "media", Schema: "video", AdminAddr: "127.0.0.1:10109", Uses: config.Uses{DB: true, Queue: true, Media: true},
		},
		Open: func(ctx context.Context, d Deps) (Part, error) {
			w, err := videoservice.OpenWorker(ctx, d.Config, d.Telemetry, d.Bus)
			if err != nil {
				return Part{}, err
			}
			p := part("media", w, nil)
			p.Checks = append(p.Checks, telemetry.Check{Name: "media_tools", Info: w.DescribeTools})
			return p, nil
		},
	}
}

// interactionAudit repairs with the shared cache in mind.
type interactionAudit struct {
	*interactiondb.Store
	stats *cache.Stats
}

// Repair implements Repairer. What it repairs is not served from the cache any more.
func (a interactionAudit) Repair(ctx context.Context, report func(format string, args ...any)) (repaired int, err error) {
	return a.Store.Repair(ctx, report, a.stats.Repaired)
}

func social() Spec {
	return Spec{
		Process: config.Process{
			Name: "social", RPCAddr: "127.0.0.1:10005", AdminAddr: "127.0.0.1:10105", Uses: config.Uses{DB: true, Queue: true},
		},
		Methods: transport.Methods{
			"Follow":        repeatable("api"),
			"Unfollow":      repeatable("api"),
			"ListFollowing": read("api"),
			"ListFollowers": read("api"),
			"ListFriends":   read("api"),
			"MGetRelations": read("api", "discovery"), // which ranks by followers
			"ScanFollows":   read("discovery"),
		},
		Migrations: socialdb.Migrations,
		Audit:      func(s Schemas, _ kv.Store) Auditor { return socialdb.New(s["social"]) },
		Open: func(ctx context.Context, d Deps) (Part, error) {
			users, err := transport.NewClient(d.Dial, "user", kitexuser.NewClient)
			if err != nil {
				return Part{}, err
			}
			s, err := socialservice.Open(ctx, d.Config, d.Telemetry, d.IDs, socialrpc.Peers{Users: users}, d.Bus)
			if err != nil {
				return Part{}, err
			}
			return part("social", s, func(opts ...server.Option) server.Server { return kitexsocial.NewServer(s, opts...) }), nil
		},
	}
}

func chat() Spec {
	return Spec{
		Process: config.Process{
			Name: "chat", RPCAddr: "127.0.0.1:10006", AdminAddr: "127.0.0.1:10106", Uses: config.Uses{DB: true, Queue: true},
		},
		Methods: transport.Methods{
			"SendMessage":      write("api"),
			"ListMessages":     read("api"),
			"MGetLastMessages": read("api"),

			"ListConversations": read("api"),
			"MarkRead":          repeatable("api"),
			"CountUnread":       read("api"),

			"DeleteMessage":      repeatable("api"),
			"DeleteConversation": write("api"),
		},
		Migrations: chatdb.Migrations,
		Audit:      func(s Schemas, _ kv.Store) Auditor { return chatdb.New(s["chat"]) },
		Open: func(ctx context.Context, d Deps) (Part, error) {
			users, err := transport.NewClient(d.Dial, "user", kitexuser.NewClient)
			if err != nil {
				return Part{}, err
			}
			s, err := chatservice.Open(ctx, d.Config, d.Telemetry, d.IDs, chatrpc.Peers{Users: users}, d.Bus)
			if err != nil {
				return Part{}, err
			}
			return part("chat", s, func(opts ...server.Option) server.Server { return kitexchat.NewServer(s, opts...) }), nil
		},
	}
}

func notice() Spec {
	return Spec{
		Process: config.Process{
			Name: "notice", RPCAddr: "127.0.0.1:10007", AdminAddr: "127.0.0.1:10107",
			Uses: config.Uses{DB: true, Queue: true, Push: true},
		},
		Methods: transport.Methods{
			"ListNotices":    read("api"),
			"CountUnread":    read("api"),
			"MarkRead":       repeatable("api"),
			"GetPreferences": read("api"),
			"SetPreferences": repeatable("api"),
			"GetPushKey":     read("api"),
			"Subscribe":      repeatable("api"),
			"Unsubscribe":    repeatable("api"),
		},
		Hints: true,
		Consumes: []string{
			event.TOPIC_VIDEO, event.TOPIC_UPLOAD, event.TOPIC_LIKE, event.TOPIC_COMMENT, event.TOPIC_FOLLOW, event.TOPIC_MESSAGE,
		},
		Migrations: noticedb.Migrations,
		Audit: func(s Schemas, _ kv.Store) Auditor {
			return noticeservice.NewAuditor(noticedb.New(s["notice"]), noticeSources(s)...)
		},
		Open: func(ctx context.Context, d Deps) (Part, error) {
			users, err := transport.NewClient(d.Dial, "user", kitexuser.NewClient)
			if err != nil {
				return Part{}, err
			}
			s, err := noticeservice.Open(ctx, d.Config, d.Telemetry, d.IDs, noticerpc.Peers{Users: users}, d.Bus, d.Push)
			if err != nil {
				return Part{}, err
			}
			return part("notice", s, func(opts ...server.Option) server.Server { return kitexnotice.NewServer(s, opts...) }), nil
		},
	}
}

func discovery() Spec {
	return Spec{
		Process: config.Process{
			Name: "discovery", RPCAddr: "127.0.0.1:10008", AdminAddr: "127.0.0.1:10108",
			Uses: config.Uses{DB: true, Queue: true, Index: true},
		},
		Methods: transport.Methods{
			"Search":           read("api"),
			"Suggest":          read("api"),
			"GetTag":           read("api"),
			"ListTagVideos":    read("api"),
			"ListTrendingTags": read("api"),
			"AddWatches":       repeatable("api"),
			"ListHistory":      read("api"),
			"DeleteHistory":    write("api"),
			"MGetViews":        read("api"),
			"GetAuthorStats":   read("api"),
			"ListVideoStats":   read("api"),
			"MRecommend":       read("api"),
		},
		Consumes: []string{
			event.TOPIC_ACCOUNT, event.TOPIC_VIDEO, event.TOPIC_LIKE, event.TOPIC_FOLLOW,
		},
		Migrations: discoverydb.Migrations,
		Audit:      newDiscoveryAudit,
		Open: func(ctx context.Context, d Deps) (Part, error) {
			peers, err := discoveryrpc.NewPeers(d.Dial)
			if err != nil {
				return Part{}, err
			}
			s, err := discoveryservice.Open(ctx, d.Config, d.Telemetry, d.IDs, peers, d.Bus)
			if err != nil {
				return Part{}, err
			}
			return part("discovery", s, func(opts ...server.Option) server.Server { return kitexdiscovery.NewServer(s, opts...) }), nil
		},
	}
}

// Gateway is the last of All: it has a public address, gateway.addr, and neither RPC nor a schema.
func Gateway() Spec {
	return Spec{
		Process: config.Process{Name: "api", AdminAddr: "127.0.0.1:10101", Uses: config.Uses{Gateway: true, Media: true}},
		Hints:   true,
		Open: func(ctx context.Context, d Deps) (Part, error) {
			clients, err := rpc.NewClients(d.Dial)
			if err != nil {
				return Part{}, err
			}
			g, err := gateway.Open(ctx, d.Config, d.Telemetry, clients, d.Push, d.Demo)
			if err != nil {
				return Part{}, err
			}
			p := part("api", g, nil)
			p.Addr = g.Addr
			return p, nil
		},
	}
}
