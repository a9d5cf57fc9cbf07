package main

// mixedStorm is a burst as the gateway sees it: writes, and readers who look at what happens.
func mixedStorm() scenario {
	return scenario{
		name: "mixed-storm", about: "half likes, a quarter comments, a quarter feed pages", conns: storm, audited: true,
		build: func(d *dataset, host string) request {
			return mix(
				share{likeSpread().build(d, host), 2},
				share{commentSpread().build(d, host), 1},
				share{feedAuth().build(d, host), 1},
			)
		},
	}
}

// share is how many of each round's requests are of one kind.
type share struct {
	request request
	weight  uint64
}

// mix joins requests by weight. Each kind is numbered without gaps, as if it ran alone.
func mix(shares ...share) request {
	var round uint64
	for _, s := range shares {
		round += s.weight
	}
	return func(dst []byte, n uint64) []byte {
		at := n % round
		for _, s := range shares {
			if at < s.weight {
				return s.request(dst, n/round*s.weight+at)
			}
			at -= s.weight
		}
		return dst
	}
}
