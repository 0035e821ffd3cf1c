# docker build -t tl_jax .
# docker run --rm -v "$PWD/my_data:/data" -v "$PWD/results:/work/results" tl_jax study --cohort=/data/my_cohort.toml --data_dir=/data
# With the app, at port 8501 of this machine alone (/data/password holds the password):
# docker build --build-arg EXTRAS=all,app -t tl_jax_app .
# docker run --rm -p 127.0.0.1:8501:8501 -v "$PWD/my_data:/data" -v "$PWD/results:/work/results" tl_jax_app \
#     app --address=0.0.0.0 --password_file=/data/password --results=results
FROM python:3.11-slim
RUN useradd --create-home reader && mkdir /work && chown reader /work
WORKDIR /source
COPY requirements.txt setup.cfg pyproject.toml README.md ./
COPY tl_jax tl_jax
COPY experiments experiments
ARG EXTRAS=all
RUN pip install --no-cache-dir ".[${EXTRAS}]"
USER reader
WORKDIR /work
ENV TLJAX_DATA=/data
ENTRYPOINT ["tl_jax"]
CMD ["--help"]
