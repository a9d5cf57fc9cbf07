package e2e_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"tiktok/pkg/push"
	"tiktok/pkg/telemetry"
	"tiktok/test/harness"
)

// hintWithin bounds the way of a hint, on a busy machine.
const hintWithin = 20 * time.Second

// ends waits until a stream has ended.
func ends(t *testing.T, e *harness.Events, within time.Duration) {
	t.Helper()
	late := time.NewTimer(within)
	defer late.Stop()
	select {
	case <-e.Ended():
	case <-late.C:
		t.Fatal("the stream of events has not ended")
	}
}

// testEvents: a message is told at once; a stream is there for as long as the session, and ends with everything.
func testEvents(t *testing.T, d *harness.Deployment) {
	ann := d.NewUser(t)
	tablet := d.Login(t, ann.Name, ann.Password)
	stays, lost := ann.Events(t), tablet.Events(t)
	bob := d.NewUser(t)
	bob.Send(t, ann.ID, "hello")
	for _, e := range []*harness.Events{stays, lost} {
		e.Want(t, hintWithin, harness.Hint{Kind: "message", UserID: bob.ID})
	}
	v1(t, d, ann, http.MethodDelete, fmt.Sprint("/sessions/", current(t, d, tablet)), "", 204)
	ends(t, lost, hintWithin)
	v1(t, d, tablet, http.MethodGet, "/events", "", 401)
	select {
	case <-stays.Ended():
		t.Error("the stream of another session has ended")
	default:
	}
	began := time.Now()
	d.Stop(t)
	ends(t, stays, 2*time.Second)
	// The gateway lets requests take eight seconds when it stops, and a stream none.
	if took := time.Since(began); took > 8*time.Second {
		t.Errorf("the stop took %v", took)
	}
	d.Start(t)
	ann.Events(t)
}

// TestEventsThroughTwoGateways: what is written through one gateway is told at the other one; a hint reaches the streams of its user at
// all gateways, and a session that one of them ends has none at the other one.
func TestEventsThroughTwoGateways(t *testing.T) {
	d := harness.Distributed(t, harness.WithoutLimits())
	other := d.AddGateway(t)
	ann, bob := d.NewUser(t), d.NewUser(t)
	here, there, bobs := ann.Events(t), ann.Through(other).Events(t), bob.Through(other).Events(t)
	hints, err := push.Open(t.Context(), d.Config.Cache, telemetry.Discard())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = hints.Close() })
	tell := func(to *harness.User, peer int64) {
		t.Helper()
		data := fmt.Appendf(nil, `{"user_id":%d,"kind":"message","peer_id":%d}`, to.ID, peer)
		if err := hints.Publish(t.Context(), []push.Hint{{UserID: to.ID, Data: data}}); err != nil {
			t.Fatal(err)
		}
	}
	tell(ann, bob.ID)
	for _, e := range []*harness.Events{here, there} {
		e.Want(t, hintWithin, harness.Hint{Kind: "message", UserID: bob.ID})
	}
	tell(bob, ann.ID)
	bobs.Want(t, hintWithin, harness.Hint{Kind: "message", UserID: ann.ID})
	if n := len(here.Hints()) + len(there.Hints()) + len(bobs.Hints()); n != 3 {
		t.Errorf("%d hints, want 3", n)
	}
	eve := d.NewUser(t)
	eve.Send(t, bob.ID, "hello")
	bobs.Want(t, hintWithin, harness.Hint{Kind: "message", UserID: eve.ID})
	v1(t, d, ann, http.MethodDelete, "/sessions/current", "", 204)
	ends(t, here, hintWithin)
	ends(t, there, hintWithin) // within two seconds, on a machine that has time
	tell(bob, 1)
	bobs.Want(t, hintWithin, harness.Hint{Kind: "message", UserID: 1})
}
