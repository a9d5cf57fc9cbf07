package media

import (
	"context"
	"errors"
	"io"
)

const (
	maxMoov   = 8 << 20 // bytes of description; an hour of video with sound has 2.5 MB
	maxFtyp   = 4 << 10
	maxNotes  = 1 << 20 // bytes of a note beside the description that is looked at
	maxBoxes  = 4096    // of all that are looked at in one file
	maxTracks = 32
	maxSide   = 8192 // pixels
)

// Probe reads the description of an mp4 or QuickTime file of the given size from r. It returns a *Refusal for everything
// that is no whole video: files without a picture, files whose end is missing (every sample of picture and sound is looked
// up), and so on; Refused finds it in the error. A file that is another kind of video is refused as Unsupported, and so is
// a fragmented one, which has no table of samples: Tools.Probe can look into those. Other errors are those of r and ctx.
//
// The codecs may be any; Info.Needs says what follows from them. Tracks other than the first picture (H.264 if there is one)
// and the first sound are ignored, but for Info.Repair. Every table of these two is compared with the size of its box and
// with the number of samples, edit lists with how long the samples last, the size of the picture with the decoder's
// settings. Probe takes memory of about twice the description, which may have 8 MiB, and time that grows with the
// description; it reads the content of two frames at most.
func Probe(ctx context.Context, r io.ReaderAt, size int64) (Info, error) {
	m, err := open(ctx, r, size)
	if err != nil {
		return Info{}, err
	}
	return m.info, nil
}

// movie is a file whose samples are all there.
type movie struct {
	info         Info
	file         layout
	top          []box  // of the description
	timescale    uint32 // ticks per second of its lengths
	shownMs      float64
	tracks       []track
	video, audio *track // audio may be nil
}

func open(ctx context.Context, r io.ReaderAt, size int64) (m movie, err error) {
	// The decoders of tables are a library's, and a file may hold what its author did not think of.
	defer func() {
		if p := recover(); p != nil {
			m, err = movie{}, damaged("the decoder failed: %v", p)
		}
	}()
	if err := sniffed(r, size, &m.info); err != nil {
		return movie{}, err
	}
	if m.file, err = scan(ctx, r, size); err != nil {
		return movie{}, err
	}
	if m.tracks, err = readTracks(m.file.moov); err != nil {
		return movie{}, err
	}
	if m.top, err = (&counter{left: maxBoxes}).children(m.file.moov); err != nil {
		return movie{}, err
	}
	m.choose()
	if m.video == nil {
		return movie{}, refuse(NoVideoTrack, "the tracks are: %s", describe(m.tracks))
	}
	if err := m.check(r); err != nil {
		return movie{}, err
	}
	if err := m.describe(size); err != nil {
		return movie{}, err
	}
	return m, nil
}

// check looks at what the description says of the chosen tracks.
func (m *movie) check(r io.ReaderAt) error {
	if err := m.video.checkVideo(r, m.file.mdat); err != nil {
		return err
	}
	if m.audio != nil {
		if err := errors.Join(m.audio.checkHeader(), m.audio.checkChunks(m.file.mdat)); err != nil {
			return err
		}
	}
	if err := m.readMovieHeader(); err != nil {
		return err
	}
	return m.checkEdits()
}

// misleads reports whether something in the description is not what players should get, and rewriting puts it right.
func (m *movie) misleads() bool {
	chosen := 1
	repair := m.video.repair
	if m.audio != nil {
		chosen++
		repair = repair || m.audio.repair
	}
	return repair || len(m.tracks) > chosen || twice(m.top) || m.misleadingHeaders()
}

// sniffed refuses what is not in boxes, and notes the container of what is.
func sniffed(r io.ReaderAt, size int64, info *Info) error {
	if size <= 0 {
		return refuse(Empty, "%d bytes", size)
	}
	head, err := readHead(r, size)
	if err != nil {
		return err
	}
	switch info.Container = sniff(head); info.Container {
	case "mp4", "mov":
		return nil
	case "":
		return refuse(NotVideo, "it begins like nothing that is known")
	default:
		return refuse(Unsupported, "a file of %s", info.Container)
	}
}

// choose takes the first picture that phones play, else the first picture, and the first sound.
func (m *movie) choose() {
	for i := range m.tracks {
		t := &m.tracks[i]
		switch {
		case t.samples() == 0 && t.broken == nil:
		case t.handler == "vide" && (m.video == nil || t.isH264() && !m.video.isH264()):
			m.video = t
		case t.handler == "soun" && m.audio == nil:
			m.audio = t
		}
	}
}

// describe fills in what is known of the chosen tracks.
func (m *movie) describe(size int64) error {
	i := &m.info
	i.WidthPx, i.HeightPx, i.RotationDeg = m.video.width, m.video.height, m.video.rotation
	i.VideoCodec, i.VideoProfile, i.PixelFormat = m.video.videoCodec()
	if m.video.mixed { // settings change on the way, which not every player follows: it is transcoded
		i.VideoProfile, i.PixelFormat = "", ""
	}
	i.FrameRate = m.video.frameRate()
	i.Faststart = m.file.moovAt < m.file.mdat[0].start
	i.Location = m.file.location || hasLocation(find(m.top, "udta").body) || hasLocation(find(m.top, "meta").body)
	for _, t := range m.tracks {
		i.Location = i.Location || t.location
	}
	var err error
	if i.DurationMs, err = m.video.durationMs(); err != nil {
		return err
	}
	if i.DurationMs <= 0 {
		return refuse(ZeroDuration, "the picture lasts %d ms", i.DurationMs)
	}
	if m.audio != nil {
		ms, err := m.audio.durationMs()
		if err != nil {
			return err
		}
		i.DurationMs = max(i.DurationMs, ms)
		i.AudioCodec, i.AudioProfile = m.audio.audioCodec()
		if m.audio.mixed {
			i.AudioProfile = ""
		}
	}
	i.DurationMs = max(i.DurationMs, int64(m.shownMs))
	i.BitrateBps = bitrate(size, i.DurationMs)
	i.Repair = m.misleads()
	return nil
}

// bitrate is that of bytes in a time. Sizes of files are far below an overflow.
func bitrate(size, ms int64) int64 {
	if ms <= 0 {
		return 0
	}
	return int64(float64(size) * 8 * 1000 / float64(ms))
}
