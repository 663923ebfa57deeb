# syntax=docker/dockerfile:1 extra
FROM scratch
