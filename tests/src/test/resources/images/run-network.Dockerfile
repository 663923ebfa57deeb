ARG REGISTRY
FROM $REGISTRY/toolbox
RUN --network=none ls /sys/class/net > /none
RUN --network=default --security=sandbox echo default > /default
