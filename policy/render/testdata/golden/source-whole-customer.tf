# A module for the accounts named here. Give it a provider for each:
# aws for 111122223333, which gets the role arn:aws:iam::111122223333:role/rolecall/eu/media

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
  default     = "acme-masters"
}

variable "create_bucket" {
  type        = bool
  description = "make the bucket"
  default     = false
}

resource "aws_iam_role" "this" {
  count                = var.create_role ? 1 : 0
  name                 = var.role_name
  path                 = "/rolecall/eu/"
  max_session_duration = 3600
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      # lets the vendor's workers in, with this organization's external id only; names them as principals,
      # which AWS checks to exist; a worker role made anew is locked out: the form account outlives that
      {
        Sid    = "RolecallAssume358275bb"
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
  name = "rolecall-acme-masters"
  role = var.create_role ? aws_iam_role.this[0].id : var.role_name
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      # reads objects, and asks for their size and checksum, old versions too
      {
        Sid      = "RolecallReadd8bdd600"
        Effect   = "Allow"
        Action   = ["s3:GetObject", "s3:GetObjectVersion"]
        Resource = "arn:aws:s3:::${var.bucket}/*"
      },
      # finds objects by pattern, and tells a missing object from a denied one; HeadBucket needs it too
      {
        Sid      = "RolecallListd8bdd600"
        Effect   = "Allow"
        Action   = "s3:ListBucket"
        Resource = "arn:aws:s3:::${var.bucket}"
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
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_versioning" "this" {
  count  = var.create_bucket ? 1 : 0
  bucket = aws_s3_bucket.this[0].id

  versioning_configuration {
    status = "Enabled"
  }
}

output "role_arn" {
  description = "tell it to the vendor"
  value       = "arn:aws:iam::111122223333:role/rolecall/eu/${var.role_name}"
}

output "bucket" {
  description = "the bucket's name"
  value       = var.bucket
}
