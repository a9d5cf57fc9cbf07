package queue

import (
	"slices"
	"testing"
)

// The connections of many processes spread over the nodes, and each comes to all of them.
func TestTurn(t *testing.T) {
	nodes := []string{"a", "b", "c"}
	begun := map[string]int{}
	for range 100 {
		turn := newTurn(Config{URLs: nodes})
		seen := []string{turn.node(), turn.node(), turn.node()}
		begun[seen[0]]++
		slices.Sort(seen)
		if !slices.Equal(seen, nodes) {
			t.Fatalf("a round is %q", seen)
		}
	}
	if len(begun) != len(nodes) {
		t.Errorf("100 connections begin with %v", begun)
	}
}
