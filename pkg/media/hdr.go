package media

import (
	"context"
	"fmt"
	"strings"
)

// What ffmpeg calls the two ways in which pictures for bright screens (HDR) are written.
const (
	transferPQ  = "smpte2084"    // HDR10
	transferHLG = "arib-std-b67" // phones and broadcast
)

// unknownTransfer is Info.Transfer of a file that was asked and does not say.
const unknownTransfer = "unknown"

// hdr reports whether the pictures are for bright screens. Shown as they are on others they look grey.
func (i Info) hdr() bool { return i.Transfer == transferPQ || i.Transfer == transferHLG }

// maybeHDR reports whether only ffprobe can tell: the probe in Go does not read how bright pictures are meant. Eight bits
// are too few for it.
func (i Info) maybeHDR() bool {
	return i.Transfer == "" && i.PixelFormat != "yuv420p" && i.PixelFormat != "yuvj420p"
}

// withTransfer fills in Info.Transfer where that matters. A file that can not be asked fails in what follows, which says
// more.
func (t *Tools) withTransfer(ctx context.Context, path string, info Info) Info {
	if !info.maybeHDR() || t.ffprobe == "" {
		return info
	}
	info.Transfer = unknownTransfer
	if asked, err := t.ask(ctx, path); err == nil && asked.Transfer != "" {
		info.Transfer = asked.Transfer
	}
	return info
}

// sizeFilter scales to exactly this size with square pixels. Pictures for bright screens become those that every screen
// shows: 8 bits, BT.709, the lights tone mapped. The pictures have been turned by then.
//
// Tone mapping needs the zscale filter. Without it the colours are converted as far as the scaler can, and bright scenes
// look flat; what is written is labelled as what it is.
func (t *Tools) sizeFilter(info Info, w, h int) string {
	switch {
	case !info.hdr():
		return fmt.Sprintf("scale=%d:%d,setsar=1", w, h)
	case t.version().zimg:
		// Scaled first: on floating point numbers each pixel costs. 4:4:4, because zscale takes no odd sizes else. 100 is the
		// brightness of white paper in cd/m².
		return fmt.Sprintf("scale=%d:%d,setsar=1,format=yuv444p10le,"+
			"zscale=tin=%s:min=2020_ncl:pin=2020:rin=tv:t=linear:npl=100,format=gbrpf32le,zscale=p=709,"+
			"tonemap=tonemap=hable:desat=0,zscale=t=709:m=709:r=tv,format=yuv444p,format=yuv420p", w, h, info.Transfer)
	}
	return fmt.Sprintf("scale=%d:%d:in_color_matrix=bt2020:out_color_matrix=bt709,setsar=1,format=yuv420p,"+
		"setparams=color_primaries=bt709:color_trc=bt709:colorspace=bt709", w, h)
}

// pictureFilter is sizeFilter for JPEG and WebP, whose colours are always those of BT.601.
func (t *Tools) pictureFilter(info Info, w, h int) string {
	filter := t.sizeFilter(info, w, h)
	if info.hdr() {
		filter += ",scale=in_color_matrix=bt709:out_color_matrix=bt601"
	}
	return filter
}

// labelArgs say in the file what sizeFilter has made of pictures for bright screens.
func labelArgs(info Info) []string {
	if !info.hdr() {
		return nil
	}
	return strings.Fields("-color_primaries bt709 -color_trc bt709 -colorspace bt709 -color_range tv")
}
