// Package attack_test does to the product what an attacker would, on loopback and within bounds of count and time, and
// measures what somebody else notices of it. run.sh runs it and prints the table.
package attack_test

import (
	"os"
	"testing"

	"tiktok/test/harness"
)

// attack is one of them. It runs against an all-in-one of its own, with the limits that are shipped.
type attack struct {
	name string
	// options are those of the deployment that differ.
	options func(t *testing.T) []harness.Option
	// prepare makes what has to be there, before anything is measured.
	prepare func(t *testing.T, v *victim)
	// run attacks, and returns how many requests or connections that were. What got through it reports with v.lost.
	run func(t *testing.T, v *victim) int
	// long says that it takes too long for the short form.
	long bool
}

func attacks() []attack {
	return []attack{
		{name: "connections beyond the descriptors", options: fewFiles, run: exhaustDescriptors},
		{name: "connections of one address", run: hoardConnections},
		{name: "event streams without end", prepare: members(60), run: hoardStreams},
		{name: "a query of a million separators", run: queryOfSeparators},
		{name: "heads that never end", run: endlessHeads},
		{name: "bodies held open", run: heldBodies},
		{name: "requests in a chunk extension", run: smuggle},
		{name: "uploads without a token", run: anonymousUploads},
		{name: "a whole chat, 20 times a second", prepare: longChat, run: pollWholeChat},
		{name: "400 logins at once", prepare: members(1), run: floodLogins},
		{name: "guesses at a password", prepare: members(1), run: guessPassword},
		{name: "registrations at once", run: floodRegistrations},
		{name: "secrets in malformed heads", prepare: members(1), run: leakIntoLog},
		{name: "names that look like others", run: lookAlikes},
		{name: "questions about readiness and metrics", run: askAround},
		{name: "uploads at once", options: withFFmpeg, prepare: members(60), run: floodUploads},
		{name: "videos that eat the worker", options: withFFmpeg, prepare: members(2), run: eatWorker},
		{name: "a slow reader of a video", prepare: bigVideo, run: readSlowly, long: true},
	}
}

// TestAttacks runs one after the other: each measures a process that has the machine for itself.
func TestAttacks(t *testing.T) {
	if os.Getenv("TIKTOK_ATTACK") != "1" {
		t.Skip("wants the machine for itself: run it with test/attack/run.sh")
	}
	for _, a := range attacks() {
		t.Run(a.name, func(t *testing.T) {
			if a.long && os.Getenv("TIKTOK_ATTACK_FORM") != "long" {
				t.Skip("only in the long form")
			}
			a.against(t)
		})
	}
}
