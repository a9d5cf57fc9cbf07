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
	return encodeJPEG(img)
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
	return encodeJPEG(img)
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
	_ = png.Encode(&buf, img) // a buffer takes everything
	return buf.Bytes()
}

// shape is some cells of a grid of five by five, mirrored, joined by bars with round ends where they are neighbours.
type shape struct{ bars []bar }

// bar is what is near a point, a line along an axis, or a square, in parts of the picture's side.
type bar struct{ x1, y1, x2, y2 float64 }

const (
	cell   = 0.128        // distance of two cells
	thick  = cell * 0.46  // half the thickness of a bar
	margin = 0.5 - 2*cell // to the middle of the first cell
)

// newShape fills seven to ten of the fifteen cells of the left half and the middle.
func newShape(intn func(n int) int) shape {
	var cells [6][6]bool // with an empty column and row at the end
	for filled, want := 0, 7+intn(4); filled < want; {
		x, y := intn(3), intn(5)
		if cells[y][x] {
			continue
		}
		cells[y][x], cells[y][4-x] = true, true
		filled++
	}
	var s shape
	at := func(i int) float64 { return margin + float64(i)*cell }
	for y := range 5 {
		for x := range 5 {
			if !cells[y][x] {
				continue
			}
			// The cell itself, what joins it to the next ones, and what fills the middle of four.
			s.bars = append(s.bars, bar{at(x), at(y), at(x), at(y)})
			if cells[y][x+1] {
				s.bars = append(s.bars, bar{at(x), at(y), at(x + 1), at(y)})
			}
			if cells[y+1][x] {
				s.bars = append(s.bars, bar{at(x), at(y), at(x), at(y + 1)})
			}
			if cells[y][x+1] && cells[y+1][x] && cells[y+1][x+1] {
				s.bars = append(s.bars, bar{at(x), at(y), at(x + 1), at(y + 1)})
			}
		}
	}
	return s
}

// distance is that of a point to the edge of the shape, in parts of the picture's side; below 0 is inside.
func (s shape) distance(x, y float64) float64 {
	nearest := math.Inf(1)
	for _, b := range s.bars {
		dx, dy := x-min(max(x, b.x1), b.x2), y-min(max(y, b.y1), b.y2)
		nearest = min(nearest, dx*dx+dy*dy)
	}
	return math.Sqrt(nearest) - thick
}
