module inspect_sections

go 1.27

require go.bytecodealliance.org/pkg v0.4.0

// What the bindings run on: scripts/build-guests.sh puts it here.
replace go.bytecodealliance.org/pkg => ./runtime
