package lint

import "slices"

// chosen are the keys whose values the caller writes.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-referer
var chosen = []string{"aws:Referer", "aws:UserAgent"}

// A condition keeps nobody out where the caller chooses the value, or where it
// is the same in every network.
var conditionWeak = rule{
	code: "condition-weak", severity: Warning,
	title: "a condition rests on what any caller can have",
	check: func(p *pass) {
		for _, s := range p.statements {
			for _, c := range s.on(chosen...) {
				f := atKey(c, "is a header that every caller writes as it likes, so it keeps nobody out")
				f.hint = "limit who is meant by aws:PrincipalArn, aws:PrincipalOrgID, aws:SourceIp or aws:SourceVpce"
				p.report(f)
			}
			network := s.on("aws:SourceVpc", "aws:SourceVpce", "aws:SourceVpcArn")
			for _, c := range s.on("aws:VpcSourceIp") {
				if s.allow && !slices.ContainsFunc(network, condition.matches) {
					f := atKey(c, "is a private address, and every VPC has the same ones")
					f.hint = "add aws:SourceVpc or aws:SourceVpce with your network"
					p.report(f)
				}
			}
		}
	},
}
