FROM scratch
COPY --exclude=*.md dir /a/
COPY --exclude=sub/deep --exclude=*.txt dir /b/
COPY --exclude=**/*.txt --exclude=links . /c/
ADD --exclude=dir --exclude=links --exclude=*.tar* . /d/
