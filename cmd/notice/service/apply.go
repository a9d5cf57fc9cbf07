package service

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"tiktok/cmd/notice/dal/db"
	"tiktok/kitex_gen/notice"
	"tiktok/pkg/outbox"
	"tiktok/pkg/push"
)

// apply makes notices of messages, and tells the pages of users. It may be called with messages that were applied before, and by
// two processes at once: of each entry the newest message counts. What was stored before an error is stored again without harm.
func (s *Service) apply(ctx context.Context, messages []outbox.Message) error {
	w, err := changesOf(messages, s.now())
	if err != nil {
		return err
	}
	var changed []db.Key
	var added []db.Change
	for part := range slices.Chunk(w.changes, db.MaxChanges) { // one transaction, nearly always
		done, err := s.store.Apply(ctx, part)
		s.forget(ctx, part) // also after an error: the commit may have happened
		if err != nil {
			return err
		}
		changed, added = append(changed, done.Changed...), append(added, done.Added...)
		s.metrics.changes.WithLabelValues("added").Add(float64(len(done.Added)))
		s.metrics.changes.WithLabelValues("old").Add(float64(done.Old))
		s.metrics.changes.WithLabelValues("other").Add(float64(len(part) - len(done.Added) - done.Old))
	}
	now := s.now()
	for _, m := range messages {
		s.metrics.delay.Observe(max(0, now.Sub(time.UnixMilli(m.AtMs)).Seconds()))
	}
	s.metrics.ignored.Add(float64(w.ignored))
	s.tell(ctx, changed, w.hints)
	s.tellBrowsers(added, w)
	return nil
}

// forget makes sure that what the users of changes have not read is counted again.
func (s *Service) forget(ctx context.Context, changes []db.Change) {
	users := make([]int64, 0, len(changes))
	for _, c := range changes {
		users = append(users, c.UserID)
	}
	slices.Sort(users)
	s.unread.Invalidate(ctx, slices.Compact(users)...)
}

// tell sends hints: to the users of the notices, unless they have muted them, and those that are there already. A hint may be lost, so
// what goes wrong here is nobody's trouble.
func (s *Service) tell(ctx context.Context, changed []db.Key, hints []notice.Hint) {
	told, err := s.wanted(ctx, changed)
	if err != nil {
		s.metrics.hints.WithLabelValues("lost").Add(float64(len(changed)))
		s.log.WarnContext(ctx, "nobody is told of new notices: who has muted them is not known", "err", err)
	}
	s.send(ctx, append(told, hints...))
}

// wanted are hints for the users of notices, one for each user who wants to hear of one of them.
func (s *Service) wanted(ctx context.Context, changed []db.Key) ([]notice.Hint, error) {
	users := make([]int64, 0, len(changed))
	for _, k := range changed {
		users = append(users, k.UserID)
	}
	slices.Sort(users)
	readers, err := s.store.Readers(ctx, slices.Compact(users))
	if err != nil {
		return nil, err
	}
	var hints []notice.Hint
	told := make(map[int64]bool, len(readers))
	for _, k := range changed {
		if !told[k.UserID] && !readers[k.UserID].Mutes(k.Kind) {
			told[k.UserID] = true
			hints = append(hints, notice.Hint{UserId: k.UserID, Kind: "notice"})
		}
	}
	return hints, nil
}

// send hands hints to the open pages, all at once.
func (s *Service) send(ctx context.Context, hints []notice.Hint) {
	if len(hints) == 0 {
		return
	}
	encoded := make([]push.Hint, len(hints))
	for i, h := range hints {
		data, err := json.Marshal(h)
		if err != nil { // cannot be: it is numbers and words
			s.log.ErrorContext(ctx, "a hint cannot be encoded", "err", err)
			return
		}
		encoded[i] = push.Hint{UserID: h.UserId, Data: data}
	}
	if err := s.hints.Publish(ctx, encoded); err != nil {
		s.metrics.hints.WithLabelValues("lost").Add(float64(len(hints)))
		s.log.WarnContext(ctx, "hints are lost; pages read by themselves within 30 s", "hints", len(hints), "err", err)
		return
	}
	s.metrics.hints.WithLabelValues("sent").Add(float64(len(hints)))
}
