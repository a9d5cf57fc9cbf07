package queuetest

import (
	"testing"

	amqp "github.com/rabbitmq/amqp091-go"

	"tiktok/pkg/queue"
)

// DeleteExchange deletes an exchange and queues with their dead letters, by their names after the prefix, when the test ends.
func DeleteExchange(t testing.TB, cfg queue.Config, exchange string, queues ...string) {
	t.Helper()
	t.Cleanup(func() {
		conn, err := amqp.Dial(cfg.URL)
		if err != nil {
			t.Error(err)
			return
		}
		defer func() { _ = conn.Close() }()
		ch, err := conn.Channel()
		if err != nil {
			t.Error(err)
			return
		}
		for _, q := range queues {
			for _, name := range []string{cfg.Prefix + "." + q, cfg.Prefix + "." + q + ".dead"} {
				if _, err := ch.QueueDelete(name, false, false, false); err != nil {
					t.Errorf("delete %s: %v", name, err)
				}
			}
		}
		if err := ch.ExchangeDelete(cfg.Prefix+"."+exchange, false, false); err != nil {
			t.Errorf("delete the exchange: %v", err)
		}
	})
}
