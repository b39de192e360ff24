// What the AWS SDK for JavaScript sees of the sandbox: a test for each area that
// docs/sandbox.md claims. The argument is the sandbox's URL.
import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import * as s3 from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';
import { AssumeRoleCommand, GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';

const endpoint = process.argv[2];
const options = { endpoint, region: 'us-east-1', forcePathStyle: true, maxAttempts: 1 };
const client = new s3.S3Client(options);
const call = (name, input, c = client) => c.send(new s3[name + 'Command'](input));
const text = (answer) => answer.Body.transformToString();
const refuses = async (code, promise) => {
  const err = await promise.then(() => undefined, (e) => e);
  assert.equal(err?.name, code, err?.message);
  return err;
};

let buckets = 0;
const bucket = async (input = {}) => {
  const Bucket = `js-${++buckets}`;
  await call('CreateBucket', { Bucket, ...input });
  return Bucket;
};
const put = (Bucket, Key, Body, more = {}) => call('PutObject', { Bucket, Key, Body, ...more });

const tests = {
  async caller_identity() {
    const got = await new STSClient(options).send(new GetCallerIdentityCommand({}));
    assert.equal(got.Arn, 'arn:aws:iam::111122223333:user/main');
  },
  async assume_role() {
    const sts = new STSClient(options);
    const ask = (ExternalId) => sts.send(new AssumeRoleCommand({ RoleArn: 'arn:aws:iam::111122223333:role/media', RoleSessionName: 'js', ExternalId }));
    await refuses('AccessDenied', ask('wrong'));
    await refuses('AccessDenied', ask(undefined));
    const { Credentials: c } = await ask('right');
    const session = new s3.S3Client({ ...options, credentials: { accessKeyId: c.AccessKeyId, secretAccessKey: c.SecretAccessKey, sessionToken: c.SessionToken } });
    const Bucket = await bucket();
    await call('PutObject', { Bucket, Key: 'k', Body: 'x' }, session);
  },
  async buckets() {
    const Bucket = await bucket();
    await call('HeadBucket', { Bucket });
    assert.ok((await call('ListBuckets', { Prefix: Bucket })).Buckets.some((b) => b.Name === Bucket));
    await put(Bucket, 'k', 'x');
    await refuses('BucketNotEmpty', call('DeleteBucket', { Bucket }));
    await call('DeleteObject', { Bucket, Key: 'k' });
    await call('DeleteBucket', { Bucket });
    await refuses('NotFound', call('HeadBucket', { Bucket }));
  },
  async objects() {
    const Bucket = await bucket();
    await put(Bucket, 'a b+c/ä?#.txt', 'hello', { ContentType: 'text/plain', Metadata: { one: '1' }, CacheControl: 'no-cache' });
    const got = await call('GetObject', { Bucket, Key: 'a b+c/ä?#.txt' });
    assert.equal(await text(got), 'hello');
    assert.deepEqual([got.ContentType, got.Metadata.one, got.CacheControl], ['text/plain', '1', 'no-cache']);
    assert.equal(await text(await call('GetObject', { Bucket, Key: 'a b+c/ä?#.txt', Range: 'bytes=1-2' })), 'el');
    await refuses('InvalidRange', call('GetObject', { Bucket, Key: 'a b+c/ä?#.txt', Range: 'bytes=9-' }));
    await refuses('NoSuchKey', call('GetObject', { Bucket, Key: 'none' }));
    await refuses('NotFound', call('HeadObject', { Bucket, Key: 'none' }));
  },
  async conditions() {
    const Bucket = await bucket();
    const { ETag } = await put(Bucket, 'k', 'x', { IfNoneMatch: '*' });
    await refuses('PreconditionFailed', put(Bucket, 'k', 'y', { IfNoneMatch: '*' }));
    await refuses('PreconditionFailed', put(Bucket, 'k', 'y', { IfMatch: '"0123"' }));
    await put(Bucket, 'k', 'x', { IfMatch: ETag });
    await refuses('304', call('GetObject', { Bucket, Key: 'k', IfNoneMatch: ETag }).catch((e) => { e.name = String(e.$metadata.httpStatusCode); throw e; }));
  },
  async checksums() {
    const Bucket = await bucket();
    for (const ChecksumAlgorithm of ['CRC32', 'CRC32C', 'CRC64NVME', 'SHA1', 'SHA256']) {
      await put(Bucket, ChecksumAlgorithm, 'hello', { ChecksumAlgorithm });
      const got = await call('HeadObject', { Bucket, Key: ChecksumAlgorithm, ChecksumMode: 'ENABLED' });
      assert.ok(got['Checksum' + ChecksumAlgorithm], ChecksumAlgorithm);
    }
    await refuses('BadDigest', put(Bucket, 'k', 'hello', { ChecksumSHA256: Buffer.alloc(32).toString('base64') }));
  },
  async streams_with_trailers() {
    const Bucket = await bucket();
    await put(Bucket, 'k', Readable.from([Buffer.alloc(70000, 'a'), Buffer.alloc(70000, 'b')]), { ContentLength: 140000, ChecksumAlgorithm: 'CRC32' });
    assert.equal((await call('HeadObject', { Bucket, Key: 'k' })).ContentLength, 140000);
  },
  async multipart() {
    const Bucket = await bucket();
    for (const ChecksumAlgorithm of [undefined, 'SHA256', 'CRC64NVME']) {
      const done = await new Upload({ client, params: { Bucket, Key: 'big', Body: Buffer.alloc(12 << 20, 'x'), ChecksumAlgorithm }, partSize: 5 << 20 }).done();
      assert.match(done.ETag, /-3"$/);
      assert.equal((await call('HeadObject', { Bucket, Key: 'big' })).ContentLength, 12 << 20);
    }
  },
  async multipart_by_hand() {
    const Bucket = await bucket();
    const { UploadId } = await call('CreateMultipartUpload', { Bucket, Key: 'k' });
    const { ETag } = await call('UploadPart', { Bucket, Key: 'k', UploadId, PartNumber: 1, Body: 'x' });
    assert.equal((await call('ListParts', { Bucket, Key: 'k', UploadId })).Parts.length, 1);
    assert.equal((await call('ListMultipartUploads', { Bucket })).Uploads.length, 1);
    const complete = () => call('CompleteMultipartUpload', { Bucket, Key: 'k', UploadId, MultipartUpload: { Parts: [{ ETag, PartNumber: 1 }] } });
    assert.deepEqual((await complete()).ETag, (await complete()).ETag);
    await refuses('NoSuchUpload', call('AbortMultipartUpload', { Bucket, Key: 'k', UploadId: 'none' }));
  },
  async copies() {
    const Bucket = await bucket();
    await put(Bucket, 'a/b c', 'hello', { Metadata: { one: '1' }, Tagging: 't=1' });
    await call('CopyObject', { Bucket, Key: 'copy', CopySource: `${Bucket}/a/b%20c` });
    const got = await call('HeadObject', { Bucket, Key: 'copy' });
    assert.deepEqual([got.ContentLength, got.Metadata.one], [5, '1']);
    assert.deepEqual((await call('GetObjectTagging', { Bucket, Key: 'copy' })).TagSet, [{ Key: 't', Value: '1' }]);
    await refuses('NoSuchKey', call('CopyObject', { Bucket, Key: 'copy', CopySource: `${Bucket}/none` }));
  },
  async lists() {
    const Bucket = await bucket();
    for (const key of ['a', 'b/1', 'b/2', 'c d', 'e']) await put(Bucket, key, key);
    const keys = [];
    for await (const page of s3.paginateListObjectsV2({ client, pageSize: 2 }, { Bucket })) keys.push(...page.Contents.map((o) => o.Key));
    assert.deepEqual(keys, ['a', 'b/1', 'b/2', 'c d', 'e']);
    const folded = await call('ListObjects', { Bucket, Delimiter: '/', MaxKeys: 2 });
    assert.deepEqual([folded.Contents.map((o) => o.Key), folded.CommonPrefixes.map((p) => p.Prefix), folded.NextMarker], [['a'], ['b/'], 'b/']);
    assert.equal((await call('DeleteObjects', { Bucket, Delete: { Objects: keys.map((Key) => ({ Key })) } })).Deleted.length, 5);
  },
  async versions() {
    const Bucket = await bucket();
    const status = (Status) => call('PutBucketVersioning', { Bucket, VersioningConfiguration: { Status } });
    await put(Bucket, 'k', 'null');
    await status('Enabled');
    const { VersionId } = await put(Bucket, 'k', 'one');
    assert.equal(await text(await call('GetObject', { Bucket, Key: 'k', VersionId: 'null' })), 'null');
    await status('Suspended');
    assert.equal((await put(Bucket, 'k', 'suspended')).VersionId, undefined);
    const gone = await call('DeleteObject', { Bucket, Key: 'k' });
    assert.deepEqual([gone.DeleteMarker, gone.VersionId], [true, 'null']);
    assert.equal(await text(await call('GetObject', { Bucket, Key: 'k', VersionId })), 'one');
    const all = await call('ListObjectVersions', { Bucket });
    assert.deepEqual([all.Versions.length, all.DeleteMarkers.length], [1, 1]);
  },
  async settings_of_a_new_bucket() {
    const Bucket = await bucket();
    for (const [name, code] of Object.entries({
      GetBucketTagging: 'NoSuchTagSet', GetBucketCors: 'NoSuchCORSConfiguration', GetBucketLifecycleConfiguration: 'NoSuchLifecycleConfiguration',
      GetBucketPolicy: 'NoSuchBucketPolicy', GetBucketPolicyStatus: 'NoSuchBucketPolicy', GetBucketWebsite: 'NoSuchWebsiteConfiguration',
      GetBucketReplication: 'ReplicationConfigurationNotFoundError', GetObjectLockConfiguration: 'ObjectLockConfigurationNotFoundError',
    })) await refuses(code, call(name, { Bucket }));
    assert.equal((await call('GetBucketAcl', { Bucket })).Grants[0].Permission, 'FULL_CONTROL');
    assert.equal((await call('GetBucketVersioning', { Bucket })).Status, undefined);
    assert.equal((await call('GetBucketEncryption', { Bucket })).ServerSideEncryptionConfiguration.Rules[0].ApplyServerSideEncryptionByDefault.SSEAlgorithm, 'AES256');
    assert.equal((await call('GetBucketOwnershipControls', { Bucket })).OwnershipControls.Rules[0].ObjectOwnership, 'BucketOwnerEnforced');
    assert.equal((await call('GetBucketRequestPayment', { Bucket })).Payer, 'BucketOwner');
  },
  async bucket_policies() {
    const Bucket = await bucket();
    const of = (Action, Resource, Effect = 'Deny') => JSON.stringify({ Version: '2012-10-17', Statement: [{ Effect, Principal: '*', Action, Resource }] });
    await refuses('MalformedPolicy', call('PutBucketPolicy', { Bucket, Policy: of('s3:ListBucket', `arn:aws:s3:::${Bucket}/*`) }));
    await call('PutBucketPolicy', { Bucket, Policy: of('s3:PutObject', `arn:aws:s3:::${Bucket}/*`) });
    const err = await refuses('AccessDenied', put(Bucket, 'k', 'x'));
    assert.match(err.message, /with an explicit deny in a resource-based policy$/);
    await call('DeleteBucketPolicy', { Bucket });
    await put(Bucket, 'k', 'x');
  },
  async encryption() {
    const Bucket = await bucket();
    const SSEKMSKeyId = 'arn:aws:kms:us-east-1:111122223333:key/first';
    const got = await put(Bucket, 'k', 'x', { ServerSideEncryption: 'aws:kms', SSEKMSKeyId });
    assert.deepEqual([got.ServerSideEncryption, got.SSEKMSKeyId], ['aws:kms', SSEKMSKeyId]);
    await refuses('InvalidArgument', put(Bucket, 'k', 'x', { ServerSideEncryption: 'rot13' }));
  },
  async lock() {
    const Bucket = await bucket({ ObjectLockEnabledForBucket: true });
    const { VersionId } = await put(Bucket, 'k', 'x', { ObjectLockMode: 'GOVERNANCE', ObjectLockRetainUntilDate: new Date(Date.now() + 3600e3) });
    await refuses('AccessDenied', call('DeleteObject', { Bucket, Key: 'k', VersionId }));
    await refuses('AccessDenied', call('PutObjectRetention', { Bucket, Key: 'k', Retention: {} }));
    assert.equal((await call('GetObjectRetention', { Bucket, Key: 'k' })).Retention.Mode, 'GOVERNANCE');
    await call('PutObjectLegalHold', { Bucket, Key: 'k', LegalHold: { Status: 'OFF' } });
    assert.equal((await call('GetObjectLegalHold', { Bucket, Key: 'k' })).LegalHold.Status, 'OFF');
    await call('DeleteObject', { Bucket, Key: 'k', VersionId, BypassGovernanceRetention: true });
  },
  async presigned() {
    const Bucket = await bucket();
    // By default the SDK signs the checksum of an empty body.
    const plain = new s3.S3Client({ ...options, requestChecksumCalculation: 'WHEN_REQUIRED' });
    const put = await getSignedUrl(plain, new s3.PutObjectCommand({ Bucket, Key: 'k' }), { expiresIn: 60 });
    assert.equal((await fetch(put, { method: 'PUT', body: 'hello' })).status, 200);
    const get = await getSignedUrl(plain, new s3.GetObjectCommand({ Bucket, Key: 'k' }), { expiresIn: 60 });
    assert.equal(await (await fetch(get)).text(), 'hello');
    assert.equal((await fetch(get.replace(/Signature=.{4}/, 'Signature=0000'))).status, 403);
  },
};

for (const [name, test] of Object.entries(tests)) {
  await test().then(() => console.log(`PASS ${name}`), (e) => console.log(`FAIL ${name}: ${String(e.message).split('\n').join(' ')}`));
}
console.log('done');
