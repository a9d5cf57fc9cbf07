package attack_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"tiktok/config"
	"tiktok/pkg/errno"
	"tiktok/test/harness"
)

// members makes users.
func members(n int) func(t *testing.T, v *victim) {
	return func(t *testing.T, v *victim) { v.users = v.People(t, n) }
}

// longChat is a conversation of as many messages as a client reads at once.
func longChat(t *testing.T, v *victim) {
	v.users = v.People(t, 2)
	harness.Parallel(t, 4, func(t testing.TB, i int) {
		for range 250 {
			v.users[0].Send(t, v.users[1].ID, strings.Repeat("长", 1000))
		}
	})
}

// pollWholeChat reads all of it again and again.
func pollWholeChat(t *testing.T, v *victim) int {
	const requests, every = 100, 50 * time.Millisecond
	before := usage(t, v.PID(t, config.AllInOne)).CPU
	c := client(attackerAddr(0), true)
	address := v.URL() + harness.PathChat + "?" + url.Values{
		"token": {v.users[0].Token}, "to_user_id": {fmt.Sprint(v.users[1].ID)}, "pre_msg_time": {"0"},
	}.Encode()
	tick := time.NewTicker(every)
	defer tick.Stop()
	refused := 0
	for range requests {
		<-tick.C
		code, _, err := call(t.Context(), c, http.MethodGet, address)
		if err != nil {
			t.Fatal(err)
		}
		if code == errno.TooManyRequests.Code {
			refused++
		}
	}
	if refused == 0 {
		v.lost("no poll was refused, which took %.1f s of processor time", (usage(t, v.PID(t, config.AllInOne)).CPU - before).Seconds())
	}
	return requests
}

// login answers with the code, from an address.
func (v *victim) login(t testing.TB, from, path, name, password string) (int32, error) {
	t.Helper()
	code, _, err := call(t.Context(), client(from, false), http.MethodPost,
		v.URL()+path+"?"+url.Values{"username": {name}, "password": {password}}.Encode())
	return code, err
}

// floodLogins is 400 logins from one address, beside which somebody else logs in.
func floodLogins(t *testing.T, v *victim) int {
	const requests = 400
	done := make(chan struct{})
	go func() {
		defer close(done)
		harness.Parallel(t, requests, func(t testing.TB, i int) {
			_, _ = v.login(t, attackerAddr(0), harness.PathLogin, fmt.Sprintf("nobody%d", i), "guess-"+fmt.Sprint(i)) // refused or not
		})
	}()
	var slowest time.Duration
	for logins := 0; logins < 3 || !closed(done); logins++ {
		began := time.Now()
		code, err := v.login(t, bystanderAddr, harness.PathLogin, v.users[0].Name, v.users[0].Password)
		if err != nil || code != 0 {
			v.lost("somebody else's login is answered with %d, %v", code, err)
			break
		}
		slowest = max(slowest, time.Since(began))
	}
	<-done
	t.Logf("somebody else's login took %v at most", slowest.Round(time.Millisecond))
	if slowest > 1500*time.Millisecond {
		v.lost("somebody else's login takes %v", slowest.Round(time.Millisecond))
	}
	return requests
}

func closed(done chan struct{}) bool {
	select {
	case <-done:
		return true
	default:
		return false
	}
}

// guessPassword tries passwords of an account whose owner logs in meanwhile, from where they always do.
func guessPassword(t *testing.T, v *victim) int {
	const guesses = 60
	owner := v.users[0]
	home := func(when string) {
		if code, err := v.login(t, bystanderAddr, harness.PathLogin, owner.Name, owner.Password); err != nil || code != 0 {
			v.lost("%s the guesses the owner's login is answered with %d, %v", when, code, err)
		}
	}
	home("before")
	checked := 0
	for i := range guesses {
		code, err := v.login(t, attackerAddr(0), harness.PathLogin, owner.Name, fmt.Sprintf("guess-%d", i))
		if err != nil {
			t.Fatal(err)
		}
		if code != errno.TooManyRequests.Code {
			checked++
		}
	}
	home("after")
	if checked > 15 {
		v.lost("%d of %d guesses were checked", checked, guesses)
	}
	return guesses
}

// floodRegistrations is a class that registers at once, from one address, and as many again.
func floodRegistrations(t *testing.T, v *victim) int {
	const requests = 300
	var late, failed atomic.Int64
	harness.Parallel(t, requests, func(t testing.TB, i int) {
		began := time.Now()
		code, err := v.login(t, attackerAddr(0), harness.PathRegister, fmt.Sprintf("flood%d", i), "pass-"+fmt.Sprint(i))
		if err != nil || code != 0 && code != errno.TooManyRequests.Code {
			failed.Add(1)
		}
		if time.Since(began) > 6*time.Second {
			late.Add(1)
		}
	})
	if n := failed.Load(); n > 0 {
		v.lost("%d of %d were let in and could not be answered", n, requests)
	}
	if n := late.Load(); n > 0 {
		v.lost("%d were answered after more than 6 s", n)
	}
	return requests
}

// answerTime is how long an attacker waits for an answer that they do not need.
const answerTime = 200 * time.Millisecond

// leakIntoLog sends heads that cannot be parsed, with a token inside.
func leakIntoLog(t *testing.T, v *victim) int {
	const requests, clients = 400, 8
	token := v.users[0].Token
	before := len(v.Logs(t))
	harness.Parallel(t, clients, func(t testing.TB, i int) {
		for n := i; n < requests; n += clients {
			c, err := v.dial(t.Context(), attackerAddr(i))
			if err != nil {
				continue
			}
			_ = c.SetDeadline(time.Now().Add(answerTime)) // of a connection that is open
			_, _ = fmt.Fprintf(c, "GET /douyin/feed/ HTTP/1.1\r\nHost: localhost\r\nAuthorization Bearer %s\r\n\r\n", token)
			_, _ = c.Read(make([]byte, 1024)) // an answer, or the end
			_ = c.Close()
		}
	})
	log := v.Logs(t)
	if strings.Contains(log, token) {
		v.lost("the log has the token")
	}
	if lines := strings.Count(log[before:], "WARN"); lines > requests/10 {
		v.lost("%d warnings for %d requests", lines, requests)
	}
	return requests
}

// lookAlikes registers names that people would take for others.
func lookAlikes(t *testing.T, v *victim) int {
	names := []string{"аlice", "alicе", "ａlice", "ali\u200bce", "\u202ealice", "admin", "Admin", "аdmin", "官方客服", "root", "tiktok"}
	for _, name := range names {
		code, err := v.login(t, attackerAddr(0), harness.PathRegister, name, "pass-word")
		if err != nil {
			t.Fatal(err)
		}
		if code == 0 {
			v.lost("%q can be registered", name)
		}
	}
	return len(names)
}
