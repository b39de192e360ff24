package tree

import (
	"regexp"
	"slices"
)

// IsUniqueID reports whether a principal is the unique id that AWS shows in the
// place of an identity that was deleted. It lets nobody in, and no document that
// has one can be stored.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html#principal-roles
func IsUniqueID(principal string) bool { return uniqueIDForm.MatchString(principal) }

var uniqueIDForm = regexp.MustCompile(`^A[A-Z]{3}[A-Z0-9]{12,}$`)

// DropUniqueIDs takes deleted identities out of the principals of a policy, and
// returns what it took. A statement that names nobody else is for nobody and goes;
// one for all but them is for everyone.
func (n *Node) DropUniqueIDs() []string {
	var out []string
	list := n.Statements()
	if list == nil {
		return nil
	}
	for _, s := range slices.Clone(list.Items) {
		for _, element := range []string{"Principal", "NotPrincipal"} {
			named := s.Get(element)
			if named == nil || named.Kind != '{' || named.Get("AWS") == nil {
				continue
			}
			var gone []*Node
			for _, v := range named.Get("AWS").Each() {
				if IsUniqueID(v.Text) {
					gone = append(gone, v)
				}
			}
			left := named.Get("AWS").Without(gone...)
			switch {
			case len(gone) == 0:
				continue
			case left != nil:
				named.Set("AWS", left)
			case len(named.Members) > 1:
				named.Remove("AWS")
			case element == "NotPrincipal":
				s.Rename(element, "Principal", Text("*"))
			default:
				list.Items = slices.DeleteFunc(list.Items, func(item *Node) bool { return item == s })
			}
			for _, v := range gone {
				out = append(out, v.Text)
			}
		}
	}
	return out
}
