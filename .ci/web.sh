#!/usr/bin/env bash
# Builds the web client from cmd/api/web/src into cmd/api/web/dist, which is committed. Needs Node.js 20 or later, and npm. The build
# checks the types, and fails when too much script would load before the first frame plays (build.mjs).
# With --check: builds in a temporary folder and fails when the committed files differ.
set -euo pipefail
repo=$(cd "$(dirname "$0")/.." && pwd)
web=$repo/cmd/api/web

# Only packages whose licence lets everybody do everything, build tools included.
licences() {
  node --input-type=module - "$1/package-lock.json" <<'JS'
import { readFileSync } from "node:fs";
const permissive = new Set(["0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "BlueOak-1.0.0", "CC0-1.0", "ISC", "MIT", "Python-2.0", "Unlicense"]);
const allowed = (licence) => typeof licence === "string" && licence.replace(/^\(|\)$/g, "").split(" OR ").some((one) => permissive.has(one));
const { packages } = JSON.parse(readFileSync(process.argv[2], "utf8"));
const bad = Object.entries(packages).filter(([name, p]) => name !== "" && !allowed(p.license));
for (const [name, p] of bad) console.error(`web: ${name} ${p.version} has the licence ${p.license ?? "(none)"}`);
console.log(`web: licences of ${Object.keys(packages).length - 1} packages`);
process.exit(bad.length > 0 ? 1 : 0);
JS
}

build() {
  cd "$1"
  npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
  licences "$1"
  npm run --silent build
}

if [ "${1:-}" = --check ]; then
  tmp=$(mktemp -d)
  trap 'rm -rf "$tmp"' EXIT
  mkdir "$tmp/web"
  cp -r "$web/src" "$web"/*.json "$web/build.mjs" "$tmp/web"
  cp -r "$repo/cmd/api/openapi" "$tmp" # the types of the API are made from its document
  build "$tmp/web"
  if ! diff -r "$tmp/web/dist" "$web/dist" >/dev/null; then
    diff -rq "$tmp/web/dist" "$web/dist" >&2 || true
    echo "web: cmd/api/web/dist is stale: run 'make web' and commit the result" >&2
    exit 1
  fi
  echo "web: cmd/api/web/dist is up to date"
  exit
fi
build "$web"
