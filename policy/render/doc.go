// Package render writes a connection's kit of policies in the forms that
// people set up accounts with: JSON to paste, a CloudFormation template, a
// Terraform module, or a shell script of aws commands. Call Render with a
// Format and a Setup, whose kit policy.Generate has made.
//
// Each form contains exactly the kit's documents; what an administrator may have
// to change stands in parameters, filled with the connection's values. Names
// and values from the connection are quoted for the form they go into, so
// none of them can become a part of a program.
//
// Not here: what the documents say, which is package policy's, and running
// any of it.
package render
