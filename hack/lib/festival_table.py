#!/usr/bin/env python3
"""Shows a festival as it happens: every ScaleTarget with its size, bounds and reason, until the calendar is over.

Usage: festival_table.py --kubectl PATH --kubeconfig FILE [--context NAME] [--namespace NS]
                         --metrics URL --until RFC3339 --limit SECONDS [--zone ZONE] [--plain]

On a terminal the table is redrawn in place; otherwise (or with --plain) a line is printed for every change. Ends with
status 0 once the operator's clock has passed --until, with 1 when the time limit passes first.
"""
import argparse
import datetime
import json
import re
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
import zoneinfo

BOLD, DIM, GREEN, YELLOW, RED, RESET = "\033[1m", "\033[2m", "\033[32m", "\033[33m", "\033[31m", "\033[0m"


def operator_clock(url):
    """The instant the operator plans by, from its own metrics; None while it cannot be reached."""
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            text = answer.read().decode()
    except (urllib.error.URLError, OSError):
        return None
    match = re.search(r"^headroom_clock_timestamp_seconds (\S+)$", text, re.MULTILINE)
    return datetime.datetime.fromtimestamp(float(match.group(1)), datetime.timezone.utc) if match else None


def objects(options, kind):
    command = [options.kubectl, "--kubeconfig", options.kubeconfig, "--request-timeout=3s", "get", kind, "-o", "json"]
    command += ["--context", options.context] if options.context else []
    command += ["-n", options.namespace] if options.namespace else ["-A"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    return json.loads(done.stdout)["items"] if done.returncode == 0 else []


def condition(item, kind):
    for entry in item.get("status", {}).get("conditions", []):
        if entry["type"] == kind:
            return entry
    return None


def span(delta):
    seconds = int(delta.total_seconds())
    days, hours, minutes = seconds // 86400, seconds // 3600 % 24, seconds // 60 % 60
    return f"{days}d {hours:02d}h" if days else f"{hours}h {minutes:02d}m"


def row(item):
    spec, status = item["spec"], item.get("status", {})
    bounds = status.get("bounds") or {}
    low, high = bounds.get("min"), bounds.get("max")
    ready = status.get("ready")
    desired = status.get("desired", low)
    reasons = status.get("explanation") or []
    why = reasons[-1]["text"] if reasons else ((condition(item, "Ready") or {}).get("message", ""))
    return {
        "region": spec.get("region", "local"),
        "target": item["metadata"]["name"],
        "size": f"{'-' if ready is None else ready}/{'-' if desired is None else desired}",
        "settled": ready is not None and desired is not None and ready >= desired,
        "bounds": "-" if low is None else (f"{low}" if low == high else f"{low}..{high}"),
        "why": why,
        "contested": bool((condition(item, "Contested") or {}).get("status") == "True"),
    }


def next_transition(schedules, now):
    upcoming = []
    for item in schedules:
        for entry in item.get("status", {}).get("next", []):
            at = datetime.datetime.fromisoformat(entry["at"].replace("Z", "+00:00"))
            if at > now:
                upcoming.append((at, f"{item['metadata']['name']} {entry['phase']} {entry['event']}"))
    return min(upcoming) if upcoming else None


def draw(options, now, rows, upcoming, lines_before):
    zone = zoneinfo.ZoneInfo(options.zone)
    width = max(shutil.get_terminal_size((120, 40)).columns, 80)
    heading = now.astimezone(zone).strftime("%a %d %b %Y %H:%M %Z")
    coming = f"{upcoming[1]} in {span(upcoming[0] - now)}" if upcoming else "nothing more is planned"
    out = [f"{BOLD}{heading}{RESET}   next: {coming}", ""]
    out.append(f"{DIM}{'REGION':<9}{'TARGET':<22}{'READY':>9}  {'BOUNDS':<10} WHY{RESET}")
    for entry in rows:
        colour = RED if entry["contested"] else GREEN if entry["settled"] else YELLOW
        why = entry["why"][: max(10, width - 54)]
        out.append(f"{entry['region']:<9}{entry['target']:<22}{colour}{entry['size']:>9}{RESET}  "
                   f"{entry['bounds']:<10} {why}")
    sys.stdout.write((f"\033[{lines_before}A" if lines_before else "") + "".join(f"\033[2K{line}\n" for line in out))
    sys.stdout.flush()
    return len(out)


def print_changes(options, now, rows, seen):
    zone = zoneinfo.ZoneInfo(options.zone)
    for entry in rows:
        face = (entry["bounds"], entry["size"])
        key = (entry["region"], entry["target"])
        if seen.get(key) == face:
            continue
        seen[key] = face
        print(f"{now.astimezone(zone):%d %b %H:%M}  {entry['region']:<9}{entry['target']:<22}{entry['size']:>9}  "
              f"{entry['bounds']:<10} {entry['why']}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kubectl", required=True)
    parser.add_argument("--kubeconfig", required=True)
    parser.add_argument("--context", default="")
    parser.add_argument("--namespace", default="")
    parser.add_argument("--metrics", required=True)
    parser.add_argument("--until", required=True)
    parser.add_argument("--limit", type=float, required=True)
    parser.add_argument("--zone", default="UTC")
    parser.add_argument("--plain", action="store_true")
    options = parser.parse_args()
    until = datetime.datetime.fromisoformat(options.until.replace("Z", "+00:00"))
    live = sys.stdout.isatty() and not options.plain
    give_up = time.monotonic() + options.limit
    lines, seen = 0, {}
    while time.monotonic() < give_up:
        begun = time.monotonic()
        rows = sorted((row(item) for item in objects(options, "scaletargets.headroom.dev")),
                      key=lambda entry: (entry["region"], entry["target"]))
        now = operator_clock(options.metrics)
        if now is not None:
            if live:
                lines = draw(options, now, rows,
                             next_transition(objects(options, "festivalschedules.headroom.dev"), now), lines)
            else:
                print_changes(options, now, rows, seen)
            if now >= until:
                return 0
        time.sleep(max(0.0, 0.7 - (time.monotonic() - begun)))
    print(f"festival_table: the operator's clock did not reach {options.until} within {options.limit:.0f} s",
          file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
