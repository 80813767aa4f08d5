"""Every metric of a namespace as CloudWatch's own client reads it back: one JSON object, {"name dimensions":
{statistic: value}}."""
import datetime
import json
import sys

import boto3

STATISTICS = ["Sum", "SampleCount", "Average"]
client = boto3.client("cloudwatch", endpoint_url=sys.argv[1], region_name="us-east-1")
now = datetime.datetime.now(datetime.timezone.utc)
found = {}
for metric in client.list_metrics(Namespace=sys.argv[2])["Metrics"]:
    dimensions = sorted(d["Name"] + "=" + d["Value"] for d in metric["Dimensions"])
    points = client.get_metric_statistics(
        Namespace=sys.argv[2], MetricName=metric["MetricName"], Dimensions=metric["Dimensions"],
        StartTime=now - datetime.timedelta(hours=1), EndTime=now + datetime.timedelta(hours=1), Period=86400,
        Statistics=STATISTICS)["Datapoints"]
    found[" ".join([metric["MetricName"], *dimensions])] = {s: sum(p[s] for p in points) for s in STATISTICS}
print(json.dumps(found))
