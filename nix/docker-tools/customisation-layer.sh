# Join a tree, let the user's commands change it, and pack it as a layer.
#
# All in one derivation: a store path would keep neither modes nor owners.
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
  # The sandbox knows no other user, and answers chown with an error that fakeroot does not forgive.
  export FAKEROOTDONTTRYCHOWN=1
  # Nobody waits for fakeroot's daemon to note a chown, and the last ones may be lost when it is ended.  It
  # answers a question (what is here?) after all that came before.
  (cd layer; fakeroot -s ../fakeroot-database -- bash -ec 'bash -e ../fake-root-commands; [ -e . ]')
  permsOptions=(--fakeroot-database fakeroot-database)
fi
"$mkPerms" --tree layer "${permsOptions[@]}" --uid "$uid" --gid "$gid" --then "$furtherPerms" --out perms.json

# Without arguments it follows the derivation's request.
exec "$mkLayer"
