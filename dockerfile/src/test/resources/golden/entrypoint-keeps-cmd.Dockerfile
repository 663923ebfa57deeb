FROM rich
CMD ["a"]
ENTRYPOINT ["b"]
