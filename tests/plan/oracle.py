#!/usr/bin/env python3
"""Tables that another implementation worked out, for oracle_test: dates and instants by zoneinfo, recurrences by
dateutil, decay in exact fractions. Seeded: the same tables every time.

Usage: oracle.py OUTPUT_FOLDER
"""
import datetime as dt
import fractions
import math
import pathlib
import random
import sys
import types
import zoneinfo

from dateutil import rrule

UTC = dt.timezone.utc
DAY = dt.timedelta(days=1)
ZONES = [
    "Africa/Casablanca",    # standard time in Ramadan only, and negative daylight saving
    "America/Asuncion",
    "America/New_York",
    "America/St_Johns",     # -03:30; changed at 00:01 until 2011
    "Antarctica/Troll",     # a gap of two hours
    "Asia/Beirut",          # gaps and folds at midnight
    "Asia/Gaza",
    "Asia/Kolkata",
    "Asia/Tehran",          # gaps at midnight until 2022
    "Atlantic/Azores",      # folds at midnight
    "Australia/Lord_Howe",  # half an hour of daylight saving
    "Europe/Berlin",
    "Europe/Dublin",
    "Pacific/Apia",         # skipped a whole day in 2011
    "Pacific/Chatham",      # +12:45
    "UTC",
]
YEARS = list(range(1990, 2041)) + list(range(2045, 2100, 5)) + [2099, 2100]


def local(zone, instant):
    """The naive local time of an aware UTC instant."""
    return instant.astimezone(zone).replace(tzinfo=None, fold=0)


def instant_of(zone, civil, later=False):
    """The instant of a civil time: the first after a gap, the earlier of a fold unless `later`."""
    for fold in ((1, 0) if later else (0, 1)):
        instant = civil.replace(tzinfo=zone, fold=fold).astimezone(UTC)
        if local(zone, instant) == civil:
            return instant
    low, high = civil.replace(tzinfo=UTC) - 2 * DAY, civil.replace(tzinfo=UTC) + 2 * DAY
    while high - low > dt.timedelta(seconds=1):  # transitions happen on whole seconds
        middle = low + dt.timedelta(seconds=int((high - low).total_seconds()) // 2)
        low, high = (low, middle) if local(zone, middle) >= civil else (middle, high)
    return high


def changes(zone, year):
    """Days of the year around which the zone's offset changes."""
    day = dt.datetime(year, 1, 1, tzinfo=UTC)
    while day.year == year:
        if (day + DAY).astimezone(zone).utcoffset() != day.astimezone(zone).utcoffset():
            yield local(zone, day).date()
        day += DAY


def write_offsets(path, dice):
    """zone, fold, D's day or instant, days, seconds, expected; instants as seconds since 1970."""
    rows = 0
    with open(path, "w", encoding="ascii") as out:
        for name in ZONES:
            zone = zoneinfo.ZoneInfo(name)
            for year in YEARS:
                days = list(changes(zone, year)) or [dt.date(year, 6, 15)]
                for change in days:
                    for shift in (-1, 0, 1, 2):
                        landing = change + shift * DAY
                        days_away, seconds = dice.randint(-400, 400), dice.choice((0, 0, 5400, -3600, 86400, 9001))
                        later = dice.random() < 0.5
                        fold = "Later" if later else "Earlier"
                        midnight = dt.datetime.combine(landing, dt.time())
                        expected = instant_of(zone, midnight, later) + dt.timedelta(seconds=seconds)
                        out.write(f"{name} {fold} day {landing - days_away * DAY} {days_away} {seconds} "
                                  f"{int(expected.timestamp())}\n")
                        # From an exact instant, days keep the time of day: aim at the hours in which clocks change.
                        time = dt.time(dice.randint(0, 3), dice.randint(0, 59), dice.randint(0, 59))
                        start = instant_of(zone, dt.datetime.combine(landing - days_away * DAY, time))
                        civil = local(zone, start) + days_away * DAY
                        if days_away:
                            expected = instant_of(zone, civil, later) + dt.timedelta(seconds=seconds)
                            out.write(f"{name} {fold} instant {int(start.timestamp())} {days_away} {seconds} "
                                      f"{int(expected.timestamp())}\n")
                        rows += 2
    return rows


WEEKDAYS = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"]


def some(dice, values, most):
    return ",".join(str(v) for v in sorted(dice.sample(list(values), dice.randint(1, most))))


def random_rule(dice, start):
    """A rule as text. What the RFC leaves open, and dateutil reads its own way, is written out."""
    frequency = dice.choice(["DAILY", "WEEKLY", "MONTHLY", "YEARLY"])
    parts = {"FREQ": frequency}
    if dice.random() < 0.5:
        parts["INTERVAL"] = str(dice.randint(1, 5 if frequency == "YEARLY" else 20))
    if dice.random() < 0.3:
        parts["WKST"] = dice.choice(WEEKDAYS)
    if dice.random() < 0.4:
        parts["BYMONTH"] = some(dice, range(1, 13), 4)
    if frequency != "WEEKLY" and dice.random() < 0.4:
        parts["BYMONTHDAY"] = some(dice, [d for d in range(-31, 32) if d], 4)
    if frequency == "YEARLY" and dice.random() < 0.3:
        parts["BYYEARDAY"] = some(dice, [d for d in range(-366, 367) if d], 8)
    if frequency == "YEARLY" and dice.random() < 0.3:
        parts["BYWEEKNO"] = some(dice, [w for w in range(-53, 54) if w], 4)
    if dice.random() < 0.5 or "BYWEEKNO" in parts:
        days = dice.sample(WEEKDAYS, dice.randint(1, 4))
        if frequency in ("MONTHLY", "YEARLY") and "BYWEEKNO" not in parts and dice.random() < 0.6:
            most = 5 if frequency == "MONTHLY" or "BYMONTH" in parts else 53
            days = [f"{dice.choice([-1, 1]) * dice.randint(1, most)}{day}" for day in days]
        parts["BYDAY"] = ",".join(days)
    narrowed = [p for p in parts if p.startswith("BY")]
    if narrowed and dice.random() < 0.3:
        parts["BYSETPOS"] = some(dice, [p for p in range(-4, 5) if p], 3)
        if frequency == "WEEKLY":
            parts["WKST"] = WEEKDAYS[start.weekday()]  # dateutil cuts the first week at its start
    end = dice.random()
    if end < 0.3:
        parts["COUNT"] = str(dice.randint(1, 40))
    elif end < 0.6:
        parts["UNTIL"] = (start + dt.timedelta(days=dice.randint(0, 4000))).strftime("%Y%m%d")
    items = list(parts.items())
    dice.shuffle(items)
    return ";".join(f"{name}={value}" for name, value in items)


def write_recurrences(path, dice):
    """rule, start, from, to, dates."""
    rows = 0
    with open(path, "w", encoding="ascii") as out:
        while rows < 3000:
            start = dt.date(1990, 1, 1) + dt.timedelta(days=dice.randint(0, 14000))
            text = random_rule(dice, start)
            first = start + dt.timedelta(days=dice.randint(-100, 3000))
            last = first + dt.timedelta(days=dice.randint(0, 1500))
            midnight = dt.datetime.combine(start, dt.time())
            rule = rrule.rrulestr(text, dtstart=midnight)
            # dateutil looks for the next date up to the end of the calendar; that of this table is nearer.
            rrule.datetime = types.SimpleNamespace(**{**vars(dt), "MAXYEAR": last.year})
            dates = []
            for date in rule:
                if date.date() > last:
                    break
                if date.date() >= first:
                    dates.append(date.date())
            if len(dates) > 900:
                continue
            out.write(f"{text} {start} {first} {last} {' '.join(map(str, dates))}\n")
            rows += 1
    return rows


def write_decays(path, dice):
    """curve, percent, start, hours, size."""
    rows = 0
    with open(path, "w", encoding="ascii") as out:
        for _ in range(5000):
            percent = fractions.Fraction(dice.choice([dice.randint(1, 100) * 1000, dice.randint(1, 99999)]), 1000)
            start, hours = dice.choice([dice.randint(1, 200), dice.randint(1, 1000000)]), dice.randint(0, 60)
            linear = max(0, math.ceil(start - hours * percent / 100 * start))
            # Within a billionth above a whole number counts as that number: no replica for a rounding error.
            exact = start * (1 - percent / 100)**hours
            exponential = math.ceil(max(fractions.Fraction(0), exact - fractions.Fraction(1, 10**9)))
            text = f"{float(percent):.3f}"
            out.write(f"Linear {text} {start} {hours} {linear}\n")
            out.write(f"Exponential {text} {start} {hours} {exponential}\n")
            rows += 2
    return rows


def main(folder):
    folder.mkdir(parents=True, exist_ok=True)
    print(write_offsets(folder / "offsets.txt", random.Random(1)), "offsets")
    print(write_recurrences(folder / "recurrences.txt", random.Random(2)), "recurrences")
    print(write_decays(folder / "decays.txt", random.Random(3)), "decays")


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
