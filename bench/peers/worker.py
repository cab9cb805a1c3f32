"""A process that holds one engine with one network, and runs it in bursts when peers.py asks.
SPDX-License-Identifier: Apache-2.0"""
import importlib
import json
import os
import sys
import tempfile
import time

import numpy as np

import engines
import export

LEAST_RUNS = 2  # of a burst, after one that brings the network back into the caches


class Worker:
    """The parent's side. Its threads may spin for some milliseconds after a burst: the parent waits PAUSE before the next."""

    PAUSE = 0.1

    def __init__(self, engine, task):
        import subprocess  # the parent's side only
        environment = {**os.environ, **engines.environment(engine, task["threads"], task["isa"], task["mask"])}
        self.errors = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen([sys.executable, __file__, engine, json.dumps(task)], env=environment, text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors)

    def answer(self):
        """What it says next, or {"missing": why it died}."""
        line = self.process.stdout.readline()
        if line:
            return json.loads(line)
        self.process.wait()
        self.errors.seek(0)
        said = [text for text in self.errors.read().splitlines() if text.strip()]
        return {"missing": said[-1] if said else f"it ended with {self.process.returncode}"}

    def ask(self, line):
        try:
            self.process.stdin.write(f"{line}\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            pass  # answer() tells why
        return self.answer()

    def burst(self, seconds):
        got = self.ask(seconds)
        time.sleep(self.PAUSE)
        return got

    def close(self):
        try:
            self.process.stdin.close()
        except BrokenPipeError:
            pass
        self.process.wait()
        self.process.stdout.close()
        self.errors.close()


def mebibytes(what):
    """VmRSS or VmHWM: resident now, at most since forget_peak()."""
    with open("/proc/self/status") as f:
        return next(int(line.split()[1]) for line in f if line.startswith(what + ":")) / 1024


def forget_peak():
    with open("/proc/self/clear_refs", "w") as f:
        f.write("5")


def difference(y, files):
    """The largest, relative to the root mean square of the logits in float64."""
    truth = np.load(files["y"])
    truth = truth[np.arange(len(y)) % len(truth)]
    return float(np.abs(np.reshape(y, truth.shape) - truth).max() / np.sqrt(np.mean(truth ** 2)))


def burst(engine, seconds):
    """Milliseconds of each run, and how many cores worked."""
    engine.run()
    times, begin, cpu = [], time.perf_counter(), time.process_time()
    while len(times) < LEAST_RUNS or time.perf_counter() - begin < seconds:
        start = time.perf_counter()
        engine.run()
        times.append(1e3 * (time.perf_counter() - start))
    return times, (time.process_time() - cpu) / (time.perf_counter() - begin)


def serve(name, task, say):
    row, batch = engines.ENGINES[name], task["batch"]
    files = export.paths(task["cache"], task["network"], task["size"], batch)
    x = np.load(files["x"])
    x = np.ascontiguousarray(x[np.arange(batch) % len(x)])
    for module in row.imports:
        importlib.import_module(module)
    say("imported")  # beside the other engines; they load one after the other, when they are told to
    sys.stdin.readline()
    bare = mebibytes("VmRSS")
    forget_peak()
    start = time.perf_counter()
    setup = engines.Setup(task["network"], files, x, task["size"], task["threads"], task["isa"], task["library"])
    engine = row.make(setup)
    load_ms = 1e3 * (time.perf_counter() - start)
    for _ in range(2):
        engine.run()
    mib = mebibytes("VmHWM") - bare
    say({"difference": difference(engine.output(), files), "load_ms": load_ms, "mib": mib})
    for line in sys.stdin:
        times, cores = burst(engine, float(line))
        say({"times": times, "cores": cores})


def main():
    # Libraries may print: they get stderr, the parent the pipe.
    pipe = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)

    def say(value):
        pipe.write(json.dumps(value) + "\n")
        pipe.flush()

    serve(sys.argv[1], json.loads(sys.argv[2]), say)


if __name__ == "__main__":
    main()
