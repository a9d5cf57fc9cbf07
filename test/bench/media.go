package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"tiktok/config"
	"tiktok/pkg/media"
	"tiktok/test/dataset"
	"tiktok/test/harness"
)

const (
	// uploadBytes is the size of the uploaded file, partBytes that of the parts of it that viewers ask for.
	uploadBytes, partBytes = 100 << 20, 256 << 10
	// viewers ask at slowRate, when nobody has to wait for a processor, or as fast as answers come; nginx and the gateway
	// take turns.
	viewers, slowRate, turns = 64, 400, 3
	nginx                    = "/usr/sbin/nginx"
)

// measureMedia prints what an upload of 100 MiB holds of the gateway's memory, and how soon parts of it come beside nginx:
// the figures of docs/media.md. TIKTOK_TEST_S3 names the server of the uploads to S3. What ffmpeg takes is measured by
// the benchmarks of pkg/media.
func measureMedia(t testing.TB, o options) {
	programs, err := filepath.Abs(o.programs[0])
	check(t, err)
	start := func(opts ...harness.Option) *harness.Deployment {
		return harness.AllInOneProcess(t, append(opts, harness.Programs(programs), harness.Set("limits.driver", "off"))...)
	}
	last, first := bigVideos(t)
	fmt.Printf("%s.\n\n| upload of 100 MiB | store | time | memory before | at most |\n|---|---|--:|--:|--:|\n", machine())
	stores := map[string][]harness.Option{"local": nil}
	if os.Getenv("TIKTOK_TEST_S3") != "" {
		stores["s3"] = []harness.Option{harness.OnS3(t)}
	}
	for store, opts := range stores {
		d := start(opts...)
		u, pid := d.NewUser(t), d.PID(t, config.AllInOne)
		for _, form := range []struct {
			name string
			file []byte
		}{{"plays as it is", first}, {"rewritten (faststart)", last}} {
			u.TryPublish(t, "warms up", harness.File{Data: form.file}).OK(t)
			check(t, harness.ForgetPeak(pid))
			before, err := harness.UsageOf(pid)
			began := time.Now()
			u.TryPublish(t, form.name, harness.File{Data: form.file}).OK(t)
			took := time.Since(began)
			after, aerr := harness.UsageOf(pid)
			check(t, errors.Join(err, aerr))
			fmt.Printf("| %s | %s | %.2f s | %d MB | %d MB |\n", form.name, store, took.Seconds(), before.Memory/mb, after.Peak/mb)
		}
	}
	d := start()
	u := d.NewUser(t)
	u.TryPublish(t, "large", harness.File{Data: first}).OK(t)
	_, key, _ := strings.Cut(u.Published(t, u.ID)[0].PlayURL, "/media/")
	compareViews(t, d.Config.Blob.Dir, addrOf(d), key)
}

// bigVideos are a video of uploadBytes whose description is at its end, as cameras write it, and the same with the
// description in front.
func bigVideos(t testing.TB) (last, first []byte) {
	clip := harness.TestData(t, "moov-last.mp4")
	head := bytes.Index(clip, []byte("mdat")) - 4
	size := binary.BigEndian.Uint32(clip[head:])
	end := head + int(size)
	padding := make([]byte, uploadBytes-len(clip))
	_, _ = rand.NewChaCha8([32]byte{}).Read(padding) // never fails; zeros would be a hole somewhere
	last = slices.Concat(clip[:end], padding, clip[end:])
	binary.BigEndian.PutUint32(last[head:], size+uint32(len(padding)))
	var out bytes.Buffer
	_, err := media.Faststart(t.Context(), bytes.NewReader(last), int64(len(last)), &out)
	check(t, err)
	return last, out.Bytes()
}

// compareViews compares parts of a file from the gateway with the same from nginx: the same file of the same disk, by turns.
func compareViews(t testing.TB, root, gateway, key string) {
	if _, err := os.Stat(nginx); err != nil {
		fmt.Println("\nNo comparison with nginx: it is not installed.")
		return
	}
	dir, addr, user := t.TempDir(), harness.FreePort(t), ""
	if os.Geteuid() == 0 { // or its workers may not read the folder
		user = "user root;"
	}
	conf := fmt.Sprintf(`%s daemon off; worker_processes auto; pid %[2]s/pid; error_log %[2]s/error.log;
events { worker_connections 512; }
http {
  access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000; types { video/mp4 mp4; }
  client_body_temp_path %[2]s/body; proxy_temp_path %[2]s/proxy; fastcgi_temp_path %[2]s/fastcgi;
  uwsgi_temp_path %[2]s/uwsgi; scgi_temp_path %[2]s/scgi;
  server { listen %[3]s; root %[4]s; }
}
`, user, dir, addr, root)
	check(t, os.WriteFile(filepath.Join(dir, "nginx.conf"), []byte(conf), 0o600))
	harness.RunServer(t, nginx, addr, "/"+key, "-p", dir, "-e", filepath.Join(dir, "error.log"), "-c", filepath.Join(dir, "nginx.conf"))

	fmt.Printf("\nTime to the first byte of a part of %d KiB of that file, local store, %d connections, median of %d turns:\n\n",
		partBytes>>10, viewers, turns)
	fmt.Print("| load | | parts/s | p50 ms | p99 ms |\n|---|---|--:|--:|--:|\n")
	for _, rate := range []float64{slowRate, 0} {
		load := "as fast as they come"
		if rate > 0 {
			load = fmt.Sprintf("%.0f/s", rate)
		}
		targets := [2]struct{ name, addr, path string }{{"nginx", addr, "/" + key}, {"gateway", gateway, "/media/" + key}}
		var all [2][]result
		for range turns {
			for i, target := range targets {
				g := &generator{addr: target.addr, data: &dataset.Set{}, next: map[string]uint64{}}
				p := plan{conns: viewers, rate: rate, duration: 4 * time.Second}
				tally, err := g.run(t.Context(), p, viewing(target.path), func(int64) {})
				check(t, err)
				all[i] = append(all[i], result{tally: tally, rate: float64(tally.count[accepted]) / p.duration.Seconds()})
			}
		}
		var by [2][3]float64
		for i, target := range targets {
			by[i] = [3]float64{middle(all[i], rateOf), middle(all[i], func(r result) float64 { return r.ms(50) }), middle(all[i], p99Of)}
			fmt.Printf("| %s | %s | %.0f | %.2f | %.2f |\n", load, target.name, by[i][0], by[i][1], by[i][2])
		}
		fmt.Printf("| %s | gateway / nginx | %.2f | %.2f | %.2f |\n", load, by[1][0]/by[0][0], by[1][1]/by[0][1], by[1][2]/by[0][2])
	}
}

// viewing asks for parts at random places of a large file.
func viewing(path string) scenario {
	return scenario{
		name: "viewing", firstByte: true, answer: &answer{http.StatusPartialContent, partBytes},
		target: func(b []byte, _ *dataset.Set, _ uint64) []byte { return append(b, "GET "+path...) },
		header: func(_ *dataset.Set, n uint64) string {
			from := rand.New(rand.NewPCG(n, 7)).Int64N(uploadBytes - 2*partBytes)
			return fmt.Sprintf("Range: bytes=%d-%d\r\n", from, from+partBytes-1)
		},
	}
}
