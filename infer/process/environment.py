"""Variables that native libraries read once, when they are loaded or first used."""

from __future__ import annotations

import os
import uuid
from pathlib import Path

# Where nvImageCodec, which decodes for DALI, looks for its codecs; see read/dali.
FOLDER_OF_CODECS = "NVIMGCODEC_EXTENSIONS_PATH"
USUAL = {
    # Threads that spin while they wait take the processor from decoding and writing: 1.5 to 3 times slower on
    # a busy machine.
    "OMP_WAIT_POLICY": "passive",
    "OPENBLAS_NUM_THREADS": "1",  # NumPy's; a thread for each processor, and unused
    # The first GPU is the one that computes: CUDA need not wake the others (0.3 s on a machine of eight).
    "CUDA_VISIBLE_DEVICES": "0",
    "CUDA_MODULE_LOADING": "LAZY",  # kernels when they are first asked for; the default since CUDA 12.2
}


def prepare_environment() -> None:
    """Set them where the caller has not; before threads run, which may read them at any time."""
    for name, value in USUAL.items():
        os.environ.setdefault(name, value)
    # A folder that is there only while a codec is loaded from it, and whose name nobody can foresee.
    # A container may be read-only but for one of these places.
    places = [os.environ.get("TMPDIR") or "/tmp", "/tmp", "/dev/shm"]
    place = next((place for place in places if os.access(place, os.W_OK)), places[0])
    os.environ[FOLDER_OF_CODECS] = str(Path(place, f"sea-ice-{uuid.uuid4().hex}"))
