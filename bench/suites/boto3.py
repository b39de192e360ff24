"""What boto3 sees of the sandbox: a test for each area that docs/sandbox.md
claims. The argument is the sandbox's URL."""

import datetime
import io
import json
import sys
import urllib.error
import urllib.request

import boto3
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import ClientError

URL = sys.argv[1]
CONFIG = Config(s3={"addressing_style": "path"}, signature_version="s3v4", retries={"max_attempts": 0})
names = (f"boto-{n}" for n in range(1, 1000))


def client(service="s3", **more):
    return boto3.client(service, endpoint_url=URL, config=CONFIG, **more)


s3 = client()


def bucket(**more):
    name = next(names)
    s3.create_bucket(Bucket=name, **more)
    return name


def refuses(code, call, **arguments):
    try:
        call(**arguments)
    except ClientError as e:
        assert e.response["Error"]["Code"] == code, e
        return e
    raise AssertionError(f"{code} is not answered")


def read(**arguments):
    return s3.get_object(**arguments)["Body"].read()


def test_caller_identity():
    assert client("sts").get_caller_identity()["Arn"] == "arn:aws:iam::111122223333:user/main"


def test_assume_role():
    role = {"RoleArn": "arn:aws:iam::111122223333:role/media", "RoleSessionName": "boto"}
    sts = client("sts")
    refuses("AccessDenied", sts.assume_role, **role)
    refuses("AccessDenied", sts.assume_role, ExternalId="wrong", **role)
    c = sts.assume_role(ExternalId="right", **role)["Credentials"]
    session = client(aws_access_key_id=c["AccessKeyId"], aws_secret_access_key=c["SecretAccessKey"], aws_session_token=c["SessionToken"])
    session.put_object(Bucket=bucket(), Key="k", Body=b"x")


def test_role_of_iam():
    iam = client("iam")
    trust = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": "111122223333"}, "Action": "sts:AssumeRole"}]})
    arn = iam.create_role(RoleName="boto", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    allow = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}
    iam.put_role_policy(RoleName="boto", PolicyName="p", PolicyDocument=json.dumps(allow))
    allow["Statement"][0]["Condition"] = {"StringLike": {"prefix": "x"}}
    refuses("MalformedPolicyDocument", iam.put_role_policy, RoleName="boto", PolicyName="q", PolicyDocument=json.dumps(allow))
    assert iam.list_role_policies(RoleName="boto")["PolicyNames"] == ["p"]
    client("sts").assume_role(RoleArn=arn, RoleSessionName="boto")


def test_key_of_kms():
    kms = client("kms")
    key = kms.create_key()["KeyMetadata"]["Arn"]
    name = bucket()
    s3.put_object(Bucket=name, Key="k", Body=b"x", ServerSideEncryption="aws:kms", SSEKMSKeyId=key)
    kms.disable_key(KeyId=key)
    refuses("KMS.DisabledException", s3.get_object, Bucket=name, Key="k")


def test_objects():
    name = bucket()
    s3.put_object(Bucket=name, Key="a b+c/ä?#.txt", Body=b"hello", ContentType="text/plain", Metadata={"one": "1"})
    got = s3.get_object(Bucket=name, Key="a b+c/ä?#.txt")
    assert (got["Body"].read(), got["ContentType"], got["Metadata"]) == (b"hello", "text/plain", {"one": "1"})
    assert read(Bucket=name, Key="a b+c/ä?#.txt", Range="bytes=-2") == b"lo"
    refuses("NoSuchKey", s3.get_object, Bucket=name, Key="none")
    refuses("404", s3.head_object, Bucket=name, Key="none")
    refuses("InvalidRange", s3.get_object, Bucket=name, Key="a b+c/ä?#.txt", Range="bytes=9-")


def test_transfers():
    name = bucket()
    parts = TransferConfig(multipart_threshold=5 << 20, multipart_chunksize=5 << 20)
    data = b"x" * (12 << 20)
    s3.upload_fileobj(io.BytesIO(data), name, "big", Config=parts)
    got = io.BytesIO()
    s3.download_fileobj(name, "big", got, Config=parts)
    assert got.getvalue() == data
    s3.copy({"Bucket": name, "Key": "big"}, name, "copy", Config=parts)
    assert s3.head_object(Bucket=name, Key="copy")["ContentLength"] == len(data)


def test_digests():
    name = bucket()
    refuses("BadDigest", s3.put_object, Bucket=name, Key="k", Body=b"x", ContentMD5="AAAAAAAAAAAAAAAAAAAAAA==")
    refuses("InvalidDigest", s3.put_object, Bucket=name, Key="k", Body=b"x", ContentMD5="AAAA")
    for algorithm in ("CRC32", "SHA1", "SHA256"):
        got = s3.put_object(Bucket=name, Key="k", Body=b"x", ChecksumAlgorithm=algorithm)
        assert got["Checksum" + algorithm] == s3.head_object(Bucket=name, Key="k", ChecksumMode="ENABLED")["Checksum" + algorithm]


def test_lists():
    name = bucket()
    for key in ("a", "b/1", "b/2", "c d", "e"):
        s3.put_object(Bucket=name, Key=key)
    for operation in ("list_objects", "list_objects_v2"):
        pages = s3.get_paginator(operation).paginate(Bucket=name, PaginationConfig={"PageSize": 2})
        assert [o["Key"] for page in pages for o in page["Contents"]] == ["a", "b/1", "b/2", "c d", "e"]
    folded = s3.list_objects_v2(Bucket=name, Delimiter="/", Prefix="b/")
    assert [o["Key"] for o in folded["Contents"]] == ["b/1", "b/2"]


def test_versions():
    name = bucket()
    s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    first = s3.put_object(Bucket=name, Key="k", Body=b"1")["VersionId"]
    s3.delete_object(Bucket=name, Key="k")
    assert read(Bucket=name, Key="k", VersionId=first) == b"1"
    s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Suspended"})
    assert "VersionId" not in s3.put_object(Bucket=name, Key="k", Body=b"2")
    assert read(Bucket=name, Key="k", VersionId="null") == b"2"
    assert len(s3.list_object_versions(Bucket=name)["Versions"]) == 2


def test_settings_of_a_new_bucket():
    name = bucket()
    for operation, code in {
        "get_bucket_tagging": "NoSuchTagSet",
        "get_bucket_cors": "NoSuchCORSConfiguration",
        "get_bucket_lifecycle_configuration": "NoSuchLifecycleConfiguration",
        "get_bucket_policy": "NoSuchBucketPolicy",
        "get_bucket_website": "NoSuchWebsiteConfiguration",
        "get_bucket_replication": "ReplicationConfigurationNotFoundError",
    }.items():
        refuses(code, getattr(s3, operation), Bucket=name)
    assert s3.get_bucket_acl(Bucket=name)["Grants"][0]["Permission"] == "FULL_CONTROL"
    for operation in ("get_bucket_logging", "get_bucket_notification_configuration", "get_bucket_accelerate_configuration", "list_bucket_metrics_configurations"):
        getattr(s3, operation)(Bucket=name)
    s3.delete_bucket_ownership_controls(Bucket=name)
    refuses("OwnershipControlsNotFoundError", s3.get_bucket_ownership_controls, Bucket=name)


def test_tags():
    name = bucket()
    s3.put_object(Bucket=name, Key="k", Tagging="a=1&b=")
    assert sorted(t["Key"] for t in s3.get_object_tagging(Bucket=name, Key="k")["TagSet"]) == ["a", "b"]
    refuses("BadRequest", s3.put_object_tagging, Bucket=name, Key="k", Tagging={"TagSet": [{"Key": str(n), "Value": ""} for n in range(11)]})
    s3.delete_object_tagging(Bucket=name, Key="k")
    assert s3.get_object_tagging(Bucket=name, Key="k")["TagSet"] == []


def test_lock():
    name = bucket(ObjectLockEnabledForBucket=True)
    until = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=1)
    version = s3.put_object(Bucket=name, Key="k", Body=b"x", ObjectLockMode="GOVERNANCE", ObjectLockRetainUntilDate=until)["VersionId"]
    refuses("AccessDenied", s3.delete_object, Bucket=name, Key="k", VersionId=version)
    refuses("AccessDenied", s3.put_object_retention, Bucket=name, Key="k", Retention={})
    assert s3.get_object_retention(Bucket=name, Key="k")["Retention"]["Mode"] == "GOVERNANCE"
    s3.put_object_legal_hold(Bucket=name, Key="k", LegalHold={"Status": "ON"})
    refuses("AccessDenied", s3.delete_object, Bucket=name, Key="k", VersionId=version, BypassGovernanceRetention=True)
    s3.put_object_legal_hold(Bucket=name, Key="k", LegalHold={"Status": "OFF"})
    s3.delete_object(Bucket=name, Key="k", VersionId=version, BypassGovernanceRetention=True)


def test_refused_before_the_body():
    """Every put expects 100-continue, and is refused at once."""
    name = bucket()
    s3.put_bucket_policy(Bucket=name, Policy=json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Deny", "Principal": "*", "Action": "s3:PutObject", "Resource": f"arn:aws:s3:::{name}/*"}]}))
    begun = datetime.datetime.now()
    for _ in range(3):
        refuses("AccessDenied", s3.put_object, Bucket=name, Key="k", Body=b"x" * 100000)
    assert (datetime.datetime.now() - begun).total_seconds() < 2


def test_presigned():
    name = bucket()
    url = s3.generate_presigned_url("put_object", Params={"Bucket": name, "Key": "k"}, ExpiresIn=60)
    urllib.request.urlopen(urllib.request.Request(url, data=b"hello", method="PUT", headers={"Content-Type": ""}))
    url = s3.generate_presigned_url("get_object", Params={"Bucket": name, "Key": "k"}, ExpiresIn=60)
    assert urllib.request.urlopen(url).read() == b"hello"
    try:
        urllib.request.urlopen(url[:-1] + ("0" if url[-1] != "0" else "1"))
        raise AssertionError("another signature is taken")
    except urllib.error.HTTPError as e:
        assert e.code == 403


for name, test in list(globals().items()):
    if name.startswith("test_"):
        try:
            test()
            print("PASS", name[5:])
        except Exception as e:
            print(f"FAIL {name[5:]}: {type(e).__name__} {e}".replace("\n", " "))
print("done")
