FROM alpine AS one
RUN 1
FROM one AS two
RUN 2
FROM two AS three
RUN 3
