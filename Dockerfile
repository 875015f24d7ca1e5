# The page on a host with an NVIDIA GPU (docs/hosting.md). Build: docker build -t ram .
# Run: docker run --gpus all -p 7860:7860 -v ram:/data ram
FROM python:3.11-slim

ENV PYTHONUNBUFFERED=1 \
    PIP_NO_CACHE_DIR=1 \
    GRADIO_SERVER_NAME=0.0.0.0 \
    GRADIO_TEMP_DIR=/data/uploads \
    XDG_CACHE_HOME=/data \
    HF_HOME=/data/huggingface

# torch's own wheels carry the CUDA libraries: the driver of the host is all that is needed besides.
WORKDIR /app
COPY requirements-host.txt .
RUN pip install -r requirements-host.txt "mcp>=1.21,<2"

COPY app.py LICENSE README.md pyproject.toml ./
COPY assets assets
COPY demo demo
COPY ram ram

RUN useradd --create-home page && mkdir /data && chown page /data
USER page
VOLUME /data
EXPOSE 7860

# While the models load, /health answers 503.
HEALTHCHECK --interval=10s --start-period=5m \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:7860/health')"]
ENTRYPOINT ["python", "app.py"]
