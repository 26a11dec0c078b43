#!/bin/sh
# Before nginx starts: source each /docker-entrypoint.d/*.envsh, run each executable *.sh, in the order of their names.
set -e
case "${1:-}" in
  nginx | nginx-debug)
    for hook in /docker-entrypoint.d/*; do
      [ -x "$hook" ] || continue
      # shellcheck source=/dev/null
      case "$hook" in
        *.envsh) . "$hook" ;;
        *.sh) "$hook" ;;
      esac
    done
    ;;
esac
exec "$@"
