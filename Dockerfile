# The service in one image: ./run serve, as a user without rights, data in one volume.
#
#   docker build -t gatewitness .
#   docker run -p 127.0.0.1:8502:8502 -v gatewitness:/data --shm-size=1g --security-opt seccomp=unconfined gatewitness
#
# docs/service.md says what each option is for. BASE may be any Debian 12.
ARG BASE=docker.io/library/debian:12-slim

FROM ${BASE} AS environment
ENV DEBIAN_FRONTEND=noninteractive
RUN apt-get update && apt-get install --yes --no-install-recommends python3 python3-venv ca-certificates
WORKDIR /opt/gatewitness
COPY requirements.lock .
RUN python3 -m venv .venv && .venv/bin/pip install --no-cache-dir --only-binary :all: --require-hashes -r requirements.lock

FROM ${BASE}
WORKDIR /opt/gatewitness
COPY run requirements.lock requirements-dev.lock ./
COPY --from=environment /opt/gatewitness/.venv .venv
# The distribution's browser: a rebuilt image has its latest repairs. tini is the PID 1 that reaps orphans.
RUN ./run packages chromium chromium-sandbox tini && ./run setup && rm -rf /var/lib/apt/lists/* /var/cache/apt/* "$HOME/.cache"
RUN useradd --uid 10001 --create-home gatewitness && install -d -o gatewitness -g gatewitness -m 0700 /data
COPY pyproject.toml LICENSE gatewitness.py ./
COPY capture capture
COPY ci ci
COPY report report
COPY web web
RUN .venv/bin/python -m compileall -q capture ci report web gatewitness.py
ENV GATEWITNESS_HOST=0.0.0.0 GATEWITNESS_DATA=/data
USER gatewitness
VOLUME /data
EXPOSE 8502
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s \
    CMD [".venv/bin/python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8502/healthz', timeout=4)"]
ENTRYPOINT ["/usr/bin/tini", "-g", "--"]
CMD ["./run", "serve"]
