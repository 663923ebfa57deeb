ARG REGISTRY
FROM $REGISTRY/toolbox
RUN echo 'single "double" $HOME' "double 'single'" > /one; echo \"escaped\" >> /one
ENV json={"a":"b"}
LABEL json="{\"a\": [1, 2]}"
CMD [ "sh", "-c" , "echo \u00e9 \"$HOME\"" ]
RUN [ "a" = "a" ] && echo not json > /two
COPY "a.txt" '/quoted'
