package service

import "context"

// WakeQueue is the name of the queue of Wake messages.
const WakeQueue = "video.media"

// Wake tells workers that there is work. The work itself is a row: a lost message costs one Poll at most.
type Wake struct {
	VideoID int64 `json:"video_id"`
}

// wake tells this process and the others that the video has work. It does not wait.
func (w *worker) wake(videoID int64) {
	w.notify()
	if w.Wakes == nil {
		return
	}
	select {
	case w.outbox <- Wake{VideoID: videoID}:
	default: // the others poll
	}
}

// notify makes the pools of this process look for work.
func (w *worker) notify() {
	for _, c := range []chan struct{}{w.improving, w.covering, w.deleting} {
		select {
		case c <- struct{}{}:
		default:
		}
	}
}

// sendWakes puts wake-ups on the queue.
func (w *worker) sendWakes(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case msg := <-w.outbox:
			if _, err := w.Wakes.Publish(ctx, msg); err != nil && ctx.Err() == nil {
				w.log.Warn("media wake-up is lost, the work is found by polling", "video", msg.VideoID, "err", err)
			}
		}
	}
}
