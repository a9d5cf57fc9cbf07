// Command draw writes the pictures of a demo clip to standard output, as raw RGB frames; make-clips.sh encodes them. It is not part of
// the product: only the encoded clips are.
//
//	draw SCENE            the frames
//	draw -size SCENE      width x height, frames a second and seconds, for ffmpeg's options
package main

import (
	"bufio"
	"flag"
	"fmt"
	"log"
	"math"
	"os"
	"runtime"
	"sync"
)

// fps is the rate of the frames.
const fps = 24

// colour is red, green and blue, 0..255; values outside are cut at the end.
type colour [3]float64

// mix goes from a to b as t goes from 0 to 1.
func mix(a, b colour, t float64) colour {
	for i := range a {
		a[i] += (b[i] - a[i]) * t
	}
	return a
}

// add is light added to a colour.
func add(a, light colour, strength float64) colour {
	for i := range a {
		a[i] += light[i] * strength
	}
	return a
}

func clip(x float64) float64 { return max(0, min(1, x)) }

// hash is a number between 0 and 1 that looks random.
func hash(x, y float64) float64 {
	h := math.Sin(x*12.9898+y*78.233) * 43758.5453
	return h - math.Floor(h)
}

func fract(x float64) float64 { return x - math.Floor(x) }

// mod is never negative.
func mod(x, n float64) float64 { return x - n*math.Floor(x/n) }

// scene is a clip. Its pictures move in whole turns of the angle p, so that a player that loops shows no seam.
type scene struct {
	width, height, seconds int
	// new returns the picture at a moment: the colour at x, which is 0 in the middle and grows to the right, and y, which is 0 at
	// the top and 1 at the bottom; both in heights of the picture. px is the size of a pixel.
	new func(p, px float64) func(x, y float64) colour
}

func (s scene) frame(n int) []byte {
	p := 2 * math.Pi * float64(n) / float64(s.seconds*fps)
	px := 1 / float64(s.height)
	at := s.new(p, px)
	out := make([]byte, 3*s.width*s.height)
	var wg sync.WaitGroup
	workers := runtime.GOMAXPROCS(0)
	for w := range workers {
		wg.Go(func() {
			for row := w; row < s.height; row += workers {
				for col := range s.width {
					c := at((float64(col)+0.5-float64(s.width)/2)*px, (float64(row)+0.5)*px)
					// A little noise keeps slow gradients from showing bands.
					noise := hash(float64(col), float64(row))*1.6 - 0.8
					for i, v := range c {
						out[3*(row*s.width+col)+i] = byte(max(0, min(255, v+noise+0.5)))
					}
				}
			}
		})
	}
	wg.Wait()
	return out
}

func run() error {
	size := flag.Bool("size", false, "print the size instead")
	flag.Parse()
	s, ok := scenes()[flag.Arg(0)]
	if !ok {
		return fmt.Errorf("no scene %q", flag.Arg(0))
	}
	if *size {
		_, err := fmt.Fprintf(os.Stdout, "%dx%d %d %d\n", s.width, s.height, fps, s.seconds)
		return err
	}
	out := bufio.NewWriterSize(os.Stdout, 1<<20)
	for n := range s.seconds * fps {
		if _, err := out.Write(s.frame(n)); err != nil {
			return err
		}
	}
	return out.Flush()
}

func main() {
	if err := run(); err != nil {
		log.Fatal("draw: ", err)
	}
}
