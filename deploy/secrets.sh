#!/bin/sh
# Fills in the secrets of .env that are empty, each with 192 random bits. What is there stays; run it again after an update
# that brings a new one. Lines that .env.example has and .env has not are added.
set -eu
cd "$(dirname "$0")"
umask 077
if [ ! -f .env ]; then cp .env.example .env; fi
chmod 600 .env
made=
# shellcheck disable=SC2013 # names
for name in $(sed -n 's/^\([A-Z0-9_]*\(PASSWORD\|SECRET\)[A-Z0-9_]*\)=.*/\1/p' .env.example); do
  if grep -q "^$name=." .env; then continue; fi
  value=$(head -c 24 /dev/urandom | od -An -tx1 | tr -d ' \n')
  [ ${#value} -eq 48 ] || { echo "secrets: no random numbers" >&2 && exit 1; }
  if grep -q "^$name=" .env; then sed "s/^$name=.*/$name=$value/" .env >.env.new; else { cat .env && echo "$name=$value"; } >.env.new; fi
  mv .env.new .env
  made="$made $name"
done
echo "secrets:${made:- nothing was empty}"
