#!/usr/bin/env bash
# Two of each process on clusters of servers, all on this machine: breaks one after the other under load and prints what users notice.
#   test/cluster/run.sh [short|long] [go test arguments]      short: a choice of faults, about 7 minutes; long: all, about 80
# TIKTOK_CLUSTER_FAULTS=all: all faults in the short form, about 30 minutes.
# One fault: test/cluster/run.sh long -run 'TestCluster/interaction_hangs'
set -euo pipefail
# shellcheck disable=SC1091 # from any folder
. "$(dirname "$0")/../suite.sh"
begin cluster 20m 150m "$@"

alone

.ci/s3.sh 8>&-
test/cluster/servers.sh install 8>&-
trap 'test/cluster/servers.sh down --purge >/dev/null 8>&-' EXIT

# First the clients of Redis and RabbitMQ alone, each on a cluster of its own whose nodes are lost one after the other.
TIKTOK_TEST_FAILOVER=on go test -count=1 -p 1 -timeout 10m -v -run 'TestCluster' ./pkg/kv ./pkg/push ./pkg/queue 8>&-

programs ./cmd/tiktok
run_suite "$(sed -n 's/^const heading = "\(.*\)"$/\1/p' test/cluster/row_test.go)" 8>&-
