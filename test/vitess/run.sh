#!/usr/bin/env bash
# The scenarios of test/e2e on a sharded Vitess: user, interaction, social and chat on two shards each, with the files of deploy/vitess.
# It builds vtcombo (vtgate, vttablets and a topology in one process; half an hour on two processors, once), starts it on a private
# MariaDB with private Redis, RabbitMQ and etcd, runs the scenarios and an audit, and stops all of it.
#
#   test/vitess/run.sh            the arguments of go test may follow: -run 'TestVitess/likes'
#   test/vitess/run.sh serve      no test: leaves vtgate on 127.0.0.1:23802 until this is interrupted
set -euo pipefail
repo=$(cd "$(dirname "$0")/../.." && pwd)
cd "$repo"
export TIKTOK_ENV_NAME=${TIKTOK_ENV_NAME:-vitess} TIKTOK_ENV_BASE=${TIKTOK_ENV_BASE:-23000}
base=$TIKTOK_ENV_BASE
vtcombo=$repo/bin/tools/vtcombo
vtgate=$((base + 802))

if [ ! -x "$vtcombo" ] || [ test/vitess/go.mod -nt "$vtcombo" ]; then
  echo "vitess: building vtcombo, half an hour once"
  mkdir -p bin/tools
  # One package at a time: some need a gigabyte to compile.
  (cd test/vitess && CGO_ENABLED=0 nice go build -trimpath -buildvcs=false -p=1 -ldflags '-s -w' -o "$repo/bin/tools/" tool)
fi

dir=$(mktemp -d)
pid=
stop() {
  if [ -n "$pid" ]; then
    kill "$pid" 2>/dev/null || true
    wait "$pid" 2>/dev/null || true
  fi
  test/env.sh down || true
  rm -rf "$dir"
}
trap stop EXIT
trap 'exit 130' INT TERM

test/env.sh up
sql() { mariadb -h 127.0.0.1 -u root -P "$@"; }
# MySQL's name of the isolation level is what vttablet sets; MariaDB 10.11 does not have it.
sql $((base + 306)) -e "SET GLOBAL tx_isolation = 'READ-COMMITTED'; DROP DATABASE IF EXISTS _vt"

topology='cells:"zone1"'
for keyspace in deploy/vitess/*/; do
  keyspace=$(basename "$keyspace")
  shards=0
  if grep -q '"sharded": true' "deploy/vitess/$keyspace/vschema.json"; then shards='-80 80-'; fi
  topology+=" keyspaces:<name:\"$keyspace\" replica_count:1 rdonly_count:-1"
  for shard in $shards; do
    topology+=" shards:<name:\"$shard\">"
    name=vt_${keyspace}_$shard
    sql $((base + 306)) -e "DROP DATABASE IF EXISTS \`$name\`; CREATE DATABASE \`$name\` CHARACTER SET utf8mb4 COLLATE utf8mb4_bin"
  done
  topology+=">"
done

# Vitess does not run as root, and then may not read what is root's.
install -d -m 755 "$dir/bin" "$dir/schema"
cp -r deploy/vitess/* "$dir/schema/"
cp "$vtcombo" "$dir/bin/vtcombo"
chmod -R a+rX "$dir"
as=()
if [ "$(id -u)" = 0 ]; then
  install -d -o nobody "$dir/root"
  as=(setpriv --reuid nobody --regid nogroup --clear-groups)
else
  install -d "$dir/root"
fi
users=()
for who in app dba allprivs repl filtered appdebug; do users+=("--db-$who-user" root); done
VTDATAROOT=$dir/root ${as[@]+"${as[@]}"} "$dir/bin/vtcombo" --port $((base + 800)) --bind-address 127.0.0.1 \
  --grpc-port $((base + 801)) --grpc-bind-address 127.0.0.1 --tablet-hostname localhost \
  --db-charset utf8mb4 --db-host 127.0.0.1 --db-port $((base + 306)) "${users[@]}" --mycnf-server-id 1 \
  --proto-topo "$topology" --schema-dir "$dir/schema" --tablet-types-to-wait PRIMARY \
  --mysql-auth-server-impl none --mysql-server-port "$vtgate" --mysql-server-bind-address 127.0.0.1 \
  --transaction-mode MULTI --queryserver-config-transaction-timeout 10s --queryserver-config-transaction-cap 60 \
  --queryserver-config-pool-size 8 >"$dir/vtcombo.log" 2>&1 &
pid=$!
for _ in $(seq 120); do
  if sql "$vtgate" -e 'SHOW DATABASES' >/dev/null 2>&1; then break; fi
  if ! kill -0 "$pid" 2>/dev/null; then break; fi
  sleep 0.5
done
if ! sql "$vtgate" -e 'SHOW DATABASES' >/dev/null; then
  tail -n 30 "$dir/vtcombo.log"
  exit 1
fi
for file in deploy/vitess/*/beside.sql; do sql "$vtgate" "$(basename "$(dirname "$file")")" <"$file"; done
# One service after the other: MariaDB 10.11 has died of ALTER TABLE in several schemas while vttablets asked its information_schema.
program=${TIKTOK_TEST_BIN:-$dir}/tiktok
[ -x "$program" ] || go build -o "$program" ./cmd/tiktok
TIKTOK_DB_DRIVER=mysql TIKTOK_DB_ADDR=127.0.0.1:$vtgate TIKTOK_DB_USER=root "$program" migrate
echo "vitess: vtgate answers on 127.0.0.1:$vtgate"

if [ "${1:-}" = serve ]; then
  wait "$pid"
  exit
fi
eval "$(test/env.sh env | grep TIKTOK_TEST_)"
unset TIKTOK_ENV_NAME TIKTOK_ENV_BASE
TIKTOK_TEST_VITESS=127.0.0.1:$vtgate go test ./test/e2e -count=1 -timeout 40m -v -run 'TestVitess$' "$@"
