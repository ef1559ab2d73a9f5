# The submission image: python -m infer, its locked packages and its weights, and nothing else.
#   docker build -t sea-ice .                               the fast networks; starts as root, becomes /output's owner
#   docker build -t sea-ice --target full .                 any other architecture of smp too
#   docker build -t sea-ice --target ort-cuda .             with onnxruntime-gpu, for --engine ort-cuda
#   docker build -t sea-ice --target archive .              with GDAL, object stores and Ray: maps, whole archives
#   docker build -t sea-ice --build-arg RUN_AS=65532 .      never root, for judges who refuse that
#
# Plain Ubuntu is enough: the wheels of torch and DALI bring their own CUDA, the driver's libraries come from the host with
# the container runtime, and what NVIDIA's own base images add (cuda-compat) can stand before a newer driver and break it.
# Any Ubuntu 22.04 or 24.04 or Debian 12 does in its place (Python 3.10, 3.12, 3.11).
ARG BASE_IMAGE=ubuntu:24.04
FROM ${BASE_IMAGE} AS python

RUN apt-get update \
 && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends python3 python3-venv \
 && rm -rf /var/lib/apt/lists/* /var/cache/* /var/log/*

# A GPU where there is one: CUDA to compute, NVML to ask for its memory. No video: TIFF decoding is plain CUDA.
# torch for CUDA 12 runs on every driver since 525, whatever the base image asks for.
ENV NVIDIA_VISIBLE_DEVICES=all \
    NVIDIA_DRIVER_CAPABILITIES=compute,utility \
    NVIDIA_REQUIRE_CUDA="cuda>=12.0" \
    PATH=/opt/venv/bin:$PATH \
    HOME=/tmp \
    LOGNAME=seaice \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONNOUSERSITE=1

# No /input: a forgotten mount is then an error and not an empty folder. A new volume at /output takes its mode.
RUN mkdir -m 777 /output
WORKDIR /app

# ----------------------------------------------------------------------------------------------------------- packages
FROM python AS lean

# One layer, and pip outside of what stays. The lock is complete but for requirements-absent.txt, hence --no-deps. What
# nothing loads goes too: headers, static libraries, linear algebra on GPUs (its library is not installed), NVSHMEM for
# device code, cuPTI's profiler, a second compiler, DALI for other Pythons. pip compiles on one core and by time stamp;
# compileall uses them all, and hash-based files stay valid however the layers are copied. A package may hold files for
# other versions of Python, which this one cannot compile and never imports: no reason to fail.
COPY requirements.lock /tmp/requirements.lock
RUN python3 -m venv --without-pip /opt/venv \
 && python3 -m venv /tmp/pip \
 && /tmp/pip/bin/python -m pip --python /opt/venv/bin/python install --no-deps --require-hashes --only-binary :all: \
      --no-cache-dir --no-compile --disable-pip-version-check --no-input --progress-bar off -q -r /tmp/requirements.lock \
 && cd /opt/venv/lib/python3*/site-packages \
 && python=$(python3 -c 'import sys; print("cpython-%d%d-" % sys.version_info[:2])') \
 && find . -name '*.a' -delete \
 && find nvidia/dali -name '*.cpython-*.so' ! -name "*.$python*" -delete \
 && rm -rf torch/include torch/bin/protoc* torch/lib/libtorch_cuda_linalg.so nvidia/*/include nvidia/nvshmem/lib/*.bc \
      nvidia/nvshmem/lib/nvshmem_transport_* nvidia/cuda_cupti/lib/libnvperf_* nvidia/cuda_nvrtc/lib/*.alt.* \
 && echo /app >app.pth \
 && { /opt/venv/bin/python -m compileall -q -j 0 --invalidation-mode unchecked-hash /opt/venv || true; } \
 && rm -rf /tmp/pip /tmp/requirements.lock

# ----------------------------------------------------------------------------------------------------------- the job
FROM lean AS app

# Last, so that a new network or new weights cost a few megabytes of a new image. .image says that this is no checkout.
COPY --chmod=755 LICENSE run.sh ./
COPY --chmod=755 infer/ infer/
COPY --chmod=755 weights/ weights/
RUN touch .image && /opt/venv/bin/python -m compileall -q --invalidation-mode unchecked-hash infer

LABEL org.opencontainers.image.title="sea-ice-submission" \
      org.opencontainers.image.description="Sea-ice masks for every scene in /input, written to /output" \
      org.opencontainers.image.licenses="Apache-2.0"
ARG REVISION="" VERSION=""
LABEL org.opencontainers.image.revision="$REVISION" \
      org.opencontainers.image.version="$VERSION"

# -p: functions and start-up files that the caller's environment names are left alone.
ENTRYPOINT ["/bin/bash", "-p", "/app/run.sh"]
ARG RUN_AS=0
USER ${RUN_AS}:${RUN_AS}

# ----------------------------------------------------------------------------------------------------------- targets
FROM app AS full

USER 0:0
COPY requirements-full.lock /tmp/requirements.lock
RUN python3 -m venv /tmp/pip \
 && /tmp/pip/bin/python -m pip --python /opt/venv/bin/python install --require-hashes --only-binary :all: --no-cache-dir \
      --disable-pip-version-check --no-input --progress-bar off -q -r /tmp/requirements.lock \
 && rm -rf /tmp/pip /tmp/requirements.lock
ARG RUN_AS=0
USER ${RUN_AS}:${RUN_AS}

# Only what the lock adds: where a package stands in both, it does so in one version.
FROM app AS archive

USER 0:0
COPY requirements-archive.lock /tmp/requirements.lock
RUN python3 -m venv /tmp/pip \
 && /tmp/pip/bin/python -m pip --python /opt/venv/bin/python install --require-hashes --only-binary :all: --no-cache-dir \
      --disable-pip-version-check --no-input --progress-bar off -q -r /tmp/requirements.lock \
 && rm -rf /tmp/pip /tmp/requirements.lock
ARG RUN_AS=0
USER ${RUN_AS}:${RUN_AS}

# Of the same version, CPU included: masks on a CPU stay those of the plain one, which would lie in the same folder.
FROM app AS ort-cuda

USER 0:0
COPY requirements-ort-cuda.lock /tmp/requirements.lock
RUN python3 -m venv /tmp/pip \
 && pip="/tmp/pip/bin/python -m pip --python /opt/venv/bin/python --disable-pip-version-check --no-input -q" \
 && $pip uninstall --yes onnxruntime \
 && $pip install --no-deps --require-hashes --only-binary :all: --no-cache-dir --progress-bar off -r /tmp/requirements.lock \
 && rm -rf /tmp/pip /tmp/requirements.lock
ARG RUN_AS=0
USER ${RUN_AS}:${RUN_AS}

FROM app
