"""The results of peers.py as Markdown.
SPDX-License-Identifier: Apache-2.0"""
import math

from engines import ENGINES


def present(cell, name):
    return name in cell and "missing" not in cell[name]


def ratio(cell, peer, ms="ms"):
    """The peer's time over ours; None where one is missing."""
    return cell[peer][ms] / cell["fovea"][ms] if present(cell, "fovea") and present(cell, peer) else None


def best_ratio(cell, peers, ms="ms"):
    ratios = [r for r in (ratio(cell, p, ms) for p in peers) if r]
    return min(ratios) if ratios else None


def text(value, form):
    return form.format(value) if value is not None else "-"


def row(items):
    return "| " + " | ".join(items) + " |\n"


def head(items):
    return row(items) + "|---" * len(items) + "|\n"


def value(cell, name, key):
    return cell[name][key] if present(cell, name) else None


def times(cells, found, columns, peers):
    last = ["best peer / Fovea"] if "fovea" in columns and peers else []
    out = head(["network", "batch", "threads"] + [f"{ENGINES[e].title} ms" for e in columns] + last + ["logits differ by"])
    for key, cell in cells.items():
        got = found.get(key)
        if got is None:
            continue
        items = [cell["network"], str(cell["batch"]), str(cell["threads"])]
        items += [text(value(got, e, "ms"), "{:.2f}") for e in columns]
        items += [text(best_ratio(got, peers), "{:.2f}")] if last else []
        off = [got[e]["difference"] for e in columns if present(got, e)]
        out += row(items + [text(max(off) if off else None, "{:.1e}")])
    return out


def geometric_mean(values):
    values = [v for v in values if v]
    return math.exp(sum(map(math.log, values)) / len(values)) if values else None


def means(cells, found, peers):
    """Over the cells of each batch and number of threads, and over all; a peer's, over the cells that it has too."""
    groups = {}
    for key, cell in cells.items():
        if key in found:
            groups.setdefault(f"batch {cell['batch']}, threads {cell['threads']}", []).append(found[key])
    groups["all"] = [cell for group in list(groups.values()) for cell in group]
    out = head(["geometric means", "cells"] + [f"{ENGINES[e].title} / Fovea" for e in peers] +
               ["best peer / Fovea", "by all bursts"])
    for name, group in groups.items():
        items = [text(geometric_mean(ratio(c, p) for c in group), "{:.2f}") for p in peers]
        best, all_bursts = ([best_ratio(c, peers, ms) for c in group] for ms in ("ms", "median_ms"))
        count = str(sum(b is not None for b in best))
        out += row([name, count] + items + [text(geometric_mean(b), "{:.2f}") for b in (best, all_bursts)])
    return out


def memory(cells, found, columns):
    out = "Peak memory in MiB that loading and running adds to the process, its libraries and the input aside:\n\n"
    out += head(["network", "batch", "threads"] + [ENGINES[e].title for e in columns])
    for key, cell in cells.items():
        if key in found:
            items = [text(value(found[key], e, "mib"), "{:.0f}") for e in columns]
            out += row([cell["network"], str(cell["batch"]), str(cell["threads"])] + items)
    return out


def title(c, columns):
    versions = ", ".join(f"{ENGINES[e].title} {c[e]}" if e in c else ENGINES[e].title for e in columns)
    out = f"{versions}; float32, {c['size']} x {c['size']} pixels, {c['processor']}. "
    out += f"Medians of the quietest of at most {c['rounds']} interleaved bursts, {c['seconds']:g} s each.\n"
    if c["isa"] != "best":
        free = [] if c["masked"] else [ENGINES[e].title for e in columns if not ENGINES[e].cap]
        how = ": the CPU tells all engines that it has no more" if c["masked"] else ""
        how += f"; {' and '.join(free)} cannot be held to it" if free else ""
        out += f"Instructions up to {c['isa']}{how}.\n"
    return out + "\n"


def busy(cells, found, columns):
    """One thread that computes has one core: less means that others had it."""
    alone = [value(found[key], e, "cores") for key, cell in cells.items() if key in found and cell["threads"] == 1
             for e in columns]
    alone = [c for c in alone if c is not None]
    short = sum(c < 0.95 for c in alone)
    return f"Not idle: {short} of {len(alone)} times of one thread had less than 95 % of a core.\n" if short else ""


def missing(cells, found, columns):
    out = [f"- {key}, {ENGINES[e].title}: {found[key][e]['missing']}\n" for key in cells if key in found
           for e in columns if "missing" in found[key].get(e, {})]
    return "Missing (-):\n\n" + "".join(out) if out else ""


def markdown(results, cells, opt):
    found, columns = results["cells"], opt.engines
    peers = [e for e in columns if e != "fovea"]
    parts = [title(results["circumstances"], columns) + times(cells, found, columns, peers)]
    if "fovea" in columns and peers:
        parts.append(means(cells, found, peers))
    if opt.memory:
        parts.append(memory(cells, found, columns))
    parts += [missing(cells, found, columns), busy(cells, found, columns)]
    return "\n".join(p for p in parts if p)
