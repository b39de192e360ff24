// Package strict reads JSON documents into Go values and reports every fault
// with its place. Its package yaml makes JSON of YAML first.
//
// Printable writes JSON that is safe to show on a terminal.
//
// It knows no type of rolecall's, so that package rolecall itself can read jobs
// and connections with it: faults go to whoever collects them.
package strict
