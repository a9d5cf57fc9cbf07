package media

import (
	"bytes"
	"image/png"
	"math"
)

// The kinds of pictures, so that one seed gives three that do not look the same.
const (
	kindCover = iota + 1
	kindAvatar
	kindBackground
)

// PlaceholderCover draws a picture of w x h pixels (16 to 2048 each) for a video without one: a JPEG of some 10 to 20 kB,
// the same for the same seed.
func PlaceholderCover(seed int64, w, h int) []byte {
	w, h = side(w), side(h)
	r := source(seed, kindCover)
	long := float64(max(w, h))
	img := newBackdrop(r, float64(w)/long, float64(h)/long, 0.6).paint(w, h)
	for range 4 {
		ring{
			x: between(r, 0, 1) * float64(w), y: between(r, 0, 1) * float64(h),
			radius: between(r, 0.04, 0.2) * long, alpha: between(r, 0.05, 0.13),
		}.paint(img)
	}
	return encodeJPEG(img, 80)
}

// Background draws the picture of w x h pixels (16 to 2048 each) behind a profile: a JPEG of some 10 to 20 kB, the same
// for the same seed. It is dark enough for white text.
func Background(seed int64, w, h int) []byte {
	w, h = side(w), side(h)
	r := source(seed, kindBackground)
	long := float64(max(w, h))
	img := newBackdrop(r, float64(w)/long, float64(h)/long, 0.46).paint(w, h)
	x, y := between(r, 0.6, 1)*float64(w), between(r, 0, 0.5)*float64(h)
	for i := range 5 { // as if a drop had fallen there
		ring{x: x, y: y, radius: long * 0.1 * float64(i+1), line: long / 300, alpha: 0.16 - 0.025*float64(i)}.paint(img)
	}
	return encodeJPEG(img, 80)
}

// Avatar draws a square picture of px pixels (16 to 2048) for a user: a symmetric white shape on a gradient. It is a
// PNG of some 10 to 25 kB at 256 pixels, the same for the same seed.
func Avatar(seed int64, px int) []byte {
	px = side(px)
	r := source(seed, kindAvatar)
	back := newBackdrop(r, 1, 1, 0.62)
	back.glows = back.glows[:2]
	img := back.paint(px, px)

	shape := newShape(r.IntN)
	scale := float64(px)
	for y := range px {
		for x := range px {
			d := shape.distance((float64(x)+0.5)/scale, (float64(y)+0.5)/scale) * scale
			if cover := min(max(0.5-d, 0), 1); cover > 0 {
				lighten(img, x, y, 0.92*cover)
			}
		}
	}
	var buf bytes.Buffer
	_ = (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&buf, img) // a buffer takes everything
	return buf.Bytes()
}

// shape is a union of round drops on a grid of five by five, mirrored, that run together where they are neighbours.
type shape struct{ drops []drop }

type drop struct{ x, y, radius float64 }

// newShape fills seven to eleven of the fifteen cells of the left half and the middle.
func newShape(intn func(n int) int) shape {
	var cells [5][5]bool
	for filled, want := 0, 7+intn(4); filled < want; {
		x, y := intn(3), intn(5)
		if cells[y][x] {
			continue
		}
		cells[y][x], cells[y][4-x] = true, true
		filled++
	}
	var s shape
	const cell, margin = 0.128, 0.18
	for y, row := range cells {
		for x, on := range row {
			if on {
				s.drops = append(s.drops, drop{margin + (float64(x)+0.5)*cell, margin + (float64(y)+0.5)*cell, cell * 0.5})
			}
		}
	}
	return s
}

// distance is that of a point to the edge of the shape, about, in parts of the picture's side; below 0 is inside.
func (s shape) distance(x, y float64) float64 {
	const blend = 0.022 // how far neighbours reach for each other
	var sum float64
	for _, d := range s.drops {
		sum += math.Exp(-(math.Hypot(x-d.x, y-d.y) - d.radius) / blend)
	}
	return -blend * math.Log(sum)
}
