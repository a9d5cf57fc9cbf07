package picture

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"image"
	"image/color"
	"image/jpeg"
	"runtime"
	"strings"
	"testing"
	"time"

	"tiktok/pkg/errno"
)

// decoded checks that data is a JPEG of this size.
func decoded(t testing.TB, data []byte, w, h int) image.Image {
	t.Helper()
	img, err := jpeg.Decode(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	if img.Bounds() != image.Rect(0, 0, w, h) {
		t.Fatalf("%v, want %d by %d pixels", img.Bounds(), w, h)
	}
	return img
}

// checkQuarters checks the colours in the middle of the quarters.
func checkQuarters(t *testing.T, img image.Image, want [4]color.NRGBA) {
	t.Helper()
	b := img.Bounds()
	for i, c := range want {
		x, y := b.Dx()/4+i%2*b.Dx()/2, b.Dy()/4+i/2*b.Dy()/2
		r, g, bl, _ := img.At(x, y).RGBA()
		got := [3]int{int(r >> 8), int(g >> 8), int(bl >> 8)}
		for j, v := range [3]byte{c.R, c.G, c.B} {
			if d := got[j] - int(v); d < -24 || d > 24 {
				t.Errorf("quarter %d is %v, want %v", i+1, got, c)
				break
			}
		}
	}
}

func TestScale(t *testing.T) {
	four := [4]color.NRGBA{red, lime, blue, white}
	pink := color.NRGBA{255, 128, 128, 255}
	gray := func(c color.NRGBA) color.NRGBA {
		y := color.GrayModel.Convert(c).(color.Gray).Y
		return color.NRGBA{y, y, y, 255}
	}
	grays := [4]color.NRGBA{gray(red), gray(lime), gray(blue), white}
	seeThrough := [4]color.NRGBA{{255, 0, 0, 128}, lime, {0, 0, 0, 0}, {0, 255, 0, 0}}
	onWhite := [4]color.NRGBA{pink, lime, white, white}
	for _, c := range []struct {
		name string
		data []byte
		want [4]color.NRGBA
	}{
		{"JPEG", encodeJPEG(t, rgby(color.RGBAModel)), four},
		{"gray JPEG", encodeJPEG(t, grayOf(rgby(color.RGBAModel))), grays},
		{"progressive JPEG", file(t, "progressive.jpg"), four},
		{"CMYK JPEG", file(t, "cmyk.jpg"), four},
		{"PNG", encodePNG(t, rgby(color.RGBAModel)), four},
		{"PNG with alpha", encodePNG(t, quarters{80, 60, seeThrough, color.NRGBAModel}), onWhite},
		{"16-bit PNG", encodePNG(t, quarters{80, 60, four, color.RGBA64Model}), four},
		{"16-bit PNG with alpha", encodePNG(t, quarters{80, 60, seeThrough, color.NRGBA64Model}), onWhite},
		{"16-bit gray PNG", encodePNG(t, rgby(color.Gray16Model)), grays},
		{"gray PNG", encodePNG(t, rgby(color.GrayModel)), grays},
		{
			"PNG with a palette", encodePNG(t, paletted(quarters{80, 60, [4]color.NRGBA{red, lime, clear, white}, color.NRGBAModel})),
			[4]color.NRGBA{red, lime, white, white},
		},
		{"interlaced PNG", file(t, "interlaced.png"), four},
		{"animated GIF", animated(t, rgby(color.RGBAModel)), four},
		{"lossy WebP", file(t, "lossy.webp"), four},
		{"lossless WebP", file(t, "lossless.webp"), four},
		{"WebP with alpha", file(t, "alpha.webp"), four},
		{"one pixel", encodePNG(t, quarters{1, 1, [4]color.NRGBA{3: red}, color.RGBAModel}), [4]color.NRGBA{red, red, red, red}},
		{"large", encodePNG(t, quarters{1501, 999, four, color.RGBAModel}), four},
		{"wide", encodePNG(t, quarters{5000, 3, [4]color.NRGBA{red, red, red, red}, color.RGBAModel}), [4]color.NRGBA{red, red, red, red}},
		{"tall", encodePNG(t, quarters{1, 5000, [4]color.NRGBA{1: red, 3: red}, color.RGBAModel}), [4]color.NRGBA{red, red, red, red}},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, size := range [][2]int{{320, 320}, {1280, 480}} {
				out, err := Scale(t.Context(), c.data, size[0], size[1])
				if err != nil {
					t.Fatal(err)
				}
				checkQuarters(t, decoded(t, out, size[0], size[1]), c.want)
			}
		})
	}
}

func grayOf(img image.Image) *image.Gray {
	g := image.NewGray(img.Bounds())
	for y := range img.Bounds().Dy() {
		for x := range img.Bounds().Dx() {
			g.Set(x, y, img.At(x, y))
		}
	}
	return g
}

// It is the middle that is shown, not squeezed: of a wide picture the sides are cut off.
func TestScaleCutsTheMiddle(t *testing.T) {
	img := image.NewRGBA(image.Rect(0, 0, 900, 300))
	for y := range 300 {
		for x := range 900 {
			img.Set(x, y, [3]color.NRGBA{red, lime, blue}[x/300])
		}
	}
	out, err := Scale(t.Context(), encodePNG(t, img), 320, 320)
	if err != nil {
		t.Fatal(err)
	}
	checkQuarters(t, decoded(t, out, 320, 320), [4]color.NRGBA{lime, lime, lime, lime})
}

// Fine patterns become gray and not another pattern.
func TestScaleAverages(t *testing.T) {
	img := image.NewGray(image.Rect(0, 0, 1600, 1600))
	for y := range 1600 {
		for x := range 1600 {
			img.Pix[y*img.Stride+x] = byte((x + y) % 2 * 255)
		}
	}
	out, err := Scale(t.Context(), encodePNG(t, img), 320, 320)
	if err != nil {
		t.Fatal(err)
	}
	half := color.NRGBA{128, 128, 128, 255}
	checkQuarters(t, decoded(t, out, 320, 320), [4]color.NRGBA{half, half, half, half})
}

// What the numbers mean is as EXIF says it: at which side of the upright picture the first row and the first column are.
func TestOrientation(t *testing.T) {
	sides := [][2]string{
		{"top", "left"},
		{"top", "right"},
		{"bottom", "right"},
		{"bottom", "left"},
		{"left", "top"},
		{"right", "top"},
		{"right", "bottom"},
		{"left", "bottom"},
	}
	stored := [4]color.NRGBA{red, lime, blue, white}
	plain := encodeJPEG(t, rgby(color.RGBAModel))
	plainPNG := encodePNG(t, rgby(color.RGBAModel))
	for i, s := range sides {
		var want [4]color.NRGBA
		for q, c := range stored {
			at := map[string]bool{side(s[0], q/2): true, side(s[1], q%2): true}
			place := 0
			if at["right"] {
				place++
			}
			if at["bottom"] {
				place += 2
			}
			want[place] = c
		}
		for name, data := range map[string][]byte{"JPEG": jpegWith(plain, exif(uint16(i+1))), "PNG": pngWith(plainPNG, exif(uint16(i+1)))} {
			t.Run(fmt.Sprint(name, " ", i+1), func(t *testing.T) {
				for _, size := range [][2]int{{320, 320}, {1280, 480}, {60, 80}} {
					out, err := Scale(t.Context(), data, size[0], size[1])
					if err != nil {
						t.Fatal(err)
					}
					checkQuarters(t, decoded(t, out, size[0], size[1]), want)
					if bytes.Contains(out, []byte("secret")) || bytes.Contains(out, []byte("Exif")) {
						t.Error("metadata is kept")
					}
				}
			})
		}
	}
	for _, n := range []uint16{0, 9, 65535} {
		out, err := Scale(t.Context(), jpegWith(plain, exif(n)), 320, 320)
		if err != nil {
			t.Fatal(err)
		}
		checkQuarters(t, decoded(t, out, 320, 320), stored)
	}
	for cut := range exif(6) { // broken metadata does not hide a picture
		if _, err := Scale(t.Context(), jpegWith(plain, exif(6)[:cut]), 32, 32); err != nil {
			t.Errorf("metadata cut after %d bytes: %v", cut, err)
		}
	}
}

// side is the one named, or for what is at the other end of it the opposite.
func side(first string, end int) string {
	if end == 0 {
		return first
	}
	return map[string]string{"top": "bottom", "bottom": "top", "left": "right", "right": "left"}[first]
}

func TestRefusals(t *testing.T) {
	cut := func(data []byte) []byte { return data[:len(data)*2/3] }
	noise := encodeJPEG(t, quarters{400, 400, [4]color.NRGBA{red, lime, blue, white}, color.RGBAModel})
	huge := animated(t, rgby(color.RGBAModel))
	copy(huge[6:], "\xff\xff\xff\xff")
	interlaced16 := pngHeader(7000, 7000, 16, 6)
	interlaced16[28] = 1
	binary.BigEndian.PutUint32(interlaced16[29:], crc32.ChecksumIEEE(interlaced16[12:29]))
	full := bytes.Replace(jpegSized(file(t, "progressive.jpg"), 8100, 6100), []byte{3, 1, 0x22}, []byte{3, 1, 0x11}, 1) // 4:4:4
	for _, c := range []struct {
		name string
		data []byte
		want *errno.Error
	}{
		{"nothing", nil, errno.PictureUnreadable},
		{"text", []byte("this is no picture"), errno.PictureUnreadable},
		{"HTML", []byte("<!DOCTYPE html><script>alert(1)</script>"), errno.PictureUnreadable},
		{"SVG", []byte(`<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>`), errno.PictureUnreadable},
		{"BMP", append([]byte("BM"), make([]byte, 200)...), errno.PictureUnreadable},
		{"TIFF", []byte("II*\x00\x08\x00\x00\x00"), errno.PictureUnreadable},
		{"zeros", make([]byte, MaxBytes), errno.PictureUnreadable},
		{"too many bytes", append(bytes.Clone(noise), make([]byte, MaxBytes)...), errno.PictureTooLarge},
		{"cut JPEG", cut(noise), errno.PictureUnreadable},
		{"cut progressive JPEG", cut(file(t, "progressive.jpg")), errno.PictureUnreadable},
		{"cut PNG", cut(encodePNG(t, rgby(color.RGBAModel))), errno.PictureUnreadable},
		{"cut GIF", animated(t, rgby(color.RGBAModel))[:60], errno.PictureUnreadable},
		{"cut WebP", cut(file(t, "lossy.webp")), errno.PictureUnreadable},
		{"cut lossless WebP", cut(file(t, "lossless.webp")), errno.PictureUnreadable},
		{"JPEG without a picture", []byte("\xff\xd8\xff\xd9"), errno.PictureUnreadable},
		{"PNG of a header", pngHeader(7000, 7000, 8, 6), errno.PictureUnreadable},
		{"PNG bomb", pngHeader(100_000, 100_000, 8, 6), errno.PictureTooLarge},
		{"PNG bomb that overflows", pngHeader(1<<31-1, 1<<31-1, 16, 6), errno.PictureUnreadable},
		{"PNG with a pixel more", pngHeader(50_000_001, 1, 8, 0), errno.PictureTooLarge},
		{"interlaced 16-bit PNG", interlaced16, errno.PictureTooLarge},
		{"empty PNG", pngHeader(0, 5, 8, 6), errno.PictureUnreadable},
		{"JPEG bomb", jpegSized(noise, 65500, 65500), errno.PictureTooLarge},
		{"progressive JPEG bomb", full, errno.PictureTooLarge},
		{"JPEG of a header", jpegSized(noise, 7000, 7000), errno.PictureUnreadable},
		{"GIF bomb", huge, errno.PictureTooLarge},
		{"WebP bomb", webpCanvas(file(t, "lossy.webp"), 0, 16000, 16000), errno.PictureTooLarge},
		{"WebP larger than it says", webpCanvas(file(t, "lossy.webp"), 0, 8, 8), errno.PictureUnreadable},
		{"lossless WebP larger than it says", webpCanvas(file(t, "lossless.webp"), 0, 8, 8), errno.PictureUnreadable},
		{
			"animated WebP", webpCanvas(append(file(t, "lossy.webp")[:12:12], "ANIM\x06\x00\x00\x00\x00\x00\x00\x00\x00\x00"...), 2, 80, 60),
			errno.PictureUnreadable,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			out, err := Scale(t.Context(), c.data, 320, 320)
			if !errors.Is(err, c.want) || out != nil {
				t.Errorf("%d bytes, error %v, want %v", len(out), err, c.want)
			}
			if msg := errno.From(err).Msg; strings.Contains(msg, ":") {
				t.Errorf("the message tells what is inside: %q", msg)
			}
		})
	}
}

// A file that takes seconds to decode ends with its request, and one that would take minutes is not begun.
func TestScaleEndsWithItsContext(t *testing.T) {
	if _, err := Scale(t.Context(), manyScans(4<<20/50), 320, 320); !errors.Is(err, errno.PictureUnreadable) {
		t.Errorf("got %v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := Scale(ctx, manyScans(maxScans), 320, 320); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	gone, stop := context.WithCancel(t.Context())
	stop()
	if _, err := Scale(gone, encodePNG(t, rgby(color.RGBAModel)), 32, 32); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// What decoding takes is what memory says, at most, for every kind of file: by that large ones are refused.
func TestMemory(t *testing.T) {
	const w, h = 1000, 800
	four := [4]color.NRGBA{red, {0, 255, 0, 100}, blue, white}
	of := func(m color.Model) quarters { return quarters{w, h, four, m} }
	for name, data := range map[string][]byte{
		"JPEG": encodeJPEG(t, of(color.RGBAModel)), "gray JPEG": encodeJPEG(t, grayOf(of(color.RGBAModel))),
		"progressive JPEG": jpegSized(file(t, "progressive.jpg"), w, h), // they fail at the end of what there is
		"CMYK JPEG":        jpegSized(file(t, "cmyk.jpg"), w, h),
		"PNG":              encodePNG(t, of(color.RGBAModel)), "PNG with alpha": encodePNG(t, of(color.NRGBAModel)),
		"16-bit PNG": encodePNG(t, of(color.NRGBA64Model)), "gray PNG": encodePNG(t, of(color.GrayModel)),
		"PNG with a palette": encodePNG(t, paletted(of(color.RGBAModel))), "GIF": animated(t, of(color.RGBAModel)),
	} {
		t.Run(name, func(t *testing.T) {
			cfg, format, err := image.DecodeConfig(bytes.NewReader(data))
			if err != nil {
				t.Fatal(err)
			}
			need, err := memory(cfg, format, data)
			if err != nil {
				t.Fatal(err)
			}
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, _, _ = image.Decode(bytes.NewReader(data))
			runtime.ReadMemStats(&after)
			const buffers = 1 << 20 // of the decoders, whatever the size
			if took := int64(after.TotalAlloc - before.TotalAlloc); took > need+buffers || took < need/8 {
				t.Errorf("decoding took %d bytes, memory says %d", took, need)
			}
		})
	}
}

func FuzzScale(f *testing.F) {
	for _, name := range []string{"progressive.jpg", "cmyk.jpg", "interlaced.png", "lossy.webp", "lossless.webp", "alpha.webp"} {
		f.Add(file(f, name))
	}
	f.Add(jpegWith(encodeJPEG(f, rgby(color.RGBAModel)), exif(6)))
	f.Add(pngWith(encodePNG(f, rgby(color.NRGBA64Model)), exif(8)))
	f.Add(animated(f, rgby(color.RGBAModel)))
	f.Add(webpCanvas(file(f, "alpha.webp"), 16, 80, 60))
	f.Add(pngHeader(100, 100, 8, 6))
	f.Fuzz(func(t *testing.T, data []byte) {
		if cfg, _, err := image.DecodeConfig(bytes.NewReader(data)); err == nil && cfg.Width*cfg.Height > 1<<20 {
			t.Skip() // slow, and no other code
		}
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		out, err := Scale(ctx, data, 64, 24)
		switch {
		case err == nil:
			decoded(t, out, 64, 24)
		case out != nil, !errors.Is(err, errno.PictureUnreadable) && !errors.Is(err, errno.PictureTooLarge) && ctx.Err() == nil:
			t.Errorf("%d bytes, error %v", len(out), err)
		}
	})
}
