# shellcheck shell=bash
# Background processes that outlive the script that starts them, each known by a name in a folder:
# NAME.pid holds process id and start time (a recycled id is somebody else's), NAME.log what it said.
# Needs report.sh.

process_start_time() {
  local stat
  { stat=$(<"/proc/$1/stat"); } 2>/dev/null || return 1
  # The second field, the program's name in brackets, may hold spaces and brackets.
  stat=${stat##*) }
  local fields
  read -r -a fields <<<"$stat"
  # A zombie has ended; only its parent has not looked yet.
  if [[ ${fields[0]} == Z || ${fields[0]} == X ]]; then return 1; fi
  printf '%s' "${fields[19]}"
}

# start_process FOLDER NAME COMMAND...: appends to the log.
start_process() {
  local folder=$1 name=$2
  shift 2
  (
    # Files that this script has open, its lock and the pipes of whoever called it, are not for a process
    # that stays.
    for descriptor in /proc/self/fd/*; do
      descriptor=${descriptor##*/}
      if ((descriptor > 2)); then eval "exec $descriptor>&-"; fi
    done
    own_id=$BASHPID
    printf '%s %s\n' "$own_id" "$(process_start_time "$own_id")" >"$folder/$name.pid"
    exec setsid "$@" </dev/null >>"$folder/$name.log" 2>&1
  ) &
  local started=$!
  disown "$started"
  wait_until 5 "$name to be started" test -s "$folder/$name.pid"
}

# process_id FOLDER NAME: prints the id when the process runs, otherwise returns 1.
process_id() {
  local file=$1/$2.pid pid started
  [[ -s $file ]] || return 1
  read -r pid started <"$file" || return 1
  [[ -n $started && $(process_start_time "$pid") == "$started" ]] || return 1
  printf '%s' "$pid"
}

process_runs() {
  process_id "$1" "$2" >/dev/null
}

process_has_ended() {
  ! process_runs "$1" "$2"
}

# stop_process FOLDER NAME [SECONDS]: asks to end, after SECONDS (0: at once) makes it end.
stop_process() {
  local folder=$1 name=$2 grace=${3:-0} pid
  if pid=$(process_id "$folder" "$name"); then
    if ((grace > 0)); then
      kill -TERM "$pid" 2>/dev/null || true
      wait_until "$grace" "$name to end by itself" process_has_ended "$folder" "$name" || true
    fi
    if pid=$(process_id "$folder" "$name"); then kill -KILL "$pid" 2>/dev/null || true; fi
    wait_until 10 "$name (process $pid) to be gone" process_has_ended "$folder" "$name" || return 1
  fi
  rm -f "$folder/$name.pid"
}
