#!/usr/bin/env bash
# Writes src/*/PublicAPI.Unshipped.txt anew from the code: everything public that PublicAPI.Shipped.txt does not list.
# Run it after a change of public members, and review the difference.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

for project in Tracing.Sdk Tracing.Sdk.AspNetCore; do
  file=src/$project/PublicAPI.Unshipped.txt
  echo '#nullable enable' >"$file"
  members=$(dotnet build "src/$project" -v quiet -nologo -p:TreatWarningsAsErrors=false -tl:off |
    sed -nE "s/.* RS0016: Symbol '(.*)' is not part of the declared public API.*/\1/p" | LC_ALL=C sort -u)
  [ -z "$members" ] || printf '%s\n' "$members" >>"$file"
done
