FROM scratch AS first
COPY a.txt /first
FROM scratch AS wanted
COPY b.txt /wanted
LABEL stage=wanted
FROM first
COPY no-such-file /never/reached
