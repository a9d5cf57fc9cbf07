#!/usr/bin/env bash
# After a tag was changed by hand: writes the digest behind the tag of every image (NAME:TAG@sha256:…, whatever digest stands
# there), and the commit behind the tag of every action (uses: NAME@COMMIT # TAG), as the registries and GitHub say now.
# Read the difference before it is committed. Dependabot does the same for the versions that it proposes. Needs docker with
# buildx, git, and the network.
set -euo pipefail
cd "$(dirname "$0")/.."
files=(docker-compose.yml docker-compose.ci.yml deploy/docker-compose.yml Dockerfile .github/workflows/*.yml)
die() {
  echo "pin: $*" >&2
  exit 1
}

for image in $(.ci/images.sh); do
  name=${image%@*}
  digest=$(docker buildx imagetools inspect --format '{{.Manifest.Digest}}' "$name")
  [[ $digest =~ ^sha256:[0-9a-f]{64}$ ]] || die "no digest for $name: $digest"
  sed -i "s#$image#$name@$digest#g" "${files[@]}"
  echo "$name@$digest"
done

grep -ohE 'uses: [^ ./][^ ]*@[0-9a-f]{40} # v[0-9.]+' .github/workflows/*.yml | sort -u | while read -r _ action _ tag; do
  name=${action%@*}
  repository=https://github.com/$(cut -d/ -f 1,2 <<<"$name")
  # The second line of an annotated tag is the commit itself.
  commit=$(git ls-remote "$repository" "refs/tags/$tag" "refs/tags/$tag^{}" | tail -n 1 | cut -f 1)
  [[ $commit =~ ^[0-9a-f]{40}$ ]] || die "$repository has no tag $tag"
  sed -i "s#$action \# $tag\$#$name@$commit \# $tag#" .github/workflows/*.yml
  echo "$name@$commit # $tag"
done
