package main

import (
	"context"
	"strconv"
	"strings"
)

// appliedTotal counts the events that the writer has committed.
const appliedTotal = "tiktok_queue_applied_total"

// series are a process's metrics as /metrics prints them.
type series string

// scrape reads them from an admin address.
func scrape(ctx context.Context, admin string) (series, error) {
	page, err := get(ctx, "http://"+admin+"/metrics")
	return series(page), err
}

// sum adds up the values of a metric over all labels that hold label.
func (s series) sum(name, label string) float64 {
	var total float64
	for line := range strings.Lines(string(s)) {
		rest, ok := strings.CutPrefix(line, name)
		if !ok || rest[0] != ' ' && rest[0] != '{' {
			continue
		}
		i := strings.LastIndexByte(rest, ' ')
		if v, err := strconv.ParseFloat(strings.TrimSpace(rest[i:]), 64); err == nil && strings.Contains(rest[:i], label) {
			total += v
		}
	}
	return total
}
