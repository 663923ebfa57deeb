FROM armonly
RUN x
