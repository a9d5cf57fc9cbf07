package mq_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tiktok/cmd/interaction/dal/mq"
)

func event(change func(*mq.Event)) mq.Event {
	e := mq.Event{ID: 5, AtMs: 6, UserID: 7, VideoID: 8, AuthorID: 9}
	change(&e)
	if e.V == 0 {
		e = e.Versioned()
	}
	return e
}

func TestCheck(t *testing.T) {
	like := func(e *mq.Event) { e.Favorite = &mq.FavoriteEvent{Liked: true} }
	create := func(e *mq.Event) { e.Comment = &mq.CommentEvent{CommentID: 5, Content: "hi"} }
	remove := func(e *mq.Event) { e.Comment = &mq.CommentEvent{CommentID: 5, Deleted: true} }
	answer := func(change func(*mq.CommentEvent)) mq.Event {
		return event(func(e *mq.Event) {
			create(e)
			e.Comment.RootID, e.Comment.ReplyToID, e.Comment.ReplyToUserID = 3, 4, 7
			change(e.Comment)
		})
	}
	reaction := func(change func(*mq.CommentLikeEvent)) mq.Event {
		return event(func(e *mq.Event) {
			e.CommentLike = &mq.CommentLikeEvent{CommentID: 4, ToUserID: 7, Liked: true}
			change(e.CommentLike)
		})
	}
	for name, tc := range map[string]struct {
		event mq.Event
		ok    bool
	}{
		"answer":                  {answer(func(*mq.CommentEvent) {}), true},
		"answer to the first":     {answer(func(c *mq.CommentEvent) { c.ReplyToID = 3 }), true},
		"answer of version 1":     {event(func(e *mq.Event) { *e = answer(func(*mq.CommentEvent) {}); e.V = mq.Version }), false},
		"answer without a thread": {answer(func(c *mq.CommentEvent) { c.RootID = 0 }), false},
		"answer to nothing":       {answer(func(c *mq.CommentEvent) { c.ReplyToID = 0 }), false},
		"answer to nobody":        {answer(func(c *mq.CommentEvent) { c.ReplyToUserID = 0 }), false},
		"answer to itself":        {answer(func(c *mq.CommentEvent) { c.ReplyToID = 5 }), false},
		"answer before it":        {answer(func(c *mq.CommentEvent) { c.ReplyToID = 2 }), false},
		"answer in its thread":    {answer(func(c *mq.CommentEvent) { c.RootID, c.ReplyToID = 5, 5 }), false},
		"deletion of an answer":   {answer(func(c *mq.CommentEvent) { *c = mq.CommentEvent{CommentID: 5, Deleted: true, RootID: 3} }), true},
		"ten mentions":            {answer(func(c *mq.CommentEvent) { c.Mentions = make([]int64, mq.MaxMentions) }), true},
		"eleven mentions":         {answer(func(c *mq.CommentEvent) { c.Mentions = make([]int64, mq.MaxMentions+1) }), false},
		"like of a comment":       {reaction(func(*mq.CommentLikeEvent) {}), true},
		"like of no comment":      {reaction(func(l *mq.CommentLikeEvent) { l.CommentID = 0 }), false},
		"like of nobody's":        {reaction(func(l *mq.CommentLikeEvent) { l.ToUserID = 0 }), false},
		"pin":                     {event(func(e *mq.Event) { e.Pin = &mq.PinEvent{CommentID: 4} }), true},
		"no pin":                  {event(func(e *mq.Event) { e.Pin = &mq.PinEvent{} }), true},
		"pin of a bad id":         {event(func(e *mq.Event) { e.Pin = &mq.PinEvent{CommentID: -4} }), false},
		"pin without author":      {event(func(e *mq.Event) { e.Pin = &mq.PinEvent{CommentID: 4}; e.AuthorID = 0 }), false},
		"pin of version 1":        {event(func(e *mq.Event) { e.Pin = &mq.PinEvent{CommentID: 4}; e.V = mq.Version }), false},
		"like of version 2":       {event(func(e *mq.Event) { like(e); e.V = mq.Latest }), true},
		"like":                    {event(like), true},
		"unlike":                  {event(func(e *mq.Event) { e.Favorite = &mq.FavoriteEvent{} }), true},
		"comment":                 {event(create), true},
		"deletion":                {event(remove), true},
		"deletion, no author":     {event(func(e *mq.Event) { remove(e); e.AuthorID = 0 }), true},
		"empty":                   {mq.Event{}, false},
		"no kind":                 {event(func(*mq.Event) {}), false},
		"two kinds":               {event(func(e *mq.Event) { like(e); create(e) }), false},
		"later version":           {event(func(e *mq.Event) { like(e); e.V = mq.Latest + 1 }), false},
		"no id":                   {event(func(e *mq.Event) { like(e); e.ID = 0 }), false},
		"no time":                 {event(func(e *mq.Event) { like(e); e.AtMs = 0 }), false},
		"no user":                 {event(func(e *mq.Event) { like(e); e.UserID = 0 }), false},
		"negative video":          {event(func(e *mq.Event) { like(e); e.VideoID = -8 }), false},
		"like without author":     {event(func(e *mq.Event) { like(e); e.AuthorID = 0 }), false},
		"comment without author":  {event(func(e *mq.Event) { create(e); e.AuthorID = 0 }), false},
		"longest comment":         {event(func(e *mq.Event) { create(e); e.Comment.Content = strings.Repeat("长", mq.MaxContent) }), true},
		"too long comment":        {event(func(e *mq.Event) { create(e); e.Comment.Content = strings.Repeat("x", mq.MaxContent+1) }), false},
		"broken text":             {event(func(e *mq.Event) { create(e); e.Comment.Content = "\xff" }), false},
		"comment without id":      {event(func(e *mq.Event) { create(e); e.Comment.CommentID = 0 }), false},
	} {
		t.Run(name, func(t *testing.T) {
			err := tc.event.Check()
			if tc.ok && err != nil {
				t.Errorf("Check: %v", err)
			}
			if !tc.ok && !errors.Is(err, mq.ErrBadEvent) {
				t.Errorf("Check: %v, want ErrBadEvent", err)
			}
		})
	}
}

// What a build of version 1 would store as something else has version 2, and nothing more: so that it refuses that, and only that.
// The bytes are a contract between builds that run side by side: a changed layout needs a new Version.
func TestLayout(t *testing.T) {
	for _, tc := range []struct {
		event mq.Event
		json  string
	}{
		{
			event(func(e *mq.Event) { e.Favorite = &mq.FavoriteEvent{Liked: true} }),
			`{"v":1,"id":5,"at_ms":6,"user_id":7,"video_id":8,"author_id":9,"favorite":{"liked":true}}`,
		},
		{
			event(func(e *mq.Event) { e.Favorite = &mq.FavoriteEvent{} }),
			`{"v":1,"id":5,"at_ms":6,"user_id":7,"video_id":8,"author_id":9,"favorite":{"liked":false}}`,
		},
		{
			event(func(e *mq.Event) { e.Comment = &mq.CommentEvent{CommentID: 5, Content: "好的 👍\n"} }),
			`{"v":1,"id":5,"at_ms":6,"user_id":7,"video_id":8,"author_id":9,"comment":{"comment_id":5,"content":"好的 👍\n"}}`,
		},
		{
			event(func(e *mq.Event) {
				e.AuthorID = 0
				e.Comment = &mq.CommentEvent{CommentID: 4, Deleted: true}
			}),
			`{"v":1,"id":5,"at_ms":6,"user_id":7,"video_id":8,"comment":{"comment_id":4,"deleted":true}}`,
		},
		{
			event(func(e *mq.Event) {
				e.Comment = &mq.CommentEvent{CommentID: 5, Content: "hi", RootID: 3, ReplyToID: 4, ReplyToUserID: 6, Mentions: []int64{1, 2}}
			}),
			`{"v":2,"id":5,"at_ms":6,"user_id":7,"video_id":8,"author_id":9,"comment":{"comment_id":5,"content":"hi","root_id":3,` +
				`"reply_to_id":4,"reply_to_user_id":6,"mentions":[1,2]}}`,
		},
		{
			event(func(e *mq.Event) { e.Comment = &mq.CommentEvent{CommentID: 5, Content: "hi", Mentions: []int64{1}} }),
			`{"v":2,"id":5,"at_ms":6,"user_id":7,"video_id":8,"author_id":9,"comment":{"comment_id":5,"content":"hi","mentions":[1]}}`,
		},
		{
			event(func(e *mq.Event) { e.Comment = &mq.CommentEvent{CommentID: 4, Deleted: true, RootID: 3} }),
			`{"v":2,"id":5,"at_ms":6,"user_id":7,"video_id":8,"author_id":9,"comment":{"comment_id":4,"deleted":true,"root_id":3}}`,
		},
		{
			event(func(e *mq.Event) { e.Comment = &mq.CommentEvent{CommentID: 4, Deleted: true, Replies: true} }),
			`{"v":2,"id":5,"at_ms":6,"user_id":7,"video_id":8,"author_id":9,"comment":{"comment_id":4,"deleted":true,"replies":true}}`,
		},
		{
			event(func(e *mq.Event) { e.CommentLike = &mq.CommentLikeEvent{CommentID: 4, ToUserID: 3, Liked: true} }),
			`{"v":2,"id":5,"at_ms":6,"user_id":7,"video_id":8,"author_id":9,"comment_like":{"comment_id":4,"to_user_id":3,"liked":true}}`,
		},
		{
			event(func(e *mq.Event) { e.Pin = &mq.PinEvent{} }),
			`{"v":2,"id":5,"at_ms":6,"user_id":7,"video_id":8,"author_id":9,"pin":{"comment_id":0}}`,
		},
	} {
		b, err := json.Marshal(tc.event)
		if err != nil {
			t.Fatal(err)
		}
		if string(b) != tc.json {
			t.Errorf("encoded\n%s, want\n%s", b, tc.json)
		}
		var back mq.Event
		if err := json.Unmarshal([]byte(tc.json), &back); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(tc.event, back); diff != "" {
			t.Errorf("decoded (-want +got):\n%s", diff)
		}
	}
}
