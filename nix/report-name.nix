{ }: # reportName FUNCTION NAME FORMAT: the name of the file that a report is written to

let
  suffixes = {
    table = "txt";
    json = "json";
    markdown = "md";
    svg = "svg";
  };
in
function: name: format:

if suffixes ? ${format} then
  "${name}.${suffixes.${format}}"
else
  throw "${function}: found format = \"${format}\", expected ${
    builtins.concatStringsSep ", " (builtins.attrNames suffixes)
  }"
