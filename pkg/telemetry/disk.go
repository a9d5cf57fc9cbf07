package telemetry

import (
	"github.com/prometheus/client_golang/prometheus"

	"tiktok/pkg/disk"
)

// WatchDisk adds the size and the free space of the file system that holds path, in bytes, as tiktok_disk_size_bytes and
// tiktok_disk_avail_bytes. path, or folders above it, need not exist yet. Without an answer from the system, as on systems
// that are not asked, both are absent.
func (t *Telemetry) WatchDisk(path string) error {
	label := prometheus.Labels{"path": path}
	return t.Registry.Register(watchedDisk{
		path:  path,
		size:  prometheus.NewDesc("tiktok_disk_size_bytes", "Size of the file system that holds path.", nil, label),
		avail: prometheus.NewDesc("tiktok_disk_avail_bytes", "Space left on the file system that holds path, for this process.", nil, label),
	})
}

// watchedDisk asks the system at each scrape.
type watchedDisk struct {
	path        string
	size, avail *prometheus.Desc
}

// Describe implements prometheus.Collector.
func (d watchedDisk) Describe(ch chan<- *prometheus.Desc) {
	ch <- d.size
	ch <- d.avail
}

// Collect implements prometheus.Collector.
func (d watchedDisk) Collect(ch chan<- prometheus.Metric) {
	size, avail, err := disk.Space(d.path)
	if err != nil {
		return
	}
	ch <- prometheus.MustNewConstMetric(d.size, prometheus.GaugeValue, float64(size))
	ch <- prometheus.MustNewConstMetric(d.avail, prometheus.GaugeValue, float64(avail))
}
