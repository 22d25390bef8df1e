# shellcheck shell=bash
# Certificates of a test cluster.

readonly certificate_days=3650

openssl_quietly() {
  local output
  output=$(openssl "$@" 2>&1) || fail "openssl $1 failed: $output" "check the installation of openssl (3.0 or newer)"
}

# create_authority FOLDER NAME
create_authority() {
  local folder=$1 name=$2
  write_request_settings "$folder"
  openssl_quietly req -x509 -config "$folder/request.cnf" -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 \
    -nodes -days "$certificate_days" -subj "/CN=$name" \
    -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign,cRLSign,digitalSignature \
    -keyout "$folder/$name.key" -out "$folder/$name.crt"
}

# issue_certificate FOLDER AUTHORITY NAME SUBJECT USAGE [ALTERNATIVE_NAMES]
issue_certificate() {
  local folder=$1 authority=$2 name=$3 subject=$4 usage=$5 alternatives=()
  if (($# > 5)); then alternatives=(-addext "subjectAltName=$6"); fi
  openssl_quietly req -x509 -config "$folder/request.cnf" -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 \
    -nodes -days "$certificate_days" -subj "$subject" -CA "$folder/$authority.crt" -CAkey "$folder/$authority.key" \
    -addext basicConstraints=CA:FALSE -addext keyUsage=critical,digitalSignature \
    -addext "extendedKeyUsage=$usage" "${alternatives[@]}" \
    -keyout "$folder/$name.key" -out "$folder/$name.crt"
}

create_service_account_keys() {
  local folder=$1
  openssl_quietly ecparam -name prime256v1 -genkey -noout -out "$folder/service-account.key"
  openssl_quietly ec -in "$folder/service-account.key" -pubout -out "$folder/service-account.pub"
}

# With the system's settings, `req -x509` would make every certificate an authority.
write_request_settings() {
  printf '[req]\ndistinguished_name = name\n[name]\n' >"$1/request.cnf"
}
