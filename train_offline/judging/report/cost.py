"""What one run took: processor time, memory, GPU."""

from __future__ import annotations

from typing import Any

from train_offline.judging.run.runs import Execution, Run


def cost_of(run: Run, memory_limit: int | None) -> dict[str, Any]:
    """Return it as JSON can hold it.

    A container's memory is what its control group counts, the cached files that it read included, for that is
    what its limit holds against. A plain process has no group of its own: there it is the resident memory.

    Args:
        run: all scenes once.
        memory_limit: bytes, of a container; None for a plain process, which has none.
    """
    executions = run.executions
    longest = max(executions, key=lambda one: one.outcome.wall)
    groups = [one.samples.peak_bytes for one in executions if one.samples.peak_bytes is not None]
    peak_rss = max(_peak_rss(one, memory_limit is not None) for one in executions)
    return {
        "cpu_seconds": sum(one.cpu_seconds for one in executions),
        "peak_bytes": max(groups) if groups else peak_rss,
        "peak_is_of": "control group" if groups else "processes",
        "peak_rss_bytes": peak_rss,
        "limit_bytes": memory_limit,
        "gpu": _gpu_cost(executions),
        "printed_bytes": sum(one.outcome.printed_bytes for one in executions),
        "samples": longest.samples.thinned(),
    }


def _peak_rss(execution: Execution, in_container: bool) -> int:
    """Return the peak of its processes; of a container, `docker run` itself is none of them."""
    return max([*execution.samples.rss, 0 if in_container else execution.outcome.peak_rss_bytes])


def _gpu_cost(executions: list[Execution]) -> dict[str, float] | None:
    """Return peak, and areas under the curves as in MICCAI FLARE; None where no GPU was seen."""
    samples = [one.samples for one in executions if one.samples.gpu_memory]
    if not samples:
        return None
    return {
        "peak_memory_bytes": max(max(one.gpu_memory) for one in samples),
        "memory_byte_seconds": sum(one.area(one.gpu_memory) for one in samples),
        "busy_seconds": sum(one.area(one.gpu_busy) for one in samples),
    }
