package services

// SettleAtOnce makes an audit of discovery take differences for what they are at once.
func SettleAtOnce(a Auditor) {
	if d, ok := a.(discoveryAudit); ok {
		d.catalogue.Settle = 0
	}
}
