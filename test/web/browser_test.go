// Package web_test drives the web client in Chromium, as people use it, on both deployments.
package web_test

import (
	"context"
	_ "embed"
	"fmt"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"tiktok/test/harness"
)

// patience is how long a page may take for anything, on a busy machine.
const patience = 30 * time.Second

// browser is a Chromium and the deployment that it visits.
type browser struct {
	d   *harness.Deployment
	ctx context.Context //nolint:containedctx // chromedp keeps the browser in it
}

// chromium is the path of the browser. Without one the test is skipped, in CI it fails.
func chromium(t testing.TB) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	const missing = "there is no Chromium; test/env.sh installs it"
	if os.Getenv("CI") == "true" {
		t.Fatal(missing)
	}
	t.Skip(missing)
	return ""
}

// startBrowser starts a Chromium of its own, with a profile of its own, that ends with the test.
func startBrowser(t testing.TB, d *harness.Deployment) *browser {
	t.Helper()
	opts := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(chromium(t)), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.UserDataDir(t.TempDir()),
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true), chromedp.Flag("mute-audio", true),
		chromedp.Flag("hide-scrollbars", true),
	)
	ctx, stop := chromedp.NewExecAllocator(context.Background(), opts...)
	t.Cleanup(stop)
	ctx, closeBrowser := chromedp.NewContext(ctx)
	t.Cleanup(closeBrowser)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("start Chromium: %v", err)
	}
	return &browser{d: d, ctx: ctx}
}

// each runs a test on both deployments, each with a browser. options are those of the deployments.
func each(t *testing.T, test func(t *testing.T, b *browser), options ...harness.Option) {
	t.Helper()
	chromium(t)
	// The same address again after a restart.
	options = append([]harness.Option{harness.WithoutLimits()}, options...)
	t.Run(harness.NameAllInOne, func(t *testing.T) {
		d := harness.AllInOne(t, append(options, harness.Set("gateway.addr", harness.FreePort(t)))...)
		test(t, startBrowser(t, d))
	})
	t.Run(harness.NameDistributed, func(t *testing.T) {
		test(t, startBrowser(t, harness.Distributed(t, options...)))
	})
}

// view is how a page is looked at.
type view struct {
	name          string
	width, height int64
	phone         bool
	language      string // "en" or "zh"
	dark          bool
}

func phone(language string) view {
	return view{name: "phone-" + language, width: 390, height: 844, phone: true, language: language}
}

func desktop(language string) view {
	return view{name: "desktop-" + language, width: 1440, height: 900, language: language}
}

// views are the sizes and languages that are tested.
func views() []view { return []view{phone("en"), desktop("en"), phone("zh"), desktop("zh")} }

func (v view) String() string { return fmt.Sprintf("%s, %d x %d", v.name, v.width, v.height) }
