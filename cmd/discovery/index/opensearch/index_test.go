package opensearch_test

import (
	"encoding/json"
	"encoding/pem"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tiktok/cmd/discovery/index"
	"tiktok/cmd/discovery/index/opensearch"
)

func video(id int64, title string, version int64) index.Doc {
	return index.Doc{Kind: index.Videos, ID: id, Title: title, Version: version, Rank: 1}
}

func open2(t *testing.T, cfg opensearch.Config) *opensearch.Engine {
	t.Helper()
	e, err := opensearch.New(cfg, slog.New(slog.DiscardHandler))
	must(t, err)
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	return e
}

// certificate writes that of a server to a file.
func certificate(t *testing.T, s *httptest.Server) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "ca.pem")
	block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
	must(t, os.WriteFile(path, block, 0o600))
	return path
}

// TestDeleted: an index that somebody has deleted is none, writing does not make one, and it can be built again.
func TestDeleted(t *testing.T) {
	p := prefix(t)
	e := open(t, p)
	serve(t, e, 10, video(1, "cat", 1))
	for _, name := range indices(t, p) {
		ask(t, http.MethodDelete, "/"+name, "")
	}
	q := index.Query{Kind: index.Videos, Text: "cat", Limit: 5}
	_, searched := e.Search(t.Context(), q)
	_, positioned := e.Position(t.Context())
	_, informed := e.Info(t.Context())
	_, summed := e.Sums(t.Context(), []index.Range{{Kind: index.Videos, To: 9}})
	applied := e.Apply(t.Context(), []index.Doc{video(1, "cat", 20)}, 20)
	for what, err := range map[string]error{
		"search": searched, "position": positioned, "info": informed, "sums": summed, "apply": applied,
	} {
		if !errors.Is(err, index.ErrNoIndex) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if status, answer := ask(t, http.MethodGet, "/"+p, ""); status != http.StatusNotFound {
		t.Errorf("something has the name of the alias: %s", answer)
	}
	if left := indices(t, p); len(left) > 0 {
		t.Errorf("there are %v", left)
	}
	serve(t, e, 30, video(1, "cat", 1))
	if hits, err := e.Search(t.Context(), q); err != nil || len(hits) != 1 {
		t.Errorf("built again: %v, %v", hits, err)
	}
}

// TestAbandonedBuild: what a process that died has built in part is removed by the next one, which is another process, and what the first
// one, not dead after all, still writes reaches nothing.
func TestAbandonedBuild(t *testing.T) {
	p := prefix(t)
	serve(t, open(t, p), 10, video(1, "cat", 1))
	old := indices(t, p)
	left, err := open(t, p).Build(t.Context())
	must(t, err)
	must(t, left.Add(t.Context(), []index.Doc{video(2, "cat", 2)}))
	if got := indices(t, p); len(got) != 2 {
		t.Errorf("indices %v, want two", got)
	}
	e := open(t, p)
	next, err := e.Build(t.Context())
	must(t, err)
	if got := indices(t, p); len(got) != 2 {
		t.Errorf("indices %v, want two", got)
	}
	if err := left.Add(t.Context(), []index.Doc{video(3, "cat", 3)}); err == nil || errors.Is(err, index.ErrNoIndex) {
		t.Errorf("the removed index takes documents: %v", err)
	}
	must(t, next.Add(t.Context(), []index.Doc{video(4, "cat", 4)}))
	must(t, next.Commit(t.Context(), 40))
	if err := left.Commit(t.Context(), 99); err == nil {
		t.Error("the removed index serves")
	}
	must(t, left.Abort())
	got := indices(t, p)
	if len(got) != 1 || got[0] == old[0] {
		t.Errorf("indices %v after %v, want a new one alone", got, old)
	}
	hits, err := e.Search(t.Context(), index.Query{Kind: index.Videos, Text: "cat", Limit: 5})
	if err != nil || len(hits) != 1 || hits[0].ID != 4 {
		t.Errorf("found %v, %v", hits, err)
	}
}

// TestNeighbours: indices of a prefix that begins alike are let be.
func TestNeighbours(t *testing.T) {
	p := prefix(t)
	other := open(t, p+"-v7")
	serve(t, other, 1, video(1, "cat", 1))
	t.Cleanup(func() {
		for _, name := range indices(t, p+"-v7") {
			ask(t, http.MethodDelete, "/"+name, "")
		}
	})
	serve(t, open(t, p), 1, video(2, "dog", 1))
	serve(t, open(t, p), 1, video(2, "dog", 1))
	if at, err := other.Position(t.Context()); err != nil || at != 1 {
		t.Errorf("position %d, %v", at, err)
	}
}

// TestTwoWriters: whoever was thought dead changes nothing that is newer, and what is gone stays so however late an older write comes.
func TestTwoWriters(t *testing.T) {
	p := prefix(t)
	e := open(t, p)
	serve(t, e, 10, video(1, "cat", 1), video(2, "cat", 2))
	name := indices(t, p)[0]
	must(t, e.Apply(t.Context(), []index.Doc{{Kind: index.Videos, ID: 1, Version: 30, Gone: true}, video(2, "dog", 31)}, 40))
	// The same requests that Apply makes, from the time when the position was 10.
	for id, version := range map[string]string{"v1": "20", "v2": "21"} {
		status, answer := ask(t, http.MethodPut, "/"+name+"-w/_doc/"+id+"?refresh=true&version_type=external_gte&version="+version,
			`{"kind":"v","text":"cat","rank":1,"key":"`+id+`"}`)
		if status != http.StatusConflict {
			t.Errorf("%s of version %s: %d %s", id, version, status, answer)
		}
	}
	status, answer := ask(t, http.MethodPut, "/"+name+"-w/_doc/position?version_type=external_gte&version=20", `{"position":20,"format":1}`)
	if status != http.StatusConflict {
		t.Errorf("the position goes back: %d %s", status, answer)
	}
	if hits, err := e.Search(t.Context(), index.Query{Kind: index.Videos, Text: "cat", Limit: 5}); err != nil || len(hits) != 0 {
		t.Errorf("%v, %v", hits, err)
	}
}

// TestFormat: the index of another version of the product is none, so it is built again; until then it serves.
func TestFormat(t *testing.T) {
	p := prefix(t)
	e := open(t, p)
	serve(t, e, 10, video(1, "cat", 1))
	status, answer := ask(t, http.MethodPut, "/"+p+"/_doc/position?version_type=external_gte&version=10", `{"position":10,"format":0}`)
	if status != http.StatusOK {
		t.Fatal(answer)
	}
	if _, err := e.Position(t.Context()); !errors.Is(err, index.ErrNoIndex) {
		t.Errorf("position: %v", err)
	}
	if hits, err := e.Search(t.Context(), index.Query{Kind: index.Videos, Text: "cat", Limit: 5}); err != nil || len(hits) != 1 {
		t.Errorf("%v, %v", hits, err)
	}
}

// TestIndexIsAsConfigured looks at what the cluster was told.
func TestIndexIsAsConfigured(t *testing.T) {
	p := prefix(t)
	e := open(t, p, func(c *opensearch.Config) { c.Shards, c.Replicas = 3, 2 })
	serve(t, e, 10, video(1, "cat", 1), video(2, "dog", 2))
	must(t, e.Apply(t.Context(), []index.Doc{{Kind: index.Videos, ID: 1, Version: 20, Gone: true}}, 20))
	name := indices(t, p)[0]
	_, answer := ask(t, http.MethodGet, "/"+p, "")
	var got map[string]struct {
		Aliases  map[string]any `json:"aliases"`
		Mappings struct {
			Dynamic string `json:"dynamic"`
		} `json:"mappings"`
		Settings struct {
			Index struct {
				Shards   string `json:"number_of_shards"`
				Replicas string `json:"number_of_replicas"`
				Refresh  string `json:"refresh_interval"`
			} `json:"index"`
		} `json:"settings"`
	}
	must(t, json.Unmarshal([]byte(answer), &got))
	is := got[name]
	s := is.Settings.Index
	if s.Shards != "3" || s.Replicas != "2" || s.Refresh != "1s" || is.Mappings.Dynamic != "strict" || len(is.Aliases) != 2 {
		t.Errorf("%s", answer)
	}
	info, err := e.Info(t.Context())
	if err != nil || info.Engine != opensearch.Name || info.Version != name || info.Docs != 1 || info.Bytes == 0 {
		t.Errorf("%+v, %v", info, err)
	}
}

// TestConfig: what is wrong is said before anything is asked, without showing a login, and nothing is asked before it is used.
func TestConfig(t *testing.T) {
	for name, c := range map[string]opensearch.Config{
		"addresses": {Prefix: "x"},
		"scheme":    {Addrs: []string{"127.0.0.1:9200"}, Prefix: "x"},
		"login":     {Addrs: []string{"http://u:geheim@127.0.0.1:9200"}, Prefix: "x"},
		"broken":    {Addrs: []string{"http://u:geheim@%zz"}, Prefix: "x"},
		"prefix":    {Addrs: []string{"http://127.0.0.1:9200"}, Prefix: "_X*"},
		"empty":     {Addrs: []string{"http://127.0.0.1:9200"}},
		"shards":    {Addrs: []string{"http://127.0.0.1:9200"}, Prefix: "x", Shards: -1},
	} {
		if _, err := opensearch.New(c, slog.New(slog.DiscardHandler)); err == nil || strings.Contains(err.Error(), "geheim") {
			t.Errorf("%s: %v", name, err)
		}
	}
	ln, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	must(t, err)
	defer ln.Close() //nolint:errcheck // at the end
	e := open2(t, opensearch.Config{Addrs: []string{"http://" + ln.Addr().String()}, Prefix: "x"})
	must(t, ln.(*net.TCPListener).SetDeadline(time.Now().Add(100*time.Millisecond)))
	if c, err := ln.Accept(); err == nil {
		t.Errorf("%v connects before it is used: %v", e, c.RemoteAddr())
	}
}
