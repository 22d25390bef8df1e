#!/usr/bin/env python3
"""Checks one model of the escrow ledger with spin, exhaustively.

Usage: model_test.py creates|updates|recall|epoch|restore

Three kinds of run. The rules as they are: every reachable state is visited, and none breaks a promise. The same with a
seeded fault: spin must find the harm that the table names. The same with a witness, a state that spin must reach: a
model in which nothing happens keeps every promise.
"""
import pathlib
import re
import resource
import subprocess
import sys
import tempfile
from typing import NamedTuple

FOLDER = pathlib.Path(__file__).resolve().parent
MEMORY_MIB = 2000
DEPTH = 2_000_000  # steps; the deepest of the models has some hundreds

# What spin says when it has found the harm.
OVERSHOOT = r"assertion violated \(+use_at\[revision\]<="
FALSE_DENIAL = r"assertion violated \(r<=revision\)"
HOLDS_TOO_MUCH = r"assertion violated \(+call\[0\]"
SENT_AWAY = r"assertion violated \(crashed\|\|"
STUCK = r"assertion violated \(.*requests\[0\]==0"
ENDLESS = r"non-progress cycle"
WITNESS = r"assertion violated \(+\d+!=\d+\)"


class Model(NamedTuple):
    """One source under some settings: its faults with their harm, and how many witnesses it has."""
    settings: tuple
    faults: dict
    witnesses: tuple = ()
    ends: bool = False  # also checked: every run comes to an end


MODELS = {
    "creates": (
        Model((), {
            "RELEASE_WITHOUT_DEADLINE": OVERSHOOT,
            "RELEASE_WITHOUT_READ": OVERSHOOT,
            "SETTLES_BEFORE_THE_BASE": OVERSHOOT,
            "BASE_GOES_BACK": OVERSHOOT,
            "RECLAIM_WITHOUT_DEADLINE": OVERSHOOT,
            "RECLAIM_WITHOUT_READ": OVERSHOOT,
            "SPENDS_WHAT_IT_GIVES_BACK": OVERSHOOT,
            "SPENDS_ON_ANOTHERS_BASE": OVERSHOOT,
            "TAKES_SILENCE_FOR_LOSS": OVERSHOOT,
            "TELLS_BY_THE_GRANT": OVERSHOOT,
        }, (1, 2)),
        Model(("RETURNS",), {
            "RESUMES_FROM_MEMORY": OVERSHOOT,
            "RECLAIM_ON_OLD_NEWS": OVERSHOOT,
        }, (2,)),
        Model(("NAMES",), {
            "GROUP_LEAVES_WITH_ITS_FIRST": OVERSHOOT,
        }, (1,)),
        Model(("ADVANCE=1", "HARD=1"), {
            "SPENDS_AN_ADVANCE_BLINDLY": OVERSHOOT,
            "FORGETS_THE_BASE": OVERSHOOT,
            "FORGETS_THE_OTHER": OVERSHOOT,
            "FORGETS_WHAT_IS_OPEN": OVERSHOOT,
        }, (2, 3)),
        Model(("ADVANCE=1", "HARD=1", "RETURNS"), {}, (2, 3)),
    ),
    "updates": (
        Model((), {
            "REVIEW_UID_AS_KEY": HOLDS_TOO_MUCH,
            "DEADLINE_OF_THE_FIRST_CALL": OVERSHOOT,
            "JOINS_WHAT_LEAVES": OVERSHOOT,
            "DENIES_WITHOUT_CATCHING_UP": FALSE_DENIAL,
            "DENIES_THE_OVERTAKEN": FALSE_DENIAL,
        }, (1, 2, 3)),
    ),
    "recall": (
        Model((), {
            "EACH_LEDGER_HAS_AN_ORDER": STUCK,
            "WAITING_ONES_KEEP": STUCK,
            "TAKES_AGAINST_A_RECALL": ENDLESS,
            "KEEPS_ITS_TURN": STUCK,
        }, (1, 2), ends=True),
        Model(("REQUESTS=2",), {}, ends=True),
        Model(("HARD_Y=1", "THIRD_NEEDS_ONLY_X"), {
            "ANSWER_OUTLIVES_A_TAKE": SENT_AWAY,
        }, (2,), ends=True),
        Model(("CRASHES",), {}, ends=True),
    ),
    "epoch": (
        Model((), {
            "ENFORCED_BEFORE_ALL_KNOW": OVERSHOOT,
            "ENFORCED_BEFORE_THE_DEADLINE": OVERSHOOT,
            "ENFORCED_WITHOUT_READ": OVERSHOOT,
            "ENFORCED_WITH_TOO_MUCH_GRANTED": OVERSHOOT,
            "MERGES_ANOTHER_EPOCH": OVERSHOOT,
        }, (1, 2)),
    ),
    "restore": (
        Model((), {
            "RESTORE_UNNOTICED": OVERSHOOT,
            "RESTORE_NOTICED_BY_THE_RECORD": OVERSHOOT,
            "NEW_EPOCH_BEFORE_THE_LEASES_END": OVERSHOOT,
            "NEW_EPOCH_BEFORE_THE_DEADLINE": OVERSHOOT,
            "SPENDS_A_FORGOTTEN_GRANT": OVERSHOOT,
        }, (1, 2)),
    ),
}


class Verdict(NamedTuple):
    errors: int
    complete: bool
    text: str
    states: int
    seconds: float
    mebibytes: float
    trail: str


def run(command, folder):
    return subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)


def built_with(source, macros, ends, optimise, folder):
    """Makes the verifier; a source that spin or the compiler does not take is an error of ours."""
    defines = [f"-D{macro}" for macro in macros]
    made = run(["spin", "-a", *defines, str(FOLDER / f"{source}.pml")], folder)
    if made.returncode != 0 or "rror:" in made.stdout:
        sys.exit(f"spin does not take {source}.pml {' '.join(macros)}:\n{made.stdout}")
    # -w: the C that spin writes is not ours. Compiling costs more than a short search gains by it.
    compiled = run(["gcc", "-w", "-O2" if optimise else "-O0", "-DNP" if ends else "-DSAFETY", f"-DMEMLIM={MEMORY_MIB}",
                    "-o", "pan", "pan.c"], folder)
    if compiled.returncode != 0:
        sys.exit(f"{source}.pml {' '.join(macros)} does not compile:\n{compiled.stdout}")
    return defines


def check(source, macros, ends, optimise):
    with tempfile.TemporaryDirectory() as folder:
        defines = built_with(source, macros, ends, optimise, folder)
        before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
        searched = run(["./pan", "-n", f"-m{DEPTH}", *(["-l"] if ends else [])], folder).stdout
        seconds = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before
        errors = re.search(r"errors: (\d+)", searched)
        states = re.search(r"(\d+) states, stored", searched)
        memory = re.search(r"([\d.]+)\s+total actual memory usage", searched)
        if not (errors and states and memory):
            sys.exit(f"the search of {source}.pml {' '.join(macros)} broke off:\n{searched}")
        trail = ""
        if int(errors[1]) > 0:
            steps = run(["spin", "-T", "-t", "-k", f"{source}.pml.trail", *defines, str(FOLDER / f"{source}.pml")],
                        folder)
            trail = "".join(line + "\n" for line in steps.stdout.splitlines() if line[:1].isalpha())
        complete = "Search not completed" not in searched and "max search depth too small" not in searched
        found = "\n".join(line for line in searched.splitlines() if line.startswith("pan:"))
        return Verdict(int(errors[1]), complete, found, int(states[1]), seconds, float(memory[1]), trail)


def check_model(name, model):
    """Returns what is wrong, a list of texts."""
    wrong = []
    title = " ".join((name, *model.settings))
    rules = check(name, model.settings, model.ends, optimise=True)
    print(f"{title}: {rules.states:,} states, {rules.seconds:.1f} s of processor, {rules.mebibytes:.0f} MiB",
          flush=True)
    if rules.errors or not rules.complete:
        wrong.append(f"{title}: {rules.text or 'not all states were visited'}\n{rules.trail}")
    for fault, harm in model.faults.items():
        found = check(name, (*model.settings, f"FAULT_{fault}", "HARM_ONLY"), model.ends, optimise=False)
        print(f"  {fault}: {'found' if found.errors else 'NOT FOUND'} after {found.states:,} states", flush=True)
        if not re.search(harm, found.text):
            wrong.append(f"{title}: spin does not find {harm} with the fault {fault}, but: {found.text}\n{found.trail}")
    for number in model.witnesses:
        found = check(name, (*model.settings, f"WITNESS={number}", "HARM_ONLY"), model.ends, optimise=False)
        print(f"  witness {number}: {'reached' if found.errors else 'NOT REACHED'} after {found.states:,} states",
              flush=True)
        if not re.search(WITNESS, found.text):
            wrong.append(f"{title}: witness {number} is not reached: {found.text}")
    return wrong


def untested_faults():
    seeded = set()
    for source in FOLDER.glob("*.pml"):
        seeded.update(re.findall(r"\bFAULT_([A-Z_]+)", source.read_text(encoding="utf-8")))
    tested = {fault for models in MODELS.values() for model in models for fault in model.faults}
    return sorted(seeded ^ tested)


def main():
    if len(sys.argv) != 2 or sys.argv[1] not in MODELS:
        sys.exit(f"usage: {sys.argv[0]} {'|'.join(MODELS)}")
    wrong = [f"seeded, but not in the table of this test, or the other way round: {fault}"
             for fault in untested_faults()]
    for model in MODELS[sys.argv[1]]:
        wrong += check_model(sys.argv[1], model)
    if wrong:
        sys.exit("\n".join(wrong))


if __name__ == "__main__":
    main()
