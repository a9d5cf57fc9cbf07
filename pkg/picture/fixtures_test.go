package picture

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"os"
	"path/filepath"
	"testing"
)

var (
	red, lime   = color.NRGBA{255, 0, 0, 255}, color.NRGBA{0, 255, 0, 255}
	blue, white = color.NRGBA{0, 0, 255, 255}, color.NRGBA{255, 255, 255, 255}
	clear       = color.NRGBA{}
)

// quarters is a picture in four colours: above left, above right, below left, below right.
type quarters struct {
	w, h  int
	parts [4]color.NRGBA
	model color.Model
}

func (q quarters) ColorModel() color.Model { return q.model }
func (q quarters) Bounds() image.Rectangle { return image.Rect(0, 0, q.w, q.h) }
func (q quarters) At(x, y int) color.Color {
	i := 0
	if x >= q.w/2 {
		i++
	}
	if y >= q.h/2 {
		i += 2
	}
	return q.model.Convert(q.parts[i])
}

// rgby is red, green; blue, white, in 80 by 60 pixels.
func rgby(m color.Model) quarters { return quarters{80, 60, [4]color.NRGBA{red, lime, blue, white}, m} }

func encodePNG(t testing.TB, img image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func encodeJPEG(t testing.TB, img image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, &jpeg.Options{Quality: 85}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func paletted(img image.Image) *image.Paletted {
	p := image.NewPaletted(img.Bounds(), color.Palette{red, lime, blue, white, color.Black, clear})
	for y := range img.Bounds().Dy() {
		for x := range img.Bounds().Dx() {
			p.Set(x, y, img.At(x, y))
		}
	}
	return p
}

// animated is a GIF whose first picture is img, and whose second one is black.
func animated(t testing.TB, img image.Image) []byte {
	t.Helper()
	first := paletted(img)
	second := image.NewPaletted(first.Rect, first.Palette)
	for i := range second.Pix {
		second.Pix[i] = 4
	}
	var b bytes.Buffer
	if err := gif.EncodeAll(&b, &gif.GIF{Image: []*image.Paletted{first, second}, Delay: []int{10, 10}}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func file(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// exif is metadata with an orientation, and with a text that nobody is to see.
func exif(n uint16) []byte {
	b := []byte("MM\x00\x2a\x00\x00\x00\x08\x00\x02")
	b = append(b, 0x01, 0x0e, 0, 2, 0, 0, 0, 7, 0, 0, 0, 38) // a description of seven bytes, at 38
	b = append(b, 0x01, 0x12, 0, 3, 0, 0, 0, 1, byte(n>>8), byte(n), 0, 0)
	return append(b, "\x00\x00\x00\x00secret\x00"...)
}

// jpegWith puts metadata behind the first marker.
func jpegWith(data, exif []byte) []byte {
	segment := append([]byte("Exif\x00\x00"), exif...)
	head := binary.BigEndian.AppendUint16([]byte{0xff, 0xe1}, uint16(len(segment)+2))
	return bytes.Join([][]byte{data[:2], head, segment, data[2:]}, nil)
}

// pngWith puts metadata behind the header.
func pngWith(data, exif []byte) []byte {
	const header = 8 + 25
	chunk := append([]byte("eXIf"), exif...)
	sized := append(binary.BigEndian.AppendUint32(nil, uint32(len(exif))), chunk...)
	sized = binary.BigEndian.AppendUint32(sized, crc32.ChecksumIEEE(chunk))
	return bytes.Join([][]byte{data[:header], sized, data[header:]}, nil)
}

// pngHeader is a PNG that says it has so many pixels, and has none.
func pngHeader(w, h uint32, depth, kind byte) []byte {
	chunk := binary.BigEndian.AppendUint32([]byte("IHDR"), w)
	chunk = append(binary.BigEndian.AppendUint32(chunk, h), depth, kind, 0, 0, 0)
	b := append([]byte("\x89PNG\r\n\x1a\n\x00\x00\x00\x0d"), chunk...)
	return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(chunk))
}

// jpegSized is a JPEG whose frame header is changed to say that it has so many pixels.
func jpegSized(data []byte, w, h uint16) []byte {
	out := bytes.Clone(data)
	for _, marker := range [][]byte{{0xff, 0xc0, 0}, {0xff, 0xc2, 0}} {
		if i := bytes.Index(out, marker); i >= 0 {
			binary.BigEndian.PutUint16(out[i+5:], h)
			binary.BigEndian.PutUint16(out[i+7:], w)
		}
	}
	return out
}

// webpCanvas puts what is said of the whole picture before a simple WebP.
func webpCanvas(data []byte, flags byte, w, h int) []byte {
	chunk := []byte{'V', 'P', '8', 'X', 10, 0, 0, 0, flags, 0, 0, 0}
	for _, n := range []int{w - 1, h - 1} {
		chunk = append(chunk, byte(n), byte(n>>8), byte(n>>16))
	}
	body := bytes.Join([][]byte{[]byte("WEBP"), chunk, data[12:]}, nil)
	return append(binary.LittleEndian.AppendUint32([]byte("RIFF"), uint32(len(body))), body...)
}

// manyScans is a JPEG that takes long to decode for its size: each of its scans has 45 bytes and visits 49 million pixels.
func manyScans(n int) []byte {
	const side = 7000
	b := []byte{0xff, 0xd8, 0xff, 0xdb, 0, 67, 0}
	b = append(b, bytes.Repeat([]byte{1}, 64)...)
	b = append(b, 0xff, 0xc2, 0, 11, 8, side>>8, side&255, side>>8, side&255, 1, 1, 0x11, 0)
	b = append(b, 0xff, 0xc4, 0, 20, 0x10, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xe0) // one code, of one bit: a run of empty blocks
	scan := []byte{0xff, 0xda, 0, 8, 1, 1, 0, 1, 63, 0}
	var bits []byte // 0, and the length of the run in 14 bits
	for range 24 {
		bits = append(bits, 0)
		bits = append(bits, bytes.Repeat([]byte{1}, 14)...)
	}
	for ; len(bits) >= 8; bits = bits[8:] {
		var x byte
		for _, bit := range bits[:8] {
			x = x<<1 | bit
		}
		if scan = append(scan, x); x == 0xff {
			scan = append(scan, 0)
		}
	}
	b = append(b, bytes.Repeat(scan, n)...)
	return append(b, 0xff, 0xd9)
}
