#!/usr/bin/env bash
# Decides to which registries a run of image.yml pushes, and prints the outputs of its step:
#   images    the image's name in each registry, one a line; a local name when nothing is pushed
#   first     the first of them, which the provenance is attached to
#   push      true or false
#   registry  the host of REGISTRY, and
#   acr       the host of ACR_REGISTRY, each empty when nothing is pushed there
#
#   GITHUB_EVENT_NAME, GITHUB_REPOSITORY              of the runner; a pull request pushes nothing
#   REGISTRY                                          the host that GitHub's own token logs in to
#   ACR_REGISTRY, ACR_NAMESPACE (default tiktok), ACR_USERNAME, ACR_PASSWORD   Alibaba's registry; complete, or not used
set -euo pipefail
repository=${GITHUB_REPOSITORY,,}
images=()
registry=
acr=
if [ "$GITHUB_EVENT_NAME" != pull_request ]; then
  if [ -n "${REGISTRY:-}" ]; then
    registry=$REGISTRY
    images+=("$registry/$repository")
  fi
  if [ -n "${ACR_REGISTRY:-}" ] && [ -n "${ACR_USERNAME:-}" ] && [ -n "${ACR_PASSWORD:-}" ]; then
    acr=$ACR_REGISTRY
    images+=("$acr/${ACR_NAMESPACE:-tiktok}/tiktok")
  elif [ -n "${ACR_REGISTRY:-}${ACR_USERNAME:-}${ACR_PASSWORD:-}" ]; then
    echo "::warning::ACR_REGISTRY, ACR_USERNAME and ACR_PASSWORD are not all set: nothing is pushed there." >&2
  fi
  if [ ${#images[@]} -eq 0 ]; then
    echo "::notice::Neither the variable REGISTRY nor the secrets ACR_REGISTRY, ACR_USERNAME, ACR_PASSWORD are set: built, not pushed." >&2
  fi
fi
push=true
if [ ${#images[@]} -eq 0 ]; then
  push=false
  images=("local/$repository")
fi
printf 'images<<END\n'
printf '%s\n' "${images[@]}"
printf 'END\nfirst=%s\npush=%s\nregistry=%s\nacr=%s\n' "${images[0]}" "$push" "$registry" "$acr"
