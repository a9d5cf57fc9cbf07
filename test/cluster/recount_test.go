package cluster_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"

	"tiktok/pkg/errno"
	"tiktok/test/harness"
)

// wrongPassword is also the answer when there is no such account.
var wrongPassword = errno.UserBadCredentials.Code

// count is what the API shows, compared with what the users were told.
type count struct {
	lost, doubled int
	wrong         []string
}

func (c *count) errorf(format string, args ...any) {
	c.wrong = append(c.wrong, fmt.Sprintf(format, args...))
}

func (c *count) err() error {
	if c.lost == 0 && c.doubled == 0 && len(c.wrong) == 0 {
		return nil
	}
	return fmt.Errorf("lost %d, doubled %d: %q", c.lost, c.doubled, c.wrong[:min(len(c.wrong), 8)])
}

// fate compares what is seen on or off.
func (c *count) fate(what string, f *harness.Fate, on bool) {
	if !f.Allows(on) {
		c.lost++
		c.errorf("%s is %v; the last answer said %v, refused since then: %v", what, on, f.On, f.Denied)
	}
}

// notes compares texts, each with how often it is seen.
func (c *count) notes(what string, list []note, times map[string]int) {
	for _, n := range list {
		switch seen := times[n.text]; {
		case seen == 0 && n.outcome == harness.Done:
			c.lost++
			c.errorf("%s %q is lost", what, n.text)
		case seen > 1:
			c.doubled++
			c.errorf("%s %q is there %d times", what, n.text, seen)
		case seen > 0 && n.outcome == harness.Refused:
			c.doubled++
			c.errorf("%s %q is there although it was refused", what, n.text)
		}
	}
}

func tally(texts []string) map[string]int {
	times := map[string]int{}
	for _, x := range texts {
		times[x]++
	}
	return times
}

// readers is how many read at once when everything is recounted.
const readers = 4

// recount reads everything that the users did in a scene, and their follows, messages and videos since the beginning.
func (c *crowd) recount(ctx context.Context, s *scene) *count {
	likes, all := make([][]harness.Video, users), make([]count, users)
	var wg sync.WaitGroup
	for first := range readers {
		wg.Go(func() {
			for i := first; i < users; i += readers {
				var err error
				if likes[i], err = c.people[i].videos(ctx, s.author.id); err == nil {
					err = c.recountPerson(ctx, c.people[i], s.accounts[i], &all[i])
				}
				if err != nil {
					all[i].errorf("%v", err)
				}
			}
		})
	}
	wg.Wait()
	sum := &count{}
	for _, one := range all {
		sum.lost, sum.doubled, sum.wrong = sum.lost+one.lost, sum.doubled+one.doubled, append(sum.wrong, one.wrong...)
	}
	if len(sum.wrong) == 0 {
		c.recountLikes(s, likes, sum)
		c.recountComments(ctx, s, sum)
	}
	return sum
}

// recountPerson is all but likes and comments. An error means that something could not be read.
func (c *crowd) recountPerson(ctx context.Context, p *person, accounts []note, sum *count) error {
	if err := c.recountFollows(ctx, p, sum); err != nil {
		return err
	}
	raw, err := p.sees(ctx, harness.PathChat, "to_user_id", p.peer().id)
	if err != nil {
		return err
	}
	texts, err := messages(raw)
	if err != nil {
		return err
	}
	sum.notes("message", p.sent, tally(texts))
	if len(p.published) > 0 {
		list, err := p.videos(ctx, p.id)
		if err != nil {
			return err
		}
		var titles []string
		for _, v := range list {
			titles = append(titles, v.Title)
		}
		sum.notes("video", p.published, tally(titles))
	}
	return c.recountAccounts(ctx, p, accounts, sum)
}

func (c *crowd) recountComments(ctx context.Context, s *scene, sum *count) {
	for v, id := range s.videos {
		raw, err := s.author.sees(ctx, harness.PathCommentList, "video_id", id)
		var texts []string
		if err == nil {
			texts, err = comments(raw)
		}
		if err != nil {
			sum.errorf("%v", err)
			continue
		}
		times := tally(texts)
		for i := range users {
			here := slices.DeleteFunc(slices.Clone(s.comments[i]), func(n note) bool { return n.video != v })
			sum.notes("comment", here, times)
		}
	}
}

func (c *crowd) recountLikes(s *scene, seen [][]harness.Video, sum *count) {
	for v, id := range s.videos {
		var on, shown int64
		for i := range users {
			for _, x := range seen[i] {
				if x.ID != id {
					continue
				}
				sum.fate(fmt.Sprintf("%s likes video %d", c.people[i].name, v), &s.liked[i][v], x.IsFavorite)
				if x.IsFavorite {
					on++
				}
				shown = x.FavoriteCount
			}
		}
		if on != shown {
			sum.errorf("video %d has %d likes, %d users like it", v, shown, on)
		}
	}
}

func (c *crowd) recountFollows(ctx context.Context, p *person, sum *count) error {
	raw, err := p.sees(ctx, harness.PathFollowList, "user_id", p.id)
	if err != nil {
		return err
	}
	var got struct {
		UserList []harness.Card `json:"user_list"`
	}
	if err := json.Unmarshal(raw, &got); err != nil {
		return err
	}
	on := map[int64]bool{}
	for _, u := range got.UserList {
		on[u.ID] = true
	}
	for to, f := range p.follows {
		sum.fate(fmt.Sprintf("%s follows %s", p.name, c.people[to].name), f, on[c.people[to].id])
	}
	return nil
}

// recountAccounts logs in as everybody whom p has registered.
func (c *crowd) recountAccounts(ctx context.Context, p *person, accounts []note, sum *count) error {
	for _, n := range accounts {
		a := p.login(ctx, n.text, "pass-"+n.text)
		switch {
		case a.outcome == harness.Done:
			sum.notes("account", []note{n}, map[string]int{n.text: 1})
		case a.Code == wrongPassword:
			sum.notes("account", []note{n}, nil)
		default:
			return errors.Join(fmt.Errorf("login: %d %s", a.Code, a.Msg), a.err)
		}
	}
	return nil
}
