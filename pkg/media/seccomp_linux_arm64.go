package media

import "golang.org/x/sys/unix"

const auditArch = unix.AUDIT_ARCH_AARCH64

// archDenied are calls that this processor has beside those of deniedCalls: none.
func archDenied() []uint32 { return nil }
