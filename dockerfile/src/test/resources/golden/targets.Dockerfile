# build builds
FROM alpine AS build
FROM --platform=$BUILDPLATFORM scratch AS fin
FROM fin
