package main

import (
	"cmp"
	"slices"
	"time"
)

// result is one line of figures, and what the processes used meanwhile.
type result struct {
	Scenario   string  `json:"scenario"`
	About      string  `json:"about,omitempty"`
	Deployment string  `json:"deployment"`
	Queue      string  `json:"queue,omitempty"`
	Commit     string  `json:"commit"`
	Date       string  `json:"date"`
	Machine    string  `json:"machine"`
	Scale      float64 `json:"scale,omitempty"`
	// Users are those who send requests.
	Users   int     `json:"users,omitempty"`
	Plan    plan    `json:"plan"`
	Seconds float64 `json:"seconds"`
	// PerSecond counts accepted requests, or drained events.
	PerSecond float64   `json:"per_second"`
	Latency   latencies `json:"latency_ms"`
	Accepted  int64     `json:"accepted"`
	Refused   int64     `json:"refused"`
	Failed    int64     `json:"failed"`
	Unsent    int64     `json:"unsent,omitempty"`
	Bytes     int64     `json:"bytes"`
	FirstFail string    `json:"first_problem,omitempty"`
	Processes []cost    `json:"processes"`
	// Others is the processors that everything else on the machine took: figures of a busy machine are too low.
	Others float64 `json:"other_processors"`
	// Floors are what the same costs at least.
	Floors []floor `json:"floors,omitempty"`
}

// latencies are in milliseconds.
type latencies struct {
	P50  float64 `json:"p50"`
	P90  float64 `json:"p90"`
	P99  float64 `json:"p99"`
	P999 float64 `json:"p99_9"`
	Max  float64 `json:"max"`
}

// cost is what one process used in the measured time.
type cost struct {
	Name string `json:"name"`
	// CPU is in seconds for 1000 accepted requests, Load in processors.
	CPU  float64 `json:"cpu_s_per_1000"`
	Load float64 `json:"processors"`
	// RSS is at the end, Peak since the process was started, in MB of 2^20 bytes.
	RSS  float64 `json:"rss_mb"`
	Peak float64 `json:"peak_mb"`
}

// cost is the processor time of 1000 requests in seconds, of all processes but the load generator.
func (r result) cost() float64 {
	var all float64
	for _, p := range r.Processes {
		if p.Name != generatorName {
			all += p.CPU
		}
	}
	return all
}

// bytesEach is the size of an answer's body on average.
func (r result) bytesEach() float64 {
	return float64(r.Bytes) / float64(max(1, r.Accepted+r.Refused+r.Failed))
}

// open reports whether it was an open loop.
func (r result) open() bool { return r.Plan.Rate > 0 }

func (r *result) fill(t tally) {
	ms := func(q float64) float64 { return float64(t.hist.ValueAtQuantile(q)) / 1000 }
	r.Latency = latencies{P50: ms(50), P90: ms(90), P99: ms(99), P999: ms(99.9), Max: float64(t.hist.Max()) / 1000}
	r.Accepted, r.Refused, r.Failed, r.Unsent, r.Bytes, r.FirstFail = t.accepted, t.refused, t.failed, t.unsent, t.bytes, t.firstError
}

// sample is what all processes have used at one moment.
type sample struct {
	at       time.Time
	answered int64
	by       map[string]usage
	// busy is the processor time of the whole machine.
	busy time.Duration
}

func takeSample(d *deployment, answered int64) sample { return sampleOf(d.pids(), answered) }

func sampleOf(pids map[string]int, answered int64) sample {
	s := sample{at: time.Now(), answered: answered, by: map[string]usage{}, busy: machineBusy()}
	for name, pid := range pids {
		if u, err := readUsage(pid); err == nil { // else it has just ended
			s.by[name] = u
		}
	}
	return s
}

// between fills in what happened from one sample to the next.
func (r *result) between(a, b sample) {
	const mb = 1 << 20
	r.Seconds = b.at.Sub(a.at).Seconds()
	n := float64(b.answered - a.answered)
	r.PerSecond = n / r.Seconds
	others := b.busy - a.busy
	for name, u := range b.by {
		before := a.by[name].CPU
		if before > u.CPU {
			before = 0 // it was started anew
		}
		others -= u.CPU - before
		cpu := (u.CPU - before).Seconds()
		each := 0.0 // while nothing was answered there is no cost of an answer
		if n > 0 {
			each = cpu / n * 1000
		}
		r.Processes = append(r.Processes, cost{
			Name: name, CPU: each, Load: cpu / r.Seconds, RSS: float64(u.RSS) / mb, Peak: float64(u.Peak) / mb,
		})
	}
	r.Others = max(0, others.Seconds()/r.Seconds)
	slices.SortFunc(r.Processes, func(a, b cost) int { return cmp.Or(cmp.Compare(b.CPU, a.CPU), cmp.Compare(a.Name, b.Name)) })
}
