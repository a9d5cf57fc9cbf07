package main

import "math"

func scenes() map[string]scene {
	return map[string]scene{
		"skyline":  {960, 540, 6, skyline},
		"lanterns": {540, 960, 8, lanterns},
		"cradle":   {960, 540, 5, cradle},
	}
}

// edge is 0 above an edge and 1 below it, within a pixel.
func edge(below, px float64) float64 { return clip(below/px + 0.5) }

// skyline is a city at dusk, on the other side of the water.
func skyline(p, px float64) func(x, y float64) colour {
	const shore = 0.73
	return func(x, y float64) colour {
		c := colour{}
		water := y > shore
		at := y
		if water { // mirrored, in waves that grow towards us
			d := y - shore
			x += d * 0.05 * math.Sin(170*d/(0.2+d)+2*p)
			at = shore - d*0.95 + d*0.12*math.Sin(230*d/(0.3+d)+9*x+3*p)
		}
		sky := math.Pow(clip(at/shore), 1.9)
		c = mix(colour{20, 18, 62}, colour{255, 138, 96}, sky)
		c = mix(c, colour{255, 206, 140}, 0.7*bell((at-shore)/0.12)*bell((x-0.25)/0.5))
		if s := hash(math.Floor(x*130), math.Floor(at*130)); s > 0.985 && at < 0.34 && !water { // stars
			dx, dy := fract(x*130)-0.5, fract(at*130)-0.5
			c = add(c, colour{255, 240, 230}, 0.8*math.Exp(-9*(dx*dx+dy*dy)*2)*(0.55+0.45*math.Sin(400*s+2*p)))
		}
		c = towers(c, x, at, px, p, 17.5, 0.30, 3, colour{128, 70, 108}, 0.8, 0.30)
		c = towers(c, x, at, px, p, 11, 0.44, 11, colour{44, 28, 66}, 1, 1)
		if water {
			c = mix(c, colour{16, 18, 48}, 0.28+0.9*(y-shore))
		}
		return c
	}
}

// towers are a row of buildings, so many in a height of the picture, with lights in their windows.
func towers(c colour, x, y, px, p, many, high, seed float64, wall colour, cover, light float64) colour {
	col := math.Floor(x * many)
	r := hash(col, seed)
	top := 0.70 - high*math.Pow(r, 1.5)*(0.55+0.45*math.Cos(col*0.5+seed))
	in := fract(x * many)
	step := 0.0
	if in < 0.22 || in > 0.84 { // shoulders
		step = 0.035 * hash(col, seed+1)
	}
	c = mix(c, wall, cover*edge(y-top-step, px))
	if spire := hash(col, seed+2); spire > 0.72 && y < top { // and some spires
		c = mix(c, wall, cover*edge(y-top+0.07*spire, px)*edge(px*1.2-math.Abs(in-0.5)/many, px))
	}
	const across, down = 7, 62
	wx, wy := math.Floor(in*across), math.Floor(y*down)
	if wx < 1 || wx > across-2 || y < top+step+0.02 || y > 0.715 {
		return c
	}
	h := hash(col*9+wx+seed, wy)
	fx, fy := fract(in*across), fract(y*down)
	if h < 0.58 || fx < 0.18 || fx > 0.82 || fy < 0.25 || fy > 0.78 {
		return c
	}
	on := clip(1.6 + 2.4*math.Sin(97*h+p*float64(1+int(h*1e4)%2)))
	warm := mix(colour{255, 196, 112}, colour{255, 236, 196}, hash(wx, wy+seed))
	return mix(c, warm, light*(0.35+0.6*on))
}

// lanterns rise from a lake.
func lanterns(p, px float64) func(x, y float64) colour {
	type lantern struct{ x, y, size, flame float64 }
	var all []lantern
	for i := range 15 {
		n := float64(i)
		size := 0.018 + 0.042*math.Pow(fract(n*0.6180339887+0.2), 1.6)
		all = append(all, lantern{
			x:     0.52*(fract(n*0.7548776662+0.27)-0.5) + 0.012*math.Sin(p+n*1.7),
			y:     mod(1.25*fract(n*0.5698402910+0.61)-1.25*p/(2*math.Pi), 1.25) - 0.2,
			size:  size,
			flame: 0.88 + 0.12*math.Sin(3*p+n*2.3)*math.Sin(2*p+n),
		})
	}
	const shore = 0.80
	return func(x, y float64) colour {
		at, dim := y, 1.0
		if y > shore {
			d := y - shore
			x += d * 0.10 * math.Sin(120*d/(0.15+d)+2*p)
			at = shore - d*1.9 + d*0.15*math.Sin(190*d/(0.2+d)+11*x-3*p)
			dim = 0.55
		}
		c := mix(colour{6, 10, 38}, colour{58, 36, 84}, math.Pow(clip(at/shore), 2))
		c = add(c, colour{255, 120, 60}, 0.16*bell((at-shore)/0.10))
		if s := hash(math.Floor(x*90), math.Floor(at*90)); s > 0.97 && at < 0.62 {
			dx, dy := fract(x*90)-0.5, fract(at*90)-0.5
			c = add(c, colour{230, 235, 255}, (s-0.97)*26*math.Exp(-22*(dx*dx+dy*dy))*(0.6+0.4*math.Sin(300*s+2*p)))
		}
		hill := 0.765 - 0.030*math.Sin(9*x+1) - 0.016*math.Sin(23*x) - 0.004*math.Sin(71*x)
		c = mix(c, colour{8, 9, 26}, edge(at-hill, px))
		for _, l := range all {
			dx, dy := (x-l.x)/l.size, (at-l.y)/l.size
			if dx*dx+dy*dy > 40 {
				continue
			}
			glow := math.Exp(-1.05 * math.Hypot(dx, dy*0.9))
			c = add(c, colour{255, 124, 34}, 0.46*l.flame*glow)
			w := 0.80 - 0.16*dy // narrower at its foot
			if math.Abs(dy) > 1.2 || math.Abs(dx) > 1.2 {
				continue
			}
			body := clip((1-math.Pow(math.Abs(dx)/w, 5)-math.Pow(math.Abs(dy), 6))*l.size/px + 0.5)
			if body > 0 {
				paper := mix(colour{226, 74, 30}, colour{255, 214, 122}, clip(0.28+0.62*(dy+0.35)*(1-0.5*dx*dx)))
				paper = mix(paper, colour{150, 44, 20}, 0.55*clip((math.Abs(dy)-0.84)*9)) // its rims
				c = mix(c, colour{paper[0] * l.flame, paper[1] * l.flame, paper[2] * l.flame}, body)
			}
		}
		return colour{c[0] * dim, c[1] * dim, c[2] * (dim + (1-dim)*0.3)}
	}
}

// cradle is five balls that hand on what one of them brings, drawn flat.
func cradle(p, px float64) func(x, y float64) colour {
	const radius, length, beam = 0.052, 0.50, 0.15
	const swings = 4
	colours := []colour{{240, 100, 92}, {246, 176, 72}, {80, 184, 156}, {70, 132, 220}, {140, 100, 206}}
	angle := func(i int) float64 {
		switch c := math.Cos(swings * p); {
		case i == 0:
			return -0.66 * max(0, c)
		case i == len(colours)-1:
			return 0.66 * max(0, -c)
		}
		return 0
	}
	ink := colour{66, 60, 78}
	return func(x, y float64) colour {
		c := mix(colour{255, 247, 232}, colour{250, 228, 206}, y)
		const floor = 0.84
		c = mix(c, colour{243, 208, 184}, edge(y-floor, px))
		for i := range colours { // shadows
			a := angle(i)
			sx := float64(i-2)*2*radius + length*math.Sin(a)
			lift := length * (1 - math.Cos(a))
			dx, dy := (x-sx)/(radius*1.15), (y-0.895)/0.016
			c = mix(c, colour{190, 140, 128}, 0.42*math.Exp(-(dx*dx+dy*dy))/(1+6*lift))
		}
		for i, base := range colours {
			a := angle(i)
			px0 := float64(i-2) * 2 * radius
			sin, cos := math.Sin(a), math.Cos(a)
			side := (x-px0)*cos - (y-beam)*sin
			along := (x-px0)*sin + (y-beam)*cos
			if along > 0 && along < length {
				c = mix(c, ink, 0.75*clip((0.0016-math.Abs(side))/px+0.5))
			}
			d := math.Hypot(side, along-length)
			if d > radius+px {
				continue
			}
			lx, ly := (x-px0-length*sin)/radius, (y-beam-length*cos)/radius
			ball := mix(base, colour{base[0] * 0.66, base[1] * 0.62, base[2] * 0.72}, clip(0.5*math.Hypot(lx+0.35, ly+0.4)-0.1))
			ball = mix(ball, colour{255, 255, 255}, 0.75*bell(4*(lx+0.36))*bell(4*(ly+0.40)))
			c = mix(c, ball, clip((radius-d)/px+0.5))
		}
		if math.Abs(x) < 0.66 {
			c = mix(c, ink, clip((0.010-math.Abs(y-beam+0.006))/px+0.5))
		}
		if math.Abs(math.Abs(x)-0.65) < 0.010 && y > beam && y < floor+0.05 {
			c = mix(c, ink, 1)
		}
		return c
	}
}

// bell is the normal curve: 1 at 0, and 0 far from it.
func bell(x float64) float64 { return math.Exp(-x * x) }
