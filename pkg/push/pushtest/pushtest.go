// Package pushtest is the conformance suite of push.Broker.
package pushtest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"tiktok/pkg/push"
)

// within is how long a hint may take, on a busy machine.
const within = 20 * time.Second

// Open returns two brokers that are connected, which may be one, and which end with the test.
type Open func(t *testing.T) (a, b push.Broker)

// Run checks what push.Broker promises.
func Run(t *testing.T, open Open) {
	for name, check := range map[string]func(*testing.T, push.Broker, push.Broker){
		"a hint reaches all streams of its user": reachesAll, "order": inOrder, "batch of many users": batch,
		"slow reader": slowReader, "cancel": cancelled, "bad hints": badHints, "close": closed, "many readers come and go": comeAndGo,
		"ended context": endedContext,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, b := open(t)
			check(t, a, b)
		})
	}
}

// User returns an id that no other test uses.
func User() int64 { return 1 + rand.Int64N(1<<53-1) } //nolint:gosec // no secret

// Subscribe subscribes until the test ends.
func Subscribe(t *testing.T, b push.Broker, user int64) <-chan json.RawMessage {
	t.Helper()
	hints, cancel, err := b.Subscribe(t.Context(), user)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cancel)
	return hints
}

// Publish sends a hint with the given text.
func Publish(t *testing.T, b push.Broker, user int64, text string) {
	t.Helper()
	if err := b.Publish(t.Context(), []push.Hint{hint(user, text)}); err != nil {
		t.Fatal(err)
	}
}

// Want waits for a hint with the given text, which has to be the next one.
func Want(t *testing.T, hints <-chan json.RawMessage, text string) {
	t.Helper()
	late := time.NewTimer(within)
	defer late.Stop()
	select {
	case got, open := <-hints:
		if want := hint(1, text).Data; string(got) != string(want) || !open {
			t.Fatalf("got %q, want %q", got, want)
		}
	case <-late.C:
		t.Fatalf("%q has not come", text)
	}
}

func hint(user int64, text string) push.Hint {
	return push.Hint{UserID: user, Data: json.RawMessage(fmt.Sprintf("{%q:1}", text))}
}

// none checks that nothing is there. It is for after a later hint has come.
func none(t *testing.T, hints <-chan json.RawMessage) {
	t.Helper()
	select {
	case got, open := <-hints:
		t.Errorf("%q (%v) has come", got, open)
	default:
	}
}

func reachesAll(t *testing.T, a, b push.Broker) {
	user, other := User(), User()
	streams := []<-chan json.RawMessage{Subscribe(t, a, user), Subscribe(t, b, user), Subscribe(t, b, user)}
	others := Subscribe(t, b, other)
	Publish(t, a, user, "for one")
	for _, s := range streams {
		Want(t, s, "for one")
	}
	Publish(t, b, other, "for the other")
	Want(t, others, "for the other")
	for _, s := range streams {
		none(t, s)
	}
}

func inOrder(t *testing.T, a, b push.Broker) {
	user := User()
	hints := Subscribe(t, b, user)
	for i := range 100 {
		Publish(t, a, user, fmt.Sprint(i))
		Want(t, hints, fmt.Sprint(i))
	}
}

func batch(t *testing.T, a, b push.Broker) {
	const users = 500
	var batch []push.Hint
	var streams []<-chan json.RawMessage
	first := User() / 2
	for i := range int64(users) {
		streams = append(streams, Subscribe(t, b, first+i))
		batch = append(batch, hint(first+i, fmt.Sprint("of ", i)), hint(first+i, "second"))
	}
	if err := a.Publish(t.Context(), batch); err != nil {
		t.Fatal(err)
	}
	for i, s := range streams {
		Want(t, s, fmt.Sprint("of ", i))
		Want(t, s, "second")
	}
}

// Who reads nothing misses hints, and costs nobody else one.
func slowReader(t *testing.T, a, b push.Broker) {
	user := User()
	slow, quick := Subscribe(t, b, user), Subscribe(t, b, user)
	const sent = 3 * push.Buffer
	for i := range sent {
		Publish(t, a, user, fmt.Sprint(i))
		Want(t, quick, fmt.Sprint(i))
	}
	for i := range push.Buffer {
		Want(t, slow, fmt.Sprint(i))
	}
	none(t, slow)
	Publish(t, a, user, "later")
	Want(t, slow, "later")
}

func cancelled(t *testing.T, a, b push.Broker) {
	user := User()
	stays := Subscribe(t, b, user)
	hints, cancel, err := b.Subscribe(t.Context(), user)
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	cancel()
	if _, open := <-hints; open {
		t.Error("the channel is open after cancel")
	}
	Publish(t, a, user, "to who is left")
	Want(t, stays, "to who is left")
	again := Subscribe(t, b, user)
	Publish(t, a, user, "to both")
	Want(t, stays, "to both")
	Want(t, again, "to both")
}

func badHints(t *testing.T, a, b push.Broker) {
	user := User()
	hints := Subscribe(t, b, user)
	long := make(json.RawMessage, push.MaxData+1)
	err := a.Publish(t.Context(), []push.Hint{{UserID: user, Data: long}, {UserID: user}, {Data: long[:1]}, hint(user, "good")})
	if !errors.Is(err, push.ErrBadHint) {
		t.Errorf("got %v", err)
	}
	Want(t, hints, "good")
	if err := a.Publish(t.Context(), []push.Hint{{UserID: -1, Data: long[:1]}}); !errors.Is(err, push.ErrBadHint) {
		t.Errorf("only a bad one: %v", err)
	}
	if err := a.Publish(t.Context(), nil); err != nil {
		t.Errorf("none: %v", err)
	}
	longest := push.Hint{UserID: user, Data: long[:push.MaxData]}
	if err := a.Publish(t.Context(), []push.Hint{longest, longest}); err != nil {
		t.Errorf("the longest: %v", err)
	}
	if got := <-hints; len(got) != push.MaxData {
		t.Errorf("the longest has %d bytes", len(got))
	}
}

func closed(t *testing.T, _, b push.Broker) {
	hints, cancel, err := b.Subscribe(t.Context(), User())
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Ping(t.Context()); err != nil {
		t.Errorf("ping: %v", err)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	if _, open := <-hints; open {
		t.Error("the channel is open after Close")
	}
	cancel()
	if _, _, err := b.Subscribe(t.Context(), 1); !errors.Is(err, push.ErrClosed) {
		t.Errorf("subscribe after Close: %v", err)
	}
	if err := b.Publish(t.Context(), []push.Hint{hint(1, "x")}); !errors.Is(err, push.ErrClosed) {
		t.Errorf("publish after Close: %v", err)
	}
	if err := b.Ping(t.Context()); !errors.Is(err, push.ErrClosed) {
		t.Errorf("ping after Close: %v", err)
	}
}

func comeAndGo(t *testing.T, a, b push.Broker) {
	user := User()
	stays := Subscribe(t, b, user)
	ctx, stop := context.WithCancel(t.Context())
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for ctx.Err() == nil {
				_, cancel, err := b.Subscribe(ctx, user)
				if err == nil {
					cancel()
				} else if ctx.Err() == nil {
					t.Error(err)
					return
				}
			}
		})
	}
	for i := range 200 {
		Publish(t, a, user, fmt.Sprint(i))
		Want(t, stays, fmt.Sprint(i))
	}
	stop()
	group.Wait()
}

func endedContext(t *testing.T, a, _ push.Broker) {
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if err := a.Publish(ctx, []push.Hint{hint(1, "x")}); !errors.Is(err, context.Canceled) {
		t.Errorf("publish: %v", err)
	}
	if _, _, err := a.Subscribe(ctx, 1); !errors.Is(err, context.Canceled) {
		t.Errorf("subscribe: %v", err)
	}
}
