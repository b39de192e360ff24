package sandbox

import (
	"slices"
	"strings"

	"github.com/rolecall/rolecall"
)

// Which principals exist beside accounts, users and roles.

// servicePrincipals are those services that AWS's pages name as principals of roles and buckets,
// without their domain. AWS has no list of all; a service that is missing here
// belongs into it.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_aws-services-that-work-with-iam.html
var servicePrincipals = strings.Fields(`
	access-analyzer acm airflow airflow-env amplify apidestinations.events apigateway appflow application-autoscaling appmesh apprunner appstream appsync
	athena auditmanager autoscaling autoscaling-plans backup backup-gateway batch batchoperations.s3 bedrock bedrock-agentcore braket budgets build.apprunner
	cassandra.application-autoscaling chime cloud9 cloudformation cloudfront cloudhsm cloudtrail cloudwatch codebuild codecommit codedeploy codeguru-profiler
	codeguru-reviewer codepipeline codestar codestar-notifications cognito-idp comprehend compute-optimizer config config-conforms config-multiaccountsetup connect
	continuousexport.discovery costalerts cur databrew dataexchange datapipeline datasync dax delivery.logs detective devops-guru diode directconnect directoryservice
	dlm dms ds dynamodb dynamodb.application-autoscaling ec2 ec2.application-autoscaling ec2fleet ec2scheduled ecr ecs ecs-tasks ecs.application-autoscaling edgelambda
	eks eks-fargate eks-fargate-pods eks-nodegroup elasticache elasticbeanstalk elasticfilesystem elasticloadbalancing elasticmapreduce elastictranscoder email.cognito-idp
	emr-containers emr-serverless es events export.rds firehose fis fms forecast frauddetector fsx gamelift glacier globalaccelerator glue grafana greengrass
	guardduty health healthlake iam imagebuilder importexport inspector inspector2 internetmonitor.cloudwatch iot iotanalytics iotdeviceadvisor iotevents iotsitewise ivs
	kafka kafkaconnect kendra kinesis kinesisanalytics kinesisvideo kms lakeformation lambda lex lexv2 license-manager lightsail location logdelivery.elasticloadbalancing
	logging.s3 logs lookoutequipment lookoutvision macie macie2 malware-protection-plan.guardduty maintenance.ssm managedblockchain mediaconnect mediaconvert medialive mediapackage mediapackagev2
	mediastore mediatailor memorydb mgh mgn mq network-firewall networkmanager omics opensearchservice ops.apigateway opsworks organizations osis outposts personalize pinpoint
	pipes pods.eks polly private-networks qldb quicksight ram rds rds.application-autoscaling redshift redshift-serverless rekognition replication.dynamodb replicator.lambda repository.sync.codeconnections
	resiliencehub robomaker rolesanywhere route53 route53resolver s3 s3-object-lambda sagemaker scheduler schemas secretsmanager securityhub securitylake serverlessrepo servicecatalog
	servicediscovery ses shield signer sms sms-voice snow-device-management sns spot spotfleet sqs ssm ssm-incidents ssm.maintenance sso states storagegateway storage-lens.s3 streams.metrics.cloudwatch
	streaming.rds sts support swf synthetics tagging tasks.apprunner textract timestream transcribe transfer translate trustedadvisor verifiedpermissions voiceid vpc-flow-logs vpc-lattice vpce waf
	wafv2 wellarchitected workdocs workmail workspaces workspaces-web xray
`)

// isService reports whether a name is that of a service of AWS's, as it is
// written as a principal: some with their region, and with China's domain there.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html#principal-services
func isService(name string) bool {
	label, found := strings.CutSuffix(strings.TrimSuffix(name, ".cn"), ".amazonaws.com")
	if !found {
		return false
	}
	if before, last, ok := cutLast(label, "."); ok && regionForm.MatchString(last) {
		label = before
	}
	return slices.Contains(servicePrincipals, label)
}

func cutLast(s, sep string) (before, after string, found bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}

// isProvider reports whether a name is that of an identity provider that AWS
// knows, or that an account of the config may have: the sandbox has no providers
// of its own.
func (d *directory) isProvider(name string) bool {
	switch name {
	case "cognito-identity.amazonaws.com", "www.amazon.com", "graph.facebook.com", "accounts.google.com":
		return true
	}
	arn, err := rolecall.ParseARN(name)
	if err != nil || arn.Service != "iam" || d.accounts[arn.Account] == nil || d.accounts[arn.Account].partition != arn.Partition {
		return false
	}
	kind, rest, _ := strings.Cut(arn.Resource, "/")
	return rest != "" && (kind == "saml-provider" || kind == "oidc-provider")
}
