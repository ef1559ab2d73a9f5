"""What cgroups grant, from trees of files as kernels, containers and clusters lay them out."""

from __future__ import annotations

from pathlib import Path

import pytest

from infer.process import limits

V1 = "cgroup cgroup rw,"
MIB = 2**20


def tree(root: Path, own: str, mounts: list[str], files: dict[str, str]) -> Path:
    """own: /proc/self/cgroup. mounts: "ROOT MOUNT_POINT KIND SOURCE OPTIONS" each. files: texts by path."""
    lines = [
        f"{number} 1 0:{number} {' '.join(mount.split()[:2])} rw,nosuid - {' '.join(mount.split()[2:])}"
        for number, mount in enumerate(mounts, 30)
    ]
    texts = {"proc/self/cgroup": own, "proc/self/mountinfo": "\n".join(["short line", *lines]) + "\n",
             "proc/meminfo": "MemTotal:       16000000 kB\nMemFree: 1 kB\n", **files}  # fmt: skip
    for path, text in texts.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    return root


@pytest.fixture(autouse=True)
def sixteen_processors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.sched_getaffinity", lambda _: set(range(16)))


UNIFIED = ["/ /sys/fs/cgroup cgroup2 cgroup2 rw,nsdelegate"]
SPLIT = [
    f"/docker/1 /sys/fs/cgroup/cpu,cpuacct {V1}cpu,cpuacct",
    f"/docker/1 /sys/fs/cgroup/memory {V1}memory",
]


def v2(cpu: str = "max 100000", memory: str = "max", high: str = "max") -> dict[str, str]:
    return {"sys/fs/cgroup/cpu.max": f"{cpu}\n", "sys/fs/cgroup/memory.max": f"{memory}\n",
            "sys/fs/cgroup/memory.high": f"{high}\n"}  # fmt: skip


@pytest.mark.parametrize(
    ("quota", "cpus"),
    [("50000 100000", 1), ("100000 100000", 1), ("150000 100000", 2), ("100001 100000", 2),
     ("max 100000", 16), ("9900000 100000", 16), ("nonsense", 16), ("5 0", 16)],
)  # fmt: skip
def test_cpus_of_version_2(tmp_path: Path, quota: str, cpus: int) -> None:
    assert limits.cpus(tree(tmp_path, "0::/\n", UNIFIED, v2(quota))) == cpus


@pytest.mark.parametrize(("quota", "cpus"), [("-1", 16), ("50000", 1), ("250000", 3)])
def test_cpus_of_version_1_in_a_container(tmp_path: Path, quota: str, cpus: int) -> None:
    own = "4:memory:/docker/1\n3:cpu,cpuacct:/docker/1\n0::/\n"
    folder = "sys/fs/cgroup/cpu,cpuacct"
    files = {f"{folder}/cpu.cfs_quota_us": f"{quota}\n", f"{folder}/cpu.cfs_period_us": "100000\n"}
    assert limits.cpus(tree(tmp_path, own, SPLIT, files)) == cpus


def test_the_narrowest_level_counts(tmp_path: Path) -> None:
    """As on a cluster: the pod's limit lies around the container's, which has none."""
    files = {
        "sys/fs/cgroup/pod/cpu.max": "200000 100000",
        "sys/fs/cgroup/pod/one/cpu.max": "max 100000",
        "sys/fs/cgroup/pod/memory.max": str(900 * MIB),
        "sys/fs/cgroup/pod/one/memory.max": str(950 * MIB),
    }
    root = tree(tmp_path, "0::/pod/one\n", UNIFIED, files)
    assert limits.cpus(root) == 2
    assert limits.memory(root) == 900 * MIB


def test_memory(tmp_path: Path) -> None:
    assert limits.memory(tree(tmp_path / "none", "0::/\n", UNIFIED, v2())) == 16_000_000 * 1024
    assert limits.memory(tree(tmp_path / "max", "0::/\n", UNIFIED, v2(memory=str(768 * MIB)))) == 768 * MIB
    assert limits.memory(tree(tmp_path / "high", "0::/\n", UNIFIED, v2(high=str(99 * MIB)))) == 99 * MIB
    own = "4:memory:/docker/1\n"
    unlimited = {"sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n"}
    assert limits.memory(tree(tmp_path / "v1", own, SPLIT, unlimited)) == 16_000_000 * 1024
    limited = {"sys/fs/cgroup/memory/memory.limit_in_bytes": f"{256 * MIB}\n"}
    assert limits.memory(tree(tmp_path / "v1l", own, SPLIT, limited)) == 256 * MIB
    assert limits.memory(tmp_path / "nothing") is None
    assert limits.cpus(tmp_path / "nothing") == 16


def test_a_hybrid_hierarchy_is_read_as_version_1(tmp_path: Path) -> None:
    mounts = ["/ /sys/fs/cgroup/unified cgroup2 cgroup2 rw", f"/ /sys/fs/cgroup/memory {V1}memory"]
    files = {"sys/fs/cgroup/memory/a/memory.limit_in_bytes": f"{64 * MIB}\n",
             "sys/fs/cgroup/unified/a/memory.max": "1\n"}  # fmt: skip
    assert limits.memory(tree(tmp_path, "2:memory:/a\n0::/a\n", mounts, files)) == 64 * MIB


def test_kills_are_counted(tmp_path: Path) -> None:
    events = {"sys/fs/cgroup/memory.events": "low 0\nhigh 2\noom 7\noom_kill 3\noom_group_kill 0\n"}
    assert limits.oom_kills(tree(tmp_path / "2", "0::/\n", UNIFIED, events)) == 3
    control = {"sys/fs/cgroup/memory/memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 5\n"}
    assert limits.oom_kills(tree(tmp_path / "1", "4:memory:/docker/1\n", SPLIT, control)) == 5
    assert limits.oom_kills(tmp_path / "nothing") == 0
