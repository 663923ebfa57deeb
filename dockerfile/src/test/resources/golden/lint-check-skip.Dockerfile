# check=skip=JSONArgsRecommended,MaintainerDeprecated;error=true
FROM alpine
MAINTAINER x
CMD a
