package e2e_test

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"tiktok/config"
	"tiktok/pkg/errno"
	"tiktok/test/harness"
)

// TestClassRegisters: with the default limits a class registers at once, and everybody is answered within the time of a
// request. So is everybody without a limit: with an account, or at once with the reason why not.
func TestClassRegisters(t *testing.T) {
	timeout := config.Default().Gateway.RequestTimeout
	for class, opts := range map[int][]harness.Option{100: nil, 400: {harness.Set("limits.register_addr.rate", "0")}} {
		d := harness.AllInOne(t, opts...)
		var ok, later, busy atomic.Int64
		var slowest atomic.Int64
		harness.Parallel(t, class, func(t testing.TB, i int) {
			began := time.Now()
			a := d.Call(
				t,
				"POST",
				"/douyin/user/register/",
				harness.Params("username", fmt.Sprintf("pupil%dof%d", i, class), "password", "secret"),
				nil,
			)
			for took := int64(time.Since(began)); ; {
				old := slowest.Load()
				if took <= old || slowest.CompareAndSwap(old, took) {
					break
				}
			}
			switch a.Code {
			case 0:
				ok.Add(1)
			case errno.TooManyRequests.Code:
				later.Add(1)
			case errno.Unavailable.Code:
				busy.Add(1)
			default:
				t.Errorf("answered %d", a.Code)
			}
		})
		t.Logf("%d at once: %d registered, %d too many, %d busy, the slowest answer after %v", class, ok.Load(), later.Load(), busy.Load(),
			time.Duration(slowest.Load()).Round(time.Millisecond))
		if took := time.Duration(slowest.Load()); took > timeout+time.Second {
			t.Errorf("somebody of %d was answered after %v, want %v at most", class, took, timeout)
		}
		if ok.Load() < int64(class)/10 {
			t.Errorf("%d of %d were registered", ok.Load(), class)
		}
	}
}

// TestWholeChats: an account that asks for a whole conversation again and again is slowed down, and still polls.
func TestWholeChats(t *testing.T) {
	const asked = 40
	d := harness.AllInOne(t, harness.Set("limits.write_user.rate", "0"), harness.Set("limits.write_addr.rate", "0"))
	ann, bob := d.NewUser(t), d.NewUser(t)
	for i := range 1000 {
		ann.Send(t, bob.ID, fmt.Sprint("message of an ordinary length, number ", i))
	}
	began, ok := time.Now(), 0
	for range asked {
		a := bob.Get(t, harness.PathChat, "to_user_id", ann.ID)
		switch a.Code {
		case 0:
			ok++
		case errno.TooManyRequests.Code:
		default:
			t.Fatalf("answered %d", a.Code)
		}
	}
	took := time.Since(began)
	// Five at once and about one a second.
	if most := 7 + 2*int(took.Seconds()); ok < 4 || ok > most {
		t.Errorf("%d of %d whole chats were answered in %v, want 4 to %d", ok, asked, took, most)
	}
	// Who wrote them has asked for nothing yet, and polls for a while.
	for range 20 {
		if got := ann.Chat(t, bob.ID, time.Now().UnixMilli()); len(got) != 0 {
			t.Errorf("%d messages are new", len(got))
		}
	}
}
