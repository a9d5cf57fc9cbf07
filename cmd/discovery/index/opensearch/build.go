package opensearch

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"tiktok/cmd/discovery/index"
)

// build is an index.Build.
type build struct {
	e    *Engine
	name string
	done bool
}

// Build implements index.Engine.
func (e *Engine) Build(ctx context.Context) (index.Build, error) {
	left, err := e.indices(ctx, func(serves bool) bool { return !serves })
	if err != nil {
		return nil, err
	}
	if err := e.remove(ctx, left...); err != nil {
		return nil, err
	}
	name := fmt.Sprintf("%s-v%d", e.cfg.Prefix, time.Now().UnixNano())
	body, err := definition(e.cfg, writeAlias(name))
	if err != nil {
		return nil, err
	}
	err = write(ctx, e, request{method: http.MethodPut, path: "/" + name, body: body}, (*nothing)(nil))
	if err != nil && code(err) != "resource_already_exists_exception" { // made by an attempt whose answer was lost
		return nil, err
	}
	return &build{e: e, name: name}, nil
}

// indices are those of the prefix that serve, or do not.
func (e *Engine) indices(ctx context.Context, want func(serves bool) bool) ([]string, error) {
	var got map[string]struct {
		Aliases map[string]struct{} `json:"aliases"`
	}
	if err := read(ctx, e, request{method: http.MethodGet, path: "/" + e.cfg.Prefix + "-v*/_alias"}, &got); err != nil {
		return nil, err
	}
	var out []string
	for name, is := range got {
		number := strings.TrimPrefix(name, e.cfg.Prefix+"-v")
		if _, err := strconv.ParseInt(number, 10, 64); err != nil {
			continue // of another prefix that begins alike
		}
		if _, serves := is.Aliases[e.cfg.Prefix]; want(serves) {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out, nil
}

// remove deletes indices, which may be gone already.
func (e *Engine) remove(ctx context.Context, names ...string) error {
	if len(names) == 0 {
		return nil
	}
	r := request{method: http.MethodDelete, path: "/" + strings.Join(names, ","), query: params("ignore_unavailable", "true")}
	if err := write(ctx, e, r, (*nothing)(nil)); err != nil && !errors.Is(err, index.ErrNoIndex) {
		return err
	}
	e.log.InfoContext(ctx, "search index removed", "indices", names)
	return nil
}

// Add implements index.Build.
func (b *build) Add(ctx context.Context, docs []index.Doc) error {
	if len(docs) > index.MaxBatch {
		return fmt.Errorf("opensearch: %d documents in a batch, want %d at most", len(docs), index.MaxBatch)
	}
	all := make([]*index.Doc, len(docs))
	for i := range docs {
		all[i] = &docs[i]
	}
	return b.still(try(ctx, writeTimeout, func(ctx context.Context) error { return b.e.put(ctx, b.name, all, false) }))
}

// still says in words that another Build has removed this one, which is not that there is no index.
func (b *build) still(err error) error {
	if errors.Is(err, index.ErrNoIndex) {
		return fmt.Errorf("opensearch: the index that was built, %s, has been removed", b.name)
	}
	return err
}

// Commit implements index.Build. The alias moves in one step of the cluster. What searches the old one while it is removed is asked again
// by Search.
func (b *build) Commit(ctx context.Context, position int64) error {
	if b.done {
		return errors.New("opensearch: the build has ended")
	}
	e := b.e
	err := try(ctx, writeTimeout, func(ctx context.Context) error { return e.mark(ctx, b.name, position) })
	if err != nil {
		return b.still(err)
	}
	settings := []byte(`{"index":{"refresh_interval":"1s"}}`) // set, not the default: that stops when nobody searches
	for _, r := range []request{
		{method: http.MethodPut, path: "/" + b.name + "/_settings", body: settings},
		{method: http.MethodPost, path: "/" + b.name + "/_refresh"},
	} {
		if err := write(ctx, e, r, (*nothing)(nil)); err != nil {
			return b.still(err)
		}
	}
	old, err := e.indices(ctx, func(serves bool) bool { return serves })
	if err != nil {
		return err
	}
	actions := []object{{"add": object{"index": b.name, "alias": e.cfg.Prefix}}}
	for _, name := range old {
		if name != b.name {
			actions = append(actions, object{"remove": object{"index": name, "alias": e.cfg.Prefix, "must_exist": false}})
		}
	}
	body, err := json.Marshal(object{"actions": actions})
	if err != nil {
		return err
	}
	if err := write(ctx, e, request{method: http.MethodPost, path: "/_aliases", body: body}, (*nothing)(nil)); err != nil {
		return b.still(err)
	}
	b.done = true
	e.log.InfoContext(ctx, "search index serves", "index", b.name, "position", position)
	old = slices.DeleteFunc(old, func(name string) bool { return name == b.name })
	if err := e.remove(ctx, old...); err != nil {
		e.log.WarnContext(ctx, "the old search index stays until the next build", "indices", old, "err", err)
	}
	return nil
}

// Abort implements index.Build.
func (b *build) Abort() error {
	if b.done {
		return nil
	}
	b.done = true
	return b.e.remove(context.Background(), b.name)
}
