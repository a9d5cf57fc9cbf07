package contract_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"tiktok/test/harness"
)

// testParameterPlaces sends the same parameters in each place that some client, server or test suite uses.
func testParameterPlaces(t *testing.T, d *harness.Deployment) {
	w := newWorld(t, d)
	for _, e := range endpoints() {
		places := map[string]func(t *testing.T, p url.Values) harness.Request{
			"query":      func(_ *testing.T, p url.Values) harness.Request { return e.in(p) },
			"urlencoded": func(_ *testing.T, p url.Values) harness.Request { return harness.Form(e.method, e.path, p) },
			"multipart": func(t *testing.T, p url.Values) harness.Request {
				return harness.Multipart(t, e.method, e.path, p)
			},
			"both": func(_ *testing.T, p url.Values) harness.Request {
				r := harness.Form(e.method, e.path, p)
				r.Query = p
				return r
			},
			"some here, some there": func(t *testing.T, p url.Values) harness.Request {
				query, form := url.Values{}, url.Values{}
				for name, v := range p {
					if name == "token" || strings.HasPrefix(name, "user") {
						query[name] = v
					} else {
						form[name] = v
					}
				}
				r := harness.Multipart(t, e.method, e.path, form)
				r.Query = query
				return r
			},
			"token in the header": func(_ *testing.T, p url.Values) harness.Request {
				header := http.Header{}
				if token := p.Get("token"); token != "" {
					header.Set("Authorization", "Bearer "+token)
				}
				p.Del("token")
				r := e.in(p)
				r.Header = header
				return r
			},
		}
		for name, place := range places {
			t.Run(e.name+"/"+name, func(t *testing.T) { e.requireGood(t, d, place(t, e.good(w))) })
		}
	}
}

// Where both have a parameter, the query counts; of several in one place, the first; an empty one is none.
func testQueryFirst(t *testing.T, d *harness.Deployment) {
	w := newWorld(t, d)
	asked := func(t *testing.T, query, form url.Values) int64 {
		t.Helper()
		var got struct {
			Code int32        `json:"status_code"`
			Msg  string       `json:"status_msg"`
			User harness.Card `json:"user"`
		}
		d.Call(t, get, harness.PathUser, query, form).OK(t).Decode(t, &got)
		return got.User.ID
	}
	for name, c := range map[string]struct{ query, form url.Values }{
		"both":           {harness.Params("user_id", w.bob.ID), harness.Params("user_id", w.eve.ID)},
		"body unusable":  {harness.Params("user_id", w.bob.ID), harness.Params("user_id", "x")},
		"twice in query": {harness.Params("user_id", w.bob.ID, "user_id", w.eve.ID), nil},
		"twice in body":  {nil, harness.Params("user_id", w.bob.ID, "user_id", w.eve.ID)},
		"empty in query": {harness.Params("user_id", ""), harness.Params("user_id", w.bob.ID)},
	} {
		t.Run(name, func(t *testing.T) {
			if got := asked(t, c.query, c.form); got != w.bob.ID {
				t.Errorf("answered about %d, want %d", got, w.bob.ID)
			}
		})
	}
}

// floatID is an id the way the official tests send it: taken from JSON as a float64, printed by Go.
func floatID(id int64) string { return fmt.Sprint(float64(id)) }

func testFloatIDs(t *testing.T, d *harness.Deployment) {
	w := newWorld(t, d)
	if s := floatID(w.video.ID); !strings.Contains(s, "e+") {
		t.Fatalf("%s is not in float notation, the test shows nothing", s)
	}
	ids := []string{"video_id", "user_id", "to_user_id"}
	for _, e := range endpoints() {
		p := e.good(w)
		var has bool
		for _, name := range ids {
			has = has || p.Has(name)
		}
		if !has {
			continue
		}
		inFloats := func() url.Values {
			p := e.good(w)
			for _, name := range ids {
				if v := p.Get(name); v != "" {
					var id int64
					if _, err := fmt.Sscan(v, &id); err != nil {
						t.Fatal(err)
					}
					p.Set(name, floatID(id))
				}
			}
			return p
		}
		t.Run(e.name, func(t *testing.T) {
			e.requireGood(t, d, e.in(inFloats()))
			e.requireGood(t, d, harness.Form(e.method, e.path, inFloats()))
			// A plus sign that was not escaped arrives as a space.
			e.requireGood(t, d, harness.Request{Method: e.method, Path: e.path, RawQuery: strings.ReplaceAll(inFloats().Encode(), "%2B", "+")})
		})
	}
	t.Run("means the same id", func(t *testing.T) {
		before := w.video.FavoriteCount
		w.eve.Post(t, harness.PathFavorite, "video_id", floatID(w.video.ID), "action_type", "1e0").OK(t)
		for _, v := range w.eve.Favorites(t, w.eve.ID) {
			if v.ID != w.video.ID || v.FavoriteCount != before+2 { // ann likes it too
				t.Errorf("likes %d with %d likes, want %d with %d", v.ID, v.FavoriteCount, w.video.ID, before+2)
			}
		}
	})
	t.Run("latest_time", func(t *testing.T) {
		next := d.Visitor().Feed(t, 0).Next
		digits := d.Visitor().Get(t, harness.PathFeed, "latest_time", next).OK(t)
		float := d.Visitor().Get(t, harness.PathFeed, "latest_time", fmt.Sprint(float64(next))).OK(t)
		if string(digits.Raw) != string(float.Raw) {
			t.Errorf("latest_time %d and %v are two times", next, float64(next))
		}
	})
}

// A base address typed with one slash too many, and clients that leave the last one out.
func testSlashes(t *testing.T, d *harness.Deployment) {
	w := newWorld(t, d)
	for _, e := range endpoints() {
		bare := strings.TrimSuffix(e.path, "/")
		for _, path := range []string{bare, "/" + e.path, "/" + bare, "//" + e.path} {
			t.Run(path, func(t *testing.T) {
				e.requireGood(t, d, harness.Request{Method: e.method, Path: path, Query: e.good(w)})
				e.requireGood(t, d, harness.Form(e.method, path, e.good(w)))
			})
		}
	}
	for _, path := range []string{"/douyin/publish/action", "//douyin/publish/action/"} {
		t.Run(path, func(t *testing.T) {
			r := harness.Multipart(t, post, path, harness.Params("token", w.eve.Token, "title", "slash"),
				harness.File{Field: "data", Name: "v.mp4", Data: harness.TestData(t, "tiny.mp4")})
			d.Do(t, r).OK(t)
		})
	}
	// As the app sends it: some clients take a link apart and keep what they need.
	t.Run("fragment and unknown parameters", func(t *testing.T) {
		d.Call(t, get, harness.PathFeed, harness.Params("latest_time", 0, "aid", "1128", "device_platform", "android"), nil).OK(t)
	})
}

func testOtherRoutes(t *testing.T, d *harness.Deployment) {
	for _, path := range []string{
		"/douyin", "/douyin/", "/douyin/nothing/", "/douyin/feed/more/", "/douyin/user/register/x", "/douyin/%2e%2e/", "/douyin/FEED/",
		"/douyin/relation/", "/douyin/%00/",
	} {
		t.Run(path, func(t *testing.T) {
			for _, method := range []string{get, post, http.MethodPut} {
				d.Do(t, harness.Request{Method: method, Path: path}).Fails(t)
			}
		})
	}
	for _, e := range endpoints() {
		t.Run("methods of "+e.name, func(t *testing.T) {
			for _, method := range []string{get, post, http.MethodPut, http.MethodDelete, http.MethodPatch, "PROPFIND"} {
				if method == e.method {
					continue
				}
				a := d.Do(t, harness.Request{Method: method, Path: e.path})
				if a.Code == 0 {
					t.Errorf("%s %s is answered like %s", method, e.path, e.method)
				}
			}
		})
	}
}
