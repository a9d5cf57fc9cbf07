package services

import (
	"context"

	interactiondb "tiktok/cmd/interaction/dal/db"
	"tiktok/cmd/internal/mentions"
	noticedb "tiktok/cmd/notice/dal/db"
	noticeservice "tiktok/cmd/notice/service"
	socialdb "tiktok/cmd/social/dal/db"
	videodb "tiktok/cmd/video/dal/db"
	"tiktok/kitex_gen/event"
	"tiktok/pkg/id"
)

// walkStep is how many rows one step of a walk reads.
const walkStep = 1000

// noticeSources is what notices are made of, in the schemas of the services that keep it.
func noticeSources(s Schemas) []noticeservice.Source {
	interaction, social, video := interactiondb.New(s["interaction"]), socialdb.New(s["social"]), videodb.New(s["video"])
	return []noticeservice.Source{
		likeSource(interaction), commentSource(interaction), commentLikeSource(interaction),
		followSource(social), titleSource(video), uploadSource(video),
	}
}

// walk reads rows step by step, and hands on the events that they stand for.
func walk[R any, K any](
	ctx context.Context, next func(ctx context.Context, after K, limit int) ([]R, error), key func(R) K,
	events func(ctx context.Context, rows []R) ([]*event.Event, error), fn func([]*event.Event) error,
) error {
	var after K
	for {
		rows, err := next(ctx, after, walkStep)
		if err != nil || len(rows) == 0 {
			return err
		}
		after = key(rows[len(rows)-1])
		standing, err := events(ctx, rows)
		if err == nil && len(standing) > 0 {
			err = fn(standing)
		}
		if err != nil || len(rows) < walkStep {
			return err
		}
	}
}

func likeSource(s *interactiondb.Store) noticeservice.Source {
	events := func(_ context.Context, rows []interactiondb.Favorite) (all []*event.Event, err error) {
		for _, r := range rows {
			if r.Liked {
				all = append(all, &event.Event{VideoLikes: &event.VideoLikes{
					VideoId: r.VideoID, AuthorId: r.AuthorID, Likes: []*event.Like{like(r.UserID, r.LikedEvent)},
				}})
			}
		}
		return all, nil
	}
	key := func(r interactiondb.Favorite) interactiondb.FavoriteKey {
		return interactiondb.FavoriteKey{UserID: r.UserID, VideoID: r.VideoID}
	}
	return noticeservice.Source{
		Name: "likes", Kinds: []int{noticedb.KindLike},
		Walk: func(ctx context.Context, fn func([]*event.Event) error) error {
			return walk(ctx, s.FavoritesAfter, key, events, fn)
		},
		Find: func(ctx context.Context, keys []noticedb.EntryKey) ([]*event.Event, error) {
			wanted := make([]interactiondb.FavoriteKey, len(keys))
			for i, k := range keys {
				wanted[i] = interactiondb.FavoriteKey{UserID: k.EntryID, VideoID: k.SubjectID}
			}
			found, err := s.FavoriteRows(ctx, wanted)
			if err != nil {
				return nil, err
			}
			return events(ctx, values(found))
		},
	}
}

// like is a like that began with an event.
func like(userID, began int64) *event.Like {
	return &event.Like{UserId: userID, Liked: true, AtMs: id.Time(began).UnixMilli()}
}

func values[K comparable, V any](m map[K]V) []V {
	all := make([]V, 0, len(m))
	for _, v := range m {
		all = append(all, v)
	}
	return all
}

func commentSource(s *interactiondb.Store) noticeservice.Source {
	events := func(_ context.Context, rows []interactiondb.Comment) (all []*event.Event, err error) {
		for _, r := range rows {
			if !r.Deleted && r.UserID != 0 {
				all = append(all, &event.Event{CommentChanged: &event.CommentChanged{
					CommentId: r.ID, VideoId: r.VideoID, VideoAuthorId: r.AuthorID, UserId: r.UserID, CreatedAtMs: r.CreatedAtMs, RootId: r.RootID,
					ReplyToId: r.ReplyToID, ReplyToUserId: r.ReplyToUserID, MentionedUserIds: mentions.Split(r.Mentions),
				}})
			}
		}
		return all, nil
	}
	key := func(r interactiondb.Comment) int64 { return r.ID }
	return noticeservice.Source{
		Name: "comments", Kinds: []int{noticedb.KindComment, noticedb.KindReply, noticedb.KindMention},
		Knows: func(k noticedb.EntryKey) bool { return k.EntryID != 0 },
		Walk: func(ctx context.Context, fn func([]*event.Event) error) error {
			return walk(ctx, s.CommentsAfter, key, events, fn)
		},
		Find: func(ctx context.Context, keys []noticedb.EntryKey) ([]*event.Event, error) {
			ids := make([]int64, len(keys))
			for i, k := range keys {
				ids[i] = k.EntryID
			}
			found, err := s.CommentRows(ctx, ids)
			if err != nil {
				return nil, err
			}
			return events(ctx, values(found))
		},
	}
}

func commentLikeSource(s *interactiondb.Store) noticeservice.Source {
	// The comment knows who wrote it, and whether it is deleted: its likes then stay until it is purged.
	events := func(ctx context.Context, rows []interactiondb.CommentLike) (all []*event.Event, err error) {
		ids := make([]int64, len(rows))
		for i, r := range rows {
			ids[i] = r.CommentID
		}
		comments, err := s.CommentRows(ctx, ids)
		if err != nil {
			return nil, err
		}
		for _, r := range rows {
			if c := comments[r.CommentID]; r.Liked && !c.Deleted && c.UserID != 0 {
				all = append(all, &event.Event{CommentLikes: &event.CommentLikes{
					CommentId: r.CommentID, VideoId: r.VideoID, AuthorId: c.UserID, Likes: []*event.Like{like(r.UserID, r.LikedEvent)},
				}})
			}
		}
		return all, nil
	}
	key := func(r interactiondb.CommentLike) interactiondb.CommentLikeKey {
		return interactiondb.CommentLikeKey{UserID: r.UserID, CommentID: r.CommentID}
	}
	return noticeservice.Source{
		Name: "likes of comments", Kinds: []int{noticedb.KindCommentLike},
		Walk: func(ctx context.Context, fn func([]*event.Event) error) error {
			return walk(ctx, s.CommentLikesAfter, key, events, fn)
		},
		Find: func(ctx context.Context, keys []noticedb.EntryKey) ([]*event.Event, error) {
			wanted := make([]interactiondb.CommentLikeKey, len(keys))
			for i, k := range keys {
				wanted[i] = interactiondb.CommentLikeKey{UserID: k.EntryID, CommentID: k.SubjectID}
			}
			found, err := s.CommentLikeRows(ctx, wanted)
			if err != nil {
				return nil, err
			}
			return events(ctx, values(found))
		},
	}
}

func followSource(s *socialdb.Store) noticeservice.Source {
	events := func(_ context.Context, rows []socialdb.Follow) (all []*event.Event, err error) {
		for _, r := range rows {
			all = append(all, &event.Event{FollowChanged: &event.FollowChanged{
				UserId: r.UserID, ToUserId: r.ToUserID, Following: true, AtMs: r.CreatedAtMs,
			}})
		}
		return all, nil
	}
	key := func(r socialdb.Follow) socialdb.Pair { return socialdb.Pair{UserID: r.UserID, ToUserID: r.ToUserID} }
	return noticeservice.Source{
		Name: "follows", Kinds: []int{noticedb.KindFollow},
		Walk: func(ctx context.Context, fn func([]*event.Event) error) error {
			return walk(ctx, s.FollowsAfter, key, events, fn)
		},
		Find: func(ctx context.Context, keys []noticedb.EntryKey) ([]*event.Event, error) {
			pairs := make([]socialdb.Pair, len(keys))
			for i, k := range keys {
				pairs[i] = socialdb.Pair{UserID: k.EntryID, ToUserID: k.UserID}
			}
			found, err := s.FollowRows(ctx, pairs)
			if err != nil {
				return nil, err
			}
			return events(ctx, found)
		},
	}
}

func titleSource(s *videodb.Store) noticeservice.Source {
	events := func(_ context.Context, rows []videodb.Video) (all []*event.Event, err error) {
		for _, r := range rows {
			if mentioned := mentions.Split(r.Mentions); len(mentioned) > 0 {
				all = append(all, &event.Event{VideoListed: &event.VideoListed{
					VideoId: r.ID, AuthorId: r.AuthorID, MentionedUserIds: mentioned, PublishedAtMs: r.PublishedAtMs,
				}})
			}
		}
		return all, nil
	}
	key := func(r videodb.Video) int64 { return r.ID }
	return noticeservice.Source{
		Name: "titles of videos", Kinds: []int{noticedb.KindMention},
		Knows: func(k noticedb.EntryKey) bool { return k.EntryID == 0 },
		Walk: func(ctx context.Context, fn func([]*event.Event) error) error {
			return walk(ctx, s.VideosAfter, key, events, fn)
		},
		Find: func(ctx context.Context, keys []noticedb.EntryKey) ([]*event.Event, error) {
			found, err := s.MGetVideos(ctx, subjects(keys))
			if err != nil {
				return nil, err
			}
			return events(ctx, values(found))
		},
	}
}

func subjects(keys []noticedb.EntryKey) []int64 {
	ids := make([]int64, len(keys))
	for i, k := range keys {
		ids[i] = k.SubjectID
	}
	return ids
}

func uploadSource(s *videodb.Store) noticeservice.Source {
	// While the work goes on, or begins again, what was told before stays; so it is with what its author is not shown.
	events := func(rows []videodb.Media, all bool) (told []*event.Event) {
		for _, r := range rows {
			state, transcoded := r.State, r.Plan&videodb.StepTranscode != 0
			certain := state == videodb.StateFailed && r.Pending != 0 || state == videodb.StateReady && transcoded
			if state == videodb.StateDeleting || !certain && !all {
				continue
			}
			if !certain {
				state = videodb.StateProcessing
			}
			told = append(told, &event.Event{AtMs: r.CreatedAtMs, UploadStateChanged: &event.UploadStateChanged{
				VideoId: r.VideoID, AuthorId: r.AuthorID, Title: r.Title, Reason: r.Reason, Transcoded: transcoded,
				State: int32(state), //nolint:gosec // 1..4
			}})
		}
		return told
	}
	key := func(r videodb.Media) int64 { return r.VideoID }
	return noticeservice.Source{
		Name: "uploads", Kinds: []int{noticedb.KindUpload}, Untimed: true,
		Walk: func(ctx context.Context, fn func([]*event.Event) error) error {
			return walk(ctx, s.MediaAfter, key, func(_ context.Context, rows []videodb.Media) ([]*event.Event, error) {
				return events(rows, false), nil
			}, fn)
		},
		Find: func(ctx context.Context, keys []noticedb.EntryKey) ([]*event.Event, error) {
			rows, err := s.MediaRows(ctx, subjects(keys))
			return events(rows, true), err
		},
	}
}
