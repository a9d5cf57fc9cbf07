package telemetry

// Addr is the bound address.
func (a *Admin) Addr() string { return a.ln.Addr().String() }
