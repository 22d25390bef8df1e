"""Objects of Headroom's kinds that are a little off, from a seed: what people might write, right and wrong."""
import copy
import random
import re

SCALARS = [0, 1, -1, 2, 50, 100, 101, 1000001, 2**31 - 1, 2**31, 2**63 - 1, 0.5, 5.0, True, False, None,
           "", "a", "A", "local", "web-2", "a b", "a" * 63, "a" * 64, "a" * 254, "größe", "5", "0.5", "-1", "100m", "1.5Gi",
           "1e3", "lots", "1s", "90s", "1h30m", "0s", "-5m", "5 minutes", "800h", "1d", "P0D", "-P3D", "P1D", "P1W",
           "PT18H", "+P2D", "P1DT6H", "P1M", "P", "2026-11-08", "2026-02-29", "2028-02-29", "2026-11-08T00:00:00Z",
           "2026-11-08T00:00:00+05:30", "2026-11-08 00:00", "FREQ=DAILY", "FREQ=YEARLY;BYMONTH=12;BYMONTHDAY=31",
           "FREQ=HOURLY", "FREQ=DAILY;COUNT=3;UNTIL=20270101", "FREQ=DAILY;INTERVAL=0", "Asia/Kolkata", "Local", "UTC",
           "Mars/Olympus", ".spec.a", ".spec.replicas", ".status.a", ".a[*].b", ".a[*].b[*].c[*]", "spec.a", "apps/v1",
           "v1", "apps", "https://a.example/b", "http://a", "ftp://a", "a:80", "scale", "status", "count", "CREATE",
           "DELETE", "In", "Exists", "Yellow", "Red", "None", "Notify", "Halt"]
KEYS = ["name", "type", "min", "max", "values", "add", "replicas", "targets", "path", "unknown", "Name", "a.b/c"]


def places(value, path=()):
    """Every place below a value, as paths of keys and indices."""
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, member in members:
        yield path + (key,)
        yield from places(member, path + (key,))


def at(value, path):
    for step in path:
        value = value[step]
    return value


class Mutator:
    def __init__(self, seed, objects):
        self._random = random.Random(seed)
        self._objects = [each for each in objects]
        # What stands in fields of a name in good objects, to be put into others of that name.
        self._known = {}
        for each in self._objects:
            for path in places(each["spec"]):
                self._known.setdefault(str(path[-1]), []).append(at(each["spec"], path))

    def next(self):
        """An object with one or two changes, and what they were."""
        result = copy.deepcopy(self._random.choice(self._objects))
        changes = [self._change(result) for _ in range(self._random.choice((1, 1, 1, 2)))]
        return result, "; ".join(changes)

    def _change(self, result):
        if self._random.random() < 0.06:
            return self._change_metadata(result)
        paths = list(places(result["spec"]))
        if not paths:
            result["spec"] = {}
            return "spec emptied"
        path = self._random.choice(paths)
        around = at(result["spec"], path[:-1])
        key, old = path[-1], at(result["spec"], path)
        name = "spec" + "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
        kind = self._random.random()
        if kind < 0.3:
            around[key] = copy.deepcopy(self._random.choice(self._known.get(str(key), SCALARS)))
            return f"{name} = {around[key]!r:.80}"
        if kind < 0.5:
            around[key] = self._alike(old)
            return f"{name} = {around[key]!r:.80}"
        if kind < 0.62:
            around[key] = self._random.choice(SCALARS)
            return f"{name} = {around[key]!r:.80}"
        if kind < 0.75:
            del around[key]
            return f"{name} removed"
        if kind < 0.85 and isinstance(around, list):
            around.insert(self._random.randrange(len(around) + 1), copy.deepcopy(old))
            return f"{name} twice"
        if kind < 0.92 and isinstance(around, dict):
            other = self._random.choice(KEYS)
            around[other] = self._random.choice(self._known.get(other, SCALARS))
            return f"{name} beside {other}"
        around[key] = self._random.choice(([], {}, [old], {"a": old}))
        return f"{name} = {around[key]!r:.80}"

    def _alike(self, old):
        """Another value of the same sort."""
        if isinstance(old, bool):
            return not old
        if isinstance(old, int):
            return self._random.choice((old + 1, old - 1, old * 2, old * 1000, 0, -old, str(old)))
        if isinstance(old, str):
            numbers = re.findall(r"\d+", old)
            if numbers and self._random.random() < 0.6:
                number = self._random.choice(numbers)
                return old.replace(number, str(max(0, int(number) + self._random.choice((-1, 1, 10, 1000)))), 1)
            return self._random.choice((old + "x", old[:-1], old.upper(), old.lower(), old + " ", old * 3, ""))
        if isinstance(old, list):
            return old[1:] if self._random.random() < 0.5 else old * self._random.choice((2, 20))
        if isinstance(old, dict) and old:
            dropped = self._random.choice(sorted(old))
            return {key: value for key, value in old.items() if key != dropped}
        return old

    def _change_metadata(self, result):
        metadata = result["metadata"]
        kind = self._random.choice(("name", "labels", "annotations", "unknown", "status"))
        if kind == "name":
            metadata["name"] = self._random.choice(("a", "A", "a_b", "a.b", "-a", "a" * 63, "a" * 64, "a" * 254, "local", "1"))
        elif kind == "status":
            result["status"] = self._random.choice(({}, {"observedGeneration": 5}, {"surprise": 5}))
        elif kind == "unknown":
            metadata["surprise"] = 1
        else:
            metadata[kind] = {self._random.choice(("a", "A/b", "example.com/a", "a b", "a/b/c", "")):
                              self._random.choice(("", "x", "a b", "a" * 64, "-", 5))}
        return f"metadata {kind}: {metadata.get(kind)!r:.80}"
