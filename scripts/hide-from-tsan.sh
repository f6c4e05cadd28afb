#!/usr/bin/env bash
# hide-from-tsan.sh LIBRARY HIDDEN: copies the Rust library so that it allocates and copies by the
# functions of tests/unseen_memory.cc, which says why, and uses files by those of unseen_files.cc.
set -euo pipefail
library=$1
hidden=$2

renames=()
for name in malloc calloc realloc free posix_memalign memcpy memmove memset memcmp bcmp \
  socket socketpair bind listen accept accept4 connect shutdown recv recvfrom recvmsg send sendto \
  sendmsg read write close fcntl ioctl poll dup2 open pipe2 eventfd epoll_create1 epoll_ctl \
  epoll_wait; do
  renames+=(--redefine-sym "$name=unseen_$name")
done

# Binutils looks into every member for bitcode of an older LLVM, and says so each time it is not.
if ! complaints=$(objcopy "${renames[@]}" "$library" "$hidden.new" 2>&1); then
  echo "$complaints" >&2
  exit 1
fi
mv "$hidden.new" "$hidden"
