package media

import (
	"errors"
	"fmt"
)

// Reason is why a file is refused, for a metric or a switch.
type Reason string

// The reasons.
const (
	Empty        Reason = "empty"         // no bytes
	NotVideo     Reason = "not_video"     // another kind of file
	Truncated    Reason = "truncated"     // the samples or the description are not all there
	Damaged      Reason = "damaged"       // contradicts itself, or claims what no video has
	NoVideoTrack Reason = "no_video"      // sound only, for example
	Undecodable  Reason = "undecodable"   // the description is right, but no picture can be decoded
	ZeroDuration Reason = "zero_duration" // pictures that are shown for no time
	TooLong      Reason = "too_long"      // longer than the limit
	Encrypted    Reason = "encrypted"     // protected against copying
	TooLarge     Reason = "too_large"     // more pixels than are encoded here
	TooCostly    Reason = "too_costly"    // encoding it ran into a limit of time or memory
	Unsupported  Reason = "unsupported"   // may be fine, but reading or converting it needs ffmpeg, which is not here
)

// Text is what a user is told.
func (r Reason) Text() string {
	switch r {
	case Empty:
		return "the file is empty"
	case NotVideo:
		return "the file is not a video"
	case Truncated:
		return "the video is cut off: a part of the file is missing"
	case NoVideoTrack:
		return "the file has no pictures"
	case Undecodable:
		return "the video is damaged: no picture of it can be decoded"
	case ZeroDuration:
		return "the video has no length"
	case TooLong:
		return "the video is too long"
	case TooLarge:
		return "the video is too large to be converted here"
	case TooCostly:
		return "converting the video takes more time or memory than there is: send it shorter or smaller"
	case Encrypted:
		return "the video is protected against copying"
	case Unsupported:
		return "this kind of video can not be converted here; send an mp4 file with H.264 and AAC"
	}
	return "the video is damaged"
}

// Refusal is the error for a file that can not become a video here, because of what is in it and not because of a disk or a
// program that failed.
type Refusal struct {
	// Reason is the kind.
	Reason Reason
	// Text is the reason in words, safe to show to a user: it holds nothing of the file, of paths or of programs.
	Text   string
	detail string
}

// Error is Text and the details, for a log. It may hold names from the file, in letters and digits only.
func (r *Refusal) Error() string { return r.Text + ": " + r.detail }

// Refused returns the refusal in err, nil when there is none.
func Refused(err error) *Refusal {
	var r *Refusal
	if errors.As(err, &r) {
		return r
	}
	return nil
}

func refuse(reason Reason, format string, args ...any) *Refusal {
	return &Refusal{Reason: reason, Text: reason.Text(), detail: fmt.Sprintf(format, args...)}
}

func damaged(format string, args ...any) error { return refuse(Damaged, format, args...) }

func truncated(format string, args ...any) error { return refuse(Truncated, format, args...) }
