FROM alpine
RUN --network=none a
RUN --network=host b
RUN --network=default c
RUN --security=insecure d
RUN --device=vendor.com/class=dev,required --device=name=other e
