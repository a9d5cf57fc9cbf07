package main

import "errors"

// mixed is a day of many users.
func mixed() scenario {
	comments := commentList()
	comments.check = func(d *dataset) judge { // others comment meanwhile
		return holding(ofComment, true, func(n uint64) int { return d.comments[n%uint64(len(d.comments))].N })
	}
	return mix("mixed", "70 % feed pages, 10 % likes, 5 % comments, 5 % comment lists, 5 % profiles, 3 % follows, 2 % messages", readers,
		part{feedAuth(), 70}, part{favoriteAction(), 10}, part{commentAction(), 5}, part{comments, 5}, part{userInfo(), 5},
		part{relationAction(), 3}, part{messageAction(), 2})
}

// mixedStorm is a burst as the gateway sees it: writes, and readers who look at what happens.
func mixedStorm() scenario {
	return mix("mixed-storm", "half likes, a quarter comments, a quarter feed pages", storm,
		part{likeSpread(), 2}, part{commentSpread(), 1}, part{feedAuth(), 1})
}

// part is how many of each round's requests are of one kind.
type part struct {
	scenario
	weight uint64
}

// stride goes through a round in steps, so that the requests of a kind are not in a row. It has no divisor in common with
// the rounds that there are.
const stride = 37

// mix joins scenarios by weight. Each kind is numbered without gaps, as if it ran alone.
func mix(name, about string, conns int, parts ...part) scenario {
	var round uint64
	for _, p := range parts {
		round += p.weight
	}
	// which is the kind of the n-th request and its number there.
	which := func(n uint64) (kind int, number uint64) {
		at := n % round * stride % round
		for i, p := range parts {
			if at < p.weight {
				return i, n/round*p.weight + at
			}
			at -= p.weight
		}
		return 0, 0 // not reached: the weights add up to round
	}
	return scenario{
		name: name, about: about, conns: conns, audited: true,
		needs: func(d *dataset) error {
			var errs []error
			for _, p := range parts {
				if p.needs != nil {
					errs = append(errs, p.needs(d))
				}
			}
			return errors.Join(errs...)
		},
		build: func(d *dataset, host string) request {
			requests := make([]request, len(parts))
			for i, p := range parts {
				requests[i] = p.build(d, host)
			}
			return func(dst []byte, n uint64) []byte {
				kind, number := which(n)
				return requests[kind](dst, number)
			}
		},
		check: func(d *dataset) judge {
			judges := make([]judge, len(parts))
			for i, p := range parts {
				judges[i] = p.judges(d)
			}
			return func(n uint64, status int, body []byte) verdict {
				kind, number := which(n)
				return judges[kind](number, status, body)
			}
		},
	}
}
