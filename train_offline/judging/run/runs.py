"""Runs a submission, as a process or in a container, once or scene by scene, and measures it from outside."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from infer.errors import UsageError
from train_offline.judging.cases import Case
from train_offline.judging.finding import Finding
from train_offline.judging.measure.job_report import JobReport, read_report
from train_offline.judging.measure.sampler import ResourceSampler, ResourceSamples
from train_offline.judging.measure.timeline import Phase, added_up, phases_of_job, phases_of_stranger
from train_offline.judging.run.container import Container, Image, docker, refusal, seconds_between
from train_offline.judging.run.flags import strict, user
from train_offline.judging.run.process import ProcessOutcome, checkout_environment, run_process
from train_offline.judging.run.sandbox import Surroundings, lay_out, open_folder
from train_offline.judging.settings import ContainerLimits, DryRunSettings

JOB_REPORT = "job.json"
OUT_OF_MEMORY = 137  # exit code of a container that was killed


@dataclass(frozen=True)
class Places:
    """The folders of one process: input, output, working folder, and one for the job's own report."""

    scenes: Path
    masks: Path
    work: Path
    report: Path


@dataclass(frozen=True)
class Execution:
    """One process or container from start to end. job: its own report."""

    outcome: ProcessOutcome
    samples: ResourceSamples
    phases: list[Phase]
    job: JobReport
    out_of_memory: bool = False

    @property
    def cpu_seconds(self) -> float:
        """Of its control group where it has one of its own, else of the process and all it waited for."""
        return self.outcome.cpu_seconds if self.samples.cpu_seconds is None else self.samples.cpu_seconds


@dataclass(frozen=True)
class Run:
    """All scenes once. executions: one, or one for each scene. masks: the output folder, still there."""

    executions: list[Execution]
    phases: list[Phase]
    findings: list[Finding]
    masks: Path

    @property
    def wall(self) -> float:
        """Seconds seen from outside."""
        return sum(one.outcome.wall for one in self.executions)


class Submission(Protocol):
    """Something that can be run. real_files: it cannot follow links. owner: whose its masks must be."""

    real_files: bool
    owner: int | None

    def run(self, places: Places, limit: float | None) -> Execution:
        """Run it once in these folders. limit: seconds after which it is killed, None for no limit."""


class Process:
    """This checkout's job as a process of this machine."""

    real_files = False

    def __init__(self, settings: DryRunSettings) -> None:
        self.owner: int | None = os.geteuid()
        self._arguments = ["--device", settings.device]
        if settings.weights:
            self._arguments += ["--weights", str(settings.weights.resolve())]
        if settings.threshold is not None:
            self._arguments += ["--threshold", str(settings.threshold)]

    def command(self, places: Places) -> list[str]:
        """Return the command line that reads places.scenes and writes places.masks."""
        report = places.report / JOB_REPORT
        folders = ["--input", places.scenes, "--output", places.masks, "--report", report]
        return [sys.executable, "-m", "infer", *map(str, folders), *self._arguments]

    def run(self, places: Places, limit: float | None) -> Execution:
        """Run it once in these folders. limit: seconds after which it is killed, None for no limit."""
        command, env = self.command(places), checkout_environment()
        pids: list[int] = []
        with ResourceSampler(lambda: pids[0] if pids else None) as sampler:
            outcome = run_process(command, cwd=places.work, env=env, limit=limit, on_start=pids.append)
        job = read_report(places.report / JOB_REPORT)
        return Execution(outcome, sampler.samples, _phases(outcome, job, None), job)


class Contained:
    """An image, run as a strict judge would."""

    real_files = True

    def __init__(self, image: Image, settings: DryRunSettings) -> None:
        rootless = "rootless" in docker("info", "--format", "{{.SecurityOptions}}").stdout
        self.owner = None if rootless else user()[0]  # there the engine maps users to others
        self._image, self._limits = image, ContainerLimits(settings.memory)
        self._device = settings.device

    def run(self, places: Places, limit: float | None) -> Execution:
        """Run it once in these folders. limit: seconds after which it is killed, None for no limit.

        Raises UsageError where docker does not start it.
        """
        report = places.report if self._image.ours else None
        container = Container(self._image, strict(places.scenes, places.masks, report, self._limits))
        arguments = []
        if self._image.ours:
            arguments = ["--report", f"/report/{JOB_REPORT}", "--device", self._device]
        found: list[int] = []

        def pid() -> int | None:
            if not found and (number := container.pid()):
                found.append(number)
            return found[0] if found else None

        try:
            with ResourceSampler(pid) as sampler:
                outcome = run_process(
                    container.command(arguments), cwd=places.work, limit=limit, on_kill=container.kill
                )
            state = container.state()
            if reason := refusal(outcome, state):
                raise UsageError(f"docker cannot run {self._image.name}: {reason}")
        finally:
            container.remove()
        job = read_report(places.report / JOB_REPORT)
        inside = seconds_between(state, "StartedAt", "FinishedAt")
        killed = bool(state.get("OOMKilled"))
        return Execution(outcome, sampler.samples, _phases(outcome, job, inside), job, killed)


def run_once(
    submission: Submission,
    cases: list[Case],
    scratch: Path,
    settings: DryRunSettings,
    cold: Callable[[], None],
) -> Run:
    """Run every scene once, all with one process or each with its own.

    Args:
        submission: what is run.
        cases: the scenes.
        scratch: a new folder for this run; the masks are in it afterwards.
        settings: say whether each scene has its own process, and how long one may take.
        cold: called before each start.
    """
    scratch.mkdir()
    scratch.chmod(0o755)
    masks, report, work = (open_folder(scratch / name) for name in ("masks", "report", "work"))
    groups = [[case] for case in cases] if settings.per_scene else [cases]
    executions, findings = [], []
    for number, group in enumerate(groups):
        scenes = lay_out(group, scratch / f"input-{number}", submission.real_files)
        open_folder(report / str(number))
        surroundings = Surroundings(scratch, scenes, group)
        cold()
        execution = submission.run(Places(scenes, masks, work, report / str(number)), settings.time_limit)
        executions.append(execution)
        name = group[0].image.name if settings.per_scene else ""
        findings += ending(execution.outcome, execution.out_of_memory, settings.time_limit, name)
        findings += surroundings.changes()
    phases = added_up(one.phases for one in executions)
    return Run(executions, phases, findings, masks)


def _phases(outcome: ProcessOutcome, job: JobReport, inside: float | None) -> list[Phase]:
    phases = phases_of_job(outcome.launched, outcome.ended, job)
    return phases_of_stranger(outcome.wall, inside) if phases is None else phases


def ending(
    outcome: ProcessOutcome, out_of_memory: bool, limit: float | None, name: str = ""
) -> list[Finding]:
    """Say what is wrong with how a process or container ended. name: of its scene, if it had but one."""
    last = f"; its last line: {outcome.last_lines[-1]}" if outcome.last_lines else ""
    findings = []
    if outcome.timed_out:
        what = f"was killed after {limit:g} s{last}"
        findings.append(Finding("time", name, what, "make it faster, or give a longer --time-limit"))
    elif out_of_memory or outcome.exit_code == OUT_OF_MEMORY:
        what = f"was killed, most likely for its memory (exit code {outcome.exit_code}){last}"
        findings.append(Finding("exit", name, what, "make it take less, or give a larger --memory"))
    elif outcome.exit_code:
        code = outcome.exit_code
        how = f"was ended by signal {-code}" if code < 0 else f"ended with exit code {code}"
        findings.append(Finding("exit", name, f"the job {how}{last}", "mend what its last lines name"))
    if outcome.left:
        what = f"left {len(outcome.left)} process(es) behind: {outcome.left[0]}"
        findings.append(Finding("processes", name, what, "wait for every child before the job ends"))
    return findings
