#!/usr/bin/env bash
# Prints the lines of code and comments, and those of tests, per top folder of the working tree or of a commit, without
# generated files: .ci/lines.sh [REV…]. Counted by scc, built on first use.
set -euo pipefail
cd "$(dirname "$0")/.."
scc=$PWD/bin/tools/scc
if [ ! -x "$scc" ] || [ .ci/lines/go.mod -nt "$scc" ]; then
  mkdir -p bin/tools
  (cd .ci/lines && CGO_ENABLED=0 go build -o ../../bin/tools/ tool)
fi
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
[ $# -gt 0 ] || set -- .
for rev; do
  rm -rf "${tree:?}"/*
  if [ "$rev" = . ]; then
    # shellcheck disable=SC2016 # the inner shell expands it
    git ls-files -z --cached --others --exclude-standard | xargs -0 sh -c 'for f; do [ ! -f "$f" ] || printf "%s\0" "$f"; done' _ |
      tar --null -T - -cf - | tar -C "$tree" -xf -
  else
    git archive "$rev" | tar -C "$tree" -xf -
  fi
  printf '\n%-10s %8s %8s %9s   %10s %9s %9s\n' "$rev" files code comments 'test files' code comments
  # Test code is all in test/ and in files and folders that say so.
  (cd "$tree" && "$scc" --by-file --format csv --no-complexity --no-cocomo --exclude-dir .git,kitex_gen,model -i go .) | awk -F, '
    NR > 1 {
      split($2, path, "/"); top = path[1]; if (top == $2) top = "."
      kind = $2 ~ /_test\.go$|^test\/|test\/[^\/]*$/ ? "test" : "code"
      files[top, kind]++; code[top, kind] += $5; comments[top, kind] += $6; tops[top]
      files["~ total", kind]++; code["~ total", kind] += $5; comments["~ total", kind] += $6; tops["~ total"]
    }
    END {
      for (t in tops)
        printf "%-10s %8d %8d %9d   %10d %9d %9d\n", t, files[t, "code"], code[t, "code"], comments[t, "code"], files[t, "test"], code[t, "test"], comments[t, "test"]
    }' | sort
done
