#!/bin/bash
# "minio server FOLDER --address :PORT" and "mc ready local", done by versitygw.
set -euo pipefail
case $(basename "$0") in
  mc) exec 3<>/dev/tcp/127.0.0.1/9000 && printf 'GET /health HTTP/1.0\r\n\r\n' >&3 && grep -q ' 200' <&3 ;;
  *) exec versitygw --port "$4" --access "$MINIO_ROOT_USER" --secret "$MINIO_ROOT_PASSWORD" --health /health --quiet posix "$2" ;;
esac
