package v1

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"time"

	"github.com/cloudwego/hertz/pkg/protocol/sse"

	"tiktok/cmd/api/biz/call"
	"tiktok/cmd/api/biz/middleware"
	model "tiktok/cmd/api/biz/model/v1"
	"tiktok/cmd/api/biz/streams"
	"tiktok/cmd/api/hertzfix"
	"tiktok/kitex_gen/notice"
	"tiktok/kitex_gen/video"
	"tiktok/pkg/clientnet"
	"tiktok/pkg/errno"
)

const (
	// beatEvery is the pause between two comment lines: nobody may take a stream without hints for a dead one, neither its client nor a
	// proxy, and a closed connection shows only when something is written.
	beatEvery = 15 * time.Second
	// writeTimeout bounds one write: a client that takes nothing for so long has no stream any more.
	writeTimeout = 10 * time.Second
	// unconfirmed is how long a client may be away without a word, where the system can tell.
	unconfirmed = 40 * time.Second
	// gap is the pause between two writes of hints: those that come meanwhile wait, and join.
	gap = 50 * time.Millisecond
	// maxWaiting is how many hints wait at most.
	maxWaiting = 64
	// minRetry and maxRetry are after what pause clients come back: spread over time, also when a gateway with thousands has stopped.
	minRetry, maxRetry = time.Second, 10 * time.Second
	// eventName is that of each event.
	eventName = "hint"
)

// retryAfter is when a client may ask again that gets no stream.
const retryAfter = 30 * time.Second

// Events opens a stream of hints for the viewer. The answer is an eventStream.
func (a *API) Events(ctx context.Context, in *call.Call) (any, error) {
	expires, ok := a.shared.Tokens.Expires(middleware.SessionToken(in))
	if !ok {
		return nil, errno.Unauthenticated
	}
	st, err := a.shared.Streams.Add(in.Viewer, in.Session, clientnet.Key(in.Addr))
	if err != nil {
		middleware.RetryAfter(in.Request, retryAfter/2+rand.N(retryAfter)) //nolint:gosec // spreads load
		if errors.Is(err, streams.ErrNetwork) {
			return nil, errno.TooManyRequests.With(err.Error())
		}
		return nil, errno.Unavailable.With(err.Error())
	}
	hints, cancel, err := a.shared.Hints.Subscribe(ctx, in.Viewer)
	if err != nil {
		st.Close(streams.Failed)
		return nil, fmt.Errorf("subscribe to hints: %w", errors.Join(errno.Unavailable, err))
	}
	// It may have been revoked just before the stream was known.
	if err := a.shared.Guard.Sessions.Check(in.Viewer, in.Session); err != nil {
		cancel()
		st.Close(streams.Revoked)
		return nil, err
	}
	return &eventStream{Stream: st, hints: hints, cancel: cancel, expires: expires, set: a.shared.Streams}, nil
}

// eventStream is an answer that goes on.
type eventStream struct {
	*streams.Stream
	set     *streams.Set
	hints   <-chan json.RawMessage
	cancel  func()
	expires time.Time

	*sse.Writer
	// beatAt is when the next comment line is due.
	beatAt time.Time
	// holdTo is until when hints wait, waiting are those.
	holdTo  time.Time
	waiting []waiting
}

// Serve implements call.Stream: it sends hints until the client or the gateway ends the stream.
func (w *eventStream) Serve(ctx context.Context, in *call.Call) {
	why := streams.Failed
	defer func() {
		w.cancel()
		w.Stream.Close(why)
	}()
	hertzfix.Stream(ctx, in.Request, writeTimeout, unconfirmed)
	w.Writer = sse.NewWriter(in.Request)
	h := &in.Request.Response.Header
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no")             // nginx would hold hints back
	w.beatAt = time.Now().Add(rand.N(beatEvery)) //nolint:gosec // thousands may have opened together
	if err := w.hello(); err != nil {
		why = reasonOf(err)
		return
	}
	why = w.serve(ctx)
}

func (w *eventStream) serve(ctx context.Context) streams.Reason {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		timer.Reset(time.Until(w.next()))
		select {
		case <-w.Ended():
			return streams.Stopped // the set knows better
		case data, open := <-w.hints:
			if !open {
				return streams.Failed
			}
			w.add(data)
		case <-timer.C:
		}
		now := time.Now()
		if !now.Before(w.expires) {
			return streams.Expired
		}
		if w.beatIsDue(now) && hertzfix.ClientClosed(ctx) {
			return streams.Gone
		}
		if err := w.flush(now); err != nil {
			return reasonOf(err)
		}
	}
}

func reasonOf(err error) streams.Reason {
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return streams.Slow
	}
	return streams.Gone
}

// waiting is a hint that is not sent yet.
type waiting struct {
	about subject
	data  []byte
}

// hello is the first event: it tells after what pause to come back, and that the stream works.
func (w *eventStream) hello() error {
	retry := minRetry + rand.N(maxRetry-minRetry) //nolint:gosec // spreads load
	if err := w.Write(&sse.Event{Retry: retry}); err != nil {
		return err
	}
	return w.WriteComment(" open")
}

// next is when something is due without a hint.
func (w *eventStream) next() time.Time {
	next := w.beatAt
	if len(w.waiting) > 0 && w.holdTo.Before(next) {
		next = w.holdTo
	}
	if w.expires.Before(next) {
		next = w.expires
	}
	return next
}

func (w *eventStream) beatIsDue(now time.Time) bool { return !now.Before(w.beatAt) }

// add takes a hint. One that waits and is about the same goes: the new one says more.
func (w *eventStream) add(data json.RawMessage) {
	hint, about, ok := readHint(data)
	if !ok {
		w.count("bad")
		return
	}
	text, err := json.Marshal(hint)
	if err != nil {
		w.count("bad")
		return
	}
	if i := slices.IndexFunc(w.waiting, func(h waiting) bool { return h.about == about }); i >= 0 {
		w.waiting[i].data = text
		w.count("joined")
		return
	}
	if len(w.waiting) == maxWaiting {
		w.count("dropped") // the client reads everything twice a minute
		return
	}
	w.waiting = append(w.waiting, waiting{about, text})
}

func (w *eventStream) count(outcome string) { w.set.Hint(outcome) }

// flush writes what is due.
func (w *eventStream) flush(now time.Time) error {
	switch {
	case len(w.waiting) > 0 && !now.Before(w.holdTo):
		for _, h := range w.waiting {
			if err := w.WriteEvent("", eventName, h.data); err != nil {
				return err
			}
			w.count("sent")
		}
		clear(w.waiting)
		w.waiting = w.waiting[:0]
		now = time.Now()
		w.holdTo = now.Add(gap)
	case w.beatIsDue(now):
		if err := w.WriteComment(" beat"); err != nil {
			return err
		}
	default:
		return nil
	}
	w.beatAt = now.Add(beatEvery)
	return nil
}

// subject is what a hint is about.
type subject struct {
	kind string
	id   int64
}

// readHint reads a hint of the notice service for clients. It is not ok when it is none that this gateway knows.
func readHint(data json.RawMessage) (hint *model.Hint, about subject, ok bool) {
	var h notice.Hint
	if err := json.Unmarshal(data, &h); err != nil {
		return nil, subject{}, false
	}
	hint = &model.Hint{Kind: h.Kind}
	id := new(int64)
	switch h.Kind {
	case "notice":
	case "message", "read":
		hint.UserID, id = h.PeerId, h.PeerId
	case "upload":
		hint.VideoID, id = h.VideoId, h.VideoId
		if h.State == nil {
			return nil, subject{}, false
		}
		state := uploadState(video.UploadState(*h.State))
		hint.State = &state
	default: // of a newer service
		return nil, subject{}, false
	}
	if id == nil || h.Kind != "notice" && (*id <= 0 || *id > maxID) {
		return nil, subject{}, false
	}
	return hint, subject{h.Kind, *id}, true
}
