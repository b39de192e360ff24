package sandbox

// updateAccessKey makes a user's access key inactive, or active again. An
// inactive key is refused as if it did not exist.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_UpdateAccessKey.html
func (i *iamCall) updateAccessKey() (any, *serviceError) {
	var v constraints
	v.text(i.form, "AccessKeyId", 1, 128, accessForm)
	status := i.form.Get("Status")
	if status != "Active" && status != "Inactive" {
		v.add("Status", "'"+cut(status)+"'", "satisfy enum value set: [Active, Inactive]")
	}
	if fail := v.err(); fail != nil {
		return nil, fail
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	u, id := i.account.users[i.name], i.form.Get("AccessKeyId")
	if u == nil {
		return nil, i.noSuch("user", i.name)
	}
	if id != u.AccessKeyID {
		return nil, i.noSuch("Access Key", cut(id))
	}
	changed := *i.accessKeys[id]
	changed.inactive = status == "Inactive"
	i.accessKeys[id] = &changed
	return nil, nil
}
