FROM alpine
ENV GRUß=héllo
LABEL ключ="значение" x="日本語"
COPY ünï /dst/ö
RUN echo "☃ $GRUß"
