package config

import (
	"strconv"
	"strings"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/credential"
	"github.com/rolecall/rolecall/internal/strict"
)

type principal struct {
	ARN         string            `json:"arn"`
	Regions     []string          `json:"regions"`
	Default     bool              `json:"default"`
	Credentials credential.Source `json:"credentials"`
}

func (r reader) vendor(f file) {
	for i, account := range f.VendorAccounts {
		if !rolecall.IsAccountID(account) {
			r.faults.Add(strict.Pointer("vendor_accounts", i), "not an account id", "You: write twelve digits, in quotes")
		}
	}
	_, dispenses := f.Principals[rolecall.DispenserPrincipal]
	if len(f.Principals) == 0 || dispenses && len(f.Principals) == 1 {
		r.faults.Add("/principals", "no principal is declared", "You: declare the role or user that your workers run as")
	}
	defaults := ""
	served := map[string]string{}
	for _, name := range sorted(f.Principals) {
		p, at := f.Principals[name], strict.Pointer("principals", name)
		r.faults.AddErr(at, rolecall.ValidateName(name))
		arn, err := rolecall.ParseARN(p.ARN)
		switch {
		case p.ARN == "":
			r.faults.Add(at+"/arn", "a principal needs an ARN", "You: give the ARN of the IAM role or user that your workers run as")
		case err != nil:
			r.faults.AddErr(at+"/arn", err)
		case arn.Service != "iam" || arn.Account == "" || !strings.HasPrefix(arn.Resource, "role/") && !strings.HasPrefix(arn.Resource, "user/"):
			r.faults.Add(at+"/arn", "not the ARN of an IAM role or user", "You: write it as arn:aws:iam::111122223333:role/name")
		}
		for i, region := range p.Regions {
			place := at + strict.Pointer("regions", i)
			if other, taken := served[region]; taken {
				r.faults.Add(place, "the region "+region+" is served by the principal "+other+" too", "You: name a region under one principal only")
			}
			served[region] = name
			if !rolecall.IsRegion(region) {
				r.faults.Add(place, strconv.Quote(region)+" is not a region", "You: write it as eu-central-1")
				continue
			}
			if arn.Partition != "" && rolecall.PartitionOf(region) != arn.Partition {
				r.faults.Add(place, "the region "+region+" is not of the principal's partition "+arn.Partition, "")
			}
		}
		if p.Default && defaults != "" {
			r.faults.Add(at+"/default", "the principals "+defaults+" and "+name+" are both default", "You: mark one as default")
		}
		if p.Default {
			defaults = name
		}
		if name == rolecall.DispenserPrincipal {
			r.dispenserPrincipal(p, f, at)
		}
		r.config.Vendor.Principals[name] = rolecall.Principal{Name: name, ARN: arn, Regions: p.Regions, Default: p.Default}
		r.config.Sources[name] = r.source(p.Credentials, f, at+"/credentials")
	}
}

func (r reader) source(s credential.Source, f file, at string) credential.Source {
	r.faults.AddErr(at, s.Validate())
	if _, ok := f.Principals[s.Principal]; s.Principal != "" && !ok {
		r.faults.Add(at+"/principal", "there is no principal "+s.Principal, "You: name one of "+strings.Join(sorted(f.Principals), ", "))
	}
	if s.File != "" {
		s.File = within(r.dir, s.File)
	}
	return s
}
