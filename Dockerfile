# The service, `clawtrace collector`. Builds with and without BuildKit.

FROM python:3.11-slim-bookworm AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /src
# No pip in the environment that is shipped: the one of this stage installs into it.
RUN python3 -m venv --without-pip /opt/clawtrace
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY clawtrace_otel clawtrace_otel
RUN python3 -m pip wheel --no-deps --wheel-dir /wheels . \
 && python3 -m pip --python /opt/clawtrace/bin/python3 install --constraint constraints.txt \
    "$(ls /wheels/*.whl)[postgres,s3]"

FROM python:3.11-slim-bookworm
# The Collector's image runs as 10001 too, so one owner fits every volume.
RUN groupadd --gid 10001 clawtrace \
 && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /nonexistent clawtrace \
 && install -d -o 10001 -g 10001 /var/lib/clawtrace /cards
COPY --from=build /opt/clawtrace /opt/clawtrace
# Outside a container the service listens on 127.0.0.1; in here that would reach nobody.
ENV PATH=/opt/clawtrace/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    CLAWTRACE_GRPC=0.0.0.0:4317 \
    CLAWTRACE_HTTP=0.0.0.0:4318 \
    CLAWTRACE_METRICS=0.0.0.0:8888 \
    CLAWTRACE_HEALTH=0.0.0.0:13133 \
    CLAWTRACE_JOURNAL=/var/lib/clawtrace/journal.db \
    CLAWTRACE_CARDS=/cards
# The journal is SQLite in WAL mode: /var/lib/clawtrace needs a local disk, not a network share.
VOLUME ["/var/lib/clawtrace", "/cards"]
USER 10001:10001
EXPOSE 4317 4318 8888 13133
HEALTHCHECK --interval=10s --timeout=3s --start-period=15s --retries=3 \
  CMD ["python3", "-I", "-S", "-c", "import http.client, os, sys; c = http.client.HTTPConnection('127.0.0.1', int(os.environ['CLAWTRACE_HEALTH'].rpartition(':')[2]), timeout=2); c.request('GET', '/'); sys.exit(c.getresponse().status != 200)"]
ENTRYPOINT ["clawtrace"]
CMD ["collector"]
