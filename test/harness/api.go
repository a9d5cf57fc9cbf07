package harness

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"testing"
)

// Paths of the endpoints.
const (
	PathFeed                = "/douyin/feed/"
	PathRegister            = "/douyin/user/register/"
	PathLogin               = "/douyin/user/login/"
	PathUser                = "/douyin/user/"
	PathPublish             = "/douyin/publish/action/"
	PathPublishDelete       = "/douyin/publish/delete/"
	PathPublishList         = "/douyin/publish/list/"
	PathFavorite            = "/douyin/favorite/action/"
	PathFavoriteList        = "/douyin/favorite/list/"
	PathComment             = "/douyin/comment/action/"
	PathCommentList         = "/douyin/comment/list/"
	PathRelation            = "/douyin/relation/action/"
	PathFollowList          = "/douyin/relation/follow/list/"
	PathFollowerList        = "/douyin/relation/follower/list/"
	PathFriendList          = "/douyin/relation/friend/list/"
	PathMessage             = "/douyin/message/action/"
	PathChat                = "/douyin/message/chat/"
	actionDo          int32 = 1
	actionUndo        int32 = 2
)

// Card is a user as the API shows one.
type Card struct {
	ID              int64  `json:"id"`
	Name            string `json:"name"`
	FollowCount     int64  `json:"follow_count"`
	FollowerCount   int64  `json:"follower_count"`
	IsFollow        bool   `json:"is_follow"`
	Avatar          string `json:"avatar"`
	BackgroundImage string `json:"background_image"`
	Signature       string `json:"signature"`
	TotalFavorited  int64  `json:"total_favorited"`
	WorkCount       int64  `json:"work_count"`
	FavoriteCount   int64  `json:"favorite_count"`
}

// Friend is a friend as the API shows one.
type Friend struct {
	Card
	Message string `json:"message"`
	MsgType int64  `json:"msgType"`
}

// Video is a video as the API shows one.
type Video struct {
	ID            int64  `json:"id"`
	Author        Card   `json:"author"`
	PlayURL       string `json:"play_url"`
	CoverURL      string `json:"cover_url"`
	FavoriteCount int64  `json:"favorite_count"`
	CommentCount  int64  `json:"comment_count"`
	IsFavorite    bool   `json:"is_favorite"`
	Title         string `json:"title"`
	HLSURL        string `json:"hls_url"`
	PreviewURL    string `json:"preview_url"`
	// State and what follows are only in the author's own list.
	State    string `json:"state"`
	Progress int32  `json:"progress"`
	Reason   string `json:"reason"`
}

// Processing is an upload that is not listed yet, as its author reads it.
type Processing struct {
	ID         int64  `json:"id"`
	Title      string `json:"title"`
	State      string `json:"state"`
	Progress   int32  `json:"progress"`
	Reason     string `json:"reason"`
	UploadedAt int64  `json:"uploaded_at"`
}

// Comment is a comment as the API shows one.
type Comment struct {
	ID         int64  `json:"id"`
	User       Card   `json:"user"`
	Content    string `json:"content"`
	CreateDate string `json:"create_date"`
}

// Message is a chat message as the API shows one.
type Message struct {
	ID         int64  `json:"id"`
	ToUserID   int64  `json:"to_user_id"`
	FromUserID int64  `json:"from_user_id"`
	Content    string `json:"content"`
	CreateTime string `json:"create_time"`
}

// Time is create_time as the number that the client takes for its cursor.
func (m Message) Time(t testing.TB) int64 {
	t.Helper()
	ms, err := strconv.ParseInt(m.CreateTime, 10, 64)
	if err != nil {
		t.Fatalf("create_time of message %d: %v", m.ID, err)
	}
	return ms
}

// Page is a page of the feed.
type Page struct {
	Videos []Video
	Next   int64
}

// User is somebody who uses the app: logged in, or a visitor when Token is empty.
type User struct {
	ID                    int64
	Name, Password, Token string

	d *Deployment
}

// Visitor is somebody who is not logged in.
func (d *Deployment) Visitor() *User { return &User{d: d} }

// NewName is a username that nobody has.
func (d *Deployment) NewName() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.names++
	return fmt.Sprintf("user%dx%d", os.Getpid(), d.names)
}

// NewUser registers somebody.
func (d *Deployment) NewUser(t testing.TB) *User {
	t.Helper()
	name := d.NewName()
	return d.login(t, PathRegister, name, "pass-"+name)
}

// Login logs somebody in again.
func (d *Deployment) Login(t testing.TB, name, password string) *User {
	t.Helper()
	return d.login(t, PathLogin, name, password)
}

func (d *Deployment) login(t testing.TB, path, name, password string) *User {
	t.Helper()
	var got struct {
		envelope
		UserID int64  `json:"user_id"`
		Token  string `json:"token"`
	}
	d.Call(t, http.MethodPost, path, Params("username", name, "password", password), nil).OK(t).Decode(t, &got)
	if got.UserID <= 0 || got.Token == "" {
		t.Fatalf("%s: user_id %d, token %q", path, got.UserID, got.Token)
	}
	return &User{ID: got.UserID, Name: name, Password: password, Token: got.Token, d: d}
}

// registrars is how many of a crowd register at once.
const registrars = 4

// People are n users who exist once for each deployment: registering costs a password hash, so tests that need a crowd
// share it. What they have liked or whom they follow is unknown.
func (d *Deployment) People(t testing.TB, n int) []*User {
	t.Helper()
	d.mu.Lock()
	have := len(d.people)
	d.mu.Unlock()
	if n > have {
		more := make([]*User, n-have)
		// Few at a time: with the race detector a password hash takes long, and a call has a timeout.
		Parallel(t, registrars, func(t testing.TB, i int) {
			for ; i < len(more); i += registrars {
				more[i] = d.NewUser(t)
			}
		})
		d.mu.Lock()
		d.people = append(d.people, more...)
		d.mu.Unlock()
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.people[:n:n]
}

// envelope is embedded where an answer is decoded strictly.
type envelope struct {
	Code int32  `json:"status_code"`
	Msg  string `json:"status_msg"`
}

// params adds the token when there is one.
func (u *User) params(pairs ...any) url.Values {
	v := Params(pairs...)
	if u.Token != "" {
		v.Set("token", u.Token)
	}
	return v
}

// Get reads from an endpoint with the user's token.
func (u *User) Get(t testing.TB, path string, pairs ...any) Answer {
	t.Helper()
	return u.d.Call(t, http.MethodGet, path, u.params(pairs...), nil)
}

// Post does something at an endpoint with the user's token, all parameters in the query as the app sends them.
func (u *User) Post(t testing.TB, path string, pairs ...any) Answer {
	t.Helper()
	return u.d.Call(t, http.MethodPost, path, u.params(pairs...), nil)
}

// Feed is the page of videos published before latest, milliseconds; 0 is the newest page.
func (u *User) Feed(t testing.TB, latest int64) Page {
	t.Helper()
	var got struct {
		envelope
		VideoList []Video `json:"video_list"`
		NextTime  int64   `json:"next_time"`
	}
	u.Get(t, PathFeed, "latest_time", latest).OK(t).Decode(t, &got)
	return Page{got.VideoList, got.NextTime}
}

// Profile is a user as u sees one; 0 is u.
func (u *User) Profile(t testing.TB, id int64) Card {
	t.Helper()
	var got struct {
		envelope
		User Card `json:"user"`
	}
	pairs := []any{"user_id", id}
	if id == 0 {
		pairs = nil
	}
	u.Get(t, PathUser, pairs...).OK(t).Decode(t, &got)
	return got.User
}

// TryPublish uploads a file as the app does: all fields in the multipart body.
func (u *User) TryPublish(t testing.TB, title string, f File) Answer {
	t.Helper()
	if f.Field == "" {
		f.Field = "data"
	}
	if f.Name == "" {
		f.Name = "video.mp4"
	}
	return u.d.Do(t, Multipart(t, http.MethodPost, PathPublish, u.params("title", title), f))
}

// Publish uploads the tiny clip and returns the new video, found by its title, which must be new.
func (u *User) Publish(t testing.TB, title string) Video {
	t.Helper()
	u.TryPublish(t, title, File{Data: TestData(t, "tiny.mp4")}).OK(t)
	for _, v := range u.Published(t, u.ID) {
		if v.Title == title {
			return v
		}
	}
	t.Fatalf("published %q is not in the author's list", title)
	return Video{}
}

func (u *User) videos(t testing.TB, path string, id int64) []Video {
	t.Helper()
	var got struct {
		envelope
		VideoList []Video `json:"video_list"`
	}
	u.Get(t, path, "user_id", id).OK(t).Decode(t, &got)
	return got.VideoList
}

// Published are a user's videos as u sees them.
func (u *User) Published(t testing.TB, id int64) []Video {
	t.Helper()
	listed, _ := u.Works(t, id)
	return listed
}

// Works are a user's videos as u sees them, and what is not listed yet of u's own.
func (u *User) Works(t testing.TB, id int64) ([]Video, []Processing) {
	t.Helper()
	var got struct {
		envelope
		VideoList      []Video      `json:"video_list"`
		ProcessingList []Processing `json:"processing_list"`
	}
	u.Get(t, PathPublishList, "user_id", id).OK(t).Decode(t, &got)
	return got.VideoList, got.ProcessingList
}

// DeleteVideo deletes a video of u.
func (u *User) DeleteVideo(t testing.TB, video int64) {
	t.Helper()
	u.Post(t, PathPublishDelete, "video_id", video).OK(t)
}

// Favorites are the videos that a user likes, as u sees them.
func (u *User) Favorites(t testing.TB, id int64) []Video {
	t.Helper()
	return u.videos(t, PathFavoriteList, id)
}

// Like likes a video.
func (u *User) Like(t testing.TB, video int64) {
	t.Helper()
	u.Post(t, PathFavorite, "video_id", video, "action_type", actionDo).OK(t)
}

// Unlike takes a like back.
func (u *User) Unlike(t testing.TB, video int64) {
	t.Helper()
	u.Post(t, PathFavorite, "video_id", video, "action_type", actionUndo).OK(t)
}

// Comment comments on a video and returns the comment as it was answered.
func (u *User) Comment(t testing.TB, video int64, text string) Comment {
	t.Helper()
	var got struct {
		envelope
		Comment Comment `json:"comment"`
	}
	u.Post(t, PathComment, "video_id", video, "action_type", actionDo, "comment_text", text).OK(t).Decode(t, &got)
	return got.Comment
}

// DeleteComment deletes a comment of u.
func (u *User) DeleteComment(t testing.TB, video, comment int64) {
	t.Helper()
	u.Post(t, PathComment, "video_id", video, "action_type", actionUndo, "comment_id", comment).OK(t)
}

// Comments are a video's comments as u sees them.
func (u *User) Comments(t testing.TB, video int64) []Comment {
	t.Helper()
	var got struct {
		envelope
		CommentList []Comment `json:"comment_list"`
	}
	u.Get(t, PathCommentList, "video_id", video).OK(t).Decode(t, &got)
	return got.CommentList
}

// Follow follows a user.
func (u *User) Follow(t testing.TB, id int64) {
	t.Helper()
	u.Post(t, PathRelation, "to_user_id", id, "action_type", actionDo).OK(t)
}

// Unfollow stops following a user.
func (u *User) Unfollow(t testing.TB, id int64) {
	t.Helper()
	u.Post(t, PathRelation, "to_user_id", id, "action_type", actionUndo).OK(t)
}

func (u *User) cards(t testing.TB, path string, id int64) []Card {
	t.Helper()
	var got struct {
		envelope
		UserList []Card `json:"user_list"`
	}
	u.Get(t, path, "user_id", id).OK(t).Decode(t, &got)
	return got.UserList
}

// Following are the users whom a user follows, as u sees them.
func (u *User) Following(t testing.TB, id int64) []Card {
	t.Helper()
	return u.cards(t, PathFollowList, id)
}

// Followers are the users who follow a user, as u sees them.
func (u *User) Followers(t testing.TB, id int64) []Card {
	t.Helper()
	return u.cards(t, PathFollowerList, id)
}

// Friends are the users whom u follows and who follow u.
func (u *User) Friends(t testing.TB) []Friend {
	t.Helper()
	var got struct {
		envelope
		UserList []Friend `json:"user_list"`
	}
	u.Get(t, PathFriendList, "user_id", u.ID).OK(t).Decode(t, &got)
	return got.UserList
}

// Send sends a message.
func (u *User) Send(t testing.TB, to int64, text string) {
	t.Helper()
	u.Post(t, PathMessage, "to_user_id", to, "action_type", actionDo, "content", text).OK(t)
}

// Chat are the messages between u and peer after a time; 0 is the whole history.
func (u *User) Chat(t testing.TB, peer, after int64) []Message {
	t.Helper()
	var got struct {
		envelope
		MessageList []Message `json:"message_list"`
	}
	u.Get(t, PathChat, "to_user_id", peer, "pre_msg_time", after).OK(t).Decode(t, &got)
	return got.MessageList
}

// Below turns the absolute URL of a media file into a path of the deployment, and fails the test when it points
// elsewhere.
func (d *Deployment) Below(t testing.TB, link string) string {
	t.Helper()
	path, ok := strings.CutPrefix(link, d.URL())
	if !ok || !strings.HasPrefix(path, "/") {
		t.Fatalf("%s is not below %s", link, d.URL())
	}
	return path
}
