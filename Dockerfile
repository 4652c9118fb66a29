# One image for every role of a host: `serve`, `worker`, `migrate`, `health`. It holds no secret and keeps no data.
FROM python:3.11-slim-bookworm AS packages
COPY requirements.lock .
RUN python -m venv /opt/packages \
 && /opt/packages/bin/pip install --no-cache-dir --disable-pip-version-check --require-hashes -r requirements.lock

FROM python:3.11-slim-bookworm
COPY --from=packages /opt/packages /opt/packages
WORKDIR /opt/teledeclaration
COPY schemas schemas
COPY workers workers
COPY teledeclaration teledeclaration
RUN /opt/packages/bin/python -m compileall -q schemas workers teledeclaration \
 && useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin teledeclaration
USER teledeclaration
ENV PATH=/opt/packages/bin:$PATH PYTHONUNBUFFERED=1 PYTHONPATH=/opt/teledeclaration HOST=0.0.0.0
EXPOSE 8000
ENTRYPOINT ["python", "-m", "teledeclaration"]
CMD ["serve"]
