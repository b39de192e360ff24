# A module for the accounts named here. Give it a provider for each:
# aws for 111122223333, which gets the role arn:aws:iam::111122223333:role/media
# aws.bucket for 222233334444, which gets the policy of the bucket globex-inbox
# aws.key for 333344445555, which gets the policy of the bucket's KMS key

terraform {
  required_version = ">= 1.3"

  required_providers {
    aws = {
      source                = "hashicorp/aws"
      version               = ">= 5.0"
      configuration_aliases = [aws.bucket, aws.key]
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
  default     = ["x-42"]
}

variable "principals" {
  type        = list(string)
  description = "ARNs of the vendor's workers"
  default     = ["arn:aws:iam::873682911326:role/VTKWorker"]
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
  default     = "arn:aws:kms:eu-central-1:333344445555:key/1234abcd-12ab-34cd-56ef-1234567890ab"
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
      # reads objects, and asks for their size and checksum; said here too, since across accounts both sides
      # must allow
      {
        Sid    = "RolecallRead7b147e49"
        Effect = "Allow"
        Principal = {
          AWS = "arn:aws:iam::111122223333:root"
        }
        Action   = "s3:GetObject"
        Resource = "arn:aws:s3:::${var.bucket}/out/*"
        Condition = {
          ArnEquals = {
            "aws:PrincipalArn" = "arn:aws:iam::111122223333:role/${var.role_name}"
          }
        }
      },
      # delivers objects, large ones in parts; ends uploads that failed and goes on with those that stopped;
      # said here too, since across accounts both sides must allow
      {
        Sid    = "RolecallWrite7b147e49"
        Effect = "Allow"
        Principal = {
          AWS = "arn:aws:iam::111122223333:root"
        }
        Action   = ["s3:PutObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"]
        Resource = "arn:aws:s3:::${var.bucket}/out/*"
        Condition = {
          ArnEquals = {
            "aws:PrincipalArn" = "arn:aws:iam::111122223333:role/${var.role_name}"
          }
        }
      },
      # finds objects by pattern, and tells a missing object from a denied one; below the prefix only; said
      # here too, since across accounts both sides must allow
      {
        Sid    = "RolecallList7b147e49"
        Effect = "Allow"
        Principal = {
          AWS = "arn:aws:iam::111122223333:root"
        }
        Action   = "s3:ListBucket"
        Resource = "arn:aws:s3:::${var.bucket}"
        Condition = {
          StringLike = {
            "s3:prefix" = "out/*"
          }
          ArnEquals = {
            "aws:PrincipalArn" = "arn:aws:iam::111122223333:role/${var.role_name}"
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
          AWS = "arn:aws:iam::333344445555:root"
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
  max_session_duration = 3600
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      # lets the vendor's workers in, with this organization's external id only; names them as principals,
      # which AWS checks to exist; a worker role made anew is locked out: the form account outlives that
      {
        Sid    = "RolecallAssume0231110f"
        Effect = "Allow"
        Principal = {
          AWS = var.principals
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
      # reads objects, and asks for their size and checksum
      {
        Sid      = "RolecallRead7b147e49"
        Effect   = "Allow"
        Action   = "s3:GetObject"
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

resource "aws_s3_bucket" "this" {
  provider = aws.bucket
  count    = var.create_bucket ? 1 : 0
  bucket   = var.bucket
}

resource "aws_s3_bucket_ownership_controls" "this" {
  provider = aws.bucket
  count    = var.create_bucket ? 1 : 0
  bucket   = aws_s3_bucket.this[0].id

  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "this" {
  provider = aws.bucket
  count    = var.create_bucket ? 1 : 0
  bucket   = aws_s3_bucket.this[0].id

  rule {
    bucket_key_enabled = true

    apply_server_side_encryption_by_default {
      sse_algorithm     = "aws:kms"
      kms_master_key_id = local.kms_key_arn
    }
  }
}

resource "aws_s3_bucket_policy" "this" {
  provider = aws.bucket
  count    = var.attach_bucket_policy || var.create_bucket ? 1 : 0
  bucket   = var.create_bucket ? aws_s3_bucket.this[0].id : var.bucket
  policy   = local.bucket_policy
}

resource "aws_kms_key" "this" {
  provider            = aws.key
  count               = var.create_key ? 1 : 0
  description         = "objects of the bucket globex-inbox"
  enable_key_rotation = true
  policy              = local.key_policy
}

resource "aws_kms_key_policy" "this" {
  provider = aws.key
  count    = var.attach_key_policy && !var.create_key ? 1 : 0
  key_id   = var.kms_key_arn
  policy   = local.key_policy
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
