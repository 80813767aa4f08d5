"""Every object of an S3 as boto3 reads it: one JSON object, {"s3://bucket/key": {"type": text, "bytes":
base64}}. Usage: read_s3.py endpoint [bucket to make first...]"""
import base64
import json
import sys

import boto3

client = boto3.client("s3", endpoint_url=sys.argv[1], region_name="us-east-1")
for name in sys.argv[2:]:
    client.create_bucket(Bucket=name)
found = {}
for name in [bucket["Name"] for bucket in client.list_buckets()["Buckets"]]:
    for key in [entry["Key"] for entry in client.list_objects_v2(Bucket=name).get("Contents", [])]:
        one = client.get_object(Bucket=name, Key=key)
        found[f"s3://{name}/{key}"] = {"type": one["ContentType"],
                                       "bytes": base64.b64encode(one["Body"].read()).decode()}
print(json.dumps(found))
