# A module for the accounts named here. Give it a provider for each:
# aws for 111122223333, which gets the role arn:aws:iam::111122223333:role/media, and the policy of the bucket
# globex-inbox, and the policy of the bucket's KMS key

terraform {
  required_version = ">= 1.3"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.0"
    }
  }
}

variable "role_name" {
  type        = string
  description = "name of the role; the vendor knows it by its ARN"
  default     = "media"
}

variable "create_role" {
  type        = bool
  description = "false for a role that another connection has already: it gets this connection's permissions besides"
  default     = true
}

variable "external_ids" {
  type        = list(string)
  description = "external ids that the vendor gave"
  default     = ["x-42", "acme/2026,b"]
}

variable "principals" {
  type        = list(string)
  description = "ARNs of the vendor's workers"
  default = [
    "arn:aws:iam::873682911326:role/VTKWorker",
    "arn:aws:iam::873682911326:role/eu/Worker",
    "arn:aws:iam::999988887777:user/staging",
  ]
}

variable "bucket" {
  type        = string
  description = "name of the bucket"
  default     = "globex-inbox"
}

variable "create_bucket" {
  type        = bool
  description = "make the bucket"
  default     = false
}

variable "attach_bucket_policy" {
  type        = bool
  description = "true replaces the policy of the bucket that is there: give its statements in bucket_policy_statements; else add the output bucket_policy to it"
  default     = false
}

variable "bucket_policy_statements" {
  type        = any
  description = "statements that the bucket's policy has beside these, which are kept"
  default     = []
}

variable "kms_key_arn" {
  type        = string
  description = "ARN of the bucket's KMS key"
  default     = "arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
}

variable "create_key" {
  type        = bool
  description = "make a KMS key for the bucket"
  default     = false
}

variable "attach_key_policy" {
  type        = bool
  description = "true replaces the policy of the key that is there: give its statements in key_policy_statements"
  default     = false
}

variable "key_policy_statements" {
  type        = any
  description = "statements that the key's policy has beside these, which are kept"
  default     = []
}

locals {
  kms_key_arn = var.create_key ? aws_kms_key.this[0].arn : var.kms_key_arn
  bucket_policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(var.bucket_policy_statements, [
      # refuses everyone who comes without TLS
      {
        Sid    = "RolecallTLS7b147e49"
        Effect = "Deny"
        Principal = {
          AWS = "*"
        }
        Action   = "s3:*"
        Resource = ["arn:aws:s3:::${var.bucket}", "arn:aws:s3:::${var.bucket}/*"]
        Condition = {
          Bool = {
            "aws:SecureTransport" = "false"
          }
        }
      },
      # the bucket's default is not enough: refuses what does not ask to be encrypted under
      # arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab
      {
        Sid    = "RolecallEncryption7b147e49"
        Effect = "Deny"
        Principal = {
          AWS = "*"
        }
        Action   = "s3:PutObject"
        Resource = "arn:aws:s3:::${var.bucket}/out/*"
        Condition = {
          StringNotEquals = {
            "s3:x-amz-server-side-encryption-aws-kms-key-id" = local.kms_key_arn
          }
        }
      },
    ])
  })
  key_policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(var.key_policy_statements, [
      # the account's own policies decide who administers the key
      {
        Sid    = "Administration"
        Effect = "Allow"
        Principal = {
          AWS = "arn:aws:iam::111122223333:root"
        }
        Action   = "kms:*"
        Resource = "*"
      },
      # encrypts what is delivered; S3 decrypts the parts of an upload to join them; only through S3, for this
      # bucket's objects; to be added to the statements that the key's policy has
      {
        Sid    = "RolecallKey7b147e49"
        Effect = "Allow"
        Principal = {
          AWS = "arn:aws:iam::111122223333:root"
        }
        Action   = ["kms:GenerateDataKey", "kms:Decrypt"]
        Resource = "*"
        Condition = {
          StringEquals = {
            "kms:ViaService" = "s3.eu-central-1.amazonaws.com"
          }
          StringLike = {
            "kms:EncryptionContext:aws:s3:arn" = ["arn:aws:s3:::${var.bucket}", "arn:aws:s3:::${var.bucket}/out/*"]
          }
          ArnEquals = {
            "aws:PrincipalArn" = "arn:aws:iam::111122223333:role/${var.role_name}"
          }
        }
      },
    ])
  })
}

resource "aws_iam_role" "this" {
  count                = var.create_role ? 1 : 0
  name                 = var.role_name
  path                 = "/"
  max_session_duration = 7200
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      # lets the vendor's workers in, with this organization's external id only; the old id and the new until
      # the change is through; names them as principals, which AWS checks to exist; a worker role made anew is
      # locked out: the form account outlives that
      {
        Sid    = "RolecallAssume0231110f"
        Effect = "Allow"
        Principal = {
          AWS = var.principals[0]
        }
        Action = "sts:AssumeRole"
        Condition = {
          StringEquals = {
            "sts:ExternalId" = var.external_ids
          }
        }
      },
      # lets the vendor's workers in, with this organization's external id only; the old id and the new until
      # the change is through; names them as principals, which AWS checks to exist; a worker role made anew is
      # locked out: the form account outlives that
      {
        Sid    = "RolecallAssumebed5d73d"
        Effect = "Allow"
        Principal = {
          AWS = var.principals[1]
        }
        Action = "sts:AssumeRole"
        Condition = {
          StringEquals = {
            "sts:ExternalId" = var.external_ids
          }
        }
      },
      # lets the vendor's workers in, with this organization's external id only; the old id and the new until
      # the change is through; names them as principals, which AWS checks to exist; a worker role made anew is
      # locked out: the form account outlives that
      {
        Sid    = "RolecallAssumef60c5d3c"
        Effect = "Allow"
        Principal = {
          AWS = var.principals[2]
        }
        Action = "sts:AssumeRole"
        Condition = {
          StringEquals = {
            "sts:ExternalId" = var.external_ids
          }
        }
      },
    ]
  })
}

resource "aws_iam_role_policy" "permissions" {
  name = "rolecall-globex-inbox"
  role = var.create_role ? aws_iam_role.this[0].id : var.role_name
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      # reads objects, and asks for their size and checksum, old versions too
      {
        Sid      = "RolecallRead7b147e49"
        Effect   = "Allow"
        Action   = ["s3:GetObject", "s3:GetObjectVersion"]
        Resource = "arn:aws:s3:::${var.bucket}/out/*"
      },
      # delivers objects, large ones in parts; ends uploads that failed and goes on with those that stopped
      {
        Sid      = "RolecallWrite7b147e49"
        Effect   = "Allow"
        Action   = ["s3:PutObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"]
        Resource = "arn:aws:s3:::${var.bucket}/out/*"
      },
      # finds objects by pattern, and tells a missing object from a denied one; below the prefix only
      {
        Sid      = "RolecallList7b147e49"
        Effect   = "Allow"
        Action   = "s3:ListBucket"
        Resource = "arn:aws:s3:::${var.bucket}"
        Condition = {
          StringLike = {
            "s3:prefix" = "out/*"
          }
        }
      },
      # optional; without it tools that ask S3 for the bucket's region are refused; rolecall itself needs no
      # permission to learn it
      {
        Sid      = "RolecallGetBucketLocation7b147e49"
        Effect   = "Allow"
        Action   = "s3:GetBucketLocation"
        Resource = "arn:aws:s3:::${var.bucket}"
      },
      # optional; without it the tags of objects cannot be read, so that copies lose them
      {
        Sid      = "RolecallGetObjectTagging7b147e49"
        Effect   = "Allow"
        Action   = "s3:GetObjectTagging"
        Resource = "arn:aws:s3:::${var.bucket}/out/*"
      },
      # optional; without it uploads that a crash left unfinished cannot be found and swept; S3 cannot limit
      # this one to a prefix
      {
        Sid      = "RolecallListBucketMultipartUploads7b147e49"
        Effect   = "Allow"
        Action   = "s3:ListBucketMultipartUploads"
        Resource = "arn:aws:s3:::${var.bucket}"
      },
      # optional; without it storage:tag_s3 is refused, and copies lose their tags
      {
        Sid      = "RolecallPutObjectTagging7b147e49"
        Effect   = "Allow"
        Action   = "s3:PutObjectTagging"
        Resource = "arn:aws:s3:::${var.bucket}/out/*"
      },
      # optional; without it deliveries with an acl are refused; a bucket with the setting BucketOwnerEnforced
      # needs none
      {
        Sid      = "RolecallPutObjectAcl7b147e49"
        Effect   = "Allow"
        Action   = "s3:PutObjectAcl"
        Resource = "arn:aws:s3:::${var.bucket}/out/*"
      },
      # optional; without it nothing delivered can be removed again with this role
      {
        Sid      = "RolecallDeleteObject7b147e49"
        Effect   = "Allow"
        Action   = "s3:DeleteObject"
        Resource = "arn:aws:s3:::${var.bucket}/out/*"
      },
      # encrypts what is delivered; S3 decrypts the parts of an upload to join them; only through S3, for this
      # bucket's objects
      {
        Sid      = "RolecallKey7b147e49"
        Effect   = "Allow"
        Action   = ["kms:GenerateDataKey", "kms:Decrypt"]
        Resource = local.kms_key_arn
        Condition = {
          StringEquals = {
            "kms:ViaService" = "s3.eu-central-1.amazonaws.com"
          }
          StringLike = {
            "kms:EncryptionContext:aws:s3:arn" = ["arn:aws:s3:::${var.bucket}", "arn:aws:s3:::${var.bucket}/out/*"]
          }
        }
      },
    ]
  })
}

resource "aws_iam_role_policy" "revocation" {
  name = "rolecall-revocation"
  role = var.create_role ? aws_iam_role.this[0].id : var.role_name
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      # refuses all to sessions that began before; put it on the role as an inline policy of its own, and
      # remove it after the longest session
      {
        Sid      = "RolecallRevoke"
        Effect   = "Deny"
        Action   = "*"
        Resource = "*"
        Condition = {
          DateLessThan = {
            "aws:TokenIssueTime" = "2026-11-21T12:00:00Z"
          }
        }
      },
    ]
  })
}

resource "aws_s3_bucket" "this" {
  count  = var.create_bucket ? 1 : 0
  bucket = var.bucket
}

resource "aws_s3_bucket_ownership_controls" "this" {
  count  = var.create_bucket ? 1 : 0
  bucket = aws_s3_bucket.this[0].id

  rule {
    object_ownership = "BucketOwnerPreferred"
  }
}

resource "aws_s3_bucket_versioning" "this" {
  count  = var.create_bucket ? 1 : 0
  bucket = aws_s3_bucket.this[0].id

  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "this" {
  count  = var.create_bucket ? 1 : 0
  bucket = aws_s3_bucket.this[0].id

  rule {
    bucket_key_enabled = true

    apply_server_side_encryption_by_default {
      sse_algorithm     = "aws:kms"
      kms_master_key_id = local.kms_key_arn
    }
  }
}

resource "aws_s3_bucket_policy" "this" {
  count  = var.attach_bucket_policy || var.create_bucket ? 1 : 0
  bucket = var.create_bucket ? aws_s3_bucket.this[0].id : var.bucket
  policy = local.bucket_policy
}

resource "aws_kms_key" "this" {
  count               = var.create_key ? 1 : 0
  description         = "objects of the bucket globex-inbox"
  enable_key_rotation = true
  policy              = local.key_policy
}

resource "aws_kms_key_policy" "this" {
  count  = var.attach_key_policy && !var.create_key ? 1 : 0
  key_id = var.kms_key_arn
  policy = local.key_policy
}

output "role_arn" {
  description = "tell it to the vendor"
  value       = "arn:aws:iam::111122223333:role/${var.role_name}"
}

output "bucket" {
  description = "the bucket's name"
  value       = var.bucket
}

output "bucket_policy" {
  description = "what the bucket's policy must say"
  value       = local.bucket_policy
}

output "kms_key_arn" {
  description = "tell it to the vendor"
  value       = local.kms_key_arn
}

output "key_policy" {
  description = "what the key's policy must say"
  value       = local.key_policy
}
