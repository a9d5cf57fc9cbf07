package view_test

import (
	"context"
	"fmt"
	"log/slog"
	"runtime"
	"strconv"
	"testing"

	hjson "github.com/cloudwego/hertz/pkg/common/json"
	"github.com/cloudwego/kitex/client/callopt"
	"github.com/prometheus/client_golang/prometheus"

	"tiktok/cmd/api/biz/model/api"
	"tiktok/cmd/api/biz/pack"
	"tiktok/cmd/api/biz/rpc"
	"tiktok/cmd/api/biz/rpc/rpctest"
	"tiktok/cmd/api/biz/view"
	"tiktok/kitex_gen/interaction"
	"tiktok/kitex_gen/interaction/interactionservice"
	"tiktok/kitex_gen/social"
	"tiktok/kitex_gen/social/socialservice"
	"tiktok/kitex_gen/user"
	"tiktok/kitex_gen/user/userservice"
	"tiktok/kitex_gen/video"
	"tiktok/kitex_gen/video/videoservice"
)

const benchFeed = 30

// The services answer at once, from memory, so that what is measured is the view alone.
type (
	users   struct{ userservice.Client }
	videos  struct{ videoservice.Client }
	likes   struct{ interactionservice.Client }
	follows struct{ socialservice.Client }
)

func (users) MGetUsers(_ context.Context, r *user.MGetUsersRequest, _ ...callopt.Option) (*user.MGetUsersResponse, error) {
	found := make(map[int64]*user.User, len(r.UserIds))
	for _, id := range r.UserIds {
		found[id] = &user.User{Id: id, Name: "user number " + strconv.FormatInt(id, 10), Signature: "a line that says something"}
	}
	return &user.MGetUsersResponse{Users: found}, nil
}

func (videos) Feed(_ context.Context, r *video.FeedRequest, _ ...callopt.Option) (*video.FeedResponse, error) {
	return rpctest.Feed(int(r.Limit)), nil
}

func (videos) MCountByAuthor(
	_ context.Context,
	r *video.MCountByAuthorRequest,
	_ ...callopt.Option,
) (*video.MCountByAuthorResponse, error) {
	counts := make(map[int64]int64, len(r.AuthorIds))
	for _, id := range r.AuthorIds {
		counts[id] = id
	}
	return &video.MCountByAuthorResponse{WorkCounts: counts}, nil
}

func (likes) MGetStats(_ context.Context, r *interaction.MGetStatsRequest, _ ...callopt.Option) (*interaction.MGetStatsResponse, error) {
	return rpctest.Stats(r), nil
}

func (follows) MGetRelations(
	_ context.Context,
	r *social.MGetRelationsRequest,
	_ ...callopt.Option,
) (*social.MGetRelationsResponse, error) {
	return rpctest.Relations(r), nil
}

// BenchmarkFeed is the first page for logged-in viewers, rendered and encoded, by one caller and by 32, which share calls.
func BenchmarkFeed(b *testing.B) {
	for _, callers := range []int{1, 32} {
		b.Run(fmt.Sprintf("callers=%d", callers), func(b *testing.B) {
			clients := rpc.Clients{User: users{}, Video: videos{}, Interaction: likes{}, Social: follows{}}
			v := view.New(clients, benchFeed, slog.New(slog.DiscardHandler), prometheus.NewRegistry())
			request := func(viewer int64) {
				page, err := v.Feed(b.Context(), viewer, 0, 0)
				if err != nil {
					b.Error(err)
					return
				}
				answer := api.FeedResponse{VideoList: pack.Videos("http://203.0.113.7:10001", page.Videos), NextTime: page.NextBeforeMs}
				if _, err := hjson.Marshal(&answer); err != nil {
					b.Error(err)
				}
			}
			b.ReportAllocs()
			if callers == 1 {
				for b.Loop() {
					request(1)
				}
				return
			}
			b.SetParallelism(max(1, callers/runtime.GOMAXPROCS(0)))
			b.RunParallel(func(pb *testing.PB) {
				for viewer := int64(1); pb.Next(); viewer++ {
					request(viewer)
				}
			})
		})
	}
}
