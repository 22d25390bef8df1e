# shellcheck shell=bash
# What every script in hack/ says and how it waits: messages with elapsed time on standard error,
# failures with a remedy, and waits that always end.

script_name=${0##*/}
started_at_us=${EPOCHREALTIME//[^0-9]/}

# Seconds since `since_us` (default: since this script started), with one decimal.
elapsed() {
  local since_us=${1:-$started_at_us} tenths
  tenths=$(((${EPOCHREALTIME//[^0-9]/} - since_us) / 100000))
  printf '%d.%d' $((tenths / 10)) $((tenths % 10))
}

say() {
  printf '%s: [%6s s] %s\n' "$script_name" "$(elapsed)" "$*" >&2
}

# fail MESSAGE [REMEDY]
fail() {
  printf '%s: %s\n' "$script_name" "$1" >&2
  if (($# > 1)); then printf '%s: what to do: %s\n' "$script_name" "$2" >&2; fi
  exit 1
}

# show_tail FILE [LINES]
show_tail() {
  local file=$1 lines=${2:-20}
  if [[ -s $file ]]; then
    printf -- '--- last %d lines of %s\n' "$lines" "$file" >&2
    tail -n "$lines" "$file" >&2
    printf -- '---\n' >&2
  else
    printf -- '--- %s is empty\n' "$file" >&2
  fi
}

# wait_until SECONDS WHAT COMMAND...: polls COMMAND until it succeeds; returns 1 when the time is up.
# A COMMAND that returns 2 says that waiting longer is of no use.
wait_until() {
  local limit=$1 what=$2
  shift 2
  local begun_us=${EPOCHREALTIME//[^0-9]/} next_message_us deadline_us now_us result
  deadline_us=$((begun_us + limit * 1000000))
  next_message_us=$((begun_us + 5000000))
  while true; do
    result=0
    "$@" || result=$?
    if ((result == 0)); then return 0; fi
    if ((result == 2)); then return 1; fi
    now_us=${EPOCHREALTIME//[^0-9]/}
    if ((now_us >= deadline_us)); then
      say "gave up on $what after $limit s"
      return 1
    fi
    if ((now_us >= next_message_us)); then
      say "still waiting for $what ($(elapsed "$begun_us") of at most $limit s)"
      next_message_us=$((now_us + 5000000))
    fi
    sleep 0.1
  done
}

# run_bounded SECONDS WHAT LOG COMMAND...: runs a program (not a function) with its output in LOG, says
# every 15 s that it is still at it and what it said last, ends it after SECONDS.
run_bounded() {
  local limit=$1 what=$2 log=$3
  shift 3
  local begun_us=${EPOCHREALTIME//[^0-9]/} pid result=0 ticks=0 last_line
  say "$what"
  timeout --kill-after=10 "$limit" "$@" >"$log" 2>&1 </dev/null &
  pid=$!
  # `timeout` leads a process group of its own, which the terminal's interrupt does not reach.
  trap 'kill -TERM "$pid" 2>/dev/null; exit 130' INT TERM
  while kill -0 "$pid" 2>/dev/null; do
    sleep 0.1
    ticks=$((ticks + 1))
    if ((ticks % 150 == 0)); then
      last_line=$(tail -n 1 "$log" | cut -c 1-110)
      say "$what: running for $(elapsed "$begun_us") s${last_line:+, $last_line}"
    fi
  done
  wait "$pid" || result=$?
  trap - INT TERM
  if ((result == 0)); then
    say "$what: done in $(elapsed "$begun_us") s"
  elif ((result == 124 || result == 137)); then
    say "$what: ended after its limit of $limit s"
  else
    say "$what: failed with status $result after $(elapsed "$begun_us") s"
  fi
  return "$result"
}

# As run_bounded, and shows the end of LOG when the program fails.
run_logged() {
  local result=0
  run_bounded "$@" || result=$?
  if ((result != 0)); then show_tail "$3" 30; fi
  return "$result"
}
