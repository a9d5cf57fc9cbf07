package demo

import (
	"context"
	"errors"
	"fmt"
)

// Account is a user who is logged in.
type Account struct {
	ID int64
	// Token is what a client shows; a backend in the same process needs none.
	Token string
}

// Backend is a deployment that takes the content.
type Backend interface {
	// Empty tells whether the feed has no video.
	Empty(ctx context.Context) (bool, error)
	// Account registers a name, or logs in when it is taken.
	Account(ctx context.Context, name, password string) (Account, error)
	// Profile sets what others see of the account.
	Profile(ctx context.Context, of Account, a Author) error
	// Videos are the ids of the author's videos by title.
	Videos(ctx context.Context, author Account) (map[string]int64, error)
	Publish(ctx context.Context, author Account, v Video) error
	Follow(ctx context.Context, follower, followed Account) error
	Like(ctx context.Context, by Account, video int64) error
	// Watch tells that somebody has seen videos to their end. Telling it again changes nothing.
	Watch(ctx context.Context, by Account, videos []int64) error
	// Comments is how many comments a video has.
	Comments(ctx context.Context, video int64) (int, error)
	Comment(ctx context.Context, by Account, video int64, text string) error
	// Messages is how many messages two users have written to each other.
	Messages(ctx context.Context, one, other Account) (int, error)
	Send(ctx context.Context, from, to Account, text string) error
}

// Fill makes what is not there yet of the content, so that it can go on after a failure. say hears of each step.
func Fill(ctx context.Context, b Backend, password string, say func(format string, args ...any)) error {
	accounts := map[string]Account{}
	for _, author := range Authors() {
		a, err := b.Account(ctx, author.Name, password)
		if err != nil {
			return fmt.Errorf("account %s: %w", author.Name, err)
		}
		if err := b.Profile(ctx, a, author); err != nil {
			return fmt.Errorf("profile of %s: %w", author.Name, err)
		}
		accounts[author.Name] = a
	}
	say("%d accounts", len(accounts))
	ids, err := publish(ctx, b, accounts)
	if err != nil {
		return err
	}
	say("%d videos", len(ids))
	for _, f := range follows() {
		if err := b.Follow(ctx, accounts[f[0]], accounts[f[1]]); err != nil {
			return fmt.Errorf("%s follows %s: %w", f[0], f[1], err)
		}
	}
	if err := react(ctx, b, accounts, ids); err != nil {
		return err
	}
	if err := watch(ctx, b, accounts, ids); err != nil {
		return err
	}
	if err := talk(ctx, b, accounts); err != nil {
		return err
	}
	say("likes, comments, follows and chats")
	return nil
}

// publish publishes the videos that are missing and returns the ids of all, in the order of the table.
func publish(ctx context.Context, b Backend, accounts map[string]Account) ([]int64, error) {
	var ids []int64
	for _, v := range videos() {
		there, err := b.Videos(ctx, accounts[v.Author])
		if err != nil {
			return nil, err
		}
		if _, ok := there[v.Title]; !ok {
			if err := b.Publish(ctx, accounts[v.Author], v); err != nil {
				return nil, fmt.Errorf("publish %s: %w", v.Clip, err)
			}
			if there, err = b.Videos(ctx, accounts[v.Author]); err != nil {
				return nil, err
			}
		}
		id, ok := there[v.Title]
		if !ok {
			return nil, fmt.Errorf("%s was published and is not in its author's list", v.Clip)
		}
		ids = append(ids, id)
	}
	return ids, nil
}

// react likes and comments on the videos.
func react(ctx context.Context, b Backend, accounts map[string]Account, ids []int64) error {
	all := videos()
	for j, id := range ids {
		for i, name := range Users() {
			if !likes(i, j) {
				continue
			}
			if err := b.Like(ctx, accounts[name], id); err != nil {
				return fmt.Errorf("like: %w", err)
			}
		}
		there, err := b.Comments(ctx, id)
		if err != nil {
			return fmt.Errorf("comments: %w", err)
		}
		said := commentsOn(j, all[j].Author)
		for _, c := range said[min(there, len(said)):] {
			if err := b.Comment(ctx, accounts[c.Author], id, c.Text); err != nil {
				return fmt.Errorf("comment: %w", err)
			}
		}
	}
	return nil
}

// watch has the users watch some of the others' videos.
func watch(ctx context.Context, b Backend, accounts map[string]Account, ids []int64) error {
	all := videos()
	for i, name := range Users() {
		var seen []int64
		for j, id := range ids {
			if all[j].Author != name && watches(i, j) {
				seen = append(seen, id)
			}
		}
		if err := b.Watch(ctx, accounts[name], seen); err != nil {
			return fmt.Errorf("watch: %w", err)
		}
	}
	return nil
}

// watchedSession names the one time that a user has watched a video of the demo, watchedMs is how long.
const (
	watchedSession = "demo"
	watchedMs      = 4000
)

// commentsOn are the comments of a video by its index: one to four.
func commentsOn(video int, author string) (said []line) {
	texts := comments()
	for i := 0; len(said) < 1+video%4; i++ {
		if c := texts[(3*video+i)%len(texts)]; c.Author != author {
			said = append(said, c)
		}
	}
	return said
}

// talk sends the messages that are missing.
func talk(ctx context.Context, b Backend, accounts map[string]Account) error {
	for _, chat := range chats() {
		one, other := pair(chat)
		there, err := b.Messages(ctx, accounts[one], accounts[other])
		if err != nil {
			return fmt.Errorf("messages: %w", err)
		}
		for _, m := range chat[min(there, len(chat)):] {
			to := other
			if m.Author == other {
				to = one
			}
			if err := b.Send(ctx, accounts[m.Author], accounts[to], m.Text); err != nil {
				return fmt.Errorf("message: %w", err)
			}
		}
	}
	return nil
}

// pair are the two of a chat.
func pair(chat []line) (one, other string) {
	one = chat[0].Author
	for _, m := range chat {
		if m.Author != one {
			other = m.Author
		}
	}
	return one, other
}

// Ours tells whether Fill has begun with this password, and whether it has come to its end, which is the last chat.
func Ours(ctx context.Context, h HTTP, password string) (ours, finished bool, err error) {
	last := chats()[len(chats())-1]
	one, other := pair(last)
	var members [2]Account
	for i, name := range []string{one, other} {
		var no refused
		members[i], err = h.login(ctx, name, password)
		if errors.As(err, &no) { // the first of them: somebody else's, or nobody's
			return i > 0, false, nil
		}
		if err != nil {
			return false, false, err
		}
	}
	there, err := h.Messages(ctx, members[0], members[1])
	return true, there >= len(last), err
}
