FROM alpine
WORKDIR C:\\app
COPY a C:\\dst\\
RUN dir
CMD x
