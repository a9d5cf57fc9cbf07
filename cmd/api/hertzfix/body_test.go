package hertzfix

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net/http/httputil"
	"os"
	"strings"
	"testing"
	"testing/iotest"
	"time"
)

// buffered is a connection in a test.
type buffered struct{ *bufio.Reader }

func (buffered) Release() error { return nil }

func decode(text string) (body []byte, rest string, err error) {
	r := buffered{bufio.NewReader(strings.NewReader(text))}
	body, err = io.ReadAll(&chunked{r: r})
	after, _ := io.ReadAll(r) // of a string
	return body, string(after), err
}

func TestChunked(t *testing.T) {
	const next = "GET / HTTP/1.1\r\n\r\n"
	body, rest, err := decode("5;a=\"b\"\r\nhello\r\n01\r\n!\r\n0\r\nA: b\r\n\r\n" + next)
	if string(body) != "hello!" || rest != next || err != nil {
		t.Errorf("decoded %q, left %q, %v", body, rest, err)
	}
	whole := "5\r\nhello\r\n0\r\nA: b\r\n\r\n"
	for i := range len(whole) {
		if _, _, err := decode(whole[:i]); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("cut at %d: %v", i, err)
		}
	}
}

// What is taken is what the standard library takes, to the same bytes.
func FuzzChunked(f *testing.F) {
	for _, text := range []string{
		"5\r\nhello\r\n0\r\n\r\n", "5;a=b\r\nhello\r\n0;c\r\n\r\nx", "0\r\nA: b\r\n\r\n", "00A\r\n0123456789\r\n0\r\n\r\n",
		"5 \r\nhello\r\n0\r\n\r\n", "5\nhello\n0\n\n",
		"F;\r\n", "fffffffffffffff\r\nx", "1\r\na\r\n1\r\nb\r\n00\r\n\r\n",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		body, _, err := decode(text)
		if err != nil {
			return
		}
		theirs, err := io.ReadAll(httputil.NewChunkedReader(strings.NewReader(text)))
		if err != nil || !bytes.Equal(body, theirs) {
			t.Errorf("%q: %q, elsewhere %q, %v", text, body, theirs, err)
		}
	})
}

func TestTokens(t *testing.T) {
	for b := range 256 {
		want := b > ' ' && b < 0x7f && !strings.ContainsRune(`"(),/:;<=>?@[\]{}`, rune(b))
		if isToken(byte(b)) != want {
			t.Errorf("%q: %v", rune(b), !want)
		}
	}
}

// A body that failed once is not read again, although what follows looks like its end.
func TestBodyErrorIsFinal(t *testing.T) {
	r := buffered{bufio.NewReader(strings.NewReader("zz\r\n0\r\n\r\n"))}
	b := Body{Size: unknownSize, r: &chunked{r: r}}
	b.pace.start(time.Now(), time.Minute, 0)
	for range 3 {
		if n, err := b.Read(make([]byte, 8)); n != 0 || !errors.Is(err, errChunk) {
			t.Errorf("read %d, %v", n, err)
		}
		b.discard(1 << 20)
	}
	if b.Ended() || !errors.Is(b.Err(), errChunk) {
		t.Errorf("ended: %v, %v", b.Ended(), b.Err())
	}
}

func TestBodyOfALength(t *testing.T) {
	for name, try := range map[string]struct {
		text string
		want error
	}{
		"longer":  {"hello, and the next", nil},
		"exactly": {"hello", nil},
		"shorter": {"hell", io.ErrUnexpectedEOF},
	} {
		b := Body{Size: 5, left: 5, r: iotest.OneByteReader(strings.NewReader(try.text))}
		b.pace.start(time.Now(), time.Minute, 0)
		body, err := io.ReadAll(&b)
		if !errors.Is(err, try.want) || string(body) != try.text[:min(5, len(try.text))] || b.Ended() != (try.want == nil) {
			t.Errorf("%s: %q, %v", name, body, err)
		}
	}
}

func TestPace(t *testing.T) {
	start := time.Unix(1e9, 0)
	var p pace
	for name, try := range map[string]struct {
		whole  time.Duration
		rate   int64
		bytes  int // each time
		every  time.Duration
		cut    time.Duration // when it is cut off
		stored time.Duration // how long it takes to store what came
	}{
		"without a rate":           {20 * time.Second, 0, 1 << 20, time.Second, 20 * time.Second, 0},
		"a byte now and then":      {10 * time.Minute, minRate, 1, 10 * time.Second, maxCredit, 0},
		"as slow as allowed":       {10 * time.Minute, minRate, 10 * minRate, 10 * time.Second, 10 * time.Minute, 0},
		"half of what is allowed":  {10 * time.Minute, minRate, 5 * minRate, 10 * time.Second, 50 * time.Second, 0},
		"a store that is too slow": {10 * time.Minute, minRate, 10 * minRate, 10 * time.Second, 10 * time.Minute, time.Minute},
		"a lot, but seldom":        {10 * time.Minute, minRate, 100 << 20, time.Minute, maxCredit, 0},
	} {
		now := start
		p.start(now, try.whole, try.rate)
		for {
			end := p.deadline(now)
			if now.Add(try.every).After(end) { // the next bytes are too late
				if cut := max(end.Sub(start), now.Sub(start)); cut < try.cut || cut > try.cut+try.stored+try.every {
					t.Errorf("%s: cut off after %v, want %v", name, cut, try.cut)
				}
				break
			}
			p.received(try.bytes, try.every)
			now = now.Add(try.every).Add(try.stored)
		}
	}
	p.start(start, 10*time.Minute, minRate)
	p.received(100<<20, time.Second) // a lot at once is not worth more than the grace
	if end := p.deadline(start); end != start.Add(maxCredit) {
		t.Errorf("100 MiB: %v", end.Sub(start))
	}
}

func TestSlowBody(t *testing.T) {
	b := Body{Size: 9, left: 9, r: strings.NewReader("too  late")}
	b.pace.start(time.Now().Add(-time.Hour), time.Minute, 0)
	if n, err := b.Read(make([]byte, 9)); n != 0 || !errors.Is(err, os.ErrDeadlineExceeded) || b.Ended() {
		t.Errorf("read %d, %v", n, err)
	}
}
