// Package opensearch is the search engine for when one machine does not do: an index on a cluster of OpenSearch, which all replicas of the
// service search and one of them writes.
//
// The alias Prefix is the index that serves, "Prefix-v" and a time. A build fills another one, and the alias moves in one step. Each
// index also has an alias of its own, "…-w", which all writes go through and which ends with it: what was meant for one index never
// reaches another, and never makes one by being written.
//
// Words are divided and folded by package index, as for all engines; OpenSearch's analyzer cjk divides those of Han, kana and Hangul
// further.
package opensearch

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"

	"github.com/opensearch-project/opensearch-go/v4"

	"tiktok/cmd/discovery/index"
)

// Name is the Engine of Info.
const Name = "opensearch"

// Engine is an index.Engine on a cluster.
type Engine struct {
	cfg       Config
	log       *slog.Logger
	transport *http.Transport
	// reader gives up a node sooner than writer.
	reader, writer *opensearch.Client
}

var _ index.Engine = (*Engine)(nil)

// New returns the engine of a cluster. It connects when it is first used.
func New(cfg Config, log *slog.Logger) (*Engine, error) {
	if err := cfg.complete(); err != nil {
		return nil, fmt.Errorf("opensearch: %w", err)
	}
	transport, err := cfg.transport()
	if err != nil {
		return nil, fmt.Errorf("opensearch: %w", err)
	}
	e := &Engine{cfg: cfg, log: log, transport: transport}
	if e.reader, err = cfg.client(transport, cfg.Timeout/2, false); err != nil {
		return nil, fmt.Errorf("opensearch: %w", err)
	}
	if e.writer, err = cfg.client(transport, writeAttempt, true); err != nil {
		return nil, fmt.Errorf("opensearch: %w", err)
	}
	return e, nil
}

// Close ends the connections.
func (e *Engine) Close() error {
	err := errors.Join(e.reader.Close(), e.writer.Close())
	e.transport.CloseIdleConnections()
	return err
}

// serving is the index that serves: its name, and its position.
type serving struct {
	name     string
	position int64
}

// positionID is the document that has the position of an index. Others begin with v, u or t.
const positionID = "position"

// mark is that document.
type mark struct {
	Position int64 `json:"position"`
	// Format is that of the index: one of another version of the product is built anew.
	Format int `json:"format"`
}

// serving asks for it, by the id, which is answered from the newest, searchable or not. An index without a position was not finished.
func (e *Engine) serving(ctx context.Context, client *opensearch.Client) (serving, error) {
	var got struct {
		Index  string `json:"_index"`
		Found  bool   `json:"found"`
		Source mark   `json:"_source"`
	}
	err := send(ctx, client, request{method: http.MethodGet, path: "/" + e.cfg.Prefix + "/_doc/" + positionID}, &got)
	var f *failure
	if errors.As(err, &f) && f.status == http.StatusNotFound {
		if e.moved(f) {
			f.kind, f.again = index.ErrUnavailable, true
			return serving{}, f
		}
		return serving{}, fmt.Errorf("%w behind the alias %s", index.ErrNoIndex, e.cfg.Prefix)
	}
	if err == nil && (!got.Found || got.Source.Format != format) {
		err = fmt.Errorf("%w of this version: %s", index.ErrNoIndex, got.Index)
	}
	return serving{name: got.Index, position: got.Source.Position}, err
}

// moved says whether an index was not found that the alias led to: it has another one by now.
func (e *Engine) moved(f *failure) bool {
	return errors.Is(f, index.ErrNoIndex) && f.missing != e.cfg.Prefix
}

// Position implements index.Engine. An index whose shards are all lost does not answer: whether they come back only a person knows.
func (e *Engine) Position(ctx context.Context) (int64, error) {
	var now serving
	err := try(ctx, e.cfg.Timeout, func(ctx context.Context) (err error) {
		now, err = e.serving(ctx, e.reader)
		return err
	})
	return now.position, err
}

// Info implements index.Engine.
func (e *Engine) Info(ctx context.Context) (index.Info, error) {
	info := index.Info{Engine: Name}
	var now serving
	err := try(ctx, e.cfg.Timeout, func(ctx context.Context) (err error) {
		now, err = e.serving(ctx, e.reader)
		return err
	})
	if err != nil {
		return info, err
	}
	info.Version = now.name
	var stats struct {
		All struct {
			Total struct {
				Store struct {
					Bytes int64 `json:"size_in_bytes"`
				} `json:"store"`
			} `json:"total"`
		} `json:"_all"`
	}
	if err := read(ctx, e, request{method: http.MethodGet, path: "/" + now.name + "/_stats/store"}, &stats); err != nil {
		return info, err
	}
	var count struct {
		Count int64 `json:"count"`
	}
	body := []byte(`{"query":{"exists":{"field":"kind"}}}`)
	if err := read(ctx, e, request{method: http.MethodPost, path: "/" + now.name + "/_count", body: body}, &count); err != nil {
		return info, err
	}
	info.Docs, info.Bytes = count.Count, stats.All.Total.Store.Bytes
	return info, nil
}

func params(pairs ...string) url.Values {
	v := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		v.Set(pairs[i], pairs[i+1])
	}
	return v
}
