package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tiktok/config"
	"tiktok/pkg/push"
	"tiktok/pkg/telemetry"
	"tiktok/test/dataset"
	"tiktok/test/harness"
)

const (
	// events is the measurement of event streams.
	events = "events"
	// openStreams are held at one gateway, otherStreams at another one, slowStreams read nothing.
	openStreams, otherStreams, slowStreams = 5000, 500, 500
	// hintsPerSecond are told, each to one user of those who have streams.
	hintsPerSecond = 500
	// messagesPerSecond are sent instead where the services tell hints themselves.
	messagesPerSecond = 100
	// openers open streams side by side, each from an address of its own.
	openers = 50
	// streamTimeout bounds the opening of a stream, and the end of all.
	streamTimeout = 30 * time.Second
	// maxConns is what a gateway may have, of which streams are half at most.
	maxConns = "16000"
)

// stream is one that is open.
type stream struct {
	user  dataset.User
	conn  net.Conn
	retry int // milliseconds
	// ended is when the gateway ended it, in nanoseconds since 1970; 0 while it is open.
	ended atomic.Int64
}

// told is a hint under way: to whom, about whom.
type told struct{ to, peer int64 }

// streamLoad is all streams, and the hints under way.
type streamLoad struct {
	t    testing.TB
	mu   sync.Mutex
	sent map[told]time.Time // guarded by mu
	took []time.Duration    // guarded by mu
	open sync.WaitGroup
}

// openAt opens n streams at a gateway, of one user after the other from the first on.
func (l *streamLoad) openAt(addr string, users []dataset.User, n int, reads bool) []*stream {
	l.t.Helper()
	all := make([]*stream, n)
	harness.Parallel(l.t, openers, func(t testing.TB, i int) {
		for k := i; k < n; k += openers {
			s, err := l.openOne(t.Context(), addr, fmt.Sprintf("127.0.2.%d", 1+i), users[k%len(users)], reads)
			check(t, err)
			all[k] = s
		}
	})
	return all
}

func (l *streamLoad) openOne(ctx context.Context, addr, from string, u dataset.User, reads bool) (*stream, error) {
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}, Timeout: streamTimeout}
	c, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	s := &stream{user: u, conn: c}
	if _, err := fmt.Fprintf(c, "GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\n\r\n", u.Token); err != nil {
		return nil, err
	}
	r := bufio.NewReaderSize(c, 512)
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return nil, err
		}
		if strings.HasPrefix(line, "HTTP/1.1 ") && !strings.HasPrefix(line, "HTTP/1.1 200") {
			return nil, fmt.Errorf("a stream is answered with %s", strings.TrimSpace(line))
		}
		if ms, ok := strings.CutPrefix(line, "retry: "); ok {
			s.retry, err = strconv.Atoi(strings.TrimSpace(ms))
			if err != nil {
				return nil, err
			}
			break
		}
	}
	if reads {
		l.open.Go(func() { l.read(s, r) })
	}
	return s, nil
}

// read notes when hints come, until the stream ends.
func (l *streamLoad) read(s *stream, r *bufio.Reader) {
	for {
		line, err := r.ReadSlice('\n')
		if err != nil {
			s.ended.Store(time.Now().UnixNano())
			return
		}
		data, ok := bytes.CutPrefix(line, []byte("data: "))
		if !ok {
			continue
		}
		now := time.Now()
		var h harness.Hint
		if json.Unmarshal(data, &h) != nil {
			continue
		}
		l.mu.Lock()
		if at, ok := l.sent[told{s.user.ID, h.UserID}]; ok {
			delete(l.sent, told{s.user.ID, h.UserID})
			l.took = append(l.took, now.Sub(at))
		}
		l.mu.Unlock()
	}
}

// tell sends hints at a rate for a while, and returns how long they took and how many have not come.
func (l *streamLoad) tell(
	ctx context.Context, rate int, during time.Duration, send func(n int) (told, func() error),
) (took []time.Duration, lost int) {
	l.mu.Lock()
	l.sent, l.took = map[told]time.Time{}, nil
	l.mu.Unlock()
	var under sync.WaitGroup
	begin := time.Now()
	for n := range int(float64(rate) * during.Seconds()) {
		if !harness.Until(ctx, begin.Add(time.Duration(n)*time.Second/time.Duration(rate))) {
			break
		}
		what, do := send(n)
		l.mu.Lock()
		l.sent[what] = time.Now()
		l.mu.Unlock()
		under.Go(func() {
			if err := do(); err != nil {
				fmt.Printf("  a hint was not sent: %v\n", err)
			}
		})
	}
	under.Wait()
	for end := time.Now().Add(5 * time.Second); ; {
		l.mu.Lock()
		left := len(l.sent)
		took = slices.Clone(l.took)
		l.mu.Unlock()
		if left == 0 || time.Now().After(end) || !harness.Until(ctx, time.Now().Add(10*time.Millisecond)) {
			return took, left
		}
	}
}

// streams measures event streams: what one costs, how long hints take, what slow readers do to others, and how streams end.
func (s *session) streams() {
	users := s.gen.data.Users
	if len(users) < openStreams/8 {
		s.t.Fatalf("%s: the data set has %d users who log in, which is too few", events, len(users))
	}
	gateway := config.AllInOne
	var send func(to dataset.User, n int) (told, func() error)
	rate, what := messagesPerSecond, "messages, from the request on,"
	if s.name == harness.NameDistributed {
		gateway, rate, what = "api", hintsPerSecond, "hints"
		broker, err := push.Open(s.t.Context(), s.d.Config.Cache, telemetry.Discard())
		check(s.t, err)
		defer func() { _ = broker.Close() }()
		send = func(to dataset.User, n int) (told, func() error) {
			data := fmt.Appendf(nil, `{"user_id":%d,"kind":"message","peer_id":%d}`, to.ID, n+1)
			return told{to.ID, int64(n + 1)}, func() error {
				return broker.Publish(s.t.Context(), []push.Hint{{UserID: to.ID, Data: data}})
			}
		}
	} else {
		send = s.message
	}
	l := &streamLoad{t: s.t}
	memory := func() (bytes int64) {
		harness.Until(s.t.Context(), time.Now().Add(restTime))
		u, err := harness.UsageOf(s.d.PID(s.t, gateway))
		check(s.t, err)
		return u.Memory
	}
	before, began := memory(), time.Now()
	here := l.openAt(addrOf(s.d), users, openStreams, true)
	opened := time.Since(began)
	after := memory()
	retries := make([]int, len(here))
	for i, st := range here {
		retries[i] = st.retry
	}
	slices.Sort(retries)
	fmt.Printf("\n%s, %s: %d streams opened in %.1f s; %.1f KiB of memory for each (%d to %d MB)\n", events, s.name, openStreams,
		opened.Seconds(), float64(after-before)/openStreams/1024, before/mb, after/mb)
	fmt.Printf("  clients come back after %d, %d, %d ms (first, middle, last)\n", retries[0], retries[len(retries)/2], retries[len(retries)-1])

	measure := func(name, about string, to []dataset.User) {
		first := s.sample(0)
		took, lost := l.tell(s.t.Context(), rate, s.duration, func(n int) (told, func() error) { return send(to[rand.IntN(len(to))], n) })
		r := result{scenario: name, about: about, deployment: s.name, plan: plan{conns: len(to), rate: float64(rate)}, tally: newTally()}
		for _, d := range took {
			r.record(d)
		}
		r.count[accepted], r.count[failed] = int64(len(took)), int64(lost)
		r.between(first, s.sample(int64(len(took))))
		s.keep(r)
	}
	measure(events, what+" to users with streams at this gateway", users[:min(openStreams, len(users))])
	if s.name == harness.NameDistributed {
		other := s.d.AddGateway(s.t)
		theirs := users[len(users)-otherStreams:]
		l.openAt(addrOf(other), theirs, otherStreams, true)
		measure(events+": other gateway", what+" to users with streams at another gateway too, whoever is first", theirs)
	}
	slow := l.openAt(addrOf(s.d), users, slowStreams, false)
	about := fmt.Sprintf("as before, while %d more streams of the same users read nothing", slowStreams)
	measure(events+": slow readers", about, users[:slowStreams])
	for _, st := range slow {
		_ = st.conn.Close()
	}
	s.endStreams(l, here)
}

// message sends a chat message to a user by the API, which its service makes a hint of.
func (s *session) message(to dataset.User, n int) (told, func() error) {
	users := s.gen.data.Users
	from := users[(n*7919+1)%len(users)]
	if from.ID == to.ID {
		from = users[(n*7919+2)%len(users)]
	}
	return told{to.ID, from.ID}, func() error {
		address := fmt.Sprintf("%s/api/v1/conversations/%d/messages", s.d.URL(), to.ID)
		req, err := http.NewRequestWithContext(s.t.Context(), http.MethodPost, address, strings.NewReader(`{"content":"hi"}`))
		if err != nil {
			return err
		}
		req.Header.Set("Authorization", "Bearer "+from.Token)
		req.Header.Set("Content-Type", "application/json")
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			return err
		}
		defer func() { _ = resp.Body.Close() }() // only the status matters
		if resp.StatusCode != http.StatusCreated {
			return fmt.Errorf("answered %d", resp.StatusCode)
		}
		_, err = io.Copy(io.Discard, resp.Body)
		return err
	}
}

// endStreams stops the deployment, and tells when the streams have ended.
func (s *session) endStreams(l *streamLoad, all []*stream) {
	began := time.Now()
	s.d.Stop(s.t)
	l.open.Wait()
	ends := make([]time.Duration, len(all))
	for i, st := range all {
		ends[i] = time.Unix(0, st.ended.Load()).Sub(began)
		_ = st.conn.Close()
	}
	slices.Sort(ends)
	fmt.Printf("%s, %s: after a stop the first stream ends in %.0f ms, the middle one in %.0f, the last in %.0f\n", events, s.name,
		float64(ends[0].Microseconds())/1000, float64(ends[len(ends)/2].Microseconds())/1000, float64(ends[len(ends)-1].Microseconds())/1000)
	s.d.Start(s.t)
	s.gen.addr = addrOf(s.d)
}
