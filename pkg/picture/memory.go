package picture

import (
	"encoding/binary"
	"errors"
	"image"
	"image/color"
)

// memory is about how many bytes it takes to decode a picture, at most.
func memory(cfg image.Config, format string, data []byte) (int64, error) {
	pixels := int64(cfg.Width) * int64(cfg.Height)
	switch format {
	case "jpeg":
		f, ok := readFrame(data)
		if !ok {
			return 0, unreadable(errors.New("no frame"))
		}
		return f.memory(cfg), nil
	case "png":
		return pixels * pngPixel(cfg.ColorModel) * interlacing(data) / 4, nil
	case "gif":
		return 2 * pixels, nil // an index, and again when it is interlaced
	case "webp":
		switch cfg.ColorModel {
		case color.YCbCrModel:
			return 2 * pixels, nil
		case color.NYCbCrAModel:
			return 7 * pixels, nil // and what its alpha is decoded to
		}
		return 6 * pixels, nil // and again, packed, when it has few colours
	}
	return 0, unreadable(errors.New("format " + format))
}

// pngPixel is how many bytes a decoded pixel has at most.
func pngPixel(m color.Model) int64 {
	switch m {
	case color.Gray16Model, color.RGBA64Model, color.NRGBA64Model:
		return 8
	}
	if _, ok := m.(color.Palette); ok {
		return 1
	}
	return 4
}

// interlacing is how many quarters of a PNG's memory are in use: the last of seven passes has half of the pixels, and those before it
// are not collected yet.
func interlacing(data []byte) int64 {
	const at = 28 // in the header, which comes first
	if len(data) > at && data[at] != 0 {
		return 8
	}
	return 4
}

// frame is what the frame header of a JPEG says.
type frame struct {
	progressive bool
	// components have horizontal and vertical sampling factors of 1 to 4.
	components [][2]int64
}

// readFrame reads the first frame header, as image/jpeg does; that does not tell what it has read.
func readFrame(data []byte) (f frame, ok bool) {
	const soi, sos, sof0, sof2, rst0, rst7 = 0xd8, 0xda, 0xc0, 0xc2, 0xd0, 0xd7
	if len(data) < 2 || data[0] != 0xff || data[1] != soi {
		return f, false
	}
	data = data[2:]
	for len(data) >= 4 {
		marker := data[1]
		switch {
		case data[0] != 0xff, marker == 0xff: // garbage and fill bytes are passed by
			data = data[1:]
			continue
		case marker == 0, rst0 <= marker && marker <= rst7:
			data = data[2:]
			continue
		}
		length := 2 + int(binary.BigEndian.Uint16(data[2:]))
		if length < 4 || length > len(data) || marker == sos {
			return f, false
		}
		if sof0 <= marker && marker <= sof2 {
			return parseFrame(data[4:length], marker == sof2)
		}
		data = data[length:]
	}
	return f, false
}

func parseFrame(b []byte, progressive bool) (f frame, ok bool) {
	const head, perComponent = 6, 3
	if len(b) < head || len(b) != head+perComponent*int(b[5]) || b[5] == 0 {
		return f, false
	}
	f.progressive = progressive
	for b = b[head:]; len(b) > 0; b = b[perComponent:] {
		h, v := int64(b[1]>>4), int64(b[1]&15)
		if h < 1 || h > 4 || v < 1 || v > 4 {
			return f, false
		}
		f.components = append(f.components, [2]int64{h, v})
	}
	return f, true
}

// memory is for the samples of all components, which come in whole blocks; for coefficients of four bytes each when scans refine
// them; and for the pixels that are made of them when they are not YCbCr or gray.
func (f frame) memory(cfg image.Config) int64 {
	const block, coefficient = 8, 4
	maxH, maxV := int64(1), int64(1)
	for _, c := range f.components {
		maxH, maxV = max(maxH, c[0]), max(maxV, c[1])
	}
	unitsX := (int64(cfg.Width) + block*maxH - 1) / (block * maxH)
	unitsY := (int64(cfg.Height) + block*maxV - 1) / (block * maxV)
	samples := int64(0)
	for _, c := range f.components {
		samples += unitsX * unitsY * block * block * c[0] * c[1]
	}
	need := samples
	if f.progressive {
		need += coefficient * samples
	}
	switch cfg.ColorModel {
	case color.GrayModel, color.YCbCrModel:
	default:
		need += 4 * int64(cfg.Width) * int64(cfg.Height)
	}
	return need
}
