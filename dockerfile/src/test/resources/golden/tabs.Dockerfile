FROM	alpine
	RUN	echo	x  
COPY  a   b	/c
