#!/usr/bin/env bash
# A Docker Engine for the tests and the demo.
#
#   engine.sh [start] [RUN]   an engine that answers is left alone; otherwise one is installed and started for RUN
#   engine.sh stop RUN        stops the engine, but only if `start RUN` started it
#   engine.sh status          prints the versions; exits 1 where none answers
#
# The engine is asked where the client asks: DOCKER_HOST, else /var/run/docker.sock.
set -euo pipefail
export LAB_NAME=engine
# shellcheck source=common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

PID_FILE=$LAB_STATE/engine.pid
RUN_FILE=$LAB_STATE/engine.run
LOG=$LAB_STATE/engine.log
START_SECONDS=60

versions() { "$(docker_cli)" version -f 'Docker Engine {{.Server.Version}}, API {{.Server.APIVersion}}, {{.Server.Os}}/{{.Server.Arch}}' </dev/null; }

# An engine that runs but refuses this user must not get a rival on the same socket.
refuse_if_not_permitted() {
  local socket=/var/run/docker.sock
  if [ -S "$socket" ] && [ "$(id -u)" != 0 ] && [ ! -w "$socket" ] && as_root "$(docker_cli)" version >/dev/null 2>&1; then
    die "an engine runs, but $(id -un) may not use $socket: sudo usermod -aG docker $(id -un), then log in again"
  fi
}

# In its own session, with no file descriptor of the caller: whoever waits for the caller's pipes does not wait for it.
launch() {
  local group=()
  rm -f "$PID_FILE"
  [ "$(id -u)" = 0 ] || group=(--group "$(id -gn)")
  (
    for fd in /proc/self/fd/*; do
      fd=${fd##*/}
      [ "$fd" -le 2 ] || eval "exec $fd>&-" 2>/dev/null || true
    done
    cd /
    # shellcheck disable=SC2016  # expanded by the inner shell
    as_root setsid sh -c 'echo $$ >"$1"; shift; exec nohup dockerd "$@"' sh "$PID_FILE" "${group[@]}" &
  ) </dev/null >"$LOG" 2>&1
}

# Is the process that was launched still there? (The first moment is before it wrote its pid.)
still_there() { [ ! -s "$PID_FILE" ] || [ -d "/proc/$(cat "$PID_FILE")" ]; }

wait_until_it_answers() {
  local deadline=$((SECONDS + START_SECONDS))
  until engine_answers; do
    sleep 0.3
    if [ "$SECONDS" -ge "$deadline" ] || ! still_there; then
      tail -n 25 "$LOG" >&2
      die "dockerd ended or did not answer within $START_SECONDS s; its log: $LOG"
    fi
  done
}

start() {
  local run=${1:-by-hand}
  exec 9>"$LAB_STATE/engine.lock"
  flock -w 120 9 || die "another run has been starting the engine for two minutes ($LAB_STATE/engine.lock)"
  if engine_answers; then say "$(versions) answers already"; return; fi
  [ -z "${DOCKER_HOST:-}" ] || die "DOCKER_HOST=$DOCKER_HOST does not answer: start that engine, or unset DOCKER_HOST"
  refuse_if_not_permitted
  if ! command -v dockerd >/dev/null || ! command -v iptables >/dev/null || [ ! -x /usr/bin/docker ]; then apt_install docker.io iptables; fi
  engine_answers || { launch; wait_until_it_answers; echo "$run" >"$RUN_FILE"; }
  say "$(versions) started for run '$run' (pid $(cat "$PID_FILE"), log $LOG)"
}

stop() {
  local run=${1:?engine.sh stop RUN} pid
  if [ "$(cat "$RUN_FILE" 2>/dev/null)" != "$run" ]; then say "this run started no engine: left alone"; return; fi
  pid=$(cat "$PID_FILE")
  if [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = dockerd ]; then
    as_root kill -TERM "$pid"
    for _ in $(seq 1 150); do [ -d "/proc/$pid" ] || break; sleep 0.2; done
    if [ -d "/proc/$pid" ]; then say "dockerd (pid $pid) did not stop within 30 s: left running"; return; fi
    say "stopped the engine that this run started (pid $pid)"
  fi
  rm -f "$PID_FILE" "$RUN_FILE"
}

case "${1:-start}" in
  start) start "${2:-}" ;;
  stop) stop "${2:-}" ;;
  status) engine_answers || die "no engine answers"; versions ;;
  *) die "usage: engine.sh [start [RUN] | stop RUN | status]" ;;
esac
