// Package pack renders what the view composes for the mobile client: views into structs of package api, errors into status_code
// and status_msg. It writes the JSON of both APIs. It does no I/O.
package pack

import (
	"bytes"
	"net/http"
	"strings"
	"sync"

	"github.com/cloudwego/hertz/pkg/app"
	hjson "github.com/cloudwego/hertz/pkg/common/json"
	"github.com/cloudwego/hertz/pkg/protocol"
	"github.com/klauspost/compress/gzip"

	"tiktok/cmd/api/biz/call"
	"tiktok/cmd/api/biz/model/api"
	"tiktok/pkg/errno"
)

// OK is the status_msg of a success.
const OK = "success"

// gzipFrom is the size from which compressing an answer saves more than it costs: about one packet.
const gzipFrom = 1 << 10

// Packer writes answers. Make one with New and share it.
type Packer struct {
	gzips sync.Pool
	// titles are the general texts of the codes.
	titles map[int32]string
}

// New makes a Packer.
func New() *Packer {
	p := &Packer{titles: map[int32]string{}}
	for _, e := range errno.All() {
		p.titles[e.Code] = e.Msg
	}
	p.gzips.New = func() any {
		// Of klauspost/compress: two thirds of the standard library's time, and smaller. The level is valid.
		w, _ := gzip.NewWriterLevel(nil, gzip.BestSpeed)
		return w
	}
	return p
}

// Answer writes a success: v as JSON, or no body for a nil v. Under /douyin v has to be a response of package api, because the client's
// JSON parser is strict about keys, and status 200.
func (p *Packer) Answer(c *app.RequestContext, status int, v any) {
	call.Of(c).Code = 0
	if v == nil {
		noStore(&c.Response.Header)
		c.SetStatusCode(status)
		return
	}
	p.write(c, status, jsonType, v)
}

// Error writes the answer of a failed request: under /douyin the envelope with HTTP status 200, as the client expects, else a problem
// document.
func (p *Packer) Error(c *app.RequestContext, err error) {
	in, e := call.Of(c), errno.From(err)
	if e.Is(errno.CallRefused) {
		e = errno.Internal
	}
	in.Code, in.Err = e.Code, err
	if in.Surface == call.V1 {
		p.writeProblem(c, e, err)
	} else if in.Fail != nil {
		p.write(c, http.StatusOK, jsonType, in.Fail(e))
	} else {
		p.write(c, http.StatusOK, jsonType, Fail(e))
	}
	c.Abort()
}

const jsonType = "application/json; charset=utf-8"

// write is called once for a request, or again when something failed after it: the last one counts.
func (p *Packer) write(c *app.RequestContext, status int, kind string, v any) {
	c.SetStatusCode(status)
	c.SetContentType(kind)
	body, err := hjson.Marshal(v)
	if err != nil { // also of an error's answer
		call.Of(c).Err = err
		body = []byte(`{"status_code":10001,"status_msg":"internal error"}`)
	}
	call.Of(c).Size = len(body)
	h := &c.Response.Header
	h.Del("Content-Encoding")
	noStore(h)
	large := len(body) >= gzipFrom
	if v := vary(bytes.HasPrefix(h.Peek("Vary"), []byte("Origin")), call.Of(c).FromHost, large); v != "" {
		h.Set("Vary", v)
	}
	if large {
		if AcceptsGzip(string(c.GetHeader("Accept-Encoding"))) {
			body = p.compress(body)
			h.Set("Content-Encoding", "gzip")
		}
	}
	c.Response.SetBodyRaw(body)
}

// noStore says that an answer is for one viewer, and of this moment.
func noStore(h *protocol.ResponseHeader) {
	h.SetArgBytes([]byte("Cache-Control"), []byte("no-store"), protocol.ArgsHasValue)
}

// vary names the headers that the answer depends on: Origin, which CORS has named already, Host, with which its URLs begin, and
// Accept-Encoding.
func vary(origin, host, encoding bool) string {
	n := 0
	for i, on := range [...]bool{origin, host, encoding} {
		if on {
			n |= 1 << i
		}
	}
	return [...]string{
		"", "Origin", "Host", "Origin, Host",
		"Accept-Encoding", "Origin, Accept-Encoding", "Host, Accept-Encoding", "Origin, Host, Accept-Encoding",
	}[n]
}

func (p *Packer) compress(body []byte) []byte {
	w, _ := p.gzips.Get().(*gzip.Writer)
	defer p.gzips.Put(w)
	var out bytes.Buffer
	out.Grow(len(body) / 4)
	w.Reset(&out)
	_, _ = w.Write(body) // a bytes.Buffer takes everything
	_ = w.Close()
	return out.Bytes()
}

// AcceptsGzip reads an Accept-Encoding header.
func AcceptsGzip(header string) bool {
	for coding := range strings.SplitSeq(header, ",") {
		name, q, _ := strings.Cut(coding, ";")
		if strings.EqualFold(strings.TrimSpace(name), "gzip") {
			q = strings.ReplaceAll(q, " ", "")
			return q != "q=0" && !strings.HasPrefix(q, "q=0.000")
		}
	}
	return false
}

// The answers of failed requests have all the keys of a success, with empty values.

// Fail is the bare envelope.
func Fail(e *errno.Error) any {
	return &api.MessageActionResponse{StatusCode: e.Code, StatusMsg: e.Msg}
}

// FailFeed is a feed page.
func FailFeed(e *errno.Error) any {
	return &api.FeedResponse{StatusCode: e.Code, StatusMsg: e.Msg, VideoList: []*api.Video{}}
}

// FailLogin is a register or login answer: clients read the token even of a failed one.
func FailLogin(e *errno.Error) any {
	return &api.LoginResponse{StatusCode: e.Code, StatusMsg: e.Msg}
}

// FailUser is a profile.
func FailUser(e *errno.Error) any {
	return &api.UserResponse{StatusCode: e.Code, StatusMsg: e.Msg, User: &api.User{}}
}

// FailVideos is a list of videos.
func FailVideos(e *errno.Error) any {
	return &api.FavoriteListResponse{StatusCode: e.Code, StatusMsg: e.Msg, VideoList: []*api.Video{}}
}

// FailPublished is a list of a user's videos.
func FailPublished(e *errno.Error) any {
	return &api.PublishListResponse{
		StatusCode: e.Code, StatusMsg: e.Msg, VideoList: []*api.Video{}, ProcessingList: []*api.ProcessingVideo{},
	}
}

// FailComments is a list of comments.
func FailComments(e *errno.Error) any {
	return &api.CommentListResponse{StatusCode: e.Code, StatusMsg: e.Msg, CommentList: []*api.Comment{}}
}

// FailUsers is a list of users.
func FailUsers(e *errno.Error) any {
	return &api.RelationListResponse{StatusCode: e.Code, StatusMsg: e.Msg, UserList: []*api.User{}}
}

// FailMessages is a list of messages.
func FailMessages(e *errno.Error) any {
	return &api.MessageChatResponse{StatusCode: e.Code, StatusMsg: e.Msg, MessageList: []*api.Message{}}
}
