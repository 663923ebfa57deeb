FROM alpin
RUN x
