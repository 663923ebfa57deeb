FROM alpine
SHELL bash
