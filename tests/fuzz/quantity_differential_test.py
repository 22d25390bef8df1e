#!/usr/bin/env python3
"""Compares Quantity with Kubernetes' own parser and formatter over seeded random strings.

Usage: quantity_differential_test.py --program QUANTITY_LINES --oracle-source FOLDER --build-folder FOLDER
                                     [--count N] [--seed N]

The oracle is built from its pinned module with the Go toolchain on the PATH.
"""
import argparse
import os
import pathlib
import random
import re
import shutil
import subprocess
import sys

SUFFIXES = ["", "n", "u", "m", "k", "M", "G", "T", "P", "E", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"]
# Near misses of real suffixes, and the letters that the grammar reads before it looks them up.
STRANGE_SUFFIXES = ["K", "ki", "mi", "Ui", "i", "kk", "Kii", "iK", "g", "KiB", "B", "e", "ee", "Ee", "e+", "E-", "e.5",
                    "e1.", "e1e1", "eKi", "Ki5", "m-1", "-3", "+3", "e+-1", "e++1", "e- 1", "\u00b5", " ", "\t"]
# Cases that random strings rarely meet: each end of int64, of nano precision and of Go's fast path.
EDGES = ["0.9765625Ki", "-0.9765625Ki", "1.0009765625Ki",  # on either side of where binary turns decimal
         "", "0", "+", "-", ".", "+.", "-.", "-0", "00", "0.", ".0", "9223372036854775807", "9223372036854775808",
         "-9223372036854775807", "-9223372036854775808", "9223372036854775807.000000001", "8Ei", "7.999999999999Ei",
         "7Ei", "8191Pi", "8192Pi", "-8Ei", "1e-9", "1e-10", "0.1n", "-0.1n", "0.0000000001", "1n", "1.0000000001",
         "0e-100", "1e18", "1e19", "9.3e18", "999999999999999999", "1000000000000000000", "99999999999999999.9",
         "0.000000000000000000000000000001", "1e2147483647", "1e4294967295", "1e4294967296", "1e4294967299",
         "-7e8589934592", "1.5e-2147483648", "1e9223372036854775807", "1e9223372036854775808",
         "1e-9223372036854775808", "1e-9223372036854775809", "1e99999999999999999999", "1e00000000000000000003",
         "1e-00000000000000000003", "1E3", "1E+3", "1E-3", "0x10", "1_000", "1,5", " 1", "1 ", "\uff11", "inf", "NaN"]
LARGEST_ORDINARY_EXPONENT = 400


def narrowed(number):
    """`number` as Go's int32(number) has it."""
    return (number + 2**31) % 2**32 - 2**31


def takes_go_forever(text):
    """Go writes 10^|exponent| out for exponents outside its fast path, which takes gigabytes for the largest."""
    match = re.fullmatch(r"[+-]?0*([0-9]*)\.?([0-9]*)[eE]([+-]?[0-9]+)", text)
    if not match or not -(2**63) <= int(match[3]) < 2**63:
        return False
    exponent = narrowed(int(match[3]))
    digits = max(len(match[1]), 1) + len(match[2])
    fast = digits <= 18 and narrowed(exponent - len(match[2])) >= -9
    return abs(exponent) > LARGEST_ORDINARY_EXPONENT and not fast


def digits(random_source, longest):
    length = min(int(random_source.expovariate(1 / 4)), longest)
    style = random_source.random()
    if style < 0.15:
        return "0" * length
    if style < 0.25:
        return "9" * length
    return "".join(random_source.choice("0123456789") for _ in range(length))


def number(random_source):
    sign = random_source.choice(["", "", "", "-", "+"])
    whole = digits(random_source, random_source.choice([3, 20, 45]))
    if random_source.random() < 0.4:
        return sign + whole
    return sign + whole + "." + digits(random_source, random_source.choice([3, 12, 45]))


def exponent(random_source):
    size = random_source.choice([9, 30, LARGEST_ORDINARY_EXPONENT, 2**31, 2**33])
    return random_source.choice("eE") + random_source.choice(["", "+", "-"]) + str(random_source.randrange(size + 1))


def candidate(random_source):
    choice = random_source.random()
    if choice < 0.45:
        return number(random_source) + random_source.choice(SUFFIXES)
    if choice < 0.65:
        return number(random_source) + exponent(random_source)
    if choice < 0.75:
        return number(random_source) + random_source.choice(STRANGE_SUFFIXES)
    if choice < 0.85:  # around the ends of what int64 holds
        power = random_source.choice([10, 20, 30, 40, 50, 60, 63])
        value = 2**power + random_source.randrange(-3, 4)
        return random_source.choice(["", "-"]) + str(value) + random_source.choice(["", ".5", ".000000001"]) + \
            random_source.choice(SUFFIXES)
    if choice < 0.93:  # one character changed, dropped or put in
        text = number(random_source) + random_source.choice(SUFFIXES)
        at = random_source.randrange(len(text) + 1)
        put = random_source.choice(["", "."] + list("+-0eEinumkKMGTP x"))
        return text[:at] + put + text[at + random_source.randrange(2):]
    return "".join(random_source.choice("0159.+-eEinumkKMGTP") for _ in range(random_source.randrange(8)))


def candidates(count, seed):
    random_source = random.Random(seed)
    texts = list(EDGES)
    while len(texts) < count:
        text = candidate(random_source)
        if not takes_go_forever(text):
            texts.append(text)
    return texts


def build_oracle(source, build_folder):
    go = shutil.which("go")
    if go is None:
        sys.exit("the differential test builds Kubernetes' own parser: install Go and put it on the PATH")
    binary = build_folder / "quantity_oracle"
    environment = dict(os.environ, CGO_ENABLED="0", GOWORK="off", GOTOOLCHAIN="local", GOFLAGS="-mod=readonly")
    subprocess.run([go, "build", "-trimpath", "-buildvcs=false", "-o", binary, "."], cwd=source, env=environment,
                   check=True, timeout=500)
    return binary


def answers(program, texts):
    lines = "".join(text + "\n" for text in texts).encode()
    done = subprocess.run([program], input=lines, stdout=subprocess.PIPE, check=True, timeout=120)
    return done.stdout.decode().splitlines()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", required=True, type=pathlib.Path)
    parser.add_argument("--oracle-source", required=True, type=pathlib.Path)
    parser.add_argument("--build-folder", required=True, type=pathlib.Path)
    parser.add_argument("--count", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()

    texts = candidates(arguments.count, arguments.seed)
    theirs = answers(build_oracle(arguments.oracle_source, arguments.build_folder), texts)
    ours = answers(arguments.program, texts)
    if not len(theirs) == len(ours) == len(texts):
        sys.exit(f"{len(texts)} questions, {len(theirs)} answers from Go, {len(ours)} from C++")
    different = [(text, go, cpp) for text, go, cpp in zip(texts, theirs, ours) if go != cpp]
    for text, go, cpp in different[:20]:
        print(f"{text!r}: Go {go}, C++ {cpp}")
    refused = theirs.count("error")
    print(f"{len(texts)} strings with seed {arguments.seed}: {len(texts) - refused} accepted, {refused} refused, "
          f"{len(different)} different")
    if not 0.1 < refused / len(texts) < 0.9:
        sys.exit("the strings lean to one side; the comparison says little")
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
