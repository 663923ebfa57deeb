FROM scratch AS files
COPY dir /deep/dir
FROM scratch
COPY --parents dir/sub/three.txt a.txt /flat/
COPY --parents dir/./sub/deep /pivot/
COPY --parents dir/**/*.txt /stars/
COPY --parents --from=files /deep/./dir/*.md /from/
COPY --parents --chown=9:9 --exclude=**/deep dir /owned/
