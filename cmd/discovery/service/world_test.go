package service

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"tiktok/cmd/discovery/dal/db"
	"tiktok/cmd/discovery/heat"
	"tiktok/cmd/discovery/rpc"
	"tiktok/cmd/discovery/tags"
	"tiktok/cmd/internal/events"
	"tiktok/kitex_gen/event"
	"tiktok/kitex_gen/interaction"
	"tiktok/kitex_gen/interaction/interactionservice"
	"tiktok/kitex_gen/social"
	"tiktok/kitex_gen/social/socialservice"
	"tiktok/kitex_gen/user"
	"tiktok/kitex_gen/user/userservice"
	"tiktok/kitex_gen/video"
	"tiktok/kitex_gen/video/videoservice"
	"tiktok/pkg/outbox"
	"tiktok/pkg/transport"
)

type pair [2]int64

// world is what the other services hold, and what they have told.
type world struct {
	user.UserService
	video.VideoService
	interaction.InteractionService
	social.SocialService

	mu      sync.Mutex
	rng     *rand.Rand
	at      time.Time
	seq     int64
	nextID  int64
	users   map[int64]*user.User
	videos  map[int64]*video.Video
	likes   map[pair]int64
	follows map[pair]int64
	sent    []outbox.Message
	// calls counts the calls that were answered, failing makes all fail.
	calls   map[string]int
	failing error
	// before is called before each scan.
	before func(name string)
}

func newWorld(seed uint64, at time.Time) *world {
	return &world{
		rng: rand.New(rand.NewPCG(seed, 1)), at: at, nextID: 1000,
		users: map[int64]*user.User{}, videos: map[int64]*video.Video{}, likes: map[pair]int64{}, follows: map[pair]int64{},
		calls: map[string]int{},
	}
}

// peers are the clients of the world.
func (w *world) peers(t testing.TB) (p rpc.Peers) {
	t.Helper()
	must := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	local, err := transport.Local("discovery", userservice.NewServer(w))
	must(err)
	p.Users, err = userservice.NewClient("user", transport.Strict(), local)
	must(err)
	local, err = transport.Local("discovery", videoservice.NewServer(w))
	must(err)
	p.Videos, err = videoservice.NewClient("video", transport.Strict(), local)
	must(err)
	local, err = transport.Local("discovery", interactionservice.NewServer(w))
	must(err)
	p.Interactions, err = interactionservice.NewClient("interaction", transport.Strict(), local)
	must(err)
	local, err = transport.Local("discovery", socialservice.NewServer(w))
	must(err)
	p.Social, err = socialservice.NewClient("social", transport.Strict(), local)
	must(err)
	return p
}

// tell writes an event into the outbox.
func (w *world) tell(topic string, all ...*event.Event) {
	for _, e := range all {
		e.AtMs = w.at.UnixMilli()
	}
	messages, err := events.Messages(topic, all...)
	if err != nil {
		panic(err)
	}
	for _, m := range messages {
		w.seq++
		m.Seq, m.AtMs = w.seq, w.at.UnixMilli()
		w.sent = append(w.sent, m)
	}
}

func (w *world) id() int64 {
	w.nextID += 1 + w.rng.Int64N(3)
	return w.nextID
}

func pick[K cmp.Ordered, V any](w *world, m map[K]V) (K, bool) {
	var none K
	if len(m) == 0 {
		return none, false
	}
	keys := slices.Sorted(maps.Keys(m))
	return keys[w.rng.IntN(len(keys))], true
}

func (w *world) register() int64 {
	id := w.id()
	w.users[id] = &user.User{Id: id, Name: fmt.Sprint("user", id)}
	w.tell(event.TOPIC_ACCOUNT, &event.Event{UserRegistered: &event.UserRegistered{UserId: id, Name: w.users[id].Name}})
	return id
}

func (w *world) rename(id int64, name ...string) {
	u := *w.users[id]
	u.DisplayName = []string{"", "小明", "Ann", "Bob"}[w.rng.IntN(4)]
	for _, n := range name {
		u.DisplayName = n
	}
	w.users[id] = &u
	w.tell(event.TOPIC_ACCOUNT, &event.Event{ProfileChanged: &event.ProfileChanged{UserId: id}})
}

func (w *world) publish(author int64, title ...string) int64 {
	words := []string{"#cat", "#猫", "a", "#Dog", "#fox,", "b", "看"}
	for n := w.rng.IntN(5); len(title) < n; {
		title = append(title, words[w.rng.IntN(len(words))])
	}
	v := &video.Video{Id: w.id(), AuthorId: author, Title: strings.Join(title, " "), PublishedAtMs: w.at.UnixMilli()}
	w.videos[v.Id] = v
	w.tell(event.TOPIC_VIDEO, &event.Event{VideoListed: &event.VideoListed{
		VideoId: v.Id, AuthorId: author, Title: v.Title, PublishedAtMs: v.PublishedAtMs,
	}})
	return v.Id
}

// remove deletes a video, with its likes, which is told later.
func (w *world) remove(id int64) {
	v := w.videos[id]
	delete(w.videos, id)
	w.tell(event.TOPIC_VIDEO, &event.Event{VideoDeleted: &event.VideoDeleted{VideoId: id, AuthorId: v.AuthorId}})
	ended := &event.VideoLikes{VideoId: id, AuthorId: v.AuthorId}
	for _, l := range slices.SortedFunc(maps.Keys(w.likes), func(a, b pair) int { return cmp.Compare(a[0], b[0]) }) {
		if l[1] == id {
			delete(w.likes, l)
			ended.Likes = append(ended.Likes, &event.Like{UserId: l[0]})
		}
	}
	if len(ended.Likes) > 0 {
		w.tell(event.TOPIC_LIKE, &event.Event{VideoLikes: ended})
	}
}

// like begins or ends the likes of some users of a video.
func (w *world) like(videoID int64, userIDs ...int64) {
	e := &event.VideoLikes{VideoId: videoID, AuthorId: w.videos[videoID].AuthorId}
	for _, u := range userIDs {
		key := pair{u, videoID}
		if _, likes := w.likes[key]; likes {
			delete(w.likes, key)
			e.Likes = append(e.Likes, &event.Like{UserId: u})
			continue
		}
		w.likes[key] = w.at.UnixMilli()
		e.Likes = append(e.Likes, &event.Like{UserId: u, Liked: true, AtMs: w.at.UnixMilli()})
	}
	w.tell(event.TOPIC_LIKE, &event.Event{VideoLikes: e})
}

// follow begins or ends to follow.
func (w *world) follow(from, to int64) {
	key := pair{from, to}
	e := &event.FollowChanged{UserId: from, ToUserId: to}
	if _, follows := w.follows[key]; follows {
		delete(w.follows, key)
	} else {
		w.follows[key] = w.at.UnixMilli()
		e.Following, e.AtMs = true, w.at.UnixMilli()
	}
	w.tell(event.TOPIC_FOLLOW, &event.Event{FollowChanged: e})
}

// step does one thing that users do.
func (w *world) step() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.at = w.at.Add(time.Duration(w.rng.IntN(12)) * time.Minute)
	u, users := pick(w, w.users)
	v, videos := pick(w, w.videos)
	switch n := w.rng.IntN(100); {
	case n < 10 || !users:
		w.register()
	case n < 15:
		w.rename(u)
	case n < 30 || !videos:
		w.publish(u)
	case n < 34:
		w.remove(v)
	case n < 55:
		if to, _ := pick(w, w.users); to != u {
			w.follow(u, to)
		}
	default:
		others := []int64{u}
		for range w.rng.IntN(3) {
			if o, _ := pick(w, w.users); !slices.Contains(others, o) {
				others = append(others, o)
			}
		}
		slices.Sort(others)
		w.like(v, others...)
	}
}

func (w *world) called(name string) error {
	if w.before != nil {
		w.before(name)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.calls[name]++
	return w.failing
}

// MGetUsers implements userservice.
func (w *world) MGetUsers(_ context.Context, req *user.MGetUsersRequest) (*user.MGetUsersResponse, error) {
	if err := w.called("MGetUsers"); err != nil {
		return nil, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	found := map[int64]*user.User{}
	for _, id := range req.UserIds {
		if u := w.users[id]; u != nil {
			found[id] = u
		}
	}
	return &user.MGetUsersResponse{Users: found}, nil
}

// ScanUsers implements userservice.
func (w *world) ScanUsers(_ context.Context, req *user.ScanUsersRequest) (*user.ScanUsersResponse, error) {
	if err := w.called("ScanUsers"); err != nil {
		return nil, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	resp := &user.ScanUsersResponse{}
	for _, id := range page(w.users, req.AfterId, int(req.Limit), cmp.Compare[int64]) {
		u := w.users[id]
		resp.Accounts = append(resp.Accounts, &user.Account{Id: id, Name: u.Name, ShownName: cmp.Or(u.DisplayName, u.Name)})
	}
	return resp, nil
}

// MGetVideos implements videoservice.
func (w *world) MGetVideos(_ context.Context, req *video.MGetVideosRequest) (*video.MGetVideosResponse, error) {
	if err := w.called("MGetVideos"); err != nil {
		return nil, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	found := map[int64]*video.Video{}
	for _, id := range req.VideoIds {
		if v := w.videos[id]; v != nil {
			found[id] = v
		}
	}
	return &video.MGetVideosResponse{Videos: found}, nil
}

// ScanVideos implements videoservice.
func (w *world) ScanVideos(_ context.Context, req *video.ScanVideosRequest) (*video.ScanVideosResponse, error) {
	if err := w.called("ScanVideos"); err != nil {
		return nil, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	resp := &video.ScanVideosResponse{}
	for _, id := range page(w.videos, req.AfterId, int(req.Limit), cmp.Compare[int64]) {
		resp.Videos = append(resp.Videos, w.videos[id])
	}
	return resp, nil
}

// ScanLikes implements interactionservice.
func (w *world) ScanLikes(_ context.Context, req *interaction.ScanLikesRequest) (*interaction.ScanLikesResponse, error) {
	if err := w.called("ScanLikes"); err != nil {
		return nil, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	resp := &interaction.ScanLikesResponse{}
	for _, k := range page(w.likes, pair{req.AfterUserId, req.AfterVideoId}, int(req.Limit), comparePairs) {
		resp.Likes = append(resp.Likes, &interaction.Liking{UserId: k[0], VideoId: k[1], AtMs: w.likes[k]})
	}
	return resp, nil
}

// MGetStats implements interactionservice.
func (w *world) MGetStats(_ context.Context, req *interaction.MGetStatsRequest) (*interaction.MGetStatsResponse, error) {
	if err := w.called("MGetStats"); err != nil {
		return nil, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	resp := &interaction.MGetStatsResponse{Videos: map[int64]*interaction.VideoStats{}}
	for _, id := range req.VideoIds {
		resp.Videos[id] = &interaction.VideoStats{}
	}
	for k := range w.likes {
		if v := resp.Videos[k[1]]; v != nil {
			v.FavoriteCount++
		}
	}
	return resp, nil
}

// ScanFollows implements socialservice.
func (w *world) ScanFollows(_ context.Context, req *social.ScanFollowsRequest) (*social.ScanFollowsResponse, error) {
	if err := w.called("ScanFollows"); err != nil {
		return nil, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	resp := &social.ScanFollowsResponse{}
	for _, k := range page(w.follows, pair{req.AfterUserId, req.AfterToUserId}, int(req.Limit), comparePairs) {
		resp.Follows = append(resp.Follows, &social.Following{UserId: k[0], ToUserId: k[1], AtMs: w.follows[k]})
	}
	return resp, nil
}

// MGetRelations implements socialservice.
func (w *world) MGetRelations(_ context.Context, req *social.MGetRelationsRequest) (*social.MGetRelationsResponse, error) {
	if err := w.called("MGetRelations"); err != nil {
		return nil, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	resp := &social.MGetRelationsResponse{Relations: map[int64]*social.Relation{}}
	for _, id := range req.UserIds {
		resp.Relations[id] = &social.Relation{}
	}
	for k := range w.follows {
		if r := resp.Relations[k[1]]; r != nil {
			r.FollowerCount++
		}
	}
	return resp, nil
}

func comparePairs(a, b pair) int { return cmp.Or(cmp.Compare(a[0], b[0]), cmp.Compare(a[1], b[1])) }

// page are up to limit keys behind one.
func page[K comparable, V any](m map[K]V, after K, limit int, compare func(a, b K) int) []K {
	keys := slices.SortedFunc(maps.Keys(m), compare)
	first, found := slices.BinarySearchFunc(keys, after, compare)
	if found {
		first++
	}
	return keys[first:min(len(keys), first+limit)]
}

// catalogue is what is in the catalogue, and what shall be there.
type catalogue struct {
	Users, Videos, Likes, Follows, VideoTags, Tags, Days []string
}

// wanted is the catalogue that shows the world.
func (w *world) wanted() (c catalogue) {
	w.mu.Lock()
	defer w.mu.Unlock()
	type day struct{ author, day int64 }
	likes, followers, days := map[day]int64{}, map[day]int64{}, map[day]bool{}
	counts := map[string]int64{}
	for id, u := range w.users {
		c.Users = append(c.Users, fmt.Sprint(id, " ", u.Name, " ", cmp.Or(u.DisplayName, u.Name)))
	}
	for id, v := range w.videos {
		all := tags.Of(v.Title)
		c.Videos = append(c.Videos, fmt.Sprint(id, v.AuthorId, v.PublishedAtMs, v.Title, all))
		for _, tag := range all {
			c.VideoTags = append(c.VideoTags, fmt.Sprint(tag, v.PublishedAtMs, id))
			counts[tag]++
		}
	}
	for k, at := range w.likes {
		author := w.videos[k[1]].AuthorId
		c.Likes = append(c.Likes, fmt.Sprint(k, author, at))
		d := day{author, db.Day(at)}
		likes[d]++
		days[d] = true
	}
	for k, at := range w.follows {
		c.Follows = append(c.Follows, fmt.Sprint(k, at))
		d := day{k[1], db.Day(at)}
		followers[d]++
		days[d] = true
	}
	for tag, n := range counts {
		c.Tags = append(c.Tags, fmt.Sprint(tag, n))
	}
	for d := range days {
		c.Days = append(c.Days, fmt.Sprint(d, likes[d], followers[d]))
	}
	return c.sorted()
}

func (c catalogue) sorted() catalogue {
	for _, list := range [][]string{c.Users, c.Videos, c.Likes, c.Follows, c.VideoTags, c.Tags, c.Days} {
		slices.Sort(list)
	}
	return c
}

// stored is the catalogue of a store.
func stored(t *testing.T, s *db.Store) (c catalogue) {
	t.Helper()
	var users []db.User
	var videos []db.Video
	var likes []db.Like
	var follows []db.Follow
	var videoTags []db.VideoTag
	var counts []db.Tag
	var days []db.AuthorDay
	for _, into := range []any{&users, &videos, &likes, &follows, &videoTags, &counts, &days} {
		if err := s.Read.Find(into).Error; err != nil {
			t.Fatal(err)
		}
	}
	numbers := map[int64]bool{}
	number := func(n int64) {
		if numbers[n] || n <= 0 {
			t.Errorf("the number %d is there twice", n)
		}
		numbers[n] = true
	}
	for _, u := range users {
		number(u.ChangedSeq)
		c.Users = append(c.Users, fmt.Sprint(u.ID, " ", u.Name, " ", u.ShownName))
	}
	for _, v := range videos {
		number(v.ChangedSeq)
		if v.GoneMs == 0 {
			c.Videos = append(c.Videos, fmt.Sprint(v.ID, v.AuthorID, v.PublishedMs, v.Title, strings.Fields(v.Tags)))
		}
	}
	for _, l := range likes {
		if l.Liked {
			c.Likes = append(c.Likes, fmt.Sprint(pair{l.UserID, l.VideoID}, l.AuthorID, l.AtMs))
		}
	}
	for _, f := range follows {
		if f.Following {
			c.Follows = append(c.Follows, fmt.Sprint(pair{f.UserID, f.ToUserID}, f.AtMs))
		}
	}
	for _, v := range videoTags {
		c.VideoTags = append(c.VideoTags, fmt.Sprint(v.Tag, v.PublishedMs, v.VideoID))
	}
	for _, tag := range counts {
		number(tag.ChangedSeq)
		if tag.Videos != 0 {
			c.Tags = append(c.Tags, fmt.Sprint(tag.Tag, tag.Videos))
		}
	}
	for _, d := range days {
		if d.Likes != 0 || d.Followers != 0 {
			c.Days = append(c.Days, fmt.Sprint(struct{ author, day int64 }{d.AuthorID, d.Day}, d.Likes, d.Followers))
		}
	}
	return c.sorted()
}

// check fails the test when the catalogue does not show the world.
func (w *world) check(t *testing.T, s *db.Store, halfLife time.Duration) {
	t.Helper()
	if diff := gocmp.Diff(w.wanted(), stored(t, s)); diff != "" {
		t.Errorf("catalogue (-want +got):\n%s", diff)
	}
	wanted := map[int64]float64{}
	for k, at := range w.likes {
		wanted[k[1]] = heat.Add(wanted[k[1]], 1, at, halfLife)
	}
	var rows []db.VideoWatches
	if err := s.Read.Find(&rows).Error; err != nil {
		t.Fatal(err)
	}
	nowMs := w.at.UnixMilli()
	for _, r := range rows {
		if got, want := heat.At(r.Heat, nowMs, halfLife), heat.At(wanted[r.VideoID], nowMs, halfLife); max(got, want)-min(got, want) > 1e-4 {
			t.Errorf("video %d has the heat %v, want %v", r.VideoID, got, want)
		}
		delete(wanted, r.VideoID)
	}
	if len(wanted) > 0 {
		t.Errorf("without heat: %v", wanted)
	}
}
