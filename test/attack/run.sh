#!/usr/bin/env bash
# Attacks the all-in-one on loopback, as a process of its own with the limits that are shipped, and prints what each attack
# cost, what a bystander noticed, and whether the product withstood it. Ends by itself and leaves nothing running.
#   test/attack/run.sh [short|long] [go test arguments]     short: about 2 minutes; long: also what takes longer
set -euo pipefail
. "$(dirname "$0")/../suite.sh"
begin attack 10m 30m "$@"
# Thousands of connections have two ends on this machine.
ulimit -n "$(ulimit -Hn)"

programs ./cmd/tiktok
run_suite "$(printf '%-40s %9s %8s %8s %9s %9s  %s' attack requests seconds 'CPU s' 'peak MB' 'feed ms' 'held (feed: p99 of a bystander)')"
