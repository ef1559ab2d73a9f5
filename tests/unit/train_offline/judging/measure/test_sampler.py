"""What a run takes, sampled from outside."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest
import torch

from train_offline.judging.measure.sampler import ResourceSampler, ResourceSamples

HOLDS = "import time; block = bytearray(200_000_000); time.sleep(1.0)"


def sampled(code: str) -> ResourceSampler:
    process = subprocess.Popen([sys.executable, "-c", code])
    with ResourceSampler(lambda: process.pid) as sampler:
        process.wait()
    return sampler


def test_memory_is_seen_while_it_is_held() -> None:
    samples = sampled(HOLDS).samples
    assert 200e6 < max(samples.rss) < 400e6
    assert samples.at == sorted(samples.at)
    assert 0.5 < samples.at[-1] < 30


def test_children_count_too() -> None:
    child = f"import subprocess, sys; subprocess.run([sys.executable, '-c', '{HOLDS}'])"
    assert max(sampled(child).samples.rss) > 200e6


def test_a_process_that_is_gone_or_unknown_ends_nothing() -> None:
    with ResourceSampler(lambda: None) as sampler:
        time.sleep(0.2)
    assert sampler.samples.at == []


def test_areas_and_series_of_samples() -> None:
    samples = ResourceSamples(at=[0.0, 1.0, 3.0], rss=[0, 10, 20], gpu_busy=[1.0, 1.0, 0.0])
    assert samples.area(samples.gpu_busy) == pytest.approx(2.0)
    assert samples.thinned() == {"at": [0.0, 1.0, 3.0], "rss": [0, 10, 20], "gpu_busy": [1.0, 1.0, 0.0]}
    many = ResourceSamples(at=list(range(1000)), rss=list(range(1000)))
    assert len(many.thinned()["at"]) <= 240


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
def test_a_gpu_is_seen_at_work() -> None:
    code = (
        "import torch; x = torch.randn(8192, 8192, device='cuda')\n"
        "for _ in range(400): x = torch.nn.functional.normalize(x @ x)\n"
        "torch.cuda.synchronize()"
    )
    samples = sampled(code).samples
    assert max(samples.gpu_memory) > 256e6
    assert max(samples.gpu_busy) > 0.5
