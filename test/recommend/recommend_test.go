package main

import (
	"reflect"
	"testing"

	"tiktok/config"
)

// small is a world that is simulated in seconds.
func small(seed uint64, strength float64) params {
	return params{seed: seed, users: 240, newUsers: 24, videos: 1200, authors: 80, days: 4, strength: strength}
}

// What is promised of For you: users with tastes finish and like at least one and a half times as much of it as of the newest and of the
// most popular videos, nothing is repeated, new videos get their chance, and most videos are shown to somebody.
func TestForYouBeatsTheOthers(t *testing.T) {
	p := small(1, 1)
	ours, newest, hot := simulate(p, forYou), simulate(p, chronological), simulate(p, popular)
	t.Logf("hit rates: For you %.3f, newest %.3f, popular %.3f; first sessions %.3f, %.3f, %.3f", ours.rate(), newest.rate(), hot.rate(),
		ours.coldRate(), newest.coldRate(), hot.coldRate())
	if ours.rate() < 1.5*newest.rate() || ours.rate() < 1.5*hot.rate() {
		t.Errorf("For you has a hit rate of %.3f, newest first %.3f, most popular first %.3f", ours.rate(), newest.rate(), hot.rate())
	}
	if ours.repeats != 0 {
		t.Errorf("%d of %d videos were shown again", ours.repeats, ours.shown)
	}
	if ours.coldRate() < 1.2*newest.coldRate() {
		t.Errorf("the first session of a new user has %.3f, newest first %.3f", ours.coldRate(), newest.coldRate())
	}
	if ours.exposed < 0.3 || ours.exposed < 2*hot.exposed {
		t.Errorf("%.2f of new videos are seen by ten on their first day, %.2f of most popular first", ours.exposed, hot.exposed)
	}
	if ours.coverage < 0.5 || ours.coverage < 1.5*hot.coverage {
		t.Errorf("%.2f of videos were shown, %.2f of most popular first", ours.coverage, hot.coverage)
	}
}

// Where users have no tastes there is nothing to learn; For you must not be worse than the newest videos for that.
func TestWithoutTastesNothingIsLost(t *testing.T) {
	p := small(2, 0)
	if ours, newest := simulate(p, forYou), simulate(p, chronological); ours.rate() < newest.rate() || ours.repeats != 0 {
		t.Errorf("For you has a hit rate of %.3f, newest first %.3f; %d repeats", ours.rate(), newest.rate(), ours.repeats)
	}
}

// The same seed has the same result, another one another.
func TestSimulationIsDeterministic(t *testing.T) {
	p := small(3, 1)
	p.users, p.days = 40, 2
	a, b := simulate(p, forYou), simulate(p, forYou)
	if !reflect.DeepEqual(a, b) {
		t.Errorf("%+v is not %+v", a, b)
	}
	p.seed = 4
	if c := simulate(p, forYou); reflect.DeepEqual(a, c) {
		t.Error("another seed has the same result")
	}
	if config.Default().Discovery.Feeds.PageSize != pageSize {
		t.Error("pages of the simulation have another size than those of the service")
	}
}
