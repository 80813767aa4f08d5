"""Calls DynamoDB with boto3 as it is told: {"call": "put_item", "with": {...}} a line, the answer or
{"error": code, "message": text} a line. Usage: dynamodb_sdk.py endpoint"""
import json
import os
import sys

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError, ParamValidationError

client = boto3.client(
    "dynamodb",
    endpoint_url=sys.argv[1],
    region_name="us-east-1",
    aws_access_key_id=os.environ["AWS_ACCESS_KEY_ID"],
    aws_secret_access_key=os.environ["AWS_SECRET_ACCESS_KEY"],
    config=Config(retries={"mode": "standard", "total_max_attempts": 1}),
)

for line in sys.stdin:
    question = json.loads(line)
    try:
        answer = getattr(client, question["call"])(**question["with"])
        answer.pop("ResponseMetadata", None)
    except ClientError as error:
        answer = {"error": error.response["Error"]["Code"], "message": str(error)}
    except ParamValidationError as error:
        answer = {"error": "ParamValidationError", "message": str(error)}
    print(json.dumps(answer, default=str), flush=True)
