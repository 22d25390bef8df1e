module headroom.dev/tests/cluster/exporter

go 1.26.0
