"""Calls all 23 actions through boto3, a client that shares no code with the server.

Usage: boto3_api.py ENDPOINT_URL
"""

import hashlib
import json
import sys
import time
import uuid

import boto3
from botocore.exceptions import ClientError

ACCOUNT = "111111111111"
sqs = boto3.client(
    "sqs",
    endpoint_url=sys.argv[1],
    region_name="us-east-1",
    aws_access_key_id="test",
    aws_secret_access_key="test",
)
used = set()
sqs.meta.events.register("before-call.sqs.*", lambda model, **_: used.add(model.name))


def queue(suffix="", **attributes):
    name = f"boto3-{uuid.uuid4()}{suffix}"
    return sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]


def receive(url, **options):
    options = {"WaitTimeSeconds": 1, "MaxNumberOfMessages": 10, **options}
    return sqs.receive_message(QueueUrl=url, **options).get("Messages", [])


def attributes(url):
    return sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]


def refused(code, call, **arguments):
    try:
        call(**arguments)
    except ClientError as error:
        assert error.response["Error"]["Code"] == code, error
    else:
        raise AssertionError(f"{code} was expected")


def queues_come_and_go():
    url = queue(VisibilityTimeout="5")
    name = url.rsplit("/", 1)[1]
    assert sqs.get_queue_url(QueueName=name)["QueueUrl"] == url
    assert url in sqs.list_queues(QueueNamePrefix="boto3-")["QueueUrls"]
    assert attributes(url)["VisibilityTimeout"] == "5"
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"DelaySeconds": "3"})
    assert attributes(url)["DelaySeconds"] == "3"
    refused("QueueAlreadyExists", sqs.create_queue, QueueName=name, Attributes={"DelaySeconds": "9"})
    sqs.tag_queue(QueueUrl=url, Tags={"a": "1", "b": "2"})
    sqs.untag_queue(QueueUrl=url, TagKeys=["a"])
    assert sqs.list_queue_tags(QueueUrl=url)["Tags"] == {"b": "2"}
    sqs.add_permission(QueueUrl=url, Label="x", AWSAccountIds=[ACCOUNT], Actions=["SendMessage"])
    assert "SQS:SendMessage" in attributes(url)["Policy"]
    sqs.remove_permission(QueueUrl=url, Label="x")
    assert "Policy" not in attributes(url)
    sqs.delete_queue(QueueUrl=url)
    refused("AWS.SimpleQueueService.NonExistentQueue", sqs.get_queue_url, QueueName=name)


def messages_come_back_as_they_were_sent():
    url = queue()
    body = 'line\n "quoted" \\ ünï \U0001f600'
    trace = {"AWSTraceHeader": {"DataType": "String", "StringValue": "Root=1"}}
    attached = {
        "text": {"DataType": "String", "StringValue": "x"},
        "number": {"DataType": "Number", "StringValue": "1.5"},
        "bytes": {"DataType": "Binary", "BinaryValue": b"\0\xff"},
    }
    sent = sqs.send_message(
        QueueUrl=url, MessageBody=body, MessageAttributes=attached, MessageSystemAttributes=trace
    )
    [message] = receive(url, MessageAttributeNames=["All"], AttributeNames=["All"])
    assert message["Body"] == body and message["MessageId"] == sent["MessageId"]
    assert message["MD5OfBody"] == hashlib.md5(body.encode()).hexdigest()
    assert message["MD5OfMessageAttributes"] == sent["MD5OfMessageAttributes"]
    assert message["MessageAttributes"] == attached
    assert message["Attributes"]["AWSTraceHeader"] == "Root=1"
    handle = message["ReceiptHandle"]
    sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=handle, VisibilityTimeout=0)
    [message] = receive(url)
    sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    assert attributes(url)["ApproximateNumberOfMessagesNotVisible"] == "0"


def batches_fail_entry_by_entry():
    url = queue()
    entries = [{"Id": str(i), "MessageBody": str(i)} for i in range(10)]
    entries[3]["DelaySeconds"] = 901
    sent = sqs.send_message_batch(QueueUrl=url, Entries=entries)
    assert len(sent["Successful"]) == 9 and sent["Failed"][0]["Id"] == "3"
    handles = [message["ReceiptHandle"] for message in receive(url)] + ["junk"]
    entries = [{"Id": str(i), "ReceiptHandle": handle} for i, handle in enumerate(handles)]
    timed = [{**entry, "VisibilityTimeout": 60} for entry in entries]
    changed = sqs.change_message_visibility_batch(QueueUrl=url, Entries=timed)
    assert len(changed["Successful"]) == 9 and len(changed["Failed"]) == 1
    deleted = sqs.delete_message_batch(QueueUrl=url, Entries=entries)
    assert len(deleted["Successful"]) == 9
    assert deleted["Failed"][0]["Code"] == "ReceiptHandleIsInvalid"
    refused("AWS.SimpleQueueService.EmptyBatchRequest", sqs.send_message_batch, QueueUrl=url, Entries=[])


def a_fifo_queue_keeps_order_and_drops_duplicates():
    url = queue(".fifo", FifoQueue="true", ContentBasedDeduplication="true")
    for body in ["1", "2", "2", "3"]:
        sqs.send_message(QueueUrl=url, MessageBody=body, MessageGroupId="g")
    assert [message["Body"] for message in receive(url)] == ["1", "2", "3"]


def dead_letters_are_moved_and_moved_back():
    dead = queue()
    arn = attributes(dead)["QueueArn"]
    policy = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": 1})
    url = queue(RedrivePolicy=policy, VisibilityTimeout="0")
    sqs.send_message(QueueUrl=url, MessageBody="x")
    assert len(receive(url)) == 1 and receive(url) == []
    assert sqs.list_dead_letter_source_queues(QueueUrl=dead)["queueUrls"] == [url]
    task = sqs.start_message_move_task(SourceArn=arn)["TaskHandle"]
    assert len(receive(url)) == 1
    [listed] = sqs.list_message_move_tasks(SourceArn=arn)["Results"]
    assert listed["Status"] == "COMPLETED"
    refused("ResourceNotFoundException", sqs.cancel_message_move_task, TaskHandle=task)


def a_purge_empties_the_queue_once_a_minute():
    url = queue()
    sqs.send_message(QueueUrl=url, MessageBody="x")
    sqs.purge_queue(QueueUrl=url)
    assert receive(url) == []
    refused("AWS.SimpleQueueService.PurgeQueueInProgress", sqs.purge_queue, QueueUrl=url)


for check in [
    queues_come_and_go,
    messages_come_back_as_they_were_sent,
    batches_fail_entry_by_entry,
    a_fifo_queue_keeps_order_and_drops_duplicates,
    dead_letters_are_moved_and_moved_back,
    a_purge_empties_the_queue_once_a_minute,
]:
    began = time.monotonic()
    check()
    print(f"ok  {check.__name__} ({time.monotonic() - began:.1f} s)")

missing = set(sqs.meta.service_model.operation_names) - used
assert not missing, f"never called: {missing}"
print(f"all {len(used)} actions answered")
