# just
