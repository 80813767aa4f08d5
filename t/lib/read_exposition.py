"""Reads Prometheus's text format with Prometheus's own client: one line for each family, its name, its type and
its total; fails when a line cannot be read or a histogram's buckets do not grow."""
import sys

from prometheus_client.parser import text_string_to_metric_families


def total(family):
    names = (family.name + "_total", family.name + "_count", family.name)
    return sum(s.value for s in family.samples if s.name in names)


def check_buckets(family):
    last = {}
    for sample in family.samples:
        if sample.name.endswith("_bucket"):
            key = tuple(sorted((k, v) for k, v in sample.labels.items() if k != "le"))
            assert sample.value >= last.get(key, 0), sample
            last[key] = sample.value


with open(sys.argv[1], encoding="utf-8") as file:
    for family in text_string_to_metric_families(file.read()):
        assert family.documentation, family
        assert family.type in ("counter", "gauge", "histogram"), family
        check_buckets(family)
        print(family.name, family.type, format(total(family), "g"))
