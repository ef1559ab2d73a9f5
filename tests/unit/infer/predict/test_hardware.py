"""Which precision suits a processor."""

from __future__ import annotations

from pathlib import Path

import pytest

from infer.predict.hardware import cpu_is_fast_at_bf16


@pytest.mark.parametrize(
    ("vendor", "flags", "fast"),
    [
        ("GenuineIntel", "avx512f avx512_bf16", False),
        ("GenuineIntel", "avx512_bf16 amx_bf16 amx_tile", True),
        ("AuthenticAMD", "avx512f avx512_bf16", True),
        ("AuthenticAMD", "avx2", False),
    ],
)
def test_where_bf16_pays_off(tmp_path: Path, vendor: str, flags: str, fast: bool) -> None:
    facts = tmp_path / "cpuinfo"
    facts.write_text(f"processor\t: 0\nvendor_id\t: {vendor}\nflags\t\t: fpu {flags} sse\n\nprocessor\t: 1\n")
    assert cpu_is_fast_at_bf16(facts) is fast
    assert not cpu_is_fast_at_bf16(tmp_path / "none")
