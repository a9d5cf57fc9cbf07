// Package dataset fills a deployment with users, videos, likes, comments, follows and messages, as many and as unevenly
// spread as people make them, and reads back what requests can be made of.
package dataset

import (
	"cmp"
	"path/filepath"
	"testing"

	"tiktok/config"
	"tiktok/pkg/auth"
)

const (
	// maxUsers bounds the users who send requests, maxVideos the videos that are asked for.
	maxUsers, maxVideos = 100_000, 1_000_000
	// listMin and listMax are the lengths of the lists that are asked for, as a phone shows them on a page or two;
	// friendsMin is that of friends, of whom people have fewer, and pageComments the comments below a video.
	listMin, listMax, friendsMin, pageComments = 20, 30, 10, 20
	// maxLists bounds how many lists of a kind are asked for in turn.
	maxLists = 2000
	// Accesses is the number of draws by popularity that requests take in turn.
	Accesses = 1 << 16
)

// Set is what requests are made of: what is in the stores, as it is in them.
type Set struct {
	// Users are those who send requests. People are all whom they look at, by id.
	Users  []User
	People []int64
	Videos []Video
	// byFame and byViews are indexes into People and Videos as often as somebody would come to them.
	byFame, byViews []int32
	// What follows are lists of a page or two: of authors, of users, and comments below videos.
	Works, Favorites, Following, Followers, Friends, Comments []List
	Chats                                                     []Chat
	Searches                                                  Searches
}

// User is somebody who is logged in.
type User struct {
	ID          int64
	Name, Token string
}

// Video is a video and its author.
type Video struct{ ID, Author int64 }

// List is whose it is and how many entries it has.
type List struct {
	ID int64
	N  int
}

// Chat is a conversation of User, an index, with Peer, an id, and when its last message came.
type Chat struct {
	User         int
	Peer, LastMs int64
}

// User is who sends the n-th request.
func (d *Set) User(n uint64) User { return d.Users[n%uint64(len(d.Users))] }

// Chat is the n-th conversation, and around again.
func (d *Set) Chat(n uint64) Chat { return d.Chats[n%uint64(len(d.Chats))] }

// View is the video that is looked at when somebody comes by for the n-th time, popular ones more often.
func (d *Set) View(n uint64) Video { return d.Videos[d.byViews[n%Accesses]] }

// Fame is the id of the user who is looked at when somebody comes by for the n-th time, famous ones more often.
func (d *Set) Fame(n uint64) int64 { return d.People[d.byFame[n%Accesses]] }

// Read reads the data set that Load has made and signs a token for each of active users, who are all over the list; 0 is
// all, but 100,000 at most.
func Read(t testing.TB, cfg config.Config, active int) *Set {
	t.Helper()
	secret := []byte(cfg.Auth.Secret)
	if len(secret) == 0 {
		keys, err := auth.LoadOrCreateSecrets(cmp.Or(cfg.Auth.SecretFile, filepath.Join(cfg.DataDir, "secret"))) // as the all-in-one does
		check(t, err)
		secret = keys[0]
	}
	tokens, d := auth.NewTokens(secret, cfg.Auth.TokenTTL), &Set{}
	var people []struct {
		ID       int64
		Username string
	}
	var videos []struct{ ID, AuthorID int64 }
	var called []string
	WithStores(t, cfg.DB, func(db Stores) {
		const users = "SELECT id, username FROM users WHERE username >= ? AND username < ? ORDER BY id"
		check(t, db["user"].Read.Raw(users, marked, marked+"~").Scan(&people).Error)
		const works = "SELECT id, author_id FROM videos WHERE play_key = ? ORDER BY id LIMIT ?"
		check(t, db["video"].Read.Raw(works, PlayKey, maxVideos).Scan(&videos).Error)
		check(t, db["video"].Read.Raw("SELECT title FROM videos WHERE play_key = ? ORDER BY id LIMIT ?", PlayKey, maxLists).Scan(&called).Error)
	})
	if len(people) == 0 || len(videos) == 0 {
		t.Fatal("no data set is loaded")
	}
	for _, p := range people {
		d.People = append(d.People, p.ID)
	}
	for _, v := range videos {
		d.Videos = append(d.Videos, Video{v.ID, v.AuthorID})
	}
	active = min(cmp.Or(active, maxUsers), maxUsers, len(people))
	for n := range active {
		p := people[n*len(people)/active]
		token, err := tokens.Issue(p.ID, 0)
		check(t, err)
		d.Users = append(d.Users, User{ID: p.ID, Name: p.Username, Token: token})
	}
	d.byFame, d.byViews = popular(len(d.People), useFame, famePower), popular(len(d.Videos), useVideos, videoPower)
	d.Searches = SearchesOf(called)
	d.ReadLists(t, cfg)
	return d
}

// popular is the draws of indexes below n by a power law. Neighbours of the list are not neighbours in popularity: the
// order is that of the likes and follows of the data set, as far as all of it is taken.
func popular(n int, use uint64, power float64) []int32 {
	rank, r, sample := source(use).Perm(n), source(useAccess), newSampler(n, power)
	draws := make([]int32, Accesses)
	for i := range draws {
		draws[i] = int32(rank[sample.draw(r)])
	}
	return draws
}

// ReadLists reads the lists as they are now, after writes.
func (d *Set) ReadLists(t testing.TB, cfg config.Config) {
	t.Helper()
	WithStores(t, cfg.DB, func(db Stores) {
		read := func(service string, query string, args ...any) (l []List) {
			check(t, db[service].Read.Raw(query+" LIMIT ?", append(args, maxLists)...).Scan(&l).Error)
			return l
		}
		between := func(service, id, count, table string) []List {
			return read(service, "SELECT "+id+" AS id, "+count+" AS n FROM "+table+" WHERE "+count+" BETWEEN ? AND ?", listMin, listMax)
		}
		d.Works = between("video", "author_id", "work_count", "author_stats")
		d.Favorites = between("interaction", "user_id", "favorite_count", "user_stats")
		d.Following = between("social", "user_id", "follow_count", "social_stats")
		d.Followers = between("social", "user_id", "follower_count", "social_stats")
		const below = "SELECT video_id AS id, comment_count AS n FROM video_stats WHERE deleted = ? AND comment_count = ?"
		d.Comments = read("interaction", below, false, pageComments)
		// About every third follows back, so the search need not go through all.
		const some = "SELECT user_id FROM social_stats WHERE follow_count >= ? AND follower_count >= ? " +
			"ORDER BY follow_count + follower_count LIMIT ?"
		var candidates []int64
		check(t, db["social"].Read.Raw(some, 3*friendsMin, friendsMin, maxLists).Scan(&candidates).Error)
		d.Friends = read("social", `SELECT f.user_id AS id, COUNT(*) AS n FROM follows f
			JOIN follows b ON b.user_id = f.to_user_id AND b.to_user_id = f.user_id
			WHERE f.user_id IN ? GROUP BY f.user_id HAVING COUNT(*) BETWEEN ? AND ?`, candidates, friendsMin, listMax)

		index := make(map[int64]int, len(d.Users))
		for i, u := range d.Users {
			index[u.ID] = i
		}
		var talks []struct{ LowID, HighID, LastAtMs int64 }
		check(t, db["chat"].Read.Raw("SELECT low_id, high_id, last_at_ms FROM conversations ORDER BY low_id, high_id").Scan(&talks).Error)
		d.Chats = d.Chats[:0]
		for _, c := range talks {
			if i, ok := index[c.LowID]; ok && len(d.Chats) < maxUsers {
				d.Chats = append(d.Chats, Chat{i, c.HighID, c.LastAtMs})
			}
		}
	})
}

// check fails the test for an error.
func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
