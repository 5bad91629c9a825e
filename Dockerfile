# agentslo: built in one image, run in another that has neither compiler nor sources, as a user
# without rights, with a read-only root file system (docker-compose.yml).
FROM python:3.12.11-slim-bookworm AS build
WORKDIR /src
RUN python -m venv /opt/agentslo
COPY requirements.lock pyproject.toml README.md LICENSE ./
COPY processor ./processor
# What is not as it was when it was locked, byte for byte, is not installed.
RUN /opt/agentslo/bin/pip install --no-cache-dir --no-compile --require-hashes -r requirements.lock \
    && /opt/agentslo/bin/pip install --no-cache-dir --no-compile --no-deps . \
    && /opt/agentslo/bin/python -m compileall -q /opt/agentslo/lib

FROM python:3.12.11-slim-bookworm
RUN useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin agentslo \
    && install -d -o agentslo -m 0700 /var/lib/agentslo
COPY --from=build /opt/agentslo /opt/agentslo
ENV PATH=/opt/agentslo/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
USER 10001:10001
VOLUME /var/lib/agentslo
EXPOSE 4317 4318 9464 9465
ENTRYPOINT ["agentslo"]
CMD ["run"]
