package call

// IsField reports whether a line of a head or a trailer begins with a field's name and a colon (RFC 9112, 5). One that begins
// with a space goes on with the line before it, which readers take in different ways.
func IsField(line []byte) bool {
	for i, b := range line {
		if b == ':' {
			return i > 0
		}
		if !isToken(b) {
			return false
		}
	}
	return false
}

// isToken reports whether b may stand in a field's name (RFC 9110, 5.6.2).
func isToken(b byte) bool {
	const low = (1<<10-1)<<'0' | 1<<'!' | 1<<'#' | 1<<'$' | 1<<'%' | 1<<'&' | 1<<'\'' | 1<<'*' | 1<<'+' | 1<<'-' | 1<<'.'
	const high = (1<<26-1)<<('A'-64) | (1<<26-1)<<('a'-64) | 1<<('^'-64) | 1<<('_'-64) | 1<<('`'-64) | 1<<('|'-64) | 1<<('~'-64)
	if b < 64 {
		return uint64(low)>>b&1 == 1
	}
	return b < 128 && uint64(high)>>(b-64)&1 == 1
}
