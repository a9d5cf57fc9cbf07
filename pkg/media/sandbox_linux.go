package media

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/landlock-lsm/go-landlock/landlock"
	llsyscall "github.com/landlock-lsm/go-landlock/landlock/syscall"
	"golang.org/x/sys/unix"
)

// kernelSandbox asks the kernel what it has. A container's own filter may hide it.
func kernelSandbox() sandbox {
	var s sandbox
	if v, err := llsyscall.LandlockGetABIVersion(); err == nil {
		s.landlock = v
	}
	s.seccomp = canConfineCalls()
	// Go finds out once how it can watch and signal processes: here, and not on a thread that may not.
	if p, err := os.FindProcess(os.Getpid()); err == nil {
		_ = p.Release() // always nil
	}
	return s
}

// confine takes rights from the calling thread, and with that from what it starts. They do not come back: the caller must
// have locked the thread to its goroutine, and end both.
func (s sandbox) confine(c command) error {
	if s.off {
		return nil
	}
	// Programs that would give rights (setuid) do not, and privileges of root do not come back with them.
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("no new privileges: %w", err)
	}
	var none [2]unix.CapUserData
	if err := unix.Capset(&unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}, &none[0]); err != nil {
		return fmt.Errorf("drop capabilities: %w", err)
	}
	if s.landlock > 0 {
		if err := confineFiles(c); err != nil {
			return fmt.Errorf("landlock: %w", err)
		}
	}
	if s.seccomp {
		if err := confineCalls(); err != nil {
			return fmt.Errorf("seccomp: %w", err)
		}
	}
	return nil
}

const (
	readFile  = landlock.AccessFSSet(llsyscall.AccessFSReadFile)
	runFile   = readFile | llsyscall.AccessFSExecute
	runDir    = runFile | llsyscall.AccessFSReadDir
	writeFile = readFile | llsyscall.AccessFSWriteFile | llsyscall.AccessFSTruncate
	writeDir  = writeFile | llsyscall.AccessFSReadDir | llsyscall.AccessFSMakeDir | llsyscall.AccessFSMakeReg |
		llsyscall.AccessFSRemoveFile | llsyscall.AccessFSRemoveDir
)

// confineFiles leaves the program itself, what programs of the system are made of, its input and its output. Nothing of this
// can be executed but the first two.
func confineFiles(c command) error {
	rules := []landlock.Rule{
		landlock.PathAccess(runFile, c.program),
		landlock.PathAccess(runDir, libraries(c.program)...).IgnoreIfMissing(),
		landlock.PathAccess(readFile, "/etc/ld.so.cache", "/etc/ld.so.preload", "/dev/zero", "/dev/random", "/dev/urandom").IgnoreIfMissing(),
		landlock.PathAccess(readFile|llsyscall.AccessFSReadDir, "/sys/devices/system/cpu").IgnoreIfMissing(), // how many there are
		landlock.PathAccess(writeFile, os.DevNull),
	}
	if c.read != "" {
		rules = append(rules, landlock.PathAccess(readFile, c.read).IgnoreIfMissing()) // the program says that it is missing
	}
	if c.write != "" {
		rights := writeFile
		if stat, err := os.Stat(c.write); err != nil {
			return err
		} else if stat.IsDir() {
			rights = writeDir
		}
		rules = append(rules, landlock.PathAccess(rights, c.write))
	}
	fd, flags, err := landlock.V11.BestEffort().NewRulesetFD(rules...)
	if err != nil || fd < 0 {
		return err
	}
	err = llsyscall.LandlockRestrictSelf(fd, flags)
	return errors.Join(err, unix.Close(fd))
}

// libraries are the folders of programs and libraries of the system, and those beside a program that is elsewhere.
func libraries(program string) []string {
	dirs := []string{
		"/usr/bin", "/usr/lib", "/usr/lib32", "/usr/lib64", "/usr/libexec", "/usr/local/bin", "/usr/local/lib",
		"/bin", "/lib", "/lib32", "/lib64", "/nix/store",
	}
	if real, err := filepath.EvalSymlinks(program); err == nil && filepath.Base(filepath.Dir(real)) == "bin" {
		prefix := filepath.Dir(filepath.Dir(real))
		dirs = append(dirs, filepath.Join(prefix, "lib"), filepath.Join(prefix, "lib64"))
	}
	for _, dir := range strings.Split(os.Getenv("LD_LIBRARY_PATH"), ":") {
		if filepath.IsAbs(dir) && filepath.Clean(dir) != "/" {
			dirs = append(dirs, dir)
		}
	}
	return dirs
}

// mainThread reports whether the calling thread is the first of the process.
func mainThread() bool { return unix.Gettid() == unix.Getpid() }
