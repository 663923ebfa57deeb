FROM alpine
USER 1000:staff
WORKDIR rel
WORKDIR /a/../b/
WORKDIR c
USER nobody
WORKDIR /z
RUN id
COPY x .
COPY y ./sub/
COPY z /.
ADD w ../up
