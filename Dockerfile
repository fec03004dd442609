# docker build -t pc-graph . && docker run --rm -p 8501:8501 pc-graph        → http://localhost:8501
FROM python:3.11-slim

ENV OMP_NUM_THREADS=1 PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
WORKDIR /app

# PyTorch's own index has the build without CUDA, a tenth of the size.
COPY requirements.txt ./
RUN pip install --no-cache-dir --extra-index-url https://download.pytorch.org/whl/cpu -r requirements.txt

COPY pyproject.toml app.py ./
COPY .streamlit/ .streamlit/
COPY assets/ assets/
COPY pcgraph/ pcgraph/
COPY pages/ pages/
COPY lessons/ lessons/
COPY reference/ reference/
COPY decks/ decks/

RUN useradd --system --create-home pcgraph
USER pcgraph

EXPOSE 8501
# Jobs are stopped, connections closed, and the process ends with 0 within seconds.
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8501/_stcore/health', timeout=4)"]

# Many people? See docs/running-for-many.md and deploy/. Log lines as JSON: -e PCGRAPH_LOG=json
# Reached under another name than localhost? Say which, or the page is refused (server.allowedHosts in .streamlit/config.toml):
# docker run -e STREAMLIT_SERVER_ALLOWED_HOSTS="localhost pc-graph.example.org" …
CMD ["python", "-m", "streamlit", "run", "app.py", "--server.address", "0.0.0.0", "--server.port", "8501"]
