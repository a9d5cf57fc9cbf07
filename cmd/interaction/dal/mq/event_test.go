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
	e := mq.Event{V: mq.Version, ID: 5, AtMs: 6, UserID: 7, VideoID: 8, AuthorID: 9}
	change(&e)
	return e
}

func TestCheck(t *testing.T) {
	like := func(e *mq.Event) { e.Favorite = &mq.FavoriteEvent{Liked: true} }
	create := func(e *mq.Event) { e.Comment = &mq.CommentEvent{CommentID: 5, Content: "hi"} }
	remove := func(e *mq.Event) { e.Comment = &mq.CommentEvent{CommentID: 5, Deleted: true} }
	for name, tc := range map[string]struct {
		event mq.Event
		ok    bool
	}{
		"like":                   {event(like), true},
		"unlike":                 {event(func(e *mq.Event) { e.Favorite = &mq.FavoriteEvent{} }), true},
		"comment":                {event(create), true},
		"deletion":               {event(remove), true},
		"deletion, no author":    {event(func(e *mq.Event) { remove(e); e.AuthorID = 0 }), true},
		"empty":                  {mq.Event{}, false},
		"no kind":                {event(func(*mq.Event) {}), false},
		"two kinds":              {event(func(e *mq.Event) { like(e); create(e) }), false},
		"later version":          {event(func(e *mq.Event) { like(e); e.V = mq.Latest + 1 }), false},
		"no id":                  {event(func(e *mq.Event) { like(e); e.ID = 0 }), false},
		"no time":                {event(func(e *mq.Event) { like(e); e.AtMs = 0 }), false},
		"no user":                {event(func(e *mq.Event) { like(e); e.UserID = 0 }), false},
		"negative video":         {event(func(e *mq.Event) { like(e); e.VideoID = -8 }), false},
		"like without author":    {event(func(e *mq.Event) { like(e); e.AuthorID = 0 }), false},
		"comment without author": {event(func(e *mq.Event) { create(e); e.AuthorID = 0 }), false},
		"longest comment":        {event(func(e *mq.Event) { create(e); e.Comment.Content = strings.Repeat("长", mq.MaxContent) }), true},
		"too long comment":       {event(func(e *mq.Event) { create(e); e.Comment.Content = strings.Repeat("x", mq.MaxContent+1) }), false},
		"broken text":            {event(func(e *mq.Event) { create(e); e.Comment.Content = "\xff" }), false},
		"comment without id":     {event(func(e *mq.Event) { create(e); e.Comment.CommentID = 0 }), false},
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
