# Create a tree, run the user's commands in it, and pack it as a layer.
#
# One derivation does all of this, because a tree in the store would lose its modes and owners.
set -eo pipefail
source "$NIX_ATTRS_SH_FILE"
PATH=$(IFS=:; echo "${path[*]}")
export PATH
umask 022

"$mkTree" "${treeOptions[@]}" --out layer
if [ -n "$nixDb" ]; then
  cp -R --no-preserve=mode "$nixDb/." layer
fi
(cd layer; eval "$extraCommands")

permsOptions=()
if [ -n "$fakeRootCommands" ]; then
  printf '%s\n' "$fakeRootCommands" >fake-root-commands
  # The sandbox has a single user, so chown fails there with an error that fakeroot does not ignore.
  export FAKEROOTDONTTRYCHOWN=1
  # Nothing waits for fakeroot's daemon to record a chown, so the last ones may be lost when it ends.  A query
  # (`[ -e . ]`) is answered only after everything before it is recorded.
  (cd layer; fakeroot -s ../fakeroot-database -- bash -ec 'bash -e ../fake-root-commands; [ -e . ]')
  permsOptions=(--fakeroot-database fakeroot-database)
fi
"$mkPerms" --tree layer "${permsOptions[@]}" --uid "$uid" --gid "$gid" --then "$furtherPerms" --out perms.json

# Without arguments, mk-layer reads its options from the derivation's `request`.
exec "$mkLayer"
