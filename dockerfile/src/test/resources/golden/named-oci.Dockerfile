FROM lay
RUN x
