package picture

import (
	"context"
	"image"
	"image/draw"

	xdraw "golang.org/x/image/draw"
)

// cover returns w by h pixels of the middle of a picture, as much of it as fits.
func cover(ctx context.Context, img image.Image, w, h int) (*image.RGBA, error) {
	from, err := shrink(ctx, img, middle(img.Bounds(), w, h), w, h)
	if err != nil {
		return nil, err
	}
	if from.Rect.Dx() == w && from.Rect.Dy() == h {
		return from, nil
	}
	dst := image.NewRGBA(image.Rect(0, 0, w, h))
	xdraw.CatmullRom.Scale(dst, dst.Rect, from, from.Rect, xdraw.Src, nil)
	return dst, nil
}

// middle is the largest part in the middle of b that has the shape of w by h, at least a pixel.
func middle(b image.Rectangle, w, h int) image.Rectangle {
	width, height := b.Dx(), b.Dy()
	if width*h > height*w {
		width = max(1, height*w/h)
	} else {
		height = max(1, width*h/w)
	}
	corner := b.Min.Add(image.Pt((b.Dx()-width)/2, (b.Dy()-height)/2))
	return image.Rectangle{Min: corner, Max: corner.Add(image.Pt(width, height))}
}

// shrink returns a part of a picture on white, with less than twice w by h pixels: each is the mean of a square of pixels. It takes the
// memory of the result and of one row of squares, where a filter over all of a large picture takes hundreds of megabytes.
func shrink(ctx context.Context, img image.Image, part image.Rectangle, w, h int) (*image.RGBA, error) {
	side := max(1, min(part.Dx()/w, part.Dy()/h))
	dst := image.NewRGBA(image.Rect(0, 0, part.Dx()/side, part.Dy()/side))
	strip := image.NewRGBA(image.Rect(0, 0, dst.Rect.Dx()*side, side))
	at := part.Min.Add(image.Pt((part.Dx()-strip.Rect.Dx())/2, (part.Dy()-dst.Rect.Dy()*side)/2))
	for y := range dst.Rect.Dy() {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		draw.Draw(strip, strip.Rect, image.White, image.Point{}, draw.Src)
		draw.Draw(strip, strip.Rect, img, at.Add(image.Pt(0, y*side)), draw.Over)
		average(dst.Pix[y*dst.Stride:][:dst.Stride], strip, side)
	}
	return dst, nil
}

// average makes a row of pixels of a row of squares with that many pixels a side. All are opaque.
func average(row []byte, strip *image.RGBA, side int) {
	if side == 1 {
		copy(row, strip.Pix)
		return
	}
	area := uint32(side * side)
	for i := 0; i < len(row); i += 4 {
		var r, g, b uint32
		for y := range side {
			line := strip.Pix[y*strip.Stride+i*side:][:4*side]
			for x := 0; x < len(line); x += 4 {
				r, g, b = r+uint32(line[x]), g+uint32(line[x+1]), b+uint32(line[x+2])
			}
		}
		row[i], row[i+1], row[i+2], row[i+3] = byte((r+area/2)/area), byte((g+area/2)/area), byte((b+area/2)/area), 255
	}
}
