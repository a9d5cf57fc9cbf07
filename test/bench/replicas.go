package main

import (
	"fmt"
	"runtime"
	"slices"
	"strings"

	"tiktok/pkg/ostest"
	"tiktok/test/harness"
)

// replicas is the measurement of what more processes of a kind bring.
const replicas = "replicas"

// replicated are the processes of which there are more: what all requests go through, and what stores likes and comments.
func replicated() []string { return []string{"api", writer} }

// replicaSteps are how many there are of each, replicaLoads what is asked of them.
func replicaSteps() []int    { return []int{1, 2, 4} }
func replicaLoads() []string { return []string{"feed-auth", "comment-list", "like-spread", "mixed"} }
func ownProcessors() (n int) { return len(replicated()) * slices.Max(replicaSteps()) }
func enoughProcessors() bool { return runtime.NumCPU() >= ownProcessors()+4 } // for the servers, the other services and the load

// replicas measures the same loads with more and more gateways and interaction processes. Where the machine has processors enough each
// of them gets one of its own, and rates can grow; else they share what there is, and only the CPU time of a request says
// something. Connections grow with them: requests share calls, so a process must be as busy as before for its costs to compare.
func (s *session) replicas() {
	if s.name != harness.NameDistributed {
		fmt.Printf("\nreplicas: %s is one process\n", s.name)
		return
	}
	own := enoughProcessors()
	cost := map[string][]float64{} // of each load, by step
	fmt.Printf("\nreplicas: a processor for each of them: %t\n", own)
	for _, n := range replicaSteps() {
		for len(s.gen.others)+1 < n {
			s.d.AddReplica(s.t, writer)
			s.gen.others = append(s.gen.others, addrOf(s.d.AddGateway(s.t)))
		}
		if own {
			s.pin()
		}
		for _, name := range replicaLoads() {
			sc, _ := scenarioNamed(name)
			s.settleDown(sc, plan{conns: n * sc.conns})
			r := s.measure(sc, plan{conns: n * sc.conns, warmup: s.warmup, duration: s.duration})
			r.scenario = fmt.Sprintf("%s, %s ×%d", name, strings.Join(replicated(), " and "), n)
			s.keep(r)
			cost[name] = append(cost[name], r.cpu())
			if sc.writes {
				s.audit()
			}
		}
	}
	for _, name := range replicaLoads() {
		fmt.Printf("\n%s: CPU of a request with %d of each is %.2f of that with one\n", name, slices.Max(replicaSteps()),
			cost[name][len(cost[name])-1]/cost[name][0])
	}
	s.gen.others = nil
}

// pin gives each replicated process a processor of its own.
func (s *session) pin() {
	next := 0
	for name, pid := range s.d.PIDs(s.t) {
		if slices.ContainsFunc(replicated(), func(kind string) bool { return name == kind || strings.HasPrefix(name, kind+"-") }) {
			ostest.Pin(s.t, pid, next)
			next++
		}
	}
}
