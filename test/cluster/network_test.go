package cluster_test

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"tiktok/pkg/nettest"
)

// network is what connects the nodes, which are processes and servers: before each address of a node stands a mirror, which others
// are told instead.
type network struct {
	t testing.TB

	mu    sync.Mutex
	nodes map[string]*node // guarded by mu
}

// node is one process or server.
type node struct {
	mirrors []*nettest.Proxy
	pid     func() (int, error)
}

func newNetwork(t testing.TB) *network { return &network{t: t, nodes: map[string]*node{}} }

// add makes a node known. Its pid is asked for when it is cut off.
func (n *network) add(name string, pid func() (int, error)) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.nodes[name] = &node{pid: pid}
}

// before puts a mirror before an address of a node.
func (n *network) before(name, outside, inside string) {
	p := nettest.Mirror(n.t, outside, inside)
	n.mu.Lock()
	defer n.mu.Unlock()
	n.nodes[name].mirrors = append(n.nodes[name].mirrors, p)
}

// isolate cuts a node off, as when its cable is pulled: what others send it and what it sends others gets nowhere, and nobody is told.
// It holds for the connections that it has and those that it opens.
func (n *network) isolate(name string) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	pid, err := n.nodes[name].pid()
	if err != nil {
		return err
	}
	own, err := newOwner(pid)
	if err != nil {
		return err
	}
	for other, x := range n.nodes {
		for _, p := range x.mirrors {
			if other == name {
				p.Freeze()
			} else {
				p.FreezeOf(own.has)
			}
		}
	}
	return nil
}

// rejoin ends isolate: what was under way arrives.
func (n *network) rejoin() {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, x := range n.nodes {
		for _, p := range x.mirrors {
			p.Thaw()
		}
	}
}

// shut makes dials to a node fail at once, for when it is about to be killed; reopen ends it once the node listens again.
func (n *network) shut(name string) {
	n.each(name, (*nettest.Proxy).Shut)
}

func (n *network) reopen(name string) {
	n.each(name, (*nettest.Proxy).Reopen)
}

func (n *network) each(name string, do func(*nettest.Proxy)) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, p := range n.nodes[name].mirrors {
		do(p)
	}
}

// owner knows which connections a process has opened, by the port that they come from.
type owner struct {
	pid int

	mu    sync.Mutex
	ports map[int]bool // whether it is the process's; guarded by mu
}

func newOwner(pid int) (*owner, error) {
	o := &owner{pid: pid, ports: map[int]bool{}}
	o.mu.Lock()
	defer o.mu.Unlock()
	return o, o.look()
}

func (o *owner) has(client net.Addr) bool {
	addr, ok := client.(*net.TCPAddr)
	if !ok {
		return false
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if _, known := o.ports[addr.Port]; !known && o.look() != nil {
		return false // it has ended
	}
	return o.ports[addr.Port]
}

// look reads all ports of the system and whose they are. o.mu is locked.
func (o *owner) look() error {
	folder := fmt.Sprintf("/proc/%d", o.pid)
	entries, err := os.ReadDir(filepath.Join(folder, "fd"))
	if err != nil {
		return err
	}
	sockets := map[string]bool{}
	for _, e := range entries {
		if link, err := os.Readlink(filepath.Join(folder, "fd", e.Name())); err == nil { // else it is closed by now
			if inode, ok := strings.CutPrefix(link, "socket:["); ok {
				sockets[strings.TrimSuffix(inode, "]")] = true
			}
		}
	}
	for _, table := range []string{"tcp", "tcp6"} {
		text, err := os.ReadFile(filepath.Join(folder, "net", table))
		if err != nil {
			continue // a system without IPv6
		}
		for line := range bytes.Lines(text) {
			f := strings.Fields(string(line))
			if len(f) < 10 {
				continue
			}
			port, err := strconv.ParseInt(f[1][strings.LastIndexByte(f[1], ':')+1:], 16, 32)
			if err == nil { // else it is the heading
				o.ports[int(port)] = o.ports[int(port)] || sockets[f[9]]
			}
		}
	}
	return nil
}
