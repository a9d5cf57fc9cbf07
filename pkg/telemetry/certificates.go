package telemetry

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// WatchCertificate adds when a certificate of this process ends, as tiktok_certificate_expires_timestamp_seconds. setting is the
// setting that names it; end is asked at each scrape, and answers zero when it cannot be read, which is 1970.
func (t *Telemetry) WatchCertificate(setting string, end func() time.Time) error {
	return t.Registry.Register(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "tiktok_certificate_expires_timestamp_seconds", Help: "When the certificate of a setting ends, Unix time.",
		ConstLabels: prometheus.Labels{"setting": setting},
	}, func() float64 { return max(0, float64(end().Unix())) }))
}
