package boot

import (
	"log/slog"
	"regexp"
)

// place is how each line of Hertz's logger begins.
const place = `^\S+ \S+ (\w+\.go:\d+): \[(\w+)\]`

// places takes the lines of Hertz's logger and keeps of each only the level and where in Hertz it was written. The rest has what
// clients sent in it: headers, queries and so tokens. What a request was refused for is in the access log.
type places struct{ log *slog.Logger }

// Write implements io.Writer.
func (p places) Write(line []byte) (int, error) {
	at, level := "unknown", "unknown"
	if m := regexp.MustCompile(place).FindSubmatch(line); m != nil { // rare enough to be compiled each time
		at, level = string(m[1]), string(m[2])
	}
	p.log.Warn("hertz has a problem", "at", at, "hertz_level", level)
	return len(line), nil
}
