package queue

import (
	"context"
	"errors"
	"log/slog"
	"testing"

	"tiktok/pkg/errno"
)

// A batch whose outcome is not known is tried again, message by message. What fails then is perhaps stored all the same.
func TestTriedAgainIsUnknown(t *testing.T) {
	errAway := errors.New("away")
	for _, c := range []struct {
		what    string
		batch   error
		unknown bool
	}{{"not known", errno.OutcomeUnknown, true}, {"rolled back", errno.Unavailable, false}} {
		q := newMemory[int](t.Context(), Config{}, slog.New(slog.DiscardHandler), newMetrics(options{}, "test"))
		batch := []*localMessage[int]{{msg: 1, result: make(chan error, 1)}, {msg: 2, result: make(chan error, 1)}}
		q.commit(t.Context(), func(_ context.Context, messages []int) error {
			if len(messages) > 1 {
				return c.batch
			}
			if messages[0] == 1 {
				return nil
			}
			return errAway
		}, batch, nil)
		if err := <-batch[0].result; err != nil {
			t.Errorf("%s: stored by the second try: %v", c.what, err)
		}
		if err := <-batch[1].result; !errors.Is(err, errAway) || errno.From(err).Is(errno.OutcomeUnknown) != c.unknown {
			t.Errorf("%s: failed again: %v, unknown should be %v", c.what, err, c.unknown)
		}
	}
}
