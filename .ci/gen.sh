#!/usr/bin/env bash
# Generates kitex_gen, the HTTP models and the OpenAPI document from idl/ into a folder (default: this repository).
# With --check: generates into a temporary folder and fails when the committed code differs.
set -euo pipefail
repo=$(cd "$(dirname "$0")/.." && pwd)
bin=$repo/bin/tools

mkdir -p "$bin"
for tool in kitex:github.com/cloudwego/kitex/tool/cmd/kitex hz:github.com/cloudwego/hertz/cmd/hz thriftgo:github.com/cloudwego/thriftgo; do
  [ -x "$bin/${tool%%:*}" ] && [ "$bin/${tool%%:*}" -nt "$repo/.ci/tools/go.mod" ] && continue
  echo "gen: building ${tool%%:*}"
  (cd "$repo/.ci/tools" && CGO_ENABLED=0 go build -o "$bin/" "${tool#*:}")
done
export PATH=$bin:$PATH

generate() {
  local out=$1
  cd "$out"
  for idl in "$repo"/idl/*.thrift; do
    case "$(basename "$idl")" in api.thrift | v1.thrift) continue ;; esac
    kitex -module tiktok -gen-path kitex_gen -thrift reserve_comments "$idl" >gen.log 2>&1 || { cat gen.log; return 1; }
  done
  for idl in api v1; do
    hz model --idl "$repo/idl/$idl.thrift" --module tiktok --out_dir . --model_dir cmd/api/biz/model \
      -t template=slim -t reserve_comments >gen.log 2>&1 || { cat gen.log; return 1; }
  done
  rm -f gen.log
  (cd "$repo" && go run ./cmd/api/openapi/generate "$out")
}

# Both generators are run outside the repository: they add files of their own to a module's root.
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cp "$repo/go.mod" "$repo/go.sum" "$tmp"
generate "$tmp"
documents=(cmd/api/openapi/openapi.json .postman/tiktok.openapi.json .postman/tiktok.postman_collection.json)
if [ "${1:-}" = --check ]; then
  stale=
  for made in kitex_gen cmd/api/biz/model "${documents[@]}"; do
    diff -r "$tmp/$made" "$repo/$made" || stale=yes
  done
  if [ -n "$stale" ]; then
    echo "gen: generated code is stale: run 'make gen' and commit the result" >&2
    exit 1
  fi
  echo "gen: generated code is up to date"
  exit
fi
rm -rf "$repo/kitex_gen" "$repo/cmd/api/biz/model"
mkdir -p "$repo/cmd/api/biz"
cp -r "$tmp/kitex_gen" "$repo/kitex_gen"
cp -r "$tmp/cmd/api/biz/model" "$repo/cmd/api/biz/model"
for made in "${documents[@]}"; do
  cp "$tmp/$made" "$repo/$made"
done
echo "gen: kitex_gen, cmd/api/biz/model and ${documents[*]} written"
