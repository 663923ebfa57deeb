FROM --platform=$TARGETPLATFROM alpine
