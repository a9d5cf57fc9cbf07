#!/usr/bin/env bash
# Packages deploy/helm with the version of a release, which is that of the image too, and pushes it as an OCI artifact.
#   .ci/chart.sh v1.2.3 DIR            writes DIR/tiktok-1.2.3.tgz
#   .ci/chart.sh v1.2.3 DIR REGISTRY   and pushes it to REGISTRY, host/path; helm registry login was before
set -euo pipefail
cd "$(dirname "$0")/.."
version=${1:?which version, e.g. v1.2.3}
dir=${2:?a folder for the package}
[[ $version =~ ^v[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.-]+)?$ ]] || {
  echo "chart.sh: $version is no version" >&2
  exit 1
}
helm package deploy/helm --version "${version#v}" --app-version "$version" --destination "$dir"
if [ -n "${3:-}" ]; then helm push "$dir/tiktok-${version#v}.tgz" "oci://$3"; fi
