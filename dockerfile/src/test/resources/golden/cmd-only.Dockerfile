FROM rich
CMD ["a","b"]
CMD ["c"]
HEALTHCHECK NONE
