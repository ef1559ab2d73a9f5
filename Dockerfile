# The submission image: python -m infer, its locked packages and its weights, and nothing else.
#
# "base" is the smallest of NVIDIA's images. It is enough, because the wheels of torch and DALI bring their own CUDA
# libraries, and the driver's own come from the host with the container runtime. Any Ubuntu 22.04 or 24.04 or Debian 12
# does in its place (Python 3.10, 3.12, 3.11).
ARG BASE_IMAGE=nvidia/cuda:12.8.1-base-ubuntu24.04
FROM ${BASE_IMAGE}

RUN apt-get update \
 && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends python3 python3-venv \
 && rm -rf /var/lib/apt/lists/* /var/cache/apt/archives/*.deb

# One layer, so that neither pip's download cache nor pip itself stays in the image. pip compiles on one core and by time
# stamp; compileall uses them all, and hash-based files stay valid however the layers are copied. A package may hold files
# for other versions of Python, which this one cannot compile and never imports: no reason to fail.
COPY requirements.lock /tmp/requirements.lock
RUN python3 -m venv /opt/venv \
 && /opt/venv/bin/python -m pip install --require-hashes --only-binary :all: --no-cache-dir --no-compile \
      --disable-pip-version-check --no-input --progress-bar off -q -r /tmp/requirements.lock \
 && /opt/venv/bin/python -m pip uninstall -q -y pip \
 && { /opt/venv/bin/python -m compileall -q -j 0 --invalidation-mode unchecked-hash /opt/venv || true; } \
 && rm /tmp/requirements.lock

# A GPU where there is one: CUDA to compute, NVML to ask for its memory. No video: TIFF decoding is plain CUDA.
# torch for CUDA 12 runs on every driver since 525, so the base image's own, newer, minimum is not asked for.
# Nothing is written outside /output and /tmp, whoever the user is; some packages ask for a user's name at import, which
# a bare number does not have.
ENV NVIDIA_VISIBLE_DEVICES=all \
    NVIDIA_DRIVER_CAPABILITIES=compute,utility \
    NVIDIA_REQUIRE_CUDA="cuda>=12.0" \
    PATH=/opt/venv/bin:$PATH \
    HOME=/tmp \
    LOGNAME=seaice \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONNOUSERSITE=1 \
    SEA_ICE_IMAGE=1

LABEL org.opencontainers.image.title="sea-ice-submission" \
      org.opencontainers.image.description="Sea-ice masks for every scene in /input, written to /output" \
      org.opencontainers.image.licenses="Apache-2.0"

WORKDIR /app
# No /input: a forgotten mount is then an error and not an empty folder. A volume mounted at /output takes its mode.
RUN mkdir -m 1777 /output

# Last, so that a new network or new weights cost a few megabytes of a new image.
COPY LICENSE run.sh ./
COPY infer/ infer/
COPY weights/ weights/
RUN chmod -R a+rX /app \
 && /opt/venv/bin/python -m compileall -q --invalidation-mode unchecked-hash infer

USER 65532:65532
ENTRYPOINT ["/app/run.sh"]
