#!/usr/bin/env bash
# Private instances of MariaDB, Redis, RabbitMQ and etcd for development and tests, on loopback, beside whatever else
# runs on this machine. Debian's packages are installed when they are missing (that needs root); nothing else does.
# Also an S3 server, where .ci/s3.sh has built it, ffmpeg, and nginx and Chromium (which tests start themselves). And three
# nodes of OpenSearch, only when they are asked for by name: about 0.8 GB of memory. They come from Maven Central on first use.
#
#   test/env.sh up                 install what is missing, start what does not run, wait until each answers
#   test/env.sh down [--purge]     stop all of it; --purge also deletes the data
#   test/env.sh status             one line per server; fails unless all of them answer
#   test/env.sh env                shell exports: where tests and the eight processes find the servers
#   test/env.sh start|stop|restart|kill SERVER...    one server: mysql, redis, rabbitmq, etcd, s3; kill is SIGKILL
#                                  opensearch is the cluster, opensearch-1 to opensearch-3 are its nodes
#
#   TIKTOK_ENV_NAME  the instance, default "dev". "dev" has the ports 21xxx, "test" 22xxx.
#   TIKTOK_ENV_BASE  the base of the ports for an instance of another name, e.g. 23000.
#   TIKTOK_ENV_BUFFER  what MariaDB holds of its data in memory, default 192M.
#   TIKTOK_ENV_DIR   where instances keep their data, default .env.d beside go.mod.
#
# Ports: base + 306 MySQL, + 379 Redis, + 380 etcd (+ 381 its peers), + 672 RabbitMQ (+ 673 its nodes, + 674 its epmd),
# + 900 S3, + 920 to + 922 OpenSearch (+ 930 to + 932 its peers).
set -euo pipefail
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin

repo=$(cd "$(dirname "$0")/.." && pwd)
name=${TIKTOK_ENV_NAME:-dev}
dir=${TIKTOK_ENV_DIR:-$repo/.env.d}/$name
servers=(mysql redis etcd rabbitmq)
s3_binary=$repo/bin/tools/versitygw
opensearch_nodes=(opensearch-1 opensearch-2 opensearch-3)
[ ! -x "$s3_binary" ] || servers+=(s3)
# shellcheck disable=SC1091 # from any folder
. "$repo/test/servers.sh"

case $name in
  dev) base=21000 ;;
  test) base=22000 ;;
  *) base=${TIKTOK_ENV_BASE:-} ;;
esac
[[ $name =~ ^[a-z0-9_]+$ ]] || die "TIKTOK_ENV_NAME may hold only a-z, 0-9 and _"
[[ $base =~ ^[0-9]+$ ]] || die "set TIKTOK_ENV_BASE for the instance $name, e.g. 23000"
# Above 32768 the system hands ports out to outgoing connections.
((base >= 1024 && base + 999 < 32768)) || die "TIKTOK_ENV_BASE must be between 1024 and 31768"
[[ $dir != *[[:space:]]* ]] || die "RabbitMQ cannot live in a folder with spaces: $dir; set TIKTOK_ENV_DIR"

mysql_port=$((base + 306))
redis_port=$((base + 379))
etcd_port=$((base + 380))
etcd_peer_port=$((base + 381))
rabbitmq_port=$((base + 672))
rabbitmq_dist_port=$((base + 673))
epmd_port=$((base + 674))
s3_port=$((base + 900))
opensearch_port=$((base + 919)) # and the number of the node
opensearch_peer_port=$((base + 929))
mysql_socket=/tmp/tiktok-env-$mysql_port.sock # a path of a socket may not be long

# ---- packages ------------------------------------------------------------------------------------------------------

missing_packages() {
  command -v mariadbd >/dev/null && command -v mariadb >/dev/null && command -v mariadb-install-db >/dev/null || echo mariadb-server
  command -v redis-server >/dev/null && command -v redis-cli >/dev/null || echo redis-server
  [ -n "$(rabbitmq_script)" ] && command -v epmd >/dev/null || echo rabbitmq-server
  command -v etcd >/dev/null || echo etcd-server
  # No server, but what makes and plays the videos. Without it tests are skipped, so where it can not be installed it is let be.
  command -v ffmpeg >/dev/null && command -v ffprobe >/dev/null || ! can_install || echo ffmpeg
  command -v nginx >/dev/null || ! can_install || echo nginx # for the shipped configuration, likewise
  command -v chromium >/dev/null || ! can_install || echo chromium # for the web client, likewise
}

# The version is in test/opensearch/pom.xml, the hash is of all files that Maven brings.
opensearch_version=$(sed -n 's/.*<opensearch.version>\(.*\)<.*/\1/p' "$repo/test/opensearch/pom.xml")
opensearch_hash=d842d0e024b4778f2685f08113f714eda1b0e130080b6c97609cc790942bbf91
opensearch_home=$repo/bin/tools/opensearch-$opensearch_version

fetch_opensearch() {
  local t new hash
  if [ -d "$opensearch_home" ]; then
    command -v java >/dev/null || install_packages default-jre-headless
    return
  fi
  command -v mvn >/dev/null || install_packages maven
  t=$(now)
  printf '  fetching OpenSearch %s ' "$opensearch_version"
  mkdir -p "$repo/bin/tools" "$dir/logs"
  new=$(mktemp -d "$repo/bin/tools/opensearch.XXXXXX")
  # shellcheck disable=SC2064 # the folder of now
  trap "rm -rf '$new'" EXIT
  if ! timeout 120 mvn -B -q -ntp -C -f "$repo/test/opensearch/pom.xml" package "-Dout=$new" </dev/null >"$dir/logs/maven.log" 2>&1; then
    echo "failed; the end of $dir/logs/maven.log:"
    tail -n 20 "$dir/logs/maven.log"
    exit 1
  fi
  hash=$(cd "$new/opensearch-$opensearch_version" && find . -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum)
  [ "${hash%% *}" = "$opensearch_hash" ] || die "OpenSearch $opensearch_version is not what it was: its hash is ${hash%% *}"
  # The artifact is a library; this makes it a module of the server.
  cat >"$new/opensearch-$opensearch_version/modules/analysis-common/plugin-descriptor.properties" <<CONF
name=analysis-common
description=Analyzers
version=$opensearch_version
opensearch.version=$opensearch_version
java.version=11
classname=org.opensearch.analysis.common.CommonAnalysisPlugin
CONF
  mv -T "$new/opensearch-$opensearch_version" "$opensearch_home" 2>/dev/null || [ -d "$opensearch_home" ] # another instance was faster
  rm -rf "$new"
  trap - EXIT
  echo "done in $(since "$t")"
}

# ---- the servers: launch_X starts, answers_X sends a real request; both get the name of the server ----------------------------------------------------

launch_mysql() {
  local data=$dir/mysql
  local common=(--no-defaults "--datadir=$data" "--user=$(id -un)" --skip-name-resolve)
  if [ ! -d "$data/mysql" ]; then
    rm -rf "$data.new"
    mkdir -p "$data.new"
    # root has no password, on loopback only. --force: the name of this machine need not be known to any DNS.
    if ! mariadb-install-db --no-defaults "--datadir=$data.new" "--user=$(id -un)" --skip-name-resolve --skip-test-db --force \
      --auth-root-authentication-method=normal >"$dir/logs/mysql-install.log" 2>&1 9>&-; then
      tail -n 20 "$dir/logs/mysql-install.log"
      die "mariadb-install-db failed"
    fi
    mv "$data.new" "$data"
  fi
  # Small, but as durable as the real thing: a commit is on disk before it is answered.
  launch mysql mariadbd "${common[@]}" "--port=$mysql_port" --bind-address=127.0.0.1 "--socket=$mysql_socket" \
    "--pid-file=$dir/mysqld.pid" --innodb-flush-log-at-trx-commit=1 "--innodb-buffer-pool-size=${TIKTOK_ENV_BUFFER:-192M}" \
    --innodb-log-file-size=64M --performance-schema=OFF --skip-log-bin --max-connections=600 --thread-cache-size=64 \
    --table-open-cache=1000 --character-set-server=utf8mb4 --collation-server=utf8mb4_bin
}

answers_mysql() {
  [ "$(mariadb --no-defaults -h127.0.0.1 "-P$mysql_port" -uroot --connect-timeout=2 -Nse 'SELECT 1' 2>/dev/null)" = 1 ]
}

launch_redis() {
  mkdir -p "$dir/redis"
  # Without its own process title, which would overwrite the environment that we recognise it by.
  launch redis redis-server --port "$redis_port" --bind 127.0.0.1 --dir "$dir/redis" --save "" --appendonly no \
    --daemonize no --set-proc-title no --databases 64 --maxclients 2000
}

answers_redis() { [ "$(timeout 2 redis-cli -h 127.0.0.1 -p "$redis_port" ping 2>/dev/null)" = PONG ]; }

launch_etcd() {
  local client=http://127.0.0.1:$etcd_port peer=http://127.0.0.1:$etcd_peer_port
  mkdir -p "$dir/etcd"
  chmod 700 "$dir/etcd" # else it warns
  launch etcd etcd --name "$name" --data-dir "$dir/etcd" --listen-client-urls "$client" --advertise-client-urls "$client" \
    --listen-peer-urls "$peer" --initial-advertise-peer-urls "$peer" --initial-cluster "$name=$peer" \
    --auto-compaction-mode periodic --auto-compaction-retention 1h --logger zap --log-outputs stderr
}

answers_etcd() { # healthy means that it could commit
  http_get "$etcd_port" /health | grep -q '"health": *"true"'
}

launch_rabbitmq() {
  local r=$dir/rabbitmq conf=$dir/rabbitmq/rabbitmq.conf
  mkdir -p "$r/home" "$r/data" "$r/logs" "$r/generated"
  cat >"$conf" <<CONF
listeners.tcp.1 = 127.0.0.1:$rabbitmq_port
log.file = false
log.console = true
log.console.level = warning
disk_free_limit.absolute = 100MB
vm_memory_high_watermark.relative = 0.3
CONF
  : >"$r/env.conf" # instead of /etc/rabbitmq/rabbitmq-env.conf
  echo '[].' >"$r/plugins"
  # Its own port mapper, which also ends with it; the one that erl would start by itself stays forever.
  if ! port_taken "$epmd_port"; then
    env "$(mark rabbitmq)" setsid epmd -port "$epmd_port" -address 127.0.0.1 </dev/null >>"$dir/logs/epmd.log" 2>&1 9>&- &
    until port_taken "$epmd_port"; do
      kill -0 $! 2>/dev/null || die "epmd does not start, see $dir/logs/epmd.log"
      sleep 0.05
    done
  fi
  # With "detached" the script becomes the server instead of waiting for it. Schedulers that wait for work asleep leave
  # the processor to the tests.
  launch rabbitmq env HOME="$r/home" detached=1 \
    ERL_EPMD_PORT="$epmd_port" ERL_EPMD_ADDRESS=127.0.0.1 \
    RABBITMQ_CONF_ENV_FILE="$r/env.conf" RABBITMQ_CONFIG_FILE="$conf" RABBITMQ_ADVANCED_CONFIG_FILE="$r/advanced.config" \
    RABBITMQ_ENABLED_PLUGINS_FILE="$r/plugins" RABBITMQ_GENERATED_CONFIG_DIR="$r/generated" \
    RABBITMQ_MNESIA_BASE="$r/data" RABBITMQ_LOG_BASE="$r/logs" RABBITMQ_PID_FILE="$r/server.pid" \
    RABBITMQ_USE_LONGNAME=true RABBITMQ_NODENAME="tiktok_$name@127.0.0.1" RABBITMQ_NODE_IP_ADDRESS=127.0.0.1 RABBITMQ_NODE_PORT="$rabbitmq_port" \
    RABBITMQ_DIST_PORT="$rabbitmq_dist_port" \
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS="-kernel inet_dist_use_interface {127,0,0,1} +sbwt none +sbwtdcpu none +sbwtdio none" \
    sh "$(rabbitmq_script)"
}

answers_rabbitmq() { # a client says "AMQP 0-9-1", the broker answers with its properties
  # shellcheck disable=SC2016 # $0 belongs to the inner shell
  timeout 2 bash -c 'exec 3<>"/dev/tcp/127.0.0.1/$0" && printf "AMQP\0\0\11\1" >&3 && head -c 200 <&3' "$rabbitmq_port" 2>/dev/null |
    grep -aq capabilities
}

launch_s3() {
  mkdir -p "$dir/s3"
  # It keeps an object's type and tag in extended attributes of the file.
  launch s3 "$s3_binary" --port "127.0.0.1:$s3_port" --access tiktok --secret tiktok-secret --region us-east-1 \
    --virtual-domain localhost --health /health --quiet posix "$dir/s3"
}

answers_s3() { http_get "$s3_port" /health | grep -q '^HTTP/1.. 200'; }

launch_opensearch() { # NODE, e.g. opensearch-1
  local node=${1##*-} d=$dir/opensearch/$1
  mkdir -p "$d/config" "$d/tmp"
  # Small disks are usual for tests: without the threshold the indexes stay writable on them.
  cat >"$d/config/opensearch.yml" <<CONF
cluster.name: tiktok_$name
node.name: $1
path.data: $d/data
path.logs: $d/logs
network.host: 127.0.0.1
http.port: $((opensearch_port + node))
transport.port: $((opensearch_peer_port + node))
discovery.seed_hosts: ["127.0.0.1:$((opensearch_peer_port + 1))", "127.0.0.1:$((opensearch_peer_port + 2))", "127.0.0.1:$((opensearch_peer_port + 3))"]
cluster.initial_cluster_manager_nodes: [opensearch-1, opensearch-2, opensearch-3]
cluster.routing.allocation.disk.threshold_enabled: false
action.auto_create_index: false
CONF
  cat >"$d/config/log4j2.properties" <<CONF
status = error
appender.console.type = Console
appender.console.name = console
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = [%d{ISO8601}][%-5p][%c{1.}] %m%n
rootLogger.level = info
rootLogger.appenderRef.console.ref = console
CONF
  # What bin/opensearch does, without the second JVM that it asks for options. The server refuses to run as root, which it learns by JNA;
  # the tests' containers have nobody else, so JNA stays packed. The quick compiler: a node lives for minutes.
  launch "$1" java -Xms64m -Xmx256m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Djna.nosys=true -Djna.nounpack=true \
    -Djava.security.manager=allow "-Djava.io.tmpdir=$d/tmp" -Dlog4j2.disable.jmx=true -Dopensearch.distribution.type=zip \
    -Djava.util.concurrent.ForkJoinPool.common.threadFactory=org.opensearch.secure_sm.SecuredForkJoinWorkerThreadFactory \
    "-Dopensearch.path.home=$opensearch_home" "-Dopensearch.path.conf=$d/config" \
    -cp "$opensearch_home/lib/*" org.opensearch.bootstrap.OpenSearch
}

answers_opensearch() { # NODE: it has joined the others
  http_get "$(port_of "$1")" '/_cluster/health?local=true' | grep -q '"discovered_cluster_manager":true'
}

# ---- commands ------------------------------------------------------------------------------------------------------

start() { # SERVER...
  [[ " $* " != *" opensearch-"* ]] || fetch_opensearch
  start_all "$@"
  [[ " $* " != *" opensearch-"* ]] || touch "$dir/opensearch/started"
}

status() {
  local all=("${servers[@]}")
  [ ! -d "$dir/opensearch" ] || all+=("${opensearch_nodes[@]}")
  status_of "${all[@]}"
}

print_env() {
  cat <<ENV
export TIKTOK_TEST_MYSQL='root:@tcp(127.0.0.1:$mysql_port)/'
export TIKTOK_TEST_REDIS='127.0.0.1:$redis_port'
export TIKTOK_TEST_RABBITMQ='amqp://guest:guest@127.0.0.1:$rabbitmq_port/'
export TIKTOK_TEST_ETCD='127.0.0.1:$etcd_port'
export TIKTOK_DB_DRIVER='mysql'
export TIKTOK_DB_ADDR='127.0.0.1:$mysql_port'
export TIKTOK_DB_USER='root'
export TIKTOK_DB_PASSWORD=''
export TIKTOK_CACHE_DRIVER='redis'
export TIKTOK_CACHE_ADDRS='127.0.0.1:$redis_port'
export TIKTOK_QUEUE_DRIVER='rabbitmq'
export TIKTOK_QUEUE_URL='amqp://guest:guest@127.0.0.1:$rabbitmq_port/'
export TIKTOK_RPC_REGISTRY='127.0.0.1:$etcd_port'
ENV
  [ ! -x "$s3_binary" ] || cat <<ENV
export TIKTOK_TEST_S3='http://tiktok:tiktok-secret@127.0.0.1:$s3_port'
export TIKTOK_TEST_S3_BIN='$s3_binary'
export TIKTOK_TEST_S3_DIR='$dir/s3'
ENV
  # Where it has been started. The second one is for the test that kills a node.
  [ ! -e "$dir/opensearch/started" ] || cat <<ENV
export TIKTOK_TEST_OPENSEARCH='$(for s in "${opensearch_nodes[@]}"; do echo "http://127.0.0.1:$(port_of "$s")"; done | paste -sd,)'
export TIKTOK_TEST_OPENSEARCH_CONTROL='env TIKTOK_ENV_NAME=$name TIKTOK_ENV_BASE=$base TIKTOK_ENV_DIR=$(dirname "$dir") $repo/test/env.sh'
ENV
}

up() {
  local missing t
  t=$(now)
  mapfile -t missing < <(missing_packages)
  [ ${#missing[@]} -eq 0 ] || install_packages "${missing[@]}"
  # The slowest first; MariaDB makes its data folder while the others start.
  local all=(rabbitmq etcd redis mysql)
  [ ! -x "$s3_binary" ] || all+=(s3)
  start "${all[@]}"
  echo "  instance $name is up after $(since "$t"), data in $dir"
}

down() {
  local s
  # A node takes 30 s to stop in good order, and nothing of it is kept: an index is built again from the catalogue.
  for s in "${opensearch_nodes[@]}"; do
    [ -z "$(all_pids "$s")" ] || stop "$s" KILL
  done
  rm -rf "$dir/opensearch"
  for s in rabbitmq etcd redis mysql s3; do
    if [ -n "$(all_pids "$s")" ]; then stop "$s" TERM; else rm -f "$dir/$s.pid"; fi
  done
  rm -f "$mysql_socket"
  [ "${1:-}" != --purge ] || rm -rf "$dir"
}

check_servers() { # SERVER...: sets chosen to them
  local s all=("${servers[@]}" opensearch "${opensearch_nodes[@]}")
  [ $# -gt 0 ] || die "which server? ${all[*]}"
  chosen=()
  for s in "$@"; do
    [[ " ${all[*]} " == *" $s "* ]] || die "no server $s; there are ${all[*]}"
    if [ "$s" = opensearch ]; then chosen+=("${opensearch_nodes[@]}"); else chosen+=("$s"); fi
  done
}

command=${1:-}
[ $# -eq 0 ] || shift
case $command in
  up) lock && up ;;
  down) lock && down "$@" ;;
  status) status ;;
  env) print_env ;;
  start)
    check_servers "$@" && lock && start "${chosen[@]}"
    ;;
  stop | kill)
    check_servers "$@" && lock
    signal=TERM
    [ "$command" = stop ] || signal=KILL
    for s in "${chosen[@]}"; do stop "$s" $signal; done
    ;;
  restart)
    check_servers "$@" && lock
    for s in "${chosen[@]}"; do stop "$s" TERM; done
    start "${chosen[@]}"
    ;;
  *)
    sed -n '2,21p' "$0" | cut -c3-
    exit 2
    ;;
esac
