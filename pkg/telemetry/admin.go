package telemetry

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/pprof"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"tiktok/pkg/logx"
)

// readyTimeout bounds one round of checks; a check that takes longer has failed.
const readyTimeout = 2 * time.Second

// Check is one thing a process needs in order to serve, or, with Info instead of Ready, something to tell about it that
// never makes it unready.
type Check struct {
	Name  string
	Ready func(context.Context) error
	Info  func() string
}

// Report runs all checks side by side. It returns "ok" or "unavailable" by name, without the errors' texts (these may
// hold addresses; they are logged by the caller who wants them), or what Info says, and whether all are ok.
func Report(ctx context.Context, checks []Check) (report map[string]string, ok bool) {
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	errs := make([]error, len(checks))
	var wg sync.WaitGroup
	for i, c := range checks {
		if c.Info == nil {
			wg.Go(func() { errs[i] = c.Ready(ctx) })
		}
	}
	wg.Wait()
	report, ok = make(map[string]string, len(checks)), true
	for i, c := range checks {
		switch {
		case c.Info != nil:
			report[c.Name] = c.Info()
		case errs[i] != nil:
			report[c.Name], ok = "unavailable", false
		default:
			report[c.Name] = "ok"
		}
	}
	return report, ok
}

// Admin is the private HTTP server of a process.
type Admin struct {
	srv *http.Server
	ln  net.Listener
}

// ListenAdmin binds addr; Run serves /metrics, /healthz, /readyz, /loglevel and, for go tool pprof, /debug/pprof/ there,
// and at / a page that leads to them.
// Profiles tell much about a process and cost it time: the address has to stay private.
func ListenAdmin(ctx context.Context, addr string, tel *Telemetry, checks []Check) (*Admin, error) {
	var lc net.ListenConfig
	ln, err := lc.Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("admin address: %w", err)
	}
	mux := http.NewServeMux()
	mux.Handle("GET /{$}", debugHandler(tel))
	mux.Handle("GET /metrics", promhttp.HandlerFor(tel.Registry, promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusOK, map[string]string{"status": "ok"})
	})
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		report, ok := Report(r.Context(), checks)
		status := http.StatusOK
		if !ok {
			status = http.StatusServiceUnavailable
		}
		writeJSON(w, status, report)
	})
	mux.HandleFunc("GET /loglevel", func(w http.ResponseWriter, _ *http.Request) { writeLevel(w, tel) })
	mux.HandleFunc("PUT /loglevel", func(w http.ResponseWriter, r *http.Request) {
		level, err := logx.ParseLevel(r.URL.Query().Get("level"))
		if err != nil {
			writeJSON(w, http.StatusBadRequest, map[string]string{"error": err.Error()})
			return
		}
		tel.Log.Error("log level changes", "from", tel.Level.Level(), "to", level) // shown at every level
		tel.Level.Set(level)
		writeLevel(w, tel)
	})
	mux.HandleFunc("GET /debug/pprof/", pprof.Index) // heap, goroutine and the like by name
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	return &Admin{srv: &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}, ln: ln}, nil
}

// Run serves until ctx ends.
func (a *Admin) Run(ctx context.Context) error {
	stop := context.AfterFunc(ctx, func() {
		sctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		if err := a.srv.Shutdown(sctx); err != nil {
			_ = a.srv.Close() // a scraper that holds its connection must not delay the stop
		}
	})
	defer stop()
	if err := a.srv.Serve(a.ln); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

func writeLevel(w http.ResponseWriter, tel *Telemetry) {
	writeJSON(w, http.StatusOK, map[string]string{"level": strings.ToLower(tel.Level.Level().String())})
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // the peer is gone; there is nobody left to tell
}
