FROM alpine
RUN echo hello && \
  echo there
