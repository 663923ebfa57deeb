# escape=`
FROM scratch
LABEL path="C:\dir\file" next=a`
b escaped=a` b
ENV value=`$literal
COPY a.txt `
     b.txt `
     /files/
COPY <<E /heredoc
\$kept `$kept
E
