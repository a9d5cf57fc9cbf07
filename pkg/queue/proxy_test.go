package queue_test

import (
	"bytes"
	"encoding/binary"
	"io"
	"net/url"
	"sync/atomic"
	"testing"

	"tiktok/pkg/nettest"
)

// proxy stands between a queue and the broker. It can also hold confirms back, and speak for the broker.
type proxy struct{ *nettest.Proxy }

func newProxy(t *testing.T, brokerURL string) (p proxy, proxied string) {
	t.Helper()
	u, err := url.Parse(brokerURL)
	if err != nil {
		t.Fatal(err)
	}
	p = proxy{nettest.NewProxy(t, u.Host, readFrame)}
	u.Host = p.Addr
	return p, u.String()
}

// readFrame reads one AMQP frame: type, channel, length, payload, end.
func readFrame(r io.Reader) ([]byte, error) {
	head := make([]byte, 7)
	if _, err := io.ReadFull(r, head); err != nil {
		return nil, err
	}
	frame := append(head, make([]byte, binary.BigEndian.Uint32(head[3:])+1)...)
	_, err := io.ReadFull(r, frame[7:])
	return frame, err
}

// holdConfirms makes each confirm wait for a value of the channel; close it to let all pass.
func (p proxy) holdConfirms() chan<- struct{} {
	confirms := make(chan struct{})
	p.Gate(func(up bool, frame []byte) <-chan struct{} {
		if !up && bytes.HasPrefix(frame[7:], []byte{0, 60, 0, 80}) { // basic.ack
			return confirms
		}
		return nil
	})
	return confirms
}

// refuseMessages turns each confirm into a refusal while it is set: a channel that an election has left without a leader.
func (p proxy) refuseMessages(on *atomic.Bool) {
	p.Gate(func(up bool, frame []byte) <-chan struct{} {
		if !up && bytes.HasPrefix(frame[7:], []byte{0, 60, 0, 80}) && on.Load() { // basic.ack
			frame[10] = 120 // basic.nack, which is as long
		}
		return nil
	})
}

// alarm tells all clients what a broker says that stops or starts reading: connection.blocked, connection.unblocked.
func (p proxy) alarm(t *testing.T, on bool) {
	t.Helper()
	payload := []byte{0, 10, 0, 61}
	if on {
		payload = append([]byte{0, 10, 0, 60}, "\x0alow memory"...)
	}
	frame := binary.BigEndian.AppendUint32([]byte{1, 0, 0}, uint32(len(payload)))
	if err := p.Inject(append(append(frame, payload...), 0xCE)); err != nil {
		t.Error(err)
	}
}
