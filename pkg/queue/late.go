package queue

import (
	"context"
	"slices"
	"time"
)

// due is until when a message is wanted. Messages wait for a batch, and a process may be stopped while they do.
type due struct{ at time.Time } // zero: for ever

func dueOf(ctx context.Context) due {
	at, _ := ctx.Deadline()
	return due{at}
}

func (d due) late() bool { return !d.at.IsZero() && !time.Now().Before(d.at) }

// wanted takes out of a batch what is not wanted any more, and tells whose it is.
func wanted[M interface {
	late() bool
	drop(err error)
}](batch []M) []M {
	return slices.DeleteFunc(batch, func(m M) bool {
		late := m.late()
		if late {
			m.drop(busy(context.DeadlineExceeded))
		}
		return late
	})
}

func (m *localMessage[T]) drop(err error) { m.result <- err }

func (m *message) drop(err error) { m.confirmed <- err }
