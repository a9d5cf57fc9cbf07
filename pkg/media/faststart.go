package media

import (
	"context"
	"io"
	"math"
	"os"
	"slices"
)

// copyStep is how much is copied between two looks at the context.
const copyStep = 8 << 20

// Faststart writes the video that r holds to w as an mp4 file whose description is in front, so that playing can begin
// before all is loaded, and returns how many bytes it wrote. Pictures and sound are copied as they are. It keeps the
// picture and the sound that Probe chooses and leaves out the other tracks, free space, and notes such as where the video
// was recorded. A QuickTime file becomes an mp4 file. A file that needs nothing (Info.Needs) is copied byte by byte.
//
// It takes what Probe takes in memory, whatever the size, and refuses what Probe refuses; a QuickTime file whose tracks it
// can not carry over is refused as Unsupported. After an error, w holds a part. When r is an *os.File its position moves,
// and with w an *os.File the kernel copies.
func Faststart(ctx context.Context, r io.ReaderAt, size int64, w io.Writer) (int64, error) {
	m, err := open(ctx, r, size)
	if err != nil {
		return 0, err
	}
	if m.info.Needs() == NeedNothing {
		return copySpan(ctx, w, r, span{0, size})
	}
	head, err := m.rewrite()
	if err != nil {
		return 0, err
	}
	n, err := w.Write(head)
	written := int64(n)
	if err != nil {
		return written, err
	}
	for _, s := range m.file.mdat {
		header := mdatHeader(s)
		n, err := w.Write(header)
		written += int64(n)
		if err != nil {
			return written, err
		}
		copied, err := copySpan(ctx, w, r, s)
		written += copied
		if err != nil {
			return written, err
		}
	}
	return written, nil
}

// rewrite makes the new beginning of the file: what it is, and the description with new offsets.
func (m *movie) rewrite() ([]byte, error) {
	e := edit{mdat: m.file.mdat, quickTime: m.info.Container == "mov"}
	ftyp := m.file.ftyp
	if e.quickTime || len(ftyp) == 0 {
		ftyp = newBox("ftyp", []byte("isom\x00\x00\x02\x00isomiso2avc1mp41"))
	}
	total := int64(0)
	for _, s := range m.file.mdat {
		total += int64(len(mdatHeader(s))) + s.end - s.start
	}
	// How long the description is does not depend on where things go, but on how wide the offsets are. So it is made once
	// to know its length.
	e.shift = make([]int64, len(m.file.mdat))
	moov, err := e.moov(m)
	if err != nil {
		return nil, err
	}
	if int64(len(ftyp)+len(moov))+total > math.MaxUint32 {
		e.wide = true
		if moov, err = e.moov(m); err != nil {
			return nil, err
		}
	}
	at := int64(len(ftyp) + len(moov))
	for i, s := range m.file.mdat {
		at += int64(len(mdatHeader(s)))
		e.shift[i] = at - s.start
		at += s.end - s.start
	}
	if moov, err = e.moov(m); err != nil {
		return nil, err
	}
	return slices.Concat(ftyp, moov), nil
}

// copySpan copies a part of r.
func copySpan(ctx context.Context, w io.Writer, r io.ReaderAt, s span) (int64, error) {
	var written int64
	for at := s.start; at < s.end; {
		if err := alive(ctx); err != nil {
			return written, err
		}
		n, err := copyPiece(w, r, at, min(s.end-at, copyStep))
		written += n
		at += n
		if err != nil {
			return written, err
		}
	}
	return written, nil
}

func copyPiece(w io.Writer, r io.ReaderAt, at, n int64) (int64, error) {
	var from io.Reader = io.NewSectionReader(r, at, n)
	if f, ok := r.(*os.File); ok { // of this type the kernel copies without us
		if _, err := f.Seek(at, io.SeekStart); err != nil {
			return 0, err
		}
		from = io.LimitReader(f, n)
	}
	copied, err := io.Copy(w, from)
	if err == nil && copied < n {
		err = truncated("the file ends at byte %d", at+copied)
	}
	return copied, err
}
