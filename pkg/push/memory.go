package push

import (
	"context"
	"encoding/json"

	"tiktok/pkg/telemetry"
)

// memory is for one process, which publishes and holds the streams.
type memory struct{ hub *hub }

// NewMemory returns a broker within this process.
func NewMemory(tel *telemetry.Telemetry) Broker { return memory{newHub(newMetrics(tel))} }

func (m memory) Publish(ctx context.Context, hints []Hint) error {
	if m.hub.isClosed() {
		return ErrClosed
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	hints, err := good(hints)
	for _, h := range hints {
		m.hub.deliver(h.UserID, h.Data)
	}
	m.hub.metrics.published.Add(float64(len(hints)))
	return err
}

func (m memory) Subscribe(ctx context.Context, userID int64) (<-chan json.RawMessage, func(), error) {
	if err := ctx.Err(); err != nil {
		return nil, nil, err
	}
	return m.hub.subscribe(userID)
}

func (m memory) Ping(context.Context) error {
	if m.hub.isClosed() {
		return ErrClosed
	}
	return nil
}

func (m memory) Close() error {
	m.hub.close()
	return nil
}
