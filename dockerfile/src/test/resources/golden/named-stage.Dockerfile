FROM alpine AS build
RUN never
FROM scratch
COPY --from=build /a /b
