ARG REGISTRY
FROM $REGISTRY/rich AS kept
FROM $REGISTRY/rich AS cleared
ENTRYPOINT ["/other", "$HOME"]
FROM cleared AS both
CMD ["first"]
CMD run in shell "$quoted"
ENTRYPOINT exec shell form
FROM both
ENTRYPOINT []
CMD ["last", "with \"quotes\"", "and \\"]
COPY a.txt /
