# escape=`
FROM alpine
RUN echo a `
  # comment
  && echo b
COPY a`\b c
