"""A chart as one of the version before could be: the present one with a lower version, and without some of what it has.
Both are for the same programs, which is what an upgrade of a chart alone, or to a compatible version, is."""
import shutil

import chart

VERSION = "0.0.9"
# File → lines that the version before did not have; whole lines, each of them there once.
NEWER_LINES = {
    "templates/webhook-deployment.yaml": [
        "            - --query-seconds={{ $webhook.querySeconds }}",
        "            - --connection-seconds={{ $webhook.connectionSeconds }}"],
    "templates/operator-deployment.yaml": ["            - --workers={{ $operator.workers }}"],
    # A column of the table, and a field that can be left out.
    "definitions/headroom.dev_scaletargets.yaml": [
        "        - name: Next\n          type: string\n          priority: 1\n"
        "          description: When the decision can next change by itself.\n"
        "          jsonPath: .status.nextTransition"],
    "definitions/headroom.dev_scalelimits.yaml": [
        "        - name: Percent\n          type: integer\n          jsonPath: .status.fullest.percent"]}


def make(folder):
    """The path of that chart, made in `folder`."""
    made = folder / "headroom"
    shutil.copytree(chart.CHART, made)
    about = made / "Chart.yaml"
    present = chart.load(about)["version"]
    text = about.read_text(encoding="utf-8")
    about.write_text(text.replace(f"ersion: {present}\n", f"ersion: {VERSION}\n"), encoding="utf-8")
    for name, lines in NEWER_LINES.items():
        path = made / name
        text = path.read_text(encoding="utf-8")
        for line in lines:
            if text.count(f"{line}\n") != 1:
                raise AssertionError(f"{name} does not have these lines once any more:\n{line}")
            text = text.replace(f"{line}\n", "")
        path.write_text(text, encoding="utf-8")
    return made
