// Init scripts for hosts without systemd: POSIX sh, with the header, the words and the exit statuses of the Linux Standard Base (LSB 5.0, Core, chapter 22), and
// nothing beyond the shell and what every host has: no start-stop-daemon. Whether the service is up is asked over its control socket.
import { defaultsPath, initLogPath, type Service } from "./service.ts";

/** The script of a service, for /etc/init.d. */
export function initScript(service: Service, executable: string): string {
  const { name, command, about, checksItself, stopSeconds } = service;
  const needs = name === "syslogd" ? "$local_fs" : "$remote_fs $network";
  const after = name === "syslogd" ? "$time" : name === "spreadd" ? "$syslog corosync" : "$syslog spreadd";
  const defaults = defaultsPath(service);
  return `#!/bin/sh
# ${executable} generate init ${name} > /etc/init.d/${name}; chmod 755 /etc/init.d/${name}
### BEGIN INIT INFO
# Provides:          ${name}
# Required-Start:    ${needs}
# Required-Stop:     ${needs}
# Should-Start:      ${after}
# Should-Stop:       ${after}
# Default-Start:     2 3 4 5
# Default-Stop:      0 1 6
# Short-Description: spreadbox ${command}
# Description:       ${about}
### END INIT INFO

PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
EXECUTABLE=${executable}
COMMAND='${command}'
PIDFILE=/run/spreadbox/${name}.init.pid
# What it says on stderr.
LOGFILE=${initLogPath(service)}
START_SECONDS=10
STOP_SECONDS=${stopSeconds}
DAEMON_ARGS=
SPREADBOX_CONFIG=
# The host's own: DAEMON_ARGS (words, quoted as for a shell), SPREADBOX_CONFIG for another configuration, and whatever else is set above.
[ ! -r ${defaults} ] || . ${defaults}
if [ -n "$SPREADBOX_CONFIG" ]; then export SPREADBOX_CONFIG; else unset SPREADBOX_CONFIG; fi

# Those of its arguments that count for who asks it, too.
config= control=
collect() {
  while [ $# -gt 0 ]; do
    case $1 in
      --config=*) config=\${1#*=} ;;
      --control=*) control=\${1#*=} ;;
      --config) config=\${2-} ;;
      --control) control=\${2-} ;;
    esac
    shift
  done
}
eval "collect $DAEMON_ARGS"

check() { "$EXECUTABLE" config check \${config:+--config "$config"} >/dev/null; }

# Whether it would start, with its arguments, too.
check_start() {
  ${checksItself ? '(cd / && eval "exec "$EXECUTABLE" $COMMAND $DAEMON_ARGS --check" </dev/null >/dev/null)' : "check"}
}

ask() { "$EXECUTABLE" $COMMAND "$@" \${config:+--config "$config"} \${control:+--control "$control"}; }

# Puts the process that answers into answering; fails where none does.
answers() {
  answering=$(ask status --json 2>/dev/null) || return 1
  case $answering in *'"pid":'*) answering=\${answering#*'"pid":'} answering=\${answering%%[!0-9]*} ;; *) answering= ;; esac
}

another() { echo "${name}: another one runs, as process $answering, which this script has not started" >&2; }

# Puts the process into pid. 0: it runs; 1: it is dead, and has left its file; 3: it does not run.
running() {
  [ -f "$PIDFILE" ] || return 3
  read -r pid <"$PIDFILE" || return 1
  # Its number may be another's by now. A process that is dead, and not waited for, has no command line.
  case " $(tr '\\000' ' ' <"/proc/$pid/cmdline") " in *" $COMMAND "*) return 0 ;; esac 2>/dev/null
  return 1
}

# Counts tenths of a second in waited.
tenth() {
  if sleep 0.1 2>/dev/null; then waited=$((waited + 1)); else sleep 1; waited=$((waited + 10)); fi
}

start() {
  if running; then
    echo "${name} runs already, as process $pid"
    return 0
  fi
  [ -x "$EXECUTABLE" ] || { echo "${name}: $EXECUTABLE is not installed" >&2; return 5; }
  [ "$(id -u)" -eq 0 ] || { echo "${name}: only root may start it" >&2; return 4; }
  check || return 6
  if answers; then another; return 1; fi
  mkdir -p "\${PIDFILE%/*}" "\${LOGFILE%/*}"
  # In a session of its own, where there is setsid, no terminal can end it.
  session=$(command -v setsid)
  (cd / && eval "exec $session \\"\\$EXECUTABLE\\" $COMMAND $DAEMON_ARGS" </dev/null >/dev/null 2>>"$LOGFILE") &
  pid=$!
  echo "$pid" >"$PIDFILE"
  waited=0
  while :; do
    if answers; then
      [ "\${answering:-$pid}" != "$pid" ] || return 0
      # It came up meanwhile: two would have half of what is sent each.
      kill -TERM "$pid" 2>/dev/null
      rm -f "$PIDFILE"
      another
      return 1
    fi
    if ! kill -0 "$pid" 2>/dev/null; then
      rm -f "$PIDFILE"
      echo "${name} ended at its start: $(tail -n 1 "$LOGFILE")" >&2
      return 1
    fi
    if [ "$waited" -ge $((START_SECONDS * 10)) ]; then
      echo "${name} has been started as process $pid, and does not answer yet: see $LOGFILE"
      return 0
    fi
    tenth
  done
}

stop() {
  if running; then
    kill -TERM "$pid"
    waited=0
    while running; do
      if [ "$waited" -ge $((STOP_SECONDS * 10)) ]; then
        echo "${name} did not end within $STOP_SECONDS seconds, and is killed" >&2
        kill -KILL "$pid"
        break
      fi
      tenth
    done
  elif answers; then
    another
    return 1
  fi
  rm -f "$PIDFILE"
}

reload() {
  running || { echo "${name} does not run" >&2; return 7; }
  ask reload || return 1
}

# What is refused now would be refused after the stop: then nothing would run.
restart() { check_start || return 6; stop && start; }

status() {
  running
  state=$?
  case $state in
    0) echo "${name} runs as process $pid" ;;
    1) echo "${name} is dead, and has left $PIDFILE" ;;
    3) echo "${name} does not run" ;;
  esac
  return $state
}

case \${1-} in
  start | stop | restart | reload | status) "$1" ;;
  try-restart) running || exit 0; restart ;;
  force-reload) running || exit 0; reload ;;
  *) echo "usage: $0 start|stop|restart|try-restart|reload|force-reload|status" >&2; exit 2 ;;
esac
`;
}
