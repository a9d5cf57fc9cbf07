package media

import (
	"fmt"
	"math"
	"strings"
	"time"
)

const (
	// defaultMaxPixels is the largest picture that phones record.
	defaultMaxPixels = maxPlayLong * maxPlayShort
	// defaultMaxWork is ten minutes of 1080p with 60 pictures in a second, or two and a half of 4K.
	defaultMaxWork = 80_000_000_000
	// unknownRate is taken for pictures in a second where a file does not say: as many as are encoded at most.
	unknownRate = maxFrameRate

	// A run may take minCPU of processor time and a second more for each pixelsPerCPUSecond. That is ten times of what an
	// ordinary processor takes for a ladder, which is the most that one run makes.
	minCPU             = time.Minute
	pixelsPerCPUSecond = 5_000_000
	// hdrFactor is how much longer tone mapping takes.
	hdrFactor = 4
)

// work is how many pixels the pictures of a video have together.
func (i Info) work() float64 {
	rate := i.FrameRate
	if rate <= 0 {
		rate = unknownRate
	}
	return float64(i.WidthPx) * float64(i.HeightPx) * rate * i.duration().Seconds()
}

// CheckWork refuses a video that must be transcoded, as TooLarge, when its pictures, or all of them together, have more
// pixels than Config allows. One that plays as it is, or in another container, is never refused.
func (t *Tools) CheckWork(info Info) error {
	if info.Needs() != NeedTranscode {
		return nil
	}
	return t.checkSize(info)
}

// checkSize is CheckWork for whatever is to be encoded.
func (t *Tools) checkSize(info Info) error {
	if pixels := int64(info.WidthPx) * int64(info.HeightPx); pixels > t.maxPixels {
		r := refuse(TooLarge, "%d x %d", info.WidthPx, info.HeightPx)
		r.Text = fmt.Sprintf("pictures of %d x %d are too large to be converted here: send the video with at most %s million pixels in a picture",
			info.WidthPx, info.HeightPx, millions(t.maxPixels))
		return r
	}
	if work := info.work(); work > float64(t.maxWork) {
		r := refuse(TooLarge, "%d x %d, %g pictures/s, %d ms", info.WidthPx, info.HeightPx, info.FrameRate, info.DurationMs)
		most := info.duration().Seconds() * float64(t.maxWork) / work
		r.Text = fmt.Sprintf("the video is too long to be converted here in its size: send it smaller, or at most %d seconds of it", int(most))
		return r
	}
	return nil
}

// millions is a number in millions, with one digit behind the point where that says more.
func millions(n int64) string {
	return strings.TrimSuffix(fmt.Sprintf("%.1f", math.Floor(float64(n)/1e5)/10), ".0")
}

// cpuTime is the processor time that one run may take for a video, all threads together: in proportion to the work, and at most
// the time for one run on all its threads.
func (t *Tools) cpuTime(info Info) time.Duration {
	seconds := info.work() / pixelsPerCPUSecond
	if info.hdr() {
		seconds *= hdrFactor
	}
	most := t.timeout * time.Duration(t.threads)
	if seconds >= most.Seconds() {
		return most
	}
	return min(minCPU+time.Duration(seconds*float64(time.Second)), most)
}

// oneThread changes the arguments of ffmpeg so that everything in it has one thread, which takes less memory.
func oneThread(args []string) []string {
	out := append([]string(nil), args...)
	for i := range len(out) - 1 {
		if out[i] == "-threads" {
			out[i+1] = "1"
		}
	}
	return out
}

// slots is how many runs there may be at a time: of long ones, and of probes and covers. With a bound for the memory of all
// of them, that is divided into runs, one of which at least is for each kind.
func slots(cfg Config, cpus int) (heavy, quick int) {
	heavy, quick = orDefault(cfg.Workers, max(cpus/2, 1)), cpus
	if cfg.MemoryTotalBytes <= 0 {
		return heavy, quick
	}
	runs := max(int(cfg.MemoryTotalBytes/orDefault(cfg.MemoryBytes, defaultMemory)), 2)
	heavy = min(heavy, runs-1)
	return heavy, min(quick, runs-heavy)
}
