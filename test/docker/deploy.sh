#!/usr/bin/env bash
# Tries deploy/ on the daemon of run.sh: a first start, a new version while somebody scrolls, a version that does not
# start, a backup and a restore. Fails when one request in all that time was not answered.
set -euo pipefail
repo=$(cd "$(dirname "$0")/../.." && pwd)
tmp=$(mktemp -d)
loader=
# Its own project: its volumes are not those of `make env-up`, whose containers have to go because of the port.
(cd "$repo" && docker compose --profile '*' down >/dev/null 2>&1)
export COMPOSE_PROJECT_NAME=tiktok-deploy PULL=0
clean() {
  [ -z "$loader" ] || kill "$loader" 2>/dev/null || true
  (cd "$tmp/server" && docker compose down -v >/dev/null 2>&1) || true
  rm -rf "$tmp"
}
trap clean EXIT
fail() {
  echo "FAILED: $*" >&2
  exit 1
}

cp -r "$repo/deploy" "$tmp/server"
cd "$tmp/server"
secret() { head -c 24 /dev/urandom | od -An -tx1 | tr -d ' \n'; }
sed -e 's#^APP_IMAGE=.*#APP_IMAGE=trial:1#' .env.example >.env
for name in AUTH_SECRET MYSQL_ROOT_PASSWORD MYSQL_PASSWORD REDIS_PASSWORD RABBITMQ_PASSWORD S3_PASSWORD; do
  sed -i "s#^$name=.*#$name=$(secret)#" .env
done
docker tag tiktok:dev trial:1
printf 'FROM trial:1\nLABEL version=2\n' | docker build -q -t trial:2 - >/dev/null
printf 'FROM trial:2\nUSER root\nRUN rm /opt/tiktok/bin/social && printf "#!/bin/sh\\necho this version is broken\\nexit 1\\n" >/opt/tiktok/bin/social && chmod 755 /opt/tiktok/bin/social\nUSER 10001:10001\n' | docker build -q -t trial:3 - >/dev/null

images() { docker compose ps -q user video interaction social chat api | xargs -r docker inspect -f '{{.Config.Image}}' | sort | uniq -c; }
all_run() { # IMAGE-ID
  local n
  n=$(docker compose ps -q user video interaction social chat api | xargs -r docker inspect -f '{{.Image}}' | grep -c -x "$(docker image inspect -f '{{.Id}}' "$1")") || true
  [ "$n" = 6 ] || fail "$n of 6 run $1: $(images)"
}
# As nginx does: a gateway that cannot be reached is passed over.
get() { curl -fs -m 8 "http://127.0.0.1:10001$1" || curl -fs -m 8 "http://127.0.0.1:10002$1"; }

echo '--- first start'
time ./restart-service-all.sh
all_run trial:1
register=$(curl -fs -X POST "http://127.0.0.1:10001/douyin/user/register/?username=deploy&password=deploy-1")
token=$(printf '%s' "$register" | sed 's/.*"token":"\([^"]*\)".*/\1/')
[ -n "$token" ] || fail "no token: $register"
curl -fs -F "token=$token" -F title=first -F "data=@$repo/test/testdata/tiny.mp4" http://127.0.0.1:10001/douyin/publish/action/ | grep -q '"status_code":0' || fail "publish"

(
  n=0 bad=0
  trap 'echo "$n $bad" >"$tmp/load"; exit 0' TERM
  while :; do
    n=$((n + 1))
    # A page with users, counters and relations: all services have a part in it.
    if ! get "/douyin/feed/?token=$token" >"$tmp/page" 2>/dev/null || ! grep -q '"status_code":0' "$tmp/page" || ! grep -q '"name":"deploy"' "$tmp/page"; then
      bad=$((bad + 1))
      echo "request $n: $(head -c 200 "$tmp/page")" >>"$tmp/bad"
    fi
  done
) &
loader=$!

echo '--- a new version'
sed -i 's#^APP_IMAGE=.*#APP_IMAGE=trial:2#' .env
time ./restart-service-all.sh
all_run trial:2
echo '--- the same once more: nothing to do'
./restart-service-all.sh
echo '--- a version that does not start'
sed -i 's#^APP_IMAGE=.*#APP_IMAGE=trial:3#' .env
if ./restart-service-all.sh; then fail "a broken version was taken"; fi
all_run trial:2
sed -i 's#^APP_IMAGE=.*#APP_IMAGE=trial:2#' .env
kill "$loader"
wait "$loader" || true
loader=
read -r n bad <"$tmp/load"
echo "scrolled meanwhile: $n pages, $bad not answered"
if [ "$bad" != 0 ]; then
  head "$tmp/bad"
  fail "$bad of $n"
fi

echo '--- backup, disaster, restore'
./backup.sh "$tmp/backup"
docker compose stop user video interaction social chat api >/dev/null 2>&1
docker compose rm -fsv mysql s3 >/dev/null 2>&1
docker volume rm tiktok-deploy_mysql tiktok-deploy_s3 >/dev/null
docker compose up -d --wait mysql s3 >/dev/null 2>&1
./restore.sh -yes "$tmp/backup"
docker compose start user video interaction social chat api >/dev/null 2>&1
for _ in $(seq 60); do
  page=$(get "/douyin/feed/?token=$token" || true)
  case $page in *'"title":"first"'*) break ;; esac
  sleep 1
done
case ${page:-} in *'"title":"first"'*) ;; *) fail "the film is not back: ${page:-no answer}" ;; esac
film=$(printf '%s' "$page" | sed 's/.*"play_url":"http:..[^/]*\([^"]*\)".*/\1/')
[ "$(get "$film" | wc -c)" -gt 1000 ] || fail "the film cannot be played: $film"
echo 'deploy: all good'
