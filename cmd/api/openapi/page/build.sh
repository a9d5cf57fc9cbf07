#!/usr/bin/env bash
# Brings scalar.js.gz, which draws the page of the API, to the pinned version: npm's package, unchanged and compressed.
# Scalar is under the MIT licence (LICENSE here). Another version: change both lines, run this, look at the page at /docs.
set -euo pipefail
cd "$(dirname "$0")"
version=1.76.0
integrity=sha512-pjqwnzmA9YK3ZX+IZSICMsywm4qI6HLSngR2py9H6TvFApHHuJjkTAd+gFJfnqJDzJuro8k7ji6JCtJ2U+Byng==

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
npm pack --silent --pack-destination "$tmp" "@scalar/api-reference@$version" >/dev/null
package=$tmp/scalar-api-reference-$version.tgz
got=sha512-$(openssl dgst -sha512 -binary "$package" | base64 | tr -d "\n")
[ "$got" = "$integrity" ] || { echo "page: the package is another one: $got" >&2; exit 1; }
tar -xzOf "$package" package/dist/browser/standalone.js | gzip -9n >scalar.js.gz
echo "page: scalar.js.gz is $version, $(wc -c <scalar.js.gz) bytes"
