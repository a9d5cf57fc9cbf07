package transport

import (
	"net"
	"testing"
)

// A process with several addresses is registered by the one towards etcd, not by the first.
func TestAdvertisedAddress(t *testing.T) {
	t.Setenv(addressKey, "")
	for name, cfg := range map[string]Config{
		"etcd on this machine": {Listen: ":10002", Registry: []string{"127.0.0.1:2379"}},
		"one address":          {Listen: "127.0.0.1:10002", Registry: []string{"192.0.2.1:2379"}},
		"any port":             {Listen: ":0", Registry: []string{"192.0.2.1:2379"}},
	} {
		if addr, err := advertised(t.Context(), cfg); addr != nil || err != nil {
			t.Errorf("%s: %v, %v, want the library's choice", name, addr, err)
		}
	}
	if addr, err := advertised(t.Context(), Config{Listen: ":1", Advertise: "192.0.2.7:10002"}); err != nil ||
		addr.String() != "192.0.2.7:10002" {
		t.Errorf("as the settings say: %v, %v", addr, err)
	}
	if addr, err := advertised(t.Context(), Config{Listen: ":10002", Registry: []string{"nowhere.invalid:2379"}}); err == nil {
		t.Errorf("no way to etcd: %v, want an error, or others would not reach it", addr)
	}

	addrs, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	tried := 0
	for _, a := range addrs {
		network, ok := a.(*net.IPNet)
		if !ok || network.IP.IsLoopback() || network.IP.To4() == nil {
			continue
		}
		tried++
		etcd := net.JoinHostPort(network.IP.String(), "2379")
		for _, listen := range []string{":10002", "0.0.0.0:10002", "[::]:10002"} {
			addr, err := advertised(t.Context(), Config{Listen: listen, Registry: []string{"http://" + etcd}})
			if want := net.JoinHostPort(network.IP.String(), "10002"); err != nil || addr == nil || addr.String() != want {
				t.Errorf("%s, etcd at %s: %v, %v, want %s", listen, etcd, addr, err, want)
			}
		}
		t.Setenv(addressKey, "192.0.2.9")
		if addr, err := advertised(t.Context(), Config{Listen: ":10002", Registry: []string{etcd}}); addr != nil || err != nil {
			t.Errorf("with %s: %v, %v", addressKey, addr, err)
		}
		t.Setenv(addressKey, "")
	}
	if tried == 0 {
		t.Log("this machine has no other address than loopback")
	}
}
