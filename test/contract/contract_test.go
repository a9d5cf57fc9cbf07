// Package contract_test holds the HTTP contract of the short-video client: what it sends, and what it can read. The same
// tables run against the all-in-one and against the eight processes.
package contract_test

import (
	"flag"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"tiktok/test/harness"
)

// scenario is one part of the contract. All scenarios of a deployment share its store.
type scenario struct {
	name string
	run  func(t *testing.T, d *harness.Deployment)
}

func scenarios() []scenario {
	return []scenario{
		{"endpoints", testEndpoints},
		{"parameters in every place", testParameterPlaces},
		{"query before body", testQueryFirst},
		{"float ids", testFloatIDs},
		{"slashes", testSlashes},
		{"repeated writes", testRepeatedWrites},
		{"request keys", testRequestKeys},
		{"register and login", testRegisterAndLogin},
		{"password guessing", testPasswordGuessing},
		{"visitors", testVisitors},
		{"tokens", testTokens},
		{"latest time", testLatestTime},
		{"feed pages", testFeedPages},
		{"chat order", testChat},
		{"chat polling", testChatPolling},
		{"publish", testPublish},
		{"publish the official clip", testPublishOfficialClip},
		{"publish refused", testPublishRefused},
		{"media", testMedia},
		{"delete", testDelete},
		{"profile", testProfile},
		{"own pictures", testOwnPictures},
		{"other methods and paths", testOtherRoutes},
		{"bad input", testBadInput},
		{"broken bodies", testBrokenBodies},
		{"the official demo's tests", testOfficialDemo},
	}
}

func TestContract(t *testing.T) {
	doc := loadOpenAPI(t)
	opts := []harness.Option{
		harness.Observe(doc.check),
		harness.Set("limits.register_addr.burst", "1000"), // all other limits are the default ones
	}
	harness.Each(t, opts, func(t *testing.T, d *harness.Deployment) {
		for _, s := range scenarios() {
			t.Run(s.name, func(t *testing.T) { s.run(t, d) })
		}
		if !t.Failed() {
			t.Run("audit", func(t *testing.T) { d.Audit(t) })
		}
	})
	t.Run("too many requests", func(t *testing.T) { testTooManyRequests(t, doc) })
	t.Run("transcode", func(t *testing.T) { testTranscode(t, doc) })
	if f := flag.Lookup("test.run"); !t.Failed() && (f == nil || f.Value.String() == "") { // all tests were run
		doc.requireAllSeen(t)
	}
}

// world is a small set of people and things with something in every list.
type world struct {
	d           *harness.Deployment
	ann, bob    *harness.User // friends; ann has written last
	eve         *harness.User // follows nobody, has done nothing
	video       harness.Video // bob's
	comment     harness.Comment
	bobsComment harness.Comment
}

// newWorld makes a world of its own for a scenario: three accounts, one video.
func newWorld(t *testing.T, d *harness.Deployment) *world {
	t.Helper()
	w := &world{d: d, ann: d.NewUser(t), bob: d.NewUser(t), eve: d.NewUser(t)}
	w.video = w.bob.Publish(t, "by "+w.bob.Name)
	w.ann.Follow(t, w.bob.ID)
	w.bob.Follow(t, w.ann.ID)
	w.ann.Like(t, w.video.ID)
	w.comment = w.ann.Comment(t, w.video.ID, "first")
	w.bobsComment = w.bob.Comment(t, w.video.ID, "thank you")
	w.bob.Send(t, w.ann.ID, "hello")
	w.ann.Send(t, w.bob.ID, "hi")
	return w
}

// state is everything that a bad request could have changed, as one text. Reads of visitors and of the owners; what two
// reads of the same state would not answer alike does not belong here.
func (w *world) state(t *testing.T) string {
	t.Helper()
	var all strings.Builder
	add := func(u *harness.User, path string, pairs ...any) {
		a := u.Get(t, path, pairs...).OK(t)
		fmt.Fprintf(&all, "%s %v: %s\n", path, pairs, a.Raw)
	}
	visitor := w.d.Visitor()
	for _, u := range []*harness.User{w.ann, w.bob, w.eve} {
		for _, path := range []string{
			harness.PathUser, harness.PathPublishList, harness.PathFavoriteList, harness.PathFollowList, harness.PathFollowerList,
		} {
			add(visitor, path, "user_id", u.ID)
		}
	}
	add(visitor, harness.PathFeed)
	add(visitor, harness.PathCommentList, "video_id", w.video.ID)
	add(w.ann, harness.PathFriendList)
	add(w.ann, harness.PathChat, "to_user_id", w.bob.ID)
	add(w.eve, harness.PathFriendList)
	add(w.eve, harness.PathChat, "to_user_id", w.bob.ID)
	return all.String()
}

// A GET and a POST are what the client knows.
const (
	get  = http.MethodGet
	post = http.MethodPost
)
