ARG V=3
ARG IMG=alpine
ARG W=${V}x
FROM ${IMG}
ARG V
ARG X=def Y Z=${X}-z
ARG W
RUN echo $V $X $Y
ENV Q=$V$X
CMD echo $Q
