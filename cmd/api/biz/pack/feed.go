package pack

import (
	"bytes"
	"errors"
	"slices"

	hjson "github.com/cloudwego/hertz/pkg/common/json"

	"tiktok/cmd/api/biz/model/api"
)

// FeedPage is a feed page as a visitor sees it, encoded once for many requests. It is not changed afterwards.
type FeedPage struct {
	head, tail []byte
	videos     []encodedVideo
	size       int
}

// encodedVideo is the JSON of one video, and where the values of its flags stand in it, which are false.
type encodedVideo struct {
	json             []byte
	follow, favorite int
}

// The keys of the flags, as the encoder writes them. They are in no value: there the quotes are escaped.
const (
	followKey   = `"is_follow":`
	favoriteKey = `"is_favorite":`
	listKey     = `"video_list":[`
	no, yes     = "false", "true"
)

var errFeedShape = errors.New("pack: the encoder writes feed pages otherwise than expected")

// EncodeFeed encodes a page without flags.
func EncodeFeed(r *api.FeedResponse) (*FeedPage, error) {
	videos := r.VideoList
	frame := *r
	frame.VideoList = []*api.Video{}
	whole, err := hjson.Marshal(&frame)
	if err != nil {
		return nil, err
	}
	at := bytes.Index(whole, []byte(listKey))
	if at < 0 {
		return nil, errFeedShape
	}
	at += len(listKey)
	p := &FeedPage{head: whole[:at], tail: whole[at:], videos: make([]encodedVideo, len(videos)), size: len(whole) + len(videos)}
	for i, v := range videos {
		if p.videos[i], err = encodeVideo(v); err != nil {
			return nil, err
		}
		p.size += len(p.videos[i].json)
	}
	return p, nil
}

func encodeVideo(v *api.Video) (encodedVideo, error) {
	b, err := hjson.Marshal(v)
	if err != nil {
		return encodedVideo{}, err
	}
	e := encodedVideo{json: b, follow: valueOf(b, followKey), favorite: valueOf(b, favoriteKey)}
	if e.follow < 0 || e.favorite < e.follow {
		return encodedVideo{}, errFeedShape
	}
	return e, nil
}

// valueOf is where the value of the flag stands, -1 when it is not there or not false.
func valueOf(b []byte, key string) int {
	at := bytes.Index(b, []byte(key))
	if at < 0 || !bytes.HasPrefix(b[at+len(key):], []byte(no)) {
		return -1
	}
	return at + len(key)
}

// For is the page with the flags of a viewer, by the place of the video in it.
func (p *FeedPage) For(liked, followed func(i int) bool) JSON {
	return feedFor{p, liked, followed}
}

type feedFor struct {
	page            *FeedPage
	liked, followed func(i int) bool
}

// AppendJSON implements JSON.
func (f feedFor) AppendJSON(b []byte) []byte {
	b = append(slices.Grow(b, f.page.size), f.page.head...)
	for i, v := range f.page.videos {
		if i > 0 {
			b = append(b, ',')
		}
		from := 0
		if f.followed(i) {
			b = append(append(b, v.json[:v.follow]...), yes...)
			from = v.follow + len(no)
		}
		if f.liked(i) {
			b = append(append(b, v.json[from:v.favorite]...), yes...)
			from = v.favorite + len(no)
		}
		b = append(b, v.json[from:]...)
	}
	return append(b, f.page.tail...)
}
