ARG REGISTRY
FROM $REGISTRY/rich
LABEL plain=value "quoted key"="quoted value" multi="a\
b"
LABEL old style of label
LABEL base=replaced dotted.name=x.y
