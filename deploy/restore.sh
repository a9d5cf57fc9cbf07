#!/bin/sh
# Restores what backup.sh kept. The schemas of the backup are dropped first: what was stored since is lost, but for likes
# and comments that still wait in RabbitMQ. The services must be stopped: docker compose stop $(./restart-service-all.sh list)
#
#   ./restore.sh -yes FOLDER [FOLDER/mysql/<time>.sql.gz]    default: the newest dump
#
# MYSQL_OPTIONS and TIKTOK are those of backup.sh.
set -eu
cd "$(dirname "$0")"

die() {
  printf '%s\n' "restore: $*" >&2
  exit 1
}

[ "${1:-}" = -yes ] || die "this drops the schemas of the backup first. Say: ./restore.sh -yes FOLDER [DUMP]"
[ -d "${2:-}/mysql" ] || die "no backup in ${2:-(which folder?)}"
folder=$(cd "$2" && pwd)
# shellcheck disable=SC2012 # names of our own
dump=${3:-$(ls -1 "$folder"/mysql/*.sql.gz | sort | tail -n 1)}
gzip -t "$dump" || die "$dump is damaged; nothing was changed"
gzip -dc "$dump" | tail -n 1 | grep -q 'Dump completed' || die "$dump is not complete; nothing was changed"

if [ -z "${MYSQL_OPTIONS:-}" ]; then
  services=$(./restart-service-all.sh list | tr ' ' '|')
  running=$(docker compose ps --services --status running | grep -E -x "$services" | tr '\n' ' ') || true
  [ -z "$running" ] || die "stop these first: docker compose stop $running"
fi
echo "mysql: $dump"
if [ -n "${MYSQL_OPTIONS:-}" ]; then
  gzip -dc "$dump" | mysql "--defaults-extra-file=$MYSQL_OPTIONS" --default-character-set=utf8mb4
else
  # shellcheck disable=SC2016 # the variable belongs to the container
  gzip -dc "$dump" | docker compose exec -T mysql \
    sh -c 'MYSQL_PWD=$DB_PASSWORD_ADMIN exec mysql -h127.0.0.1 -utiktok_admin --default-character-set=utf8mb4'
fi || die "the dump was not read to its end: the schemas are not whole. Run it again"

printf 'media: '
if [ -n "${TIKTOK:-}" ]; then
  "$TIKTOK" blobs import "$folder/media"
else
  docker compose run --rm -T --no-deps --user "$(id -u):$(id -g)" -v "$folder/media:/backup:ro" tools blobs import /backup
fi || die "some objects were not copied. Run it again"

# Redis knows what is gone.
if [ -z "${MYSQL_OPTIONS:-}" ]; then
  docker compose restart redis >/dev/null 2>&1 || die "empty Redis: docker compose restart redis"
else
  echo "now empty Redis (FLUSHDB), which may know what is gone"
fi
echo "restored"
