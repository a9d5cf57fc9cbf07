package opensearch

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"

	"tiktok/cmd/discovery/index"
)

// sumsAtOnce bounds the ranges of one request.
const sumsAtOnce = 500

// Sums implements index.Engine. The nodes add up the parts of the checksums, so the answer is small whatever the index has.
func (e *Engine) Sums(ctx context.Context, ranges []index.Range) ([]index.Sum, error) {
	refresh := request{method: http.MethodPost, path: "/" + e.cfg.Prefix + "/_refresh"}
	if err := write(ctx, e, refresh, (*nothing)(nil)); err != nil {
		return nil, err
	}
	out := make([]index.Sum, 0, len(ranges))
	for part := range slices.Chunk(ranges, sumsAtOnce) {
		sums, err := e.sums(ctx, part)
		if err != nil {
			return nil, err
		}
		out = append(out, sums...)
	}
	return out, nil
}

func (e *Engine) sums(ctx context.Context, ranges []index.Range) ([]index.Sum, error) {
	filters := make([]object, len(ranges))
	for i, r := range ranges {
		filters[i] = object{"bool": object{"filter": []object{
			{"term": object{"kind": kindOf(r.Kind)}}, {"range": object{"id": object{"gte": r.From, "lt": r.To}}},
		}}}
	}
	parts := object{}
	for _, p := range []string{"sum0", "sum1", "sum2", "sum3"} {
		parts[p] = object{"sum": object{"field": p}}
	}
	body, err := json.Marshal(object{
		"size": 0, "track_total_hits": false,
		"aggs": object{"ranges": object{"filters": object{"filters": filters}, "aggs": parts}},
	})
	if err != nil {
		return nil, err
	}
	type value struct {
		Value float64 `json:"value"`
	}
	var got struct {
		Aggregations struct {
			Ranges struct {
				Buckets []struct {
					Docs int64 `json:"doc_count"`
					Sum0 value `json:"sum0"`
					Sum1 value `json:"sum1"`
					Sum2 value `json:"sum2"`
					Sum3 value `json:"sum3"`
				} `json:"buckets"`
			} `json:"ranges"`
		} `json:"aggregations"`
	}
	r := request{
		method: http.MethodPost, path: "/" + e.cfg.Prefix + "/_search", body: body,
		query: params("allow_partial_search_results", "false", "filter_path", "aggregations"),
	}
	// It reads all documents of the ranges: more time than a search has.
	if err := write(ctx, e, r, &got); err != nil {
		return nil, err
	}
	buckets := got.Aggregations.Ranges.Buckets
	if len(buckets) != len(ranges) {
		return nil, fmt.Errorf("%w: opensearch: %d sums of %d ranges", index.ErrUnavailable, len(buckets), len(ranges))
	}
	out := make([]index.Sum, len(ranges))
	for i, b := range buckets {
		// The sum of the parts, modulo 2^64.
		out[i] = index.Sum{
			Docs:     b.Docs,
			Checksum: uint64(b.Sum0.Value) + uint64(b.Sum1.Value)<<16 + uint64(b.Sum2.Value)<<32 + uint64(b.Sum3.Value)<<48,
		}
	}
	return out, nil
}
