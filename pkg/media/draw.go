package media

import (
	"bytes"
	"image"
	"image/color"
	"image/jpeg"
	"math"
	"math/rand/v2"

	"golang.org/x/image/draw"
)

// lab is a colour in the OKLab space, in which the way from one colour to another looks even to the eye.
type lab struct{ l, a, b float64 }

// lch makes one from lightness (0..1), strength (0 is grey, 0.2 is strong) and hue in turns (0..1, any whole part).
func lch(l, c, hue float64) lab {
	return lab{l, c * math.Cos(2*math.Pi*hue), c * math.Sin(2*math.Pi*hue)}
}

// mix goes the part t of the way from p to q.
func mix(p, q lab, t float64) lab {
	return lab{p.l + (q.l-p.l)*t, p.a + (q.a-p.a)*t, p.b + (q.b-p.b)*t}
}

// rgb converts to what a screen shows.
func (p lab) rgb() color.RGBA {
	cube := func(v float64) float64 { return v * v * v }
	l := cube(p.l + 0.3963377774*p.a + 0.2158037573*p.b)
	m := cube(p.l - 0.1055613458*p.a - 0.0638541728*p.b)
	s := cube(p.l - 0.0894841775*p.a - 1.2914855480*p.b)
	channel := func(v float64) uint8 {
		if v <= 0.0031308 {
			v *= 12.92
		} else {
			v = 1.055*math.Pow(v, 1/2.4) - 0.055
		}
		return uint8(math.Round(255 * min(max(v, 0), 1)))
	}
	return color.RGBA{
		R: channel(4.0767416621*l - 3.3077115913*m + 0.2309699292*s),
		G: channel(-1.2684380046*l + 2.6097574011*m - 0.3413193965*s),
		B: channel(-0.0041960863*l - 0.7034186147*m + 1.7076147010*s),
		A: 255,
	}
}

// source is a stream of numbers that is the same for the same seed and kind of picture.
func source(seed int64, kind uint64) *rand.Rand { return rand.New(rand.NewPCG(uint64(seed), kind)) }

// between draws a number.
func between(r *rand.Rand, low, high float64) float64 { return low + (high-low)*r.Float64() }

// ease goes from 0 at 0 to 1 at 1 without a corner, and stays there.
func ease(t float64) float64 {
	t = min(max(t, 0), 1)
	return t * t * (3 - 2*t)
}

// glow is a big soft circle. Its unit is the longer side of the picture.
type glow struct {
	x, y, radius float64
	color        lab
	strength     float64
}

// backdrop is a gradient with glows on it, in colours that go together.
type backdrop struct {
	from, to lab
	dx, dy   float64 // direction of the gradient
	glows    []glow
}

// newBackdrop draws one at a lightness. Its width and height in units are at most 1.
func newBackdrop(r *rand.Rand, width, height, lightness float64) backdrop {
	// From green by blue, violet and pink to orange: what is left out looks like mud when it is dark.
	const first, last = 0.45, 1.12
	hue := between(r, first, last)
	turn := between(r, 0.1, 0.2)
	if hue+turn > last || hue-turn > first && r.IntN(2) == 0 {
		turn = -turn
	}
	angle := 2 * math.Pi * r.Float64()
	b := backdrop{
		from: lch(lightness+0.08, 0.14, hue),
		to:   lch(lightness-0.14, 0.15, hue+turn),
		dx:   math.Cos(angle), dy: math.Sin(angle),
	}
	for i := range 5 {
		b.glows = append(b.glows, glow{
			x: between(r, -0.1, 1.1) * width, y: between(r, -0.1, 1.1) * height,
			radius:   between(r, 0.25, 0.6),
			color:    lch(lightness+between(r, -0.16, 0.2), between(r, 0.1, 0.18), hue+turn*float64(i)/4),
			strength: between(r, 0.45, 0.9),
		})
	}
	return b
}

// at is the colour of a point; the picture's width and height in units are at most 1.
func (b backdrop) at(x, y, width, height float64) lab {
	// The corners of the picture are the ends of the gradient.
	span := math.Abs(b.dx)*width + math.Abs(b.dy)*height
	c := mix(b.from, b.to, ease(0.5+((x-width/2)*b.dx+(y-height/2)*b.dy)/span))
	for _, g := range b.glows {
		d := math.Sqrt((x-g.x)*(x-g.x)+(y-g.y)*(y-g.y)) / g.radius
		if d < 1 {
			c = mix(c, g.color, g.strength*(1-ease(d)))
		}
	}
	return c
}

// paint fills a picture. A backdrop has no edges, so a quarter of the resolution is computed and then scaled up.
func (b backdrop) paint(w, h int) *image.RGBA {
	long := float64(max(w, h))
	width, height := float64(w)/long, float64(h)/long
	small := image.NewRGBA(image.Rect(0, 0, (w+3)/4, (h+3)/4))
	size := small.Bounds().Size()
	for y := range size.Y {
		for x := range size.X {
			fx, fy := (float64(x)+0.5)/float64(size.X)*width, (float64(y)+0.5)/float64(size.Y)*height
			small.SetRGBA(x, y, b.at(fx, fy, width, height).rgb())
		}
	}
	full := image.NewRGBA(image.Rect(0, 0, w, h))
	draw.CatmullRom.Scale(full, full.Bounds(), small, small.Bounds(), draw.Src, nil)
	return full
}

// ring is a circle with a sharp edge, in pixels: filled, or a line of a width.
type ring struct {
	x, y, radius float64
	line         float64 // 0 is filled
	alpha        float64 // of white
}

// paint draws it in translucent white.
func (o ring) paint(img *image.RGBA) {
	outer := o.radius + o.line/2 + 1
	area := image.Rect(int(o.x-outer), int(o.y-outer), int(o.x+outer)+1, int(o.y+outer)+1).Intersect(img.Bounds())
	for y := area.Min.Y; y < area.Max.Y; y++ {
		for x := area.Min.X; x < area.Max.X; x++ {
			d := math.Hypot(float64(x)+0.5-o.x, float64(y)+0.5-o.y) - o.radius // below 0 is inside
			if o.line > 0 {
				d = math.Abs(d) - o.line/2
			}
			if cover := min(max(0.5-d, 0), 1); cover > 0 {
				lighten(img, x, y, o.alpha*cover)
			}
		}
	}
}

// lighten mixes a pixel with white.
func lighten(img *image.RGBA, x, y int, alpha float64) {
	p := img.Pix[img.PixOffset(x, y):][:3]
	for i, v := range p {
		p[i] = uint8(math.Round(float64(v) + (255-float64(v))*alpha))
	}
}

// encodeJPEG can not fail: a buffer takes everything, and sizes are bounded by side.
func encodeJPEG(img image.Image) []byte {
	var buf bytes.Buffer
	_ = jpeg.Encode(&buf, img, &jpeg.Options{Quality: 80})
	return buf.Bytes()
}

// side brings a length in pixels into what is drawn.
func side(px int) int { return min(max(px, 16), 2048) }
