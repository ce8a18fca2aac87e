"""A step, a fault that befalls it, what a user does then, and what did not go as it must."""

import os
import random
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from failing.inject import PAUSED, Fault, Process
from failing.judge import Products, differences, half_written, message_problems, products, stamps
from failing.steps import STEPS, Step, copy_of, write_halves

_SHARED = ("deconv", "mask", "predict")
_TRUNCATED = ("trainer.pt", "metrics.jsonl", "status.json", "config.yaml", "run.log", "model.safetensors")


@dataclass
class Laid:
    """A step with the folder it begins from, and what it leaves when nothing goes wrong."""

    step: Step
    start: Path
    whole: Products
    events: int
    seconds: float


def lay(step: Step, root: Path) -> Laid:
    """Do what a step needs, then the step itself, without a fault."""
    start, done = root / f"{step.name}-start", root / f"{step.name}-done"
    write_halves(start)
    for name in step.needs:
        code, said = Process(start, STEPS[name].words, root.parent / "said").ended()
        if code:
            raise RuntimeError(f"{name}: {said}")
    copy_of(start, done)
    process = Process(done, step.words, root.parent / "said")
    code, said = process.ended()
    if code:
        raise RuntimeError(f"{step.name}: {said}")
    seconds = time.monotonic() - process.began
    return Laid(step, start, products(step, done), process.events, seconds)


def chosen_fault(kind: str, laid: Laid, chance: random.Random) -> Fault:
    """Choose a moment, and what else there is to choose."""
    event, amount = chance.randint(1, laid.events), chance.random()
    if kind in ("kill -9", "SIGTERM", "SIGINT") and chance.random() < 0.5:
        return Fault(kind, seconds=chance.uniform(0, laid.seconds))
    file = chance.choice(laid.step.inputs) if laid.step.inputs else ""
    if kind == "worker out of memory":
        event = chance.randint(1, 6)
    return Fault(kind, event, amount=amount, file=file)


def possible(kind: str, step: Step) -> bool:
    """Tell whether a fault can befall a step."""
    if kind == "vanished input":
        return bool(step.inputs)
    if kind == "worker out of memory":
        return step.name == "train-starter"
    if kind == "worker killed":
        return step.name in (*_SHARED, "refine")
    if kind in ("truncated file", "two runs"):
        return bool(step.folder)
    return True


def suffer(laid: Laid, fault: Fault, chance: random.Random, root: Path) -> tuple[bool, list[str]]:
    """Let a fault befall a step; return whether it did anything to the run, and what did not go as it must."""
    step, folder, said = laid.step, root / "case", root.parent / "said"
    copy_of(laid.start, folder)
    (root / "began").touch()
    if os.geteuid() == 0:
        _give_away(folder)
    first = _truncated if fault.kind == "truncated file" else _worker_killed if fault.kind == "worker killed" else _once
    code, text, problems = first(laid, fault, chance, folder, said)
    if fault.kind != "truncated file":  # that damage is no doing of the program
        problems += half_written(step, folder, laid.whole)
    there = stamps(step, folder)
    _repair(folder, root, fault)
    if code == 0 and not (fault.kind == "vanished input" and fault.file in text):  # a report without it says so
        return False, problems + differences(step, folder, laid.whole)
    words = step.again(folder)
    code, text = Process(folder, words, said).ended()
    if code and not step.folder and "exists; choose another" in text:
        return True, problems + differences(step, folder, laid.whole)  # it was done already
    if code and fault.kind == "truncated file":
        return True, problems + _refused(laid, folder, text, code, said)
    if code:
        return True, [*problems, f"cannot be gone on with ({code}): {text.strip().splitlines()[-1:]}"]
    problems += [one for one in differences(step, folder, laid.whole) if one != _lost(fault, root, step)]
    if step.kept and fault.kind != "clock jumps":
        now = stamps(step, folder)
        problems += [f"{name} was made again" for name, stamp in there.items() if now.get(name) != stamp]
    return True, problems


def _lost(fault: Fault, root: Path, step: Step) -> str:
    """What no program could bring back: lines of the metrics of which there is no copy."""
    name = root / "truncated"
    lost = fault.kind == "truncated file" and name.exists() and name.read_text(encoding="utf-8") == "metrics.jsonl"
    return f"{step.folder}/metrics.jsonl differs" if lost else ""


def _once(laid: Laid, fault: Fault, _: random.Random, folder: Path, said: Path) -> tuple[int, str, list[str]]:
    """Run with the fault; another run at the same time if it is that."""
    process, problems = Process(folder, laid.step.words, said, fault), []
    if fault.kind == "two runs":
        while not (folder.parent / PAUSED).exists() and time.monotonic() - process.began < laid.seconds + 30:
            time.sleep(0.01)
        other, text = Process(folder, laid.step.words, said.with_name("other")).ended()
        if other:
            problems = message_problems(other, text)
    code, text = process.ended()
    if fault.kind in ("kill -9", "clock jumps") or code == 0:
        return code, text, problems
    if fault.kind in ("SIGTERM", "SIGINT") and code == -int(getattr(signal, fault.kind)) and not text.strip():
        return code, text, problems  # before the program had begun
    return code, text, problems + message_problems(code, text)


def _truncated(laid: Laid, fault: Fault, chance: random.Random, folder: Path, said: Path) -> tuple[int, str, list[str]]:
    """Kill the run, then cut a file of it off."""
    code, text = Process(folder, laid.step.words, said, Fault("kill -9", fault.event)).ended()
    files = [folder / laid.step.folder / name for name in _TRUNCATED]
    files += [path for path in (folder / laid.step.folder).glob("*.mrc") if not path.name.startswith(".")]
    there = [path for path in files if path.exists() and path.stat().st_size]
    if there:
        path = chance.choice(there)
        os.truncate(path, chance.randrange(path.stat().st_size))
        (folder.parent / "truncated").write_text(path.name, encoding="utf-8")
    return code or 1, text, []


def _refused(laid: Laid, folder: Path, text: str, code: int, said: Path) -> list[str]:
    """See whether a damaged file was named and the remedy works: another folder, or the file moved away."""
    problems = message_problems(code, text)
    name = (folder.parent / "truncated").read_text(encoding="utf-8")
    if name not in text:
        problems.append(f"does not name {name}: {text.strip().splitlines()[-1:]}")
    if laid.step.trains:
        code, text = Process(folder, laid.step.elsewhere(laid.step.words), said).ended()
        return problems + ([] if code == 0 else [f"cannot be begun elsewhere: {text}"])
    for path in folder.rglob(name):
        path.unlink()
    code, text = Process(folder, laid.step.words, said).ended()
    if code:
        return [*problems, f"cannot be gone on with although {name} is away: {text.strip().splitlines()[-1:]}"]
    return problems + differences(laid.step, folder, laid.whole)


def _worker_killed(
    laid: Laid, fault: Fault, chance: random.Random, folder: Path, said: Path
) -> tuple[int, str, list[str]]:
    """Kill one of two processes of a command, which the user has started."""
    words = [sys.executable, "-m", "isonet", *laid.step.words, "--devices=2"]
    with said.open("w") as file:
        process = subprocess.Popen(words, cwd=folder, stderr=file, stdout=subprocess.DEVNULL)
        workers: list[int] = []
        while len(workers) < 2 and process.poll() is None:
            workers = _workers_of(process.pid)
            time.sleep(0.02)
        time.sleep(fault.amount * 8)
        for worker in workers[: 1 if chance.random() < 0.5 else 2][-1:]:
            if process.poll() is None:
                _end(worker)
        code = process.wait(1800)
    text = said.read_text(encoding="utf-8")
    return code, text, message_problems(code, text) if code else []


def _end(process: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(process, signal.SIGKILL)


def _workers_of(parent: int) -> list[int]:
    """Processes that a process has started to work for it."""
    found = []
    for line in Path(f"/proc/{parent}/task/{parent}/children").read_text(encoding="utf-8").split():
        try:
            command = Path(f"/proc/{line}/cmdline").read_bytes()
        except OSError:
            continue
        if b"spawn_main" in command:
            found.append(int(line))
    return found


def _give_away(folder: Path) -> None:
    """Let anybody work in a folder, for what is read-only is so for all but root."""
    for path in [folder, *folder.rglob("*")]:
        os.chown(path, 65534, 65534)


def _repair(folder: Path, root: Path, fault: Fault) -> None:
    """Do what a user does about the fault: make room, give permission, bring the input back."""
    (root / "ballast").unlink(missing_ok=True)
    (root / PAUSED).unlink(missing_ok=True)
    for path in [folder, *folder.rglob("*")]:
        if path.is_dir():
            path.chmod(0o755)
    vanished = root / "vanished"
    if vanished.exists() and not (folder / fault.file).exists():  # a table may have been written anew
        vanished.rename(folder / fault.file)
    vanished.unlink(missing_ok=True)
