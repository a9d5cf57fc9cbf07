#!/usr/bin/env bash
# Lists the images that the repository names, each with its tag and digest, one a line: those of the compose files, the
# Dockerfile and the workflows.
set -euo pipefail
cd "$(dirname "$0")/.."
grep -ohE '[a-z0-9][a-z0-9./_-]*:[A-Za-z0-9._-]+@sha256:[0-9a-f]{64}' \
  docker-compose.yml docker-compose.ci.yml deploy/docker-compose.yml Dockerfile .github/workflows/*.yml | sort -u
