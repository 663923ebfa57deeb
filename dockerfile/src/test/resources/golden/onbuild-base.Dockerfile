FROM trigger
RUN own
