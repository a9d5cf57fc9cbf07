package transport

import (
	"github.com/cloudwego/gopkg/concurrency/gopool"
	"github.com/cloudwego/netpoll"
)

// Calls run on goroutines that are kept. A new one for each call, as is usual, grows its stack on the way through Kitex, the
// service and the client of Redis or SQL, every time: 6 to 15 % of a service's processor time. It has to be said before the
// first connection, to the library as a whole.
func init() { //nolint:gochecknoinits // it is a setting of the library, not of a value
	_ = netpoll.Configure(netpoll.Config{Runner: gopool.CtxGo}) // other settings can be wrong, this one cannot
}
