#!/bin/sh
# What is on a disk, in one line: `missing: WHY`, `busy: WHY`, `blank:`, `filesystem: TYPE LABEL` or `data: WHAT`.
# It only reads.
set -eu
disk=$1
say() { printf '%s\n' "$*"; exit 0; }

[ -e "$disk" ] || say "missing: there is no such device"
[ -b "$disk" ] || say "missing: it is not a disk"

# -p looks at the disk, not at what was remembered of it.
code=0
found=$(blkid -p -o export "$disk" 2>&1) || code=$?
value() { printf '%s\n' "$found" | sed -n "s/^$1=//p"; }
if [ "$code" = 0 ]; then
  [ -z "$(value PTTYPE)" ] || say "data: partition table $(value PTTYPE)"
  [ "$(value USAGE)" = filesystem ] || say "data: $(value TYPE)"
  say "filesystem: $(value TYPE) $(value LABEL)"
fi
# 2: nothing was found. 8: several things at once.
[ "$code" = 2 ] || say "data: blkid cannot tell what it is ($code)"

signatures=$(wipefs --noheadings --output TYPE "$disk")
[ -z "$signatures" ] || say "data: signature of $(echo "$signatures" | tr '\n' ' ')"
users=$(lsblk --noheadings --list --output NAME "$disk" | tail -n +2 | tr '\n' ' ')
[ -z "$users" ] || say "busy: used by $users"

# A database or an image without a signature begins somewhere near the front, or ends at the end.
size=$(blockdev --getsize64 "$disk")
length=$((size < 16777216 ? size : 16777216))
head -c "$length" "$disk" | cmp -s -n "$length" - /dev/zero || say "data: without a signature, within the first 16 MiB"
tail -c 1048576 "$disk" | cmp -s -n 1048576 - /dev/zero || say "data: without a signature, within the last MiB"
say "blank:"
