# docker build -t tl_jax .
# docker run --rm -v "$PWD/my_data:/data" -v "$PWD/results:/work/results" tl_jax study --cohort=/data/my_cohort.toml --data_dir=/data
FROM python:3.11-slim
RUN useradd --create-home reader && mkdir /work && chown reader /work
WORKDIR /source
COPY requirements.txt setup.cfg pyproject.toml README.md ./
COPY tl_jax tl_jax
COPY experiments experiments
RUN pip install --no-cache-dir ".[all]"
USER reader
WORKDIR /work
ENV TLJAX_DATA=/data
ENTRYPOINT ["tl_jax"]
CMD ["--help"]
