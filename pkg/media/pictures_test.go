package media

import (
	"bytes"
	"image"
	_ "image/jpeg" // to decode them
	_ "image/png"
	"math"
	"testing"
)

func decodePicture(t *testing.T, data []byte, format string) image.Image {
	t.Helper()
	img, got, err := image.Decode(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	if got != format {
		t.Errorf("format %s, want %s", got, format)
	}
	return img
}

func TestPictures(t *testing.T) {
	type picture struct {
		name   string
		draw   func(seed int64) []byte
		format string
		w, h   int
	}
	for _, p := range []picture{
		{"portrait cover", func(seed int64) []byte { return PlaceholderCover(seed, 405, 720) }, "jpeg", 405, 720},
		{"landscape cover", func(seed int64) []byte { return PlaceholderCover(seed, 720, 405) }, "jpeg", 720, 405},
		{"background", func(seed int64) []byte { return Background(seed, 1080, 720) }, "jpeg", 1080, 720},
		{"avatar", func(seed int64) []byte { return Avatar(seed, 256) }, "png", 256, 256},
	} {
		t.Run(p.name, func(t *testing.T) {
			first := p.draw(0)
			if !bytes.Equal(first, p.draw(0)) {
				t.Error("one seed gives two pictures")
			}
			second := p.draw(math.MinInt64)
			if bytes.Equal(first, second) {
				t.Error("two seeds give one picture")
			}
			for _, data := range [][]byte{first, second} {
				if len(data) > 30_000 {
					t.Errorf("%d bytes", len(data))
				}
				if size := decodePicture(t, data, p.format).Bounds().Size(); size != image.Pt(p.w, p.h) {
					t.Errorf("%v, want %d x %d", size, p.w, p.h)
				}
			}
		})
	}
}

func TestAvatarIsSymmetric(t *testing.T) {
	s := newShape(source(5, kindAvatar).IntN)
	for i := range 50 {
		x, y := float64(i)/100, float64((i*37)%100)/100
		if a, b := s.distance(x, y), s.distance(1-x, y); math.Abs(a-b) > 1e-9 {
			t.Errorf("at (%v, %v): %v on the left, %v on the right", x, y, a, b)
		}
	}
}

func TestPicturesOfAnySize(t *testing.T) {
	for _, size := range [][2]int{{0, 0}, {-5, 7}, {1, 1}, {17, 30}, {math.MaxInt, 1}} {
		for _, data := range [][]byte{PlaceholderCover(1, size[0], size[1]), Background(1, size[0], size[1])} {
			if got := decodePicture(t, data, "jpeg").Bounds().Size(); got != image.Pt(side(size[0]), side(size[1])) {
				t.Errorf("%v: drawn as %v", size, got)
			}
		}
	}
	for _, px := range []int{-1, 0, 16, 33} {
		if got := decodePicture(t, Avatar(1, px), "png").Bounds().Dx(); got != side(px) {
			t.Errorf("%d: drawn as %d", px, got)
		}
	}
}

func BenchmarkAvatar(b *testing.B) {
	for b.Loop() {
		Avatar(7, 256)
	}
}

func BenchmarkPlaceholderCover(b *testing.B) {
	for b.Loop() {
		PlaceholderCover(7, 720, 1280)
	}
}
