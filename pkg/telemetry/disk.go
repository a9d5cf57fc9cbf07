package telemetry

import (
	"errors"
	"io/fs"
	"path/filepath"

	"github.com/prometheus/client_golang/prometheus"
)

// WatchDisk adds the size and the free space of the file system that holds path, in bytes, as tiktok_disk_size_bytes and
// tiktok_disk_avail_bytes. path, or folders above it, need not exist yet. Without an answer from the system, as on systems
// that are not asked, both are absent.
func (t *Telemetry) WatchDisk(path string) error {
	label := prometheus.Labels{"path": path}
	return t.Registry.Register(disk{
		path:  path,
		size:  prometheus.NewDesc("tiktok_disk_size_bytes", "Size of the file system that holds path.", nil, label),
		avail: prometheus.NewDesc("tiktok_disk_avail_bytes", "Space left on the file system that holds path, for this process.", nil, label),
	})
}

// disk asks the system at each scrape.
type disk struct {
	path        string
	size, avail *prometheus.Desc
}

// Describe implements prometheus.Collector.
func (d disk) Describe(ch chan<- *prometheus.Desc) {
	ch <- d.size
	ch <- d.avail
}

// Collect implements prometheus.Collector.
func (d disk) Collect(ch chan<- prometheus.Metric) {
	size, avail, err := nearest(d.path)
	if err != nil {
		return
	}
	ch <- prometheus.MustNewConstMetric(d.size, prometheus.GaugeValue, float64(size))
	ch <- prometheus.MustNewConstMetric(d.avail, prometheus.GaugeValue, float64(avail))
}

// nearest asks about path or, while that is missing, about the folder in which it would be.
func nearest(path string) (size, avail uint64, err error) {
	path, err = filepath.Abs(path)
	if err != nil {
		return 0, 0, err
	}
	for {
		size, avail, err = space(path)
		up := filepath.Dir(path)
		if !errors.Is(err, fs.ErrNotExist) || up == path {
			return size, avail, err
		}
		path = up
	}
}
