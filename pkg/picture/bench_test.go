package picture

import (
	"image"
	"image/color"
	"os"
	"strconv"
	"strings"
	"testing"
)

// photo is about as hard to decode as one: smooth, with some noise.
type photo struct{ w, h, noise int }

func (p photo) ColorModel() color.Model { return color.RGBAModel }
func (p photo) Bounds() image.Rectangle { return image.Rect(0, 0, p.w, p.h) }
func (p photo) At(x, y int) color.Color {
	n := (x*73856093 ^ y*19349663) >> 4 % 16 * p.noise
	return color.RGBA{byte(x>>4 + n), byte(y>>4 + n), byte((x+y)>>5 + n), 255}
}

// peakMiB is how much memory the process has had at most since reset, 0 where that is not known.
func peakMiB() float64 {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(status), "VmHWM:")
	n, _, _ := strings.Cut(strings.TrimSpace(rest), " ")
	kib, _ := strconv.ParseFloat(n, 64)
	return kib / 1024
}

func benchmark(b *testing.B, data []byte, w, h int) {
	b.Helper()
	_ = os.WriteFile("/proc/self/clear_refs", []byte("5"), 0) // the peak starts anew
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Scale(b.Context(), data, w, h); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(peakMiB(), "MiB-peak")
}

// Run each in a process of its own, with -benchtime 5x, for the peak.

func BenchmarkJPEG12Megapixels(b *testing.B) {
	benchmark(b, encodeJPEG(b, photo{4000, 3000, 1}), 320, 320)
}

func BenchmarkPNG50Megapixels(b *testing.B) {
	benchmark(b, encodePNG(b, photo{8160, 6120, 0}), 1280, 480)
}
