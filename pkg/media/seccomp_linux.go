//go:build linux && (amd64 || arm64)

package media

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// canConfineCalls asks the kernel whether it has filters.
func canConfineCalls() bool {
	action := uint32(unix.SECCOMP_RET_ERRNO)
	_, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_GET_ACTION_AVAIL, 0, uintptr(unsafe.Pointer(&action)))
	return errno == 0
}

// confineCalls refuses system calls that neither ffmpeg nor its libraries need. They fail as if the right was missing.
func confineCalls() error {
	filter := callFilter(uint32(unix.Getpid()))
	program := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	_, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, 0, uintptr(unsafe.Pointer(&program)))
	if errno != 0 {
		return errno
	}
	return nil
}

// Offsets in what a filter sees of a call (struct seccomp_data): its number, the processor's kind, and the lower halves of the
// arguments.
const (
	atNumber = 0
	atArch   = 4
	atFirst  = 16
	atThird  = 32
	// otherABI marks calls of another convention on amd64 (x32), whose numbers are not these.
	otherABI = 0x40000000
)

// callFilter is a program that looks at one system call of what this process, pid, starts. A jump says how many instructions
// are left out when its test holds, and when it does not.
//
// The thread that starts the program has its rights, so it may be signalled by it, and a signal to a thread is one to its
// process. Hence nothing but SIGURG may be sent to this one: Go's scheduler does that, and nothing comes of it. To every other
// process it is Landlock that refuses.
func callFilter(pid uint32) []unix.SockFilter {
	load := func(at uint32) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: at}
	}
	jump := func(test uint16, value uint32, yes, no uint8) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_K | test, K: value, Jt: yes, Jf: no}
	}
	end := func(action uint32) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: action}
	}
	allow, deny := end(unix.SECCOMP_RET_ALLOW), end(unix.SECCOMP_RET_ERRNO|uint32(unix.EPERM))

	filter := []unix.SockFilter{
		load(atArch), jump(unix.BPF_JEQ, auditArch, 1, 0), end(unix.SECCOMP_RET_KILL_PROCESS),
		load(atNumber), jump(unix.BPF_JGE, otherABI, 0, 1), deny,
	}
	for _, number := range append(deniedCalls(), archDenied()...) {
		filter = append(filter, jump(unix.BPF_JEQ, number, 0, 1), deny)
	}
	return append(filter,
		jump(unix.BPF_JEQ, unix.SYS_PRLIMIT64, 0, 4), // of itself, which is 0
		load(atFirst), jump(unix.BPF_JEQ, 0, 0, 1), allow, deny,
		jump(unix.BPF_JEQ, unix.SYS_TGKILL, 0, 6),
		load(atFirst), jump(unix.BPF_JEQ, pid, 0, 2), load(atThird), jump(unix.BPF_JEQ, uint32(unix.SIGURG), 0, 1), allow, deny,
		allow,
	)
}

// deniedCalls are the numbers of the calls that all processors have.
func deniedCalls() []uint32 {
	return []uint32{
		// The network, and sockets of this machine.
		unix.SYS_SOCKET, unix.SYS_SOCKETPAIR, unix.SYS_IO_URING_SETUP,
		// Other processes of the same user.
		unix.SYS_KILL, unix.SYS_TKILL, unix.SYS_RT_SIGQUEUEINFO, unix.SYS_RT_TGSIGQUEUEINFO, unix.SYS_PIDFD_SEND_SIGNAL,
		unix.SYS_PTRACE, unix.SYS_PROCESS_VM_READV, unix.SYS_PROCESS_VM_WRITEV, unix.SYS_PIDFD_GETFD, unix.SYS_KCMP, unix.SYS_SETPRIORITY,
		unix.SYS_IOPRIO_SET, unix.SYS_SCHED_SETAFFINITY, unix.SYS_SCHED_SETSCHEDULER, unix.SYS_SCHED_SETPARAM, unix.SYS_SCHED_SETATTR,
		unix.SYS_PROCESS_MADVISE, unix.SYS_MIGRATE_PAGES, unix.SYS_MOVE_PAGES,
		// Who may do what with a file, which Landlock leaves to its owner.
		unix.SYS_FCHMOD, unix.SYS_FCHMODAT, unix.SYS_FCHMODAT2, unix.SYS_FCHOWN, unix.SYS_FCHOWNAT,
		unix.SYS_SETXATTR, unix.SYS_LSETXATTR, unix.SYS_FSETXATTR, unix.SYS_REMOVEXATTR, unix.SYS_LREMOVEXATTR, unix.SYS_FREMOVEXATTR,
		// What is kept by the kernel for a user, or opens much of the kernel to whoever calls it.
		unix.SYS_KEYCTL, unix.SYS_ADD_KEY, unix.SYS_REQUEST_KEY, unix.SYS_SHMGET, unix.SYS_SHMAT, unix.SYS_MSGGET, unix.SYS_SEMGET,
		unix.SYS_MQ_OPEN, unix.SYS_MQ_UNLINK,
		unix.SYS_UNSHARE, unix.SYS_SETNS, unix.SYS_MOUNT, unix.SYS_UMOUNT2, unix.SYS_PIVOT_ROOT, unix.SYS_CHROOT,
		unix.SYS_FSOPEN, unix.SYS_FSMOUNT, unix.SYS_OPEN_TREE, unix.SYS_MOVE_MOUNT, unix.SYS_OPEN_BY_HANDLE_AT,
		unix.SYS_BPF, unix.SYS_PERF_EVENT_OPEN, unix.SYS_USERFAULTFD,
	}
}
