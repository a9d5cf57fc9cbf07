package transport

import (
	"github.com/cloudwego/gopkg/concurrency/gopool"
	"github.com/cloudwego/netpoll"
)

// KeepGoroutines makes calls run on goroutines that are kept. A new one for each call, as is usual, grows its stack on the
// way through Kitex, the service and the client of Redis or SQL, every time: 6 to 15 % of a service's processor time. It is
// a setting of the network library for the whole process, to be made before the first connection.
func KeepGoroutines() {
	_ = netpoll.Configure(netpoll.Config{Runner: gopool.CtxGo}) // other settings can be wrong, this one cannot
}
