#!/bin/sh
# Stands for `python3 -m pip download … --dest FOLDER …`: runs the test's own `does.sh`, which lies
# four folders above FOLDER, with $home and $dest set. It is a file of the repository because one
# that a test had just written could still be open, and then cannot be run.
line="$*"
while [ "$1" != --dest ]; do shift; done
dest="$2"
home="$dest/../../../.."
. "$home/does.sh"
