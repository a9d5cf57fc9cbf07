package telemetry

import (
	"html/template"
	"net/http"
	"runtime"
	"time"
)

// debugPage is the way to everything else that an admin server has; nothing on it is loaded from elsewhere.
const debugPage = `<!doctype html><meta charset="utf-8"><title>{{.Program}}</title>
<style>body{font:16px/1.6 system-ui,sans-serif;margin:2rem}td{padding-right:2rem}</style>
<h1>{{.Program}}</h1>
<table>
<tr><td>version<td>{{.Version}}
<tr><td>commit<td>{{.Revision}}
<tr><td>compiler<td>{{.Go}}
<tr><td>started<td>{{.Started}} ({{.Up}} ago)
<tr><td>log level<td>{{.Level}}
<tr><td>goroutines<td>{{.Goroutines}}
<tr><td>heap<td>{{.HeapMiB}} MiB
</table>
<ul>
<li><a href="/healthz">/healthz</a> does it live
<li><a href="/readyz">/readyz</a> can it serve, and what is missing
<li><a href="/metrics">/metrics</a>
<li><a href="/loglevel">/loglevel</a> PUT /loglevel?level=debug changes it
<li><a href="/debug/pprof/">/debug/pprof/</a> profiles, e.g. go tool pprof http://ADDRESS/debug/pprof/profile?seconds=10
</ul>
`

// debugHandler shows what runs and what else there is to ask.
func debugHandler(tel *Telemetry) http.Handler {
	page := template.Must(template.New("debug").Parse(debugPage))
	version, revision := Version()
	started := time.Now()
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		var mem runtime.MemStats
		runtime.ReadMemStats(&mem)
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Cache-Control", "no-store")
		_ = page.Execute(w, map[string]any{
			"Program": tel.Program, "Version": version, "Revision": revision, "Go": runtime.Version(),
			"Started": started.UTC().Format(time.RFC3339), "Up": time.Since(started).Round(time.Second).String(),
			"Level": tel.Level.Level().String(), "Goroutines": runtime.NumGoroutine(), "HeapMiB": mem.HeapAlloc >> 20,
		})
	})
}
