#!/bin/sh
# Backs up all durable data: the schemas in MySQL and the objects of the blob store, while everything runs. MySQL's dump is
# one snapshot of all schemas, and the objects are copied after it, so every video of the dump has its file. Redis is a
# cache; RabbitMQ and etcd hold only what is in flight.
#
#   ./backup.sh [FOLDER]      default /var/backups/tiktok; makes FOLDER/mysql/<time>.sql.gz and adds to FOLDER/media/
#
#   KEEP=14          how many dumps stay
#   MYSQL_OPTIONS    an option file with host, user and password, for a server that is not this compose file's; the clients
#                    (mysql, mysqldump) then run on this machine
#   TIKTOK           the program tiktok with its settings in TIKTOK_… variables, instead of the image's
#   SCHEMA_PREFIX    db.schema_prefix, default tiktok_
set -eu
cd "$(dirname "$0")"
folder=${1:-/var/backups/tiktok}
keep=${KEEP:-14}
prefix=${SCHEMA_PREFIX:-tiktok_}

die() {
  printf '%s\n' "backup: $*" >&2
  exit 1
}

client() { # PROGRAM ARGUMENTS
  if [ -n "${MYSQL_OPTIONS:-}" ]; then
    program=$1
    shift
    "$program" "--defaults-extra-file=$MYSQL_OPTIONS" "$@"
  else
    # An account that only reads. shellcheck disable=SC2016 # the variable belongs to the container
    docker compose exec -T mysql sh -c 'MYSQL_PWD=$DB_PASSWORD_BACKUP exec "$0" -h127.0.0.1 -utiktok_backup "$@"' "$@"
  fi
}

copy_objects() {
  if [ -n "${TIKTOK:-}" ]; then
    "$TIKTOK" blobs export "$folder/media"
  else
    docker compose run --rm -T --no-deps --user "$(id -u):$(id -g)" -v "$folder/media:/backup" tools blobs export /backup
  fi
}

umask 077
mkdir -p "$folder/mysql" "$folder/media"
folder=$(cd "$folder" && pwd)
# _ matches any character in LIKE.
pattern=$(printf '%s' "$prefix" | sed 's/_/\\\\_/g')
query="SELECT schema_name FROM information_schema.schemata WHERE schema_name LIKE '$pattern%' ORDER BY 1"
schemas=$(client mysql -N -s -e "$query") || die "MySQL does not answer"
[ -n "$schemas" ] || die "there is no schema $prefix…"
options='--single-transaction --quick --no-tablespaces --hex-blob --add-drop-database --default-character-set=utf8mb4'
# MariaDB's program has no such option.
if client mysqldump --help | grep -q set-gtid-purged; then options="$options --set-gtid-purged=OFF"; fi

dump=$folder/mysql/$(date -u +%Y%m%dT%H%M%SZ).sql
trap 'rm -f "$dump"' EXIT
# shellcheck disable=SC2086 # lists
client mysqldump $options --databases $schemas >"$dump" || die "the dump failed"
tail -n 1 "$dump" | grep -q 'Dump completed' || die "the dump is not complete"
gzip "$dump"
echo "mysql: $dump.gz, $(wc -c <"$dump.gz") bytes, $(printf '%s\n' "$schemas" | wc -l) schemas"
printf 'media: '
copy_objects || die "some objects were not copied; the dump is good; run it again"

# shellcheck disable=SC2012 # names of our own
ls -1 "$folder"/mysql/*.sql.gz | sort -r | tail -n "+$((keep + 1))" | while read -r old; do rm -f "$old"; done
