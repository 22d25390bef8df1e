module headroom.dev/tests/bench

go 1.26.0
