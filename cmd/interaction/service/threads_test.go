package service

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"tiktok/cmd/interaction/dal/mq"
	"tiktok/kitex_gen/common"
	"tiktok/kitex_gen/interaction"
	"tiktok/pkg/errno"
	"tiktok/pkg/id/idtest"
)

// reply answers a comment.
func (f *fixture) reply(t testing.TB, user int64, to *interaction.Comment, mentions ...int64) *interaction.Comment {
	t.Helper()
	resp, err := f.client.CreateComment(t.Context(), &interaction.CreateCommentRequest{
		UserId: user, VideoId: to.VideoId, Content: "an answer", ReplyToId: to.Id, MentionedUserIds: mentions,
	})
	if err != nil {
		t.Errorf("user %d answers comment %d: %v", user, to.Id, err)
		return &interaction.Comment{}
	}
	return resp.Comment
}

// react likes a comment, or takes the like back.
func (f *fixture) react(t testing.TB, user int64, to *interaction.Comment, liked bool) {
	t.Helper()
	var err error
	if liked {
		_, err = f.client.LikeComment(t.Context(), &interaction.LikeCommentRequest{UserId: user, VideoId: to.VideoId, CommentId: to.Id})
	} else {
		_, err = f.client.UnlikeComment(t.Context(), &interaction.UnlikeCommentRequest{UserId: user, VideoId: to.VideoId, CommentId: to.Id})
	}
	if err != nil {
		t.Errorf("user %d likes comment %d: %v", user, to.Id, err)
	}
}

// pin pins a comment of a video, 0 for none.
func (f *fixture) pin(t testing.TB, user, videoID, commentID int64) error {
	t.Helper()
	_, err := f.client.PinComment(t.Context(), &interaction.PinCommentRequest{UserId: user, VideoId: videoID, CommentId: commentID})
	return err
}

// threads reads the whole list of threads in pages of the given size, as the viewer sees it.
func (f *fixture) threads(t testing.TB, viewer, videoID int64, sort interaction.CommentSort, size int32) []*interaction.Comment {
	t.Helper()
	var all []*interaction.Comment
	cursor := ""
	for pages := 0; ; pages++ {
		resp, err := f.client.ListThreads(t.Context(), &interaction.ListThreadsRequest{
			VideoId: videoID, Sort: sort, ViewerId: viewer, Page: &common.Page{Cursor: cursor, Limit: size},
		})
		if err != nil {
			t.Fatal(err)
		}
		if size > 0 && len(resp.Comments) > int(size) || resp.NextCursor != "" && len(resp.Comments) != int(size) {
			t.Errorf("a page of %d has %d comments, then %q", size, len(resp.Comments), resp.NextCursor)
		}
		all = append(all, resp.Comments...)
		if cursor = resp.NextCursor; cursor == "" || pages > 10_000 {
			return all
		}
	}
}

// replies reads all answers of a thread in pages of the given size, as the viewer sees them.
func (f *fixture) replies(t testing.TB, viewer, videoID, rootID int64, size int32) []*interaction.Comment {
	t.Helper()
	var all []*interaction.Comment
	cursor := ""
	for {
		resp, err := f.client.ListReplies(t.Context(), &interaction.ListRepliesRequest{
			VideoId: videoID, CommentId: rootID, ViewerId: viewer, Page: &common.Page{Cursor: cursor, Limit: size},
		})
		if err != nil {
			t.Fatalf("answers to %d: %v", rootID, err)
		}
		all = append(all, resp.Comments...)
		if cursor = resp.NextCursor; cursor == "" {
			return all
		}
	}
}

func commentIDs(comments []*interaction.Comment) []int64 {
	ids := []int64{}
	for _, c := range comments {
		ids = append(ids, c.Id)
	}
	return ids
}

// agree fails the test when something that the viewer sees of a video's comments does not fit the rest: the counts with the
// lists, pages of different sizes with each other. It returns the ids of the threads, the newest first, and of all comments.
func (f *fixture) agree(t testing.TB, viewer, videoID int64) (threads, all []int64) {
	t.Helper()
	all = f.commentsFor(t, viewer, videoID, 0)
	same(t, fmt.Sprintf("list of viewer %d by 3", viewer), all, f.commentsFor(t, viewer, videoID, 3))
	if n := f.videoStats(t, viewer, videoID).CommentCount; n != int64(len(all)) {
		t.Errorf("viewer %d: comment_count is %d, the list has %d", viewer, n, len(all))
	}
	var listed []int64
	for _, sort := range []interaction.CommentSort{interaction.CommentSort_NEWEST, interaction.CommentSort_TOP} {
		roots := f.threads(t, viewer, videoID, sort, 0)
		for _, size := range []int32{1, 2, 5} {
			same(t, fmt.Sprintf("threads of viewer %d, %s by %d", viewer, sort, size), roots, f.threads(t, viewer, videoID, sort, size))
		}
		listed, threads = nil, commentIDs(roots)
		for i, c := range roots {
			answers := f.replies(t, viewer, videoID, c.Id, 0)
			same(t, fmt.Sprintf("answers to %d by 2", c.Id), answers, f.replies(t, viewer, videoID, c.Id, 2))
			if c.ReplyCount != int64(len(answers)) || c.RootId != 0 || c.Pinned && i > 0 {
				t.Errorf("viewer %d sees %d answers of the thread %+v", viewer, len(answers), c)
			}
			listed = append(listed, c.Id)
			listed = append(listed, commentIDs(answers)...)
			if !slices.IsSorted(commentIDs(answers)) {
				t.Errorf("answers are not the oldest first: %v", commentIDs(answers))
			}
		}
		slices.Sort(listed)
		slices.Reverse(listed)
		same(t, fmt.Sprintf("threads with their answers, for viewer %d, %s", viewer, sort), all, append([]int64{}, listed...))
	}
	slices.Sort(threads)
	slices.Reverse(threads)
	return threads, all
}

// A thread from its beginning to its end, with all that can be said of it.
func TestThreadLife(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		const author = 1
		v := videoOf(author, 1)
		root := f.comment(t, 101, v, "first")
		other := f.comment(t, 102, v, "second")
		answer := f.reply(t, 103, root, 102, 104, 102, 103)
		toAnswer := f.reply(t, 101, answer)
		same(t, "an answer", &interaction.Comment{
			Id: answer.Id, VideoId: v, UserId: 103, Content: "an answer", CreatedAtMs: answer.CreatedAtMs,
			RootId: root.Id, ReplyToId: root.Id, ReplyToUserId: 101, MentionedUserIds: []int64{102, 104},
		}, answer)
		if toAnswer.RootId != root.Id || toAnswer.ReplyToId != answer.Id || toAnswer.ReplyToUserId != 103 {
			t.Errorf("an answer to an answer is %+v", toAnswer)
		}
		f.react(t, 104, root, true)
		f.react(t, 104, root, true)
		f.react(t, 105, root, true)
		f.react(t, 105, root, false)
		f.react(t, 104, toAnswer, true)
		if err := f.pin(t, author, v, other.Id); err != nil {
			t.Fatal(err)
		}

		want := *root
		want.LikeCount, want.ReplyCount, want.Liked = 1, 2, true
		pinned := *other
		pinned.Pinned = true
		same(t, "by likes", []*interaction.Comment{&pinned, &want}, f.threads(t, 104, v, interaction.CommentSort_TOP, 0))
		if err := f.pin(t, author, v, 0); err != nil {
			t.Fatal(err)
		}
		same(t, "by likes, nothing pinned", []*interaction.Comment{&want, other}, f.threads(t, 104, v, interaction.CommentSort_TOP, 0))
		same(t, "newest first", []*interaction.Comment{other, &want}, f.threads(t, 104, v, interaction.CommentSort_NEWEST, 0))
		if err := f.pin(t, author, v, root.Id); err != nil {
			t.Fatal(err)
		}
		want.Pinned = true
		same(t, "pinned", []*interaction.Comment{&want, other}, f.threads(t, 104, v, interaction.CommentSort_NEWEST, 0))
		liked := *toAnswer
		liked.LikeCount, liked.Liked = 1, true
		same(t, "answers", []*interaction.Comment{answer, &liked}, f.replies(t, 104, v, root.Id, 0))
		same(t, "all", []int64{toAnswer.Id, answer.Id, other.Id, root.Id}, f.comments(t, v, 0))
		for _, viewer := range []int64{0, 101, 104} {
			f.agree(t, viewer, v)
		}
		got, err := f.client.MGetComments(t.Context(), &interaction.MGetCommentsRequest{CommentIds: []int64{root.Id, toAnswer.Id, 99, -1}})
		if err != nil {
			t.Fatal(err)
		}
		want.Liked, liked.Liked = false, false
		same(t, "by id", map[int64]*interaction.Comment{root.Id: &want, toAnswer.Id: &liked}, got.Comments)

		// An answer goes alone, what answers it stays.
		if err := f.delete(t, 103, v, answer.Id); err != nil {
			t.Fatal(err)
		}
		same(t, "one answer", []int64{toAnswer.Id}, commentIDs(f.replies(t, 0, v, root.Id, 0)))
		f.agree(t, 0, v)
		// What began the thread takes all.
		f.reply(t, 105, root)
		if err := f.delete(t, 101, v, root.Id); err != nil {
			t.Fatal(err)
		}
		same(t, "what is left", []*interaction.Comment{other}, f.threads(t, 101, v, interaction.CommentSort_NEWEST, 0))
		same(t, "all that is left", []int64{other.Id}, f.comments(t, v, 0))
		f.agree(t, 0, v)
		f.audited(t)
		if n := f.rows(t, "comment_sweeps"); n != 0 {
			t.Errorf("%d sweeps are left", n)
		}
		for what, do := range map[string]func() error{
			"answer":           func() error { return f.create(t, 101, v, toAnswer.Id) },
			"answer the first": func() error { return f.create(t, 101, v, root.Id) },
			"delete an answer": func() error { return f.delete(t, 101, v, toAnswer.Id) },
			"pin":              func() error { return f.pin(t, author, v, root.Id) },
			"like": func() error {
				_, err := f.client.LikeComment(t.Context(), &interaction.LikeCommentRequest{UserId: 101, VideoId: v, CommentId: toAnswer.Id})
				return err
			},
			"list": func() error {
				_, err := f.client.ListReplies(t.Context(), &interaction.ListRepliesRequest{VideoId: v, CommentId: root.Id})
				return err
			},
		} {
			if err := do(); !failedWith(err, errno.CommentNotFound) {
				t.Errorf("%s in a deleted thread: %v, want CommentNotFound", what, err)
			}
		}
	})
}

// create answers a comment and says how that went.
func (f *fixture) create(t testing.TB, user, videoID, replyTo int64) error {
	t.Helper()
	_, err := f.client.CreateComment(t.Context(), &interaction.CreateCommentRequest{
		UserId: user, VideoId: videoID, Content: "hi", ReplyToId: replyTo,
	})
	return err
}

func TestThreadErrors(t *testing.T) {
	f := onSQLite(t, nil)
	v, elsewhere := videoOf(1, 1), videoOf(1, 2)
	root := f.comment(t, 101, v, "first")
	answer := f.reply(t, 102, root)
	list := func(sort interaction.CommentSort, cursor string, limit int32) func() error {
		return func() error {
			_, err := f.client.ListThreads(t.Context(), &interaction.ListThreadsRequest{
				VideoId: v, Sort: sort, Page: &common.Page{Cursor: cursor, Limit: limit},
			})
			return err
		}
	}
	like := func(user, video, comment int64) func() error {
		return func() error {
			_, err := f.client.LikeComment(t.Context(), &interaction.LikeCommentRequest{UserId: user, VideoId: video, CommentId: comment})
			return err
		}
	}
	mention := func(ids ...int64) func() error {
		return func() error {
			_, err := f.client.CreateComment(t.Context(), &interaction.CreateCommentRequest{
				UserId: 101, VideoId: v, Content: "hi", MentionedUserIds: ids,
			})
			return err
		}
	}
	replies := func(video, comment int64) func() error {
		return func() error {
			_, err := f.client.ListReplies(t.Context(), &interaction.ListRepliesRequest{VideoId: video, CommentId: comment})
			return err
		}
	}
	for what, tc := range map[string]struct {
		do   func() error
		want *errno.Error
	}{
		"answer what is below another video": {func() error { return f.create(t, 101, elsewhere, root.Id) }, errno.CommentNotFound},
		"answer nothing":                     {func() error { return f.create(t, 101, v, idtest.Next(f.ids)) }, errno.CommentNotFound},
		"answer a bad id":                    {func() error { return f.create(t, 101, v, -1) }, errno.InvalidArgument},
		"like nothing":                       {like(101, v, idtest.Next(f.ids)), errno.CommentNotFound},
		"like below another video":           {like(101, elsewhere, root.Id), errno.CommentNotFound},
		"like nobody":                        {like(0, v, root.Id), errno.InvalidArgument},
		"like a bad id":                      {like(101, v, 0), errno.InvalidArgument},
		"pin an answer":                      {func() error { return f.pin(t, 1, v, answer.Id) }, errno.CommentNotFound},
		"pin below another's video":          {func() error { return f.pin(t, 2, v, root.Id) }, errno.Forbidden},
		"pin below no video":                 {func() error { return f.pin(t, 2, videoOf(99, 1), root.Id) }, errno.VideoNotFound},
		"pin what is below another video":    {func() error { return f.pin(t, 1, elsewhere, root.Id) }, errno.CommentNotFound},
		"mention too many":                   {mention(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11), errno.InvalidArgument},
		"mention nobody":                     {mention(0), errno.InvalidArgument},
		"no sort":                            {list(0, "", 1), errno.InvalidArgument},
		"bad cursor":                         {list(interaction.CommentSort_TOP, "7", 1), errno.InvalidArgument},
		"bad cursor, too":                    {list(interaction.CommentSort_TOP, "-1-7", 1), errno.InvalidArgument},
		"bad cursor of newest":               {list(interaction.CommentSort_NEWEST, "1-7", 1), errno.InvalidArgument},
		"page too long":                      {list(interaction.CommentSort_TOP, "1-7", common.MAX_BATCH+1), errno.InvalidArgument},
		"answers of an answer":               {replies(v, answer.Id), errno.CommentNotFound},
		"answers below another video":        {replies(elsewhere, root.Id), errno.CommentNotFound},
		"answers below no video":             {replies(videoOf(99, 1), root.Id), errno.VideoNotFound},
	} {
		if err := tc.do(); !failedWith(err, tc.want) {
			t.Errorf("%s: %v, want %v", what, err, tc.want)
		}
	}
	same(t, "comments", []int64{answer.Id, root.Id}, f.comments(t, v, 0))
	if got := f.reply(t, 101, root, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20); len(got.MentionedUserIds) != 10 {
		t.Errorf("ten are mentioned: %v", got.MentionedUserIds)
	}
	if mq.MaxMentions != interaction.MAX_MENTIONS || len(strings.Repeat("9223372036854775807,", mq.MaxMentions)) > 255 {
		t.Error("as many ids as are allowed do not fit the column")
	}
}
