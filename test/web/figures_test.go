package web_test

import (
	"cmp"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/performance"
	"github.com/chromedp/chromedp"

	"tiktok/test/harness"
)

// rounds is how often each figure is taken; the median is printed.
const rounds = 5

// watcher notes when the first frame of a video is shown, in milliseconds since the navigation began.
const watcher = `for (const type of ["loadeddata", "playing"]) document.addEventListener(type, (event) =>
	event.target.requestVideoFrameCallback?.(() => { globalThis.__firstFrame ??= performance.now(); }), true);
new PerformanceObserver((list) => { globalThis.__lcp = list.getEntries().at(-1).startTime; })
	.observe({type: "largest-contentful-paint", buffered: true});
globalThis.__shift = 0;
new PerformanceObserver((list) => { for (const e of list.getEntries()) if (!e.hadRecentInput) globalThis.__shift += e.value; })
	.observe({type: "layout-shift", buffered: true});`

// TestFigures prints how fast the feed of the demo is there, and what it costs. To run it:
// WEB_FIGURES=1 go test ./test/web -run TestFigures -v.
func TestFigures(t *testing.T) {
	if os.Getenv("WEB_FIGURES") == "" {
		t.Skip("WEB_FIGURES=1 prints figures")
	}
	d := harness.AllInOneProcess(t, harness.Set("demo.enabled", "true"))
	rest := memory(t, d)
	var table strings.Builder
	for _, v := range []view{phone("en"), desktop("en")} {
		var cold, warm []map[string]float64
		b := startBrowser(t, d)
		for range rounds {
			p := b.open(t, v)
			p.before(watcher)
			cold = append(cold, p.figures())
			warm = append(warm, p.figures())
			p.leave()
		}
		for _, kind := range []struct {
			name   string
			rounds []map[string]float64
		}{{"cold", cold}, {"warm", warm}} {
			fmt.Fprintf(&table, "\n%v, %s cache\n", v, kind.name)
			for _, name := range figureNames() {
				fmt.Fprintf(&table, "  %-32s %8.1f\n", name, median(kind.rounds, name))
			}
		}
	}
	b := startBrowser(t, d)
	p := b.open(t, phone("en"))
	p.visit("/")
	p.plays()
	harness.Until(t.Context(), time.Now().Add(10*time.Second)) // what a page costs that plays on
	fmt.Fprintf(&table, "\nserver: %.0f MB before the first page, %.0f MB with the page open\n", rest, memory(t, d))
	t.Log(table.String())
}

func figureNames() []string {
	return []string{
		"first contentful paint, ms", "largest contentful paint, ms", "first frame, ms", "layout shift", "scripts, kB gzip",
		"script, ms", "layout and style, ms", "all tasks, ms", "JS heap, MB",
	}
}

// figures opens the feed and takes the page's figures at the first frame.
func (p *page) figures() map[string]float64 {
	p.t.Helper()
	if _, err := chromedp.Call(p.ctx, performance.Enable, performance.EnableParams{}); err != nil {
		p.t.Fatal(err)
	}
	p.mu.Lock()
	clear(p.bytes)
	p.mu.Unlock()
	p.visit("/")
	p.until("globalThis.__firstFrame")
	got, err := chromedp.Call(p.ctx, performance.GetMetrics, cdp.Empty{})
	if err != nil {
		p.t.Fatal(err)
	}
	metrics := map[string]float64{}
	for _, m := range got.Metrics {
		metrics[m.Name] = m.Value
	}
	number := func(script string) float64 { return eval[float64](p, script) }
	return map[string]float64{
		"first contentful paint, ms":   number(`performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? -1`),
		"largest contentful paint, ms": number("globalThis.__lcp ?? -1"),
		"first frame, ms":              number("globalThis.__firstFrame"),
		"layout shift":                 number("globalThis.__shift"),
		"scripts, kB gzip":             p.scriptBytes() / 1000,
		"script, ms":                   metrics["ScriptDuration"] * 1000,
		"layout and style, ms":         (metrics["LayoutDuration"] + metrics["RecalcStyleDuration"]) * 1000,
		"all tasks, ms":                metrics["TaskDuration"] * 1000,
		"JS heap, MB":                  metrics["JSHeapUsedSize"] / 1e6,
	}
}

func median(all []map[string]float64, name string) float64 {
	sorted := slices.SortedFunc(slices.Values(all), func(a, b map[string]float64) int { return cmp.Compare(a[name], b[name]) })
	return sorted[len(sorted)/2][name]
}

// memory is what the process of the all-in-one holds, in MB.
func memory(t *testing.T, d *harness.Deployment) float64 {
	t.Helper()
	u, err := harness.UsageOf(d.PID(t, d.Processes(t)[0]))
	if err != nil {
		t.Fatal(err)
	}
	return float64(u.Memory) / 1e6
}
