# shellcheck shell=bash
# Servers that a script starts on loopback from Debian's packages, each in a session of its own with a log and a pid file.
# Sourced by test/env.sh and test/cluster/servers.sh, which set name, dir (the folder of the instance) and for each server X
# X_port, launch_X that starts it and answers_X that sends it a real request. Both get the name of the server: redis, or redis-2 for
# the second of several, whose port is redis_port + 2. patience is how many seconds a server may take to start.

dir=${dir:?} name=${name:?}

die() {
  echo "$(basename "$0"): $*" >&2
  exit 1
}

# ---- packages ------------------------------------------------------------------------------------------------------

rabbitmq_script() { compgen -G '/usr/lib/rabbitmq/lib/rabbitmq_server-*/sbin/rabbitmq-server' | tail -n 1; }

can_install() { command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; }

install_packages() {
  local packages=("$@") policy=/usr/sbin/policy-rc.d began
  if ! can_install; then
    die "please install: ${packages[*]}   (as root: apt-get install --no-install-recommends ${packages[*]})"
  fi
  began=$(now)
  printf '  installing %s ' "${packages[*]}"
  mkdir -p "$dir"
  # The packages would start servers on the usual ports. 101 tells them not to.
  if [ ! -e $policy ]; then
    printf '#!/bin/sh\nexit 101\n' >$policy
    chmod 755 $policy
    trap 'rm -f /usr/sbin/policy-rc.d' EXIT
  fi
  if ! (
    export DEBIAN_FRONTEND=noninteractive
    apt-get -q update && apt-get -q install -y --no-install-recommends "${packages[@]}"
  ) </dev/null >"$dir/install.log" 2>&1; then
    echo "failed; the end of $dir/install.log:"
    tail -n 20 "$dir/install.log"
    exit 1
  fi
  if [ -n "$(trap -p EXIT)" ]; then
    rm -f $policy
    trap - EXIT
  fi
  echo "done in $(since "$began")"
}

# ---- processes -----------------------------------------------------------------------------------------------------

now() { echo "${EPOCHREALTIME/[.,]/}"; } # microseconds
since() {
  local tenths=$((($(now) - $1) / 100000))
  echo "$((tenths / 10)).$((tenths % 10))s"
}

# Every process that we start carries this in its environment. It tells them from all others, also when a pid file is
# old and the number belongs to somebody else by now.
mark() { echo "TIKTOK_ENV_MARK=$dir/$1"; }

is_ours() { # SERVER PID; a zombie has no environment
  grep -qzxF "$(mark "$1")" "/proc/$2/environ" 2>/dev/null
}

pid_of() { # SERVER; fails when it does not run
  local pid
  pid=$(cat "$dir/$1.pid" 2>/dev/null) && [ -n "$pid" ] && is_ours "$1" "$pid" && echo "$pid"
}

is_gone() { # PID; a zombie has let go of its files and ports
  local state
  state=$(sed -n 's/^State:[[:space:]]*//p' "/proc/$1/status" 2>/dev/null) || true
  [[ -z $state || $state == [ZX]* ]]
}

all_pids() { # every process of SERVER, helpers too
  local f
  # shellcheck disable=SC2013 # names without spaces, and the loop must not be a pipe that fails
  for f in $(grep -lzxF "$(mark "$1")" /proc/[0-9]*/environ 2>/dev/null); do # processes come and go: it may fail
    f=${f#/proc/}
    echo "${f%/environ}"
  done
}

# launch SERVER COMMAND...: in the background, in a session of its own, with a log and a pid file.
launch() {
  local server=$1
  shift
  env "$(mark "$server")" setsid "$@" </dev/null >>"$dir/logs/$server.log" 2>&1 9>&- &
  echo $! >"$dir/$server.pid"
}

port_of() {
  local var=${1%-[0-9]}_port node=${1##*-}
  [ "$node" != "$1" ] || node=0
  echo $((${!var} + node))
}

port_taken() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

http_get() { # PORT PATH, without curl
  # shellcheck disable=SC2016 # the variables belong to the inner shell
  timeout 2 bash -c 'exec 3<>"/dev/tcp/127.0.0.1/$0" && printf "GET %s HTTP/1.0\r\n\r\n" "$1" >&3 && cat <&3' "$1" "$2" 2>/dev/null
}

# ---- commands ------------------------------------------------------------------------------------------------------

declare -A began # when each server was started, in microseconds

begin() { # SERVER
  began[$1]=$(now)
  pid_of "$1" >/dev/null && return
  mkdir -p "$dir/logs"
  if port_taken "$(port_of "$1")"; then
    die "port $(port_of "$1") for $1 is taken by a process that env.sh did not start"
  fi
  "launch_${1%-[0-9]}" "$1"
}

finish() { # SERVER...: wait until each answers, and say so as it does
  local s waiting=("$@") still
  while [ ${#waiting[@]} -gt 0 ]; do
    still=()
    for s in "${waiting[@]}"; do
      if "answers_${s%-[0-9]}" "$s"; then
        printf '  %-12s ready in %5s on 127.0.0.1:%s\n' "$s" "$(since "${began[$s]}")" "$(port_of "$s")"
      elif ! kill -0 "$(cat "$dir/$s.pid")" 2>/dev/null || (($(now) - began[$s] > ${patience:-120} * 1000000)); then
        printf '  %-12s did not start; the end of %s:\n' "$s" "$dir/logs/$s.log"
        tail -n 20 "$dir/logs/$s.log"
        exit 1
      else
        still+=("$s")
      fi
    done
    waiting=("${still[@]}")
    [ ${#waiting[@]} -eq 0 ] || sleep 0.2
  done
}

start_all() { # SERVER...: at the same time
  local s
  for s in "$@"; do begin "$s"; done
  finish "$@"
}

stop() { # SERVER SIGNAL: and everything that belongs to it
  local pid t
  t=$(now)
  printf '  %-12s ' "$1"
  if pid=$(pid_of "$1"); then
    kill "-$2" "$pid" 2>/dev/null || true
    until is_gone "$pid"; do
      if (($(now) - t > 60000000)); then
        printf 'does not stop, killed; '
        kill -KILL "$pid" 2>/dev/null || true
      fi
      sleep 0.05
    done
  fi
  # Helpers (RabbitMQ's port mapper and the like), and what an interrupted start left behind.
  while pid=$(all_pids "$1") && [ -n "$pid" ]; do
    # shellcheck disable=SC2086 # several numbers
    kill -KILL $pid 2>/dev/null || true
    for pid in $pid; do until is_gone "$pid"; do sleep 0.02; done; done
  done
  rm -f "$dir/$1.pid"
  echo "stopped in $(since "$t")"
}

status_of() { # SERVER...: a line for each; fails unless all of them answer
  local s pid failed=0
  for s in "$@"; do
    if ! pid=$(pid_of "$s"); then
      printf '  %-12s down\n' "$s"
      failed=1
    elif "answers_${s%-[0-9]}" "$s"; then
      printf '  %-12s ready, pid %s, 127.0.0.1:%s\n' "$s" "$pid" "$(port_of "$s")"
    else
      printf '  %-12s pid %s, does not answer, see %s\n' "$s" "$pid" "$dir/logs/$s.log"
      failed=1
    fi
  done
  return $failed
}

# One command of an instance at a time. The servers do not inherit the lock (9>&-).
lock() {
  mkdir -p "$(dirname "$dir")"
  exec 9>"$(dirname "$dir")/$name.lock"
  flock -w 300 9 || die "another env.sh has been busy with $name for 5 minutes"
}
