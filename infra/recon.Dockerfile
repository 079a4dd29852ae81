# The image of scheduled runs (infra/schedule.yaml). From the repository's root:
#   docker build --platform linux/amd64 --provenance=false --build-arg BASE=... --file infra/recon.Dockerfile --tag recon .
# BASE is Lambda's own image for Python 3.13 (lambda/python:3.13), from whichever registry you take your images.
ARG BASE
FROM ${BASE}

# First, since it changes least. Compiled once here, and not at every cold start: nothing but /tmp can be written there.
COPY requirements-recon.lock ./
RUN pip install --no-cache-dir --require-hashes --no-deps --only-binary=:all: --requirement requirements-recon.lock

# Each keeps its place, by which the runner finds its notebook.
COPY pipeline/__init__.py pipeline/
COPY pipeline/schemas pipeline/schemas
COPY notebooks/*.ipynb notebooks/
COPY dashboards dashboards
COPY recon recon
RUN python -m compileall -q pipeline dashboards recon

# Whatever wants a home folder finds one that it may write to.
ENV HOME=/tmp

CMD ["recon.schedule.handler.handler"]
