# A module for the accounts named here. Give it a provider for each:
# aws for 873682911326, which gets the policy of the worker arn:aws:iam::873682911326:role/VTKWorker

terraform {
  required_version = ">= 1.3"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.0"
    }
  }
}

resource "aws_iam_role_policy" "worker" {
  name = "rolecall"
  role = "VTKWorker"
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      # lets workers ask for any customer's role, whose trust policy decides
      {
        Sid      = "RolecallAssume"
        Effect   = "Allow"
        Action   = "sts:AssumeRole"
        Resource = "arn:aws:iam::*:role/*"
      },
      # keeps customers from leading workers into the vendor's own roles
      {
        Sid      = "RolecallNotOurs"
        Effect   = "Deny"
        Action   = "sts:AssumeRole"
        Resource = "arn:aws:iam::873682911326:role/*"
      },
    ]
  })
}
