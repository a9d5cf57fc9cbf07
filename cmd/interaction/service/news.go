package service

import (
	"tiktok/cmd/interaction/dal/db"
	"tiktok/cmd/interaction/pack"
	"tiktok/cmd/internal/events"
	"tiktok/kitex_gen/event"
	"tiktok/pkg/id"
	"tiktok/pkg/outbox"
)

// news are the events for other services about what one transaction changes: those of one topic become one message.
type news struct {
	likes, comments []*event.Event
	ofVideo         map[int64]*event.VideoLikes
	ofComment       map[int64]*event.CommentLikes
}

func newNews() *news {
	return &news{ofVideo: map[int64]*event.VideoLikes{}, ofComment: map[int64]*event.CommentLikes{}}
}

// favorite notes that a like of a video began or ended. Rows come by ascending user.
func (n *news) favorite(row db.Favorite) {
	e := n.ofVideo[row.VideoID]
	if e == nil {
		e = &event.VideoLikes{VideoId: row.VideoID, AuthorId: row.AuthorID}
		n.ofVideo[row.VideoID] = e
		n.likes = append(n.likes, &event.Event{VideoLikes: e})
	}
	e.Likes = append(e.Likes, like(row.UserID, row.Liked, row.LikedEvent))
}

// commentLike notes that a like of a comment began or ended. Rows come by ascending user.
func (n *news) commentLike(row db.CommentLike, authorID int64) {
	e := n.ofComment[row.CommentID]
	if e == nil {
		e = &event.CommentLikes{CommentId: row.CommentID, VideoId: row.VideoID, AuthorId: authorID}
		n.ofComment[row.CommentID] = e
		n.likes = append(n.likes, &event.Event{CommentLikes: e})
	}
	e.Likes = append(e.Likes, like(row.UserID, row.Liked, row.LikedEvent))
}

func like(userID int64, liked bool, began int64) *event.Like {
	l := &event.Like{UserId: userID, Liked: liked}
	if liked {
		l.AtMs = id.Time(began).UnixMilli()
	}
	return l
}

// comment notes that a comment was written or deleted.
func (n *news) comment(row db.Comment, deleted bool) {
	n.comments = append(n.comments, &event.Event{CommentChanged: &event.CommentChanged{
		CommentId:        row.ID,
		VideoId:          row.VideoID,
		VideoAuthorId:    row.AuthorID,
		UserId:           row.UserID,
		CreatedAtMs:      row.CreatedAtMs,
		RootId:           row.RootID,
		ReplyToId:        row.ReplyToID,
		ReplyToUserId:    row.ReplyToUserID,
		MentionedUserIds: pack.Mentions(row),
		Deleted:          deleted,
	}})
}

// messages are the outbox's.
func (n *news) messages() ([]outbox.Message, error) {
	messages, err := events.Messages(event.TOPIC_LIKE, n.likes...)
	if err != nil {
		return nil, err
	}
	more, err := events.Messages(event.TOPIC_COMMENT, n.comments...)
	return append(messages, more...), err
}

// tell makes messages about likes and comments that are taken away with what they belong to.
func tell() db.Tell {
	return db.Tell{
		Likes: func(ended []db.Favorite) ([]outbox.Message, error) {
			n := newNews()
			for _, row := range ended {
				n.favorite(row)
			}
			return n.messages()
		},
		Comments: func(deleted []db.Comment) ([]outbox.Message, error) {
			n := newNews()
			for _, row := range deleted {
				n.comment(row, true)
			}
			return n.messages()
		},
	}
}
