#!/usr/bin/env bash
# Sums up a profile of go test -coverprofile as a Markdown table: statements and how many of them ran, by folder. Generated
# code and the tests' own packages are left out.
#   .ci/coverage.sh coverage.out >>"$GITHUB_STEP_SUMMARY"
set -euo pipefail
awk '
  NR == 1 || /kitex_gen\/|\/biz\/model\/|^tiktok\/test\// { next }
  {
    split($1, at, ":")
    n = split(at[1], part, "/")
    folder = part[2]
    if (n > 3) folder = folder "/" part[3]
    # A block may stand in the profile once for each test binary that holds it.
    block = $1
    if (!(block in size)) { size[block] = $2; of[block] = folder }
    if ($3 > 0) ran[block] = 1
  }
  END {
    for (block in size) {
      all += size[block]; total[of[block]] += size[block]
      if (block in ran) { hit += size[block]; covered[of[block]] += size[block] }
    }
    if (all == 0) { print "coverage: the profile is empty" >"/dev/stderr"; exit 1 }
    print "| folder | statements | covered |"
    print "|---|---:|---:|"
    printf "| **all** | %d | **%.1f %%** |\n", all, 100 * hit / all
    fflush() # before sort writes
    for (folder in total) printf "| %s | %d | %.1f %% |\n", folder, total[folder], 100 * covered[folder] / total[folder] | "sort"
  }
' "$1"
