{ }:

/**
  Return a time as mkImage takes it, from the forms that nixpkgs' `created` has: those that date(1) reads without
  knowing the time of the build.  Times without a zone are in UTC.

  # Type

  ```
  creationTime :: { function, image :: String } -> String | Int -> String | Int
  ```

  Errors name `function` and `image`.

  # Example

  ```nix
  creationTime { … } "@1700000000" # "1700000000"
  creationTime { … } "2023-11-14" # "2023-11-14T00:00:00Z"
  creationTime { … } "20231114221320" # "2023-11-14T22:13:20Z"
  creationTime { … } "2023-11-14 22:13:20 +0100" # "2023-11-14T22:13:20+01:00"
  ```
*/
{ function, image }:
created:

let
  text = toString created;
  at = builtins.elemAt;
  orZero = value: if value == null then "00" else value;

  seconds = builtins.match "@?(-?[0-9]+)" text;

  # The "Last modified" attributes of flakes: YYYYMMDDhhmmss, of which many take the first 8 digits.
  digits = builtins.match "([0-9]{4})([0-9]{2})([0-9]{2})(([0-9]{2})([0-9]{2})([0-9]{2}))?" text;

  date = "([0-9]{4}-[0-9]{2}-[0-9]{2})";
  time = "([0-9]{2}:[0-9]{2})(:([0-9]{2}([.][0-9]+)?))?";
  zone = " ?(Z|z|UTC|GMT|([+-][0-9]{2}):?([0-9]{2})?)?";
  parts = builtins.match "${date}([Tt ]${time}${zone})?" text;
  offset = if at parts 7 == null then "Z" else "${at parts 7}:${orZero (at parts 8)}";
in
if text == "now" then
  text
else if digits != null && builtins.isString created then
  "${at digits 0}-${at digits 1}-${at digits 2}T${orZero (at digits 4)}:${orZero (at digits 5)}:${orZero (at digits 6)}Z"
else if seconds != null then
  builtins.head seconds
else if parts == null then
  throw "laminix: dockerTools.${function}: `created` is \"${text}\", but it should be a date such as \"2023-11-14\" or \"2023-11-14T22:13:20Z\", \"@\" and seconds since the epoch, or \"now\". (image ${image})"
else if at parts 1 == null then
  "${text}T00:00:00Z"
else
  "${at parts 0}T${at parts 2}:${orZero (at parts 4)}${offset}"
