package service

import "tiktok/cmd/discovery/dal/db"

// within is what is done in the transaction of each change of the catalogue, in this order.
func (s *Service) within() []db.Within {
	return []db.Within{s.store.FanOut}
}
