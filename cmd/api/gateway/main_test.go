package gateway_test

import (
	"io"
	"os"
	"testing"

	"github.com/cloudwego/hertz/pkg/common/hlog"
	"github.com/cloudwego/kitex/pkg/klog"
)

func TestMain(m *testing.M) {
	hlog.SetOutput(io.Discard) // both print broken connections and panics, which the tests make on purpose
	klog.SetOutput(io.Discard)
	os.Exit(m.Run())
}
