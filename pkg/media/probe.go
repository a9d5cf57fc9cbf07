package media

import (
	"fmt"
	"io"
)

const (
	maxMoov   = 8 << 20 // bytes of description; an hour of video with sound has 2.5 MB
	maxBoxes  = 4096    // of all that are looked at in one file
	maxTracks = 32
	maxSide   = 8192 // pixels
)

// Probe reads the description of an MP4 or QuickTime file of the given size from r. It returns an error that wraps
// ErrNotVideo for everything that a phone could not play from the beginning to the end: other formats, files without a
// picture in H.264, files whose end is missing, and fragmented files (those have no table of samples, so nobody can say
// whether they are whole, and seeking in them is slow). Tracks other than picture and sound are ignored. Other errors
// are those of r.
//
// Files come from strangers: Probe takes memory of about twice the description, which may have 8 MiB, and time that
// grows with the description, whatever the file claims; it reads the content of two frames at most. r is left anywhere.
func Probe(r io.ReadSeeker, size int64) (info Info, err error) {
	// The box decoders are a library's, and a file may hold what its author did not think of.
	defer func() {
		if p := recover(); p != nil {
			info, err = Info{}, notVideo("the decoder failed: %v", p)
		}
	}()

	file, err := scan(r, size)
	if err != nil {
		return Info{}, err
	}
	tracks, err := readTracks(file.moov)
	if err != nil {
		return Info{}, err
	}
	var video, audio *track
	for i := range tracks {
		t := &tracks[i]
		switch {
		case t.handler == "vide" && t.isH264() && t.samples() > 0 && video == nil:
			video = t
		case t.handler == "soun" && t.samples() > 0 && audio == nil:
			audio = t
		}
	}
	if video == nil {
		return Info{}, notVideo("no H.264 picture among the tracks: %s", describe(tracks))
	}
	if err := video.checkVideo(r, file.mdat); err != nil {
		return Info{}, err
	}
	info = Info{
		WidthPx: video.width, HeightPx: video.height,
		VideoCodec: "h264",
		FastStart:  file.moovAt < file.mdat[0].start,
	}
	if info.DurationMs, err = video.durationMs(); err != nil {
		return Info{}, err
	}
	if info.DurationMs <= 0 {
		return Info{}, notVideo("the picture lasts 0 ms")
	}
	if audio != nil {
		if err := audio.checkChunks(file.mdat); err != nil {
			return Info{}, err
		}
		ms, err := audio.durationMs()
		if err != nil {
			return Info{}, err
		}
		info.DurationMs = max(info.DurationMs, ms)
		info.AudioCodec = audio.audioCodec()
	}
	return info, nil
}

func notVideo(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrNotVideo, fmt.Sprintf(format, args...))
}
