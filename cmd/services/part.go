package services

import (
	"context"
	"fmt"

	"github.com/cloudwego/kitex/server"

	videoidl "tiktok/kitex_gen/video"
	"tiktok/pkg/lifecycle"
	"tiktok/pkg/queue"
	"tiktok/pkg/telemetry"
)

// opened is what every service is.
type opened interface {
	Run(ctx context.Context) error
	Close() error
	Ready(ctx context.Context) error
}

// part is an opened service with one check, of its name.
func part(name string, s opened, newServer func(opts ...server.Option) server.Server) Part {
	return Part{Run: s.Run, Close: s.Close, NewServer: newServer, Checks: []telemetry.Check{{Name: name, Ready: s.Ready}}}
}

// deletedVideos is the queue that video writes and interaction reads.
type deletedVideos = queue.Queue[videoidl.VideoDeleted]

// Queues are the queues that several services use. Those of one process share each: one in memory has no other way.
type Queues struct {
	group *lifecycle.Group
	open  map[string]any
}

// NewQueues returns an empty set. The group closes each queue, after the services that are added to it later.
func NewQueues(group *lifecycle.Group) *Queues { return &Queues{group: group, open: map[string]any{}} }

// sharedQueue opens a queue unless a service of this process has done so.
func sharedQueue[T any](q *Queues, name string, open func() (queue.Queue[T], error)) (queue.Queue[T], error) {
	if known, ok := q.open[name]; ok {
		shared, ok := known.(queue.Queue[T])
		if !ok {
			return nil, fmt.Errorf("the queue %s holds %T", name, known)
		}
		return shared, nil
	}
	made, err := open()
	if err != nil {
		return nil, err
	}
	q.group.Add(name, nil, made.Close)
	q.open[name] = made
	return made, nil
}
