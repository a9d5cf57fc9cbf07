package media

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
)

// sniffBytes is what sniff looks at: three packets of an MPEG transport stream.
const sniffBytes = 3 * 192

// sniff tells the container from the first bytes of a file, "" for what is none that is known. The name is that of the
// demuxer that ffmpeg is told to use. It is never left to guess, because some of its formats are lists that name other
// files and addresses.
func sniff(head []byte) string {
	at := func(i int, what string) bool {
		return len(head) >= i+len(what) && string(head[i:i+len(what)]) == what
	}
	switch {
	case at(4, "ftyp"):
		return brandContainer(head)
	case at(4, "moov"), at(4, "mdat"), at(4, "wide"), at(4, "free"), at(4, "skip"), at(4, "pnot"):
		return "mov" // the first QuickTime files do not say what they are
	case at(0, "\x1a\x45\xdf\xa3"):
		return "matroska"
	case at(0, "RIFF") && at(8, "AVI "):
		return "avi"
	case at(0, "FLV\x01"):
		return "flv"
	case at(0, "\x30\x26\xb2\x75\x8e\x66\xcf\x11"):
		return "asf"
	case at(0, "OggS"):
		return "ogg"
	case at(0, "\x00\x00\x01\xba"):
		return "mpeg"
	case at(0, "G") && at(188, "G") && at(376, "G"), at(4, "G") && at(196, "G") && at(388, "G"):
		return "mpegts"
	}
	return ""
}

// brandContainer tells the family by the first name in an ftyp box.
func brandContainer(head []byte) string {
	if len(head) < 12 {
		return "mp4"
	}
	switch brand := string(head[8:12]); {
	case brand == "qt  ":
		return "mov"
	case brand == "avif", brand == "crx ", strings.HasPrefix(brand, "hei"), strings.HasPrefix(brand, "mif"):
		return "" // pictures in boxes
	}
	return "mp4"
}

// readHead reads what sniff looks at.
func readHead(r io.ReaderAt, size int64) ([]byte, error) {
	head := make([]byte, min(size, sniffBytes))
	if err := readAt(r, 0, head); err != nil {
		return nil, err
	}
	return head, nil
}

// hasLocation reports whether notes of a camera say where it was: QuickTime's ©xyz, 3GPP's loci, Apple's keys.
func hasLocation(notes []byte) bool {
	return bytes.Contains(notes, []byte("\xa9xyz")) || bytes.Contains(notes, []byte("loci")) ||
		bytes.Contains(notes, []byte("com.apple.quicktime.location"))
}

// ReaderAt reads at any place of what can only seek, such as an object of a blob store. Unlike other ReaderAts, it is not
// safe for concurrent use, and it moves the position of r.
func ReaderAt(r io.ReadSeeker) io.ReaderAt {
	if at, ok := r.(io.ReaderAt); ok {
		return at
	}
	return seeking{r}
}

type seeking struct{ r io.ReadSeeker }

func (s seeking) ReadAt(p []byte, off int64) (int, error) {
	if _, err := s.r.Seek(off, io.SeekStart); err != nil {
		return 0, err
	}
	n, err := io.ReadFull(s.r, p)
	if errors.Is(err, io.ErrUnexpectedEOF) {
		err = io.EOF
	}
	return n, err
}

// alive is the error of ctx, for loops over what a file claims.
func alive(ctx context.Context) error { return context.Cause(ctx) }
