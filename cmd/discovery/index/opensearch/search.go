package opensearch

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"tiktok/cmd/discovery/index"
)

// Search implements index.Engine. The score of OpenSearch is the Fit alone; Rank and Key are the next in its order. Pages may come from
// different copies of a shard: each batch is found in all of them before Apply returns. So the cluster may choose, and avoids a node that
// hangs once it has noticed.
func (e *Engine) Search(ctx context.Context, q index.Query) ([]index.Hit, error) {
	if err := q.Check(); err != nil {
		return nil, err
	}
	after, err := parseCursor(q.Kind, q.After)
	if err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	fits := fitting(&q)
	if fits == nil {
		return nil, nil
	}
	body := object{
		"query": fits, "size": q.Limit, "track_total_hits": false, "_source": false,
		"timeout": strconv.FormatInt(e.cfg.Timeout.Milliseconds(), 10) + "ms",
		"sort":    []object{{"_score": "desc"}, {"rank": "desc"}, {"key": "asc"}},
	}
	if after != nil {
		body["search_after"] = []any{after.fit, after.rank, after.key}
	}
	encoded, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	r := request{method: http.MethodPost, path: "/" + e.cfg.Prefix + "/_search", body: encoded, query: params(
		"allow_partial_search_results", "false", "filter_path", "timed_out,hits.hits.sort")}
	var got struct {
		TimedOut bool `json:"timed_out"`
		Hits     struct {
			Hits []struct {
				Sort []any `json:"sort"`
			} `json:"hits"`
		} `json:"hits"`
	}
	err = try(ctx, e.cfg.Timeout, func(ctx context.Context) error {
		err := send(ctx, e.reader, r, &got)
		var f *failure
		if errors.As(err, &f) && e.moved(f) {
			f.kind, f.again = index.ErrUnavailable, true
		}
		if err == nil && got.TimedOut {
			err = &failure{kind: index.ErrUnavailable, text: "search: timed out"}
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	hits := make([]index.Hit, 0, len(got.Hits.Hits))
	for _, h := range got.Hits.Hits {
		hit, err := hitOf(h.Sort)
		if err != nil {
			return nil, err
		}
		hits = append(hits, hit)
	}
	return hits, nil
}

func hitOf(sort []any) (hit index.Hit, err error) {
	if len(sort) == 3 {
		fit, _ := sort[0].(float64)
		rank, _ := sort[1].(float64)
		key, _ := sort[2].(string)
		switch {
		case key == "":
		case key[0] == 't':
			hit.Tag = key[1:]
		default:
			hit.ID, err = strconv.ParseInt(key[1:], 10, 64)
		}
		if key != "" && err == nil {
			hit.Score = fit*index.FitWeight + rank
			hit.Cursor = cursor{fit: int(fit), rank: rank, key: key}.String()
			return hit, nil
		}
	}
	return hit, fmt.Errorf("%w: opensearch: a hit is not as expected", index.ErrUnavailable)
}

// fitting is the query of OpenSearch, nil when the text has no words. Each Fit is a part that counts as much as it is; the best one counts.
func fitting(q *index.Query) object {
	words := distinct(index.Words(q.Text), q.Complete)
	if len(words) == 0 {
		return nil
	}
	text, all := []string{"text"}, []string{"text"}
	if q.Kind == index.Videos {
		all = []string{"text", "more"}
	}
	var title, somewhere, loosely []object
	loose := false
	for i := range words {
		w := &words[i]
		beginning := q.Complete && i == len(words)-1
		title = append(title, exactly(w, text, beginning))
		somewhere = append(somewhere, exactly(w, all, beginning))
		more := loosened(w, all)
		loose = loose || len(more) > 0
		loosely = append(loosely, either(append(more, exactly(w, all, beginning))...))
	}
	fits := []object{fit(index.FitTitle, title...)}
	switch q.Kind {
	case index.Videos:
		fits = append(fits, fit(index.FitSomewhere, somewhere...))
	case index.Users:
		fits = append(fits, fit(index.FitWhole, object{"term": object{"whole": index.Fold(q.Text)}}))
	case index.Tags:
		tag := strings.TrimLeft(index.Fold(q.Text), "#")
		fits = append(fits, fit(index.FitWhole, object{"term": object{"whole": tag}}),
			fit(index.FitSomewhere, object{"prefix": object{"whole": object{"value": tag}}}))
	}
	if loose {
		fits = append(fits, fit(index.FitLoosely, loosely...))
	}
	return object{"bool": object{
		"filter": object{"term": object{"kind": kindOf(q.Kind)}},
		"must":   object{"dis_max": object{"queries": fits}},
	}}
}

// fit is what all of these take, with its Fit as the score.
func fit(f index.Fit, all ...object) object {
	return object{"constant_score": object{"filter": object{"bool": object{"filter": all}}, "boost": int(f)}}
}

// distinct drops words that are there before, but keeps the last one when it is taken for a beginning.
func distinct(words []index.Word, beginning bool) []index.Word {
	seen := map[string]bool{}
	out := words[:0]
	for i, w := range words {
		if seen[w.Text] && (!beginning || i < len(words)-1) {
			continue
		}
		seen[w.Text] = true
		out = append(out, w)
	}
	return out
}

// either is what one of these takes.
func either(of ...object) object {
	if len(of) == 1 {
		return of[0]
	}
	return object{"bool": object{"should": of}}
}

// exactly finds a word in one of the fields, or, for a beginning, what begins with it. CJK is found by any part anyway.
func exactly(w *index.Word, fields []string, beginning bool) object {
	var of []object
	for _, f := range fields {
		if beginning && !w.CJK {
			of = append(of, object{"prefix": object{f: object{"value": w.Text}}})
			continue
		}
		of = append(of, object{"match_phrase": object{f: object{"query": analyzed(w)}}})
	}
	return either(of...)
}

// loosened finds a word with one edit in one of the fields, one of CJK by its characters wherever they are. All words with an edit are
// taken, and each counts the same, so no list of the best ones is made.
func loosened(w *index.Word, fields []string) (of []object) {
	if w.CJK {
		single, _ := w.Grams()
		if len(single) < looseCharacters {
			return nil
		}
		for _, f := range fields {
			var all []object
			for _, c := range single {
				all = append(all, object{"match_phrase": object{f: object{"query": analyzed(&index.Word{Text: c, CJK: true})}}})
			}
			of = append(of, object{"bool": object{"filter": all}})
		}
		return of
	}
	if !w.Fuzzy() {
		return nil
	}
	for _, f := range fields {
		of = append(of, object{"fuzzy": object{f: object{
			"value": w.Text, "fuzziness": 1, "transpositions": true, "prefix_length": 0, "rewrite": "constant_score",
		}}})
	}
	return of
}

// looseCharacters is how many characters a word of CJK has at least that is found by them in any order.
const looseCharacters = 3
