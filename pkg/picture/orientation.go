package picture

import (
	"bytes"
	"image"

	"github.com/bep/imagemeta"
)

// orientation is how a picture has to be turned to be upright, as EXIF numbers it: 1 is not at all.
type orientation int

const (
	normal orientation = iota + 1
	mirrored
	upsideDown
	mirroredUpsideDown
	// Those from here on exchange width and height.
	transposed
	turnRight
	transversed
	turnLeft
)

// orientationOf reads the EXIF tag of a file; normal when there is none that makes sense.
func orientationOf(data []byte, format string) orientation {
	kind, ok := map[string]imagemeta.ImageFormat{"jpeg": imagemeta.JPEG, "png": imagemeta.PNG, "webp": imagemeta.WebP}[format]
	if !ok {
		return normal
	}
	found := normal
	const tag = "Orientation"
	// An error is one of the metadata: the picture is shown as it is.
	_, _ = imagemeta.Decode(imagemeta.Options{
		R: bytes.NewReader(data), ImageFormat: kind, Sources: imagemeta.EXIF,
		ShouldHandleTag: func(t imagemeta.TagInfo) bool { return t.Tag == tag && t.Namespace == "IFD0" },
		HandleTag: func(t imagemeta.TagInfo) error {
			if n, ok := t.Value.(uint16); ok && normal <= orientation(n) && orientation(n) <= turnLeft {
				found = orientation(n)
			}
			return imagemeta.ErrStopWalking
		},
	})
	return found
}

// onItsSide reports that width and height are exchanged.
func (o orientation) onItsSide() bool { return o >= transposed }

// upright returns the picture as it is to be shown.
func (o orientation) upright(src *image.RGBA) *image.RGBA {
	if o == normal {
		return src
	}
	w, h := src.Rect.Dx(), src.Rect.Dy()
	dst := image.NewRGBA(image.Rect(0, 0, w, h))
	if o.onItsSide() {
		dst = image.NewRGBA(image.Rect(0, 0, h, w))
	}
	for y := range dst.Rect.Dy() {
		for x := range dst.Rect.Dx() {
			fromX, fromY := o.from(x, y, w, h)
			copy(dst.Pix[dst.PixOffset(x, y):][:4], src.Pix[src.PixOffset(fromX, fromY):])
		}
	}
	return dst
}

// from is which pixel of a picture of w by h pixels is at x, y of the upright one.
func (o orientation) from(x, y, w, h int) (fromX, fromY int) {
	switch o {
	case mirrored:
		return w - 1 - x, y
	case upsideDown:
		return w - 1 - x, h - 1 - y
	case mirroredUpsideDown:
		return x, h - 1 - y
	case transposed:
		return y, x
	case turnRight:
		return y, h - 1 - x
	case transversed:
		return w - 1 - y, h - 1 - x
	case turnLeft:
		return w - 1 - y, x
	case normal:
	}
	return x, y
}
