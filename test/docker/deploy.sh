#!/usr/bin/env bash
# Tries deploy/ on the daemon of run.sh, behind a real nginx with nginx/tiktok.conf: a first start, a new version while
# people scroll and like, a version that does not start, a backup and a restore. Fails when one request in all that time
# was not answered.
set -euo pipefail
repo=$(cd "$(dirname "$0")/../.." && pwd)
tmp=$(mktemp -d)
loaders=()
nginx=
# Its own project: its volumes are not those of `make env-up`, whose containers have to go because of the port.
(cd "$repo" && docker compose --profile '*' down >/dev/null 2>&1)
export COMPOSE_PROJECT_NAME=tiktok-deploy PULL=0
clean() {
  for pid in "${loaders[@]}" $nginx; do kill "$pid" 2>/dev/null || true; done
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
sed -e 's#^APP_IMAGE=.*#APP_IMAGE=trial:1#' -e 's#^PUBLIC_URL=.*#PUBLIC_URL=https://v.example.com#' .env.example >.env
./secrets.sh
docker tag tiktok:dev trial:1
printf 'FROM trial:1\nLABEL version=2\n' | docker build -q -t trial:2 - >/dev/null
printf 'FROM trial:2\nUSER root\nRUN cd /opt/tiktok/bin && mv tiktok good && printf "#!/bin/sh\\n[ \\"\\$1\\" = social ] || exec /opt/tiktok/bin/good \\"\\$@\\"\\necho this version is broken\\nexit 1\\n" >tiktok && chmod 755 tiktok\nUSER 10001:10001\n' | docker build -q -t trial:3 - >/dev/null

services=$(./restart-service-all.sh list)
# shellcheck disable=SC2086 # a list
containers() { docker compose ps -q $services; }
images() { containers | xargs -r docker inspect -f '{{.Config.Image}}' | sort | uniq -c; }
all_run() { # IMAGE-ID
  local n
  n=$(containers | xargs -r docker inspect -f '{{.Image}}' | grep -c -x "$(docker image inspect -f '{{.Id}}' "$1")") || true
  [ "$n" = "$(wc -w <<<"$services")" ] || fail "$n of $services run $1: $(images)"
}

# The public side, on other ports and with a certificate of its own.
public_side() {
  mkdir -p "$tmp/nginx"
  openssl req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=v.example.com -keyout "$tmp/nginx/key.pem" -out "$tmp/nginx/cert.pem" 2>/dev/null
  sed -e '/\[::\]/d' -e 's/listen 80;/listen 127.0.0.1:10080;/' -e 's/listen 443 /listen 127.0.0.1:10443 /' \
    -e "s#/etc/letsencrypt/live/v.example.com/fullchain.pem#$tmp/nginx/cert.pem#" \
    -e "s#/etc/letsencrypt/live/v.example.com/privkey.pem#$tmp/nginx/key.pem#" nginx/tiktok.conf >"$tmp/nginx/tiktok.conf"
  cat >"$tmp/nginx/nginx.conf" <<CONF
user root;
pid $tmp/nginx/pid;
error_log $tmp/nginx/error.log;
events {}
http {
  client_body_temp_path $tmp/nginx/body;
  include $tmp/nginx/tiktok.conf;
}
CONF
  nginx -p "$tmp/nginx" -c "$tmp/nginx/nginx.conf" -g 'daemon off;' &
  nginx=$!
}
get() { curl -fsk -m 8 --resolve v.example.com:10443:127.0.0.1 "https://v.example.com:10443$1" "${@:2}"; }

# load does one thing again and again, and keeps count of what was not answered well.
load() { # NAME COMMAND...: the command prints the answer
  local name=$1 n=0 bad=0 answer
  shift
  trap 'echo "$n $bad" >"$tmp/load.$name"; exit 0' TERM
  while :; do
    n=$((n + 1))
    answer=$("$@" 2>&1) || true
    case $answer in
      *'"status_code":0'*) ;;
      *)
        bad=$((bad + 1))
        echo "$name $n, $(date +%T.%N): $(printf %s "$answer" | head -c 200)" >>"$tmp/bad"
        ;;
    esac
  done
}
# A page with users, counters and relations: all services have a part in it.
scroll() {
  local page
  page=$(get "/douyin/feed/?token=$token") && case $page in *'"name":"deploy"'*) printf %s "$page" ;; *) printf 'incomplete: %s' "$page" | tr -d : ;; esac
}
# Not faster than one person may (limits.write_user).
like() { sleep 0.1 && get "/douyin/favorite/action/?token=$token&video_id=$film&action_type=$((RANDOM % 2 + 1))" -X POST; }
talk() { sleep 0.1 && get "/douyin/message/action/?token=$token&to_user_id=$other&action_type=1&content=hello" -X POST; }

echo '--- first start'
time ./restart-service-all.sh
all_run trial:1
public_side
account() { get "/douyin/user/register/?username=$1&password=deploy-1" -X POST; }
until register=$(account deploy); do kill -0 "$nginx" && sleep 0.2; done
token=$(printf '%s' "$register" | sed 's/.*"token":"\([^"]*\)".*/\1/')
other=$(account other | sed 's/.*"user_id":\([0-9]*\).*/\1/')
if [ -z "$token" ] || [ -z "$other" ]; then fail "no account: $register"; fi
get /douyin/publish/action/ -F "token=$token" -F title=first -F "data=@$repo/test/testdata/tiny.mp4" | grep -q '"status_code":0' || fail "publish"
film=$(get "/douyin/feed/?token=$token" | sed 's/.*"video_list":\[{"id":\([0-9]*\).*/\1/')

for work in scroll scroll like talk; do
  load "$work${#loaders[@]}" "$work" &
  loaders+=($!)
done

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
kill "${loaders[@]}"
wait "${loaders[@]}" || true
loaders=()
awk '{ n += $1; bad += $2 } { split(FILENAME, f, "load."); print "  " f[2] ": " $1 " requests, " $2 " not answered" } END { exit bad > 0 }' "$tmp"/load.* || {
  head "$tmp/bad"
  fail "requests were not answered"
}

echo '--- a film of 200 MB'
"$repo/test/docker/upload.sh" https://v.example.com:10443 -k --resolve v.example.com:10443:127.0.0.1

echo '--- backup, disaster, restore'
./backup.sh "$tmp/backup"
# shellcheck disable=SC2086 # a list
docker compose stop $services >/dev/null 2>&1
docker compose rm -fsv mysql s3 >/dev/null 2>&1
docker volume rm tiktok-deploy_mysql tiktok-deploy_media >/dev/null
docker compose up -d --wait mysql s3 >/dev/null 2>&1
./restore.sh -yes "$tmp/backup"
# shellcheck disable=SC2086 # a list
docker compose start $services >/dev/null 2>&1
for _ in $(seq 60); do
  page=$(get "/douyin/feed/?token=$token" || true)
  case $page in *'"title":"first"'*) break ;; esac
  sleep 1
done
case ${page:-} in *'"title":"first"'*) ;; *) fail "the film is not back: ${page:-no answer}" ;; esac
film=$(printf '%s' "$page" | sed 's/.*"play_url":"https\{0,1\}:..[^/]*\([^"]*\)".*/\1/')
[ "$(get "$film" | wc -c)" -gt 1000 ] || fail "the film cannot be played: $film"
echo 'deploy: all good'
