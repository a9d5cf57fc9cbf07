#!/bin/bash
# Debian's version has no flags for address and user yet.
set -euo pipefail
rest=()
for arg; do
  case $arg in
    --mysqld.address=*) address=${arg#*=} ;;
    --mysqld.username=*) user=${arg#*=} ;;
    --config.my-cnf=*) tls='?tls=skip-verify' ;;
    *) rest+=("$arg") ;;
  esac
done
export DATA_SOURCE_NAME="$user:$MYSQLD_EXPORTER_PASSWORD@($address)/${tls:-}"
exec prometheus-mysqld-exporter "${rest[@]}"
